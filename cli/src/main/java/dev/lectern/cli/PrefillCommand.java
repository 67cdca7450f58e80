package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.comm.Communicator;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.PrefillBench;
import dev.lectern.measure.PrefillPlan;
import dev.lectern.measure.PrefillReport;
import dev.lectern.measure.PrefillSpeed;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern bench prefill}. */
@Command(
        name = "prefill",
        customSynopsis = "lectern bench prefill [OPTIONS]",
        description = {
            "Measure how fast long texts are read by each method of reading.",
            "",
            "Each is set beside the full reading of the same text in the same run, and beside what counting its operations foretells."
                    + " The blocks of star and apb are read one after another with all threads; the hosts of ring and ulysses are"
                    + " ranks of this process, each with its share of the threads. Under mpirun its processes are the hosts.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern bench prefill --model smollm2-135m --length 8192 --hosts 2,4,8",
            "  lectern bench prefill --prefill star --prefill apb:question=apart:compressor=recent --length 8192,32768",
            "  lectern bench prefill --model smollm2-135m-shape:layers=2 --length 131072 --hosts 8 --prefill apb",
            "  mpirun -n 2 --bind-to none lectern bench prefill --model smollm2-135m --length 8192",
            "",
            "Positions are stretched where a length is more than the model holds. Ctrl-C keeps the finished rows; --resume goes on"
                    + " from them. The object of --json is the file prefill-MODEL.json in the folder of --out: results [{length,"
                    + " prefill, hosts, ranks (whether they read at once), tokensPerSecond, seconds, speedUp (beside full),"
                    + " foretold, countedOperations, operations, mostOperations, parts {projections, attention, communication, feedForward, rest} (seconds of the"
                    + " mean rank), bytesReceived, messages; or leftOut}], model, sha256, lengths, methods, hosts, hostsAre (few: ranks"
                    + " where a method needs them, threads, processes), latency, network, kv, runs, ropeScaling, threads, command, commit,"
                    + " date, machine."
        })
final class PrefillCommand implements HostedVerb {
    /** In which a launcher says what connects the hosts. */
    static final String NETWORK = "LECTERN_NETWORK";

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = {
                "A name that \"lectern models\" lists, a path, hf:OWNER/REPO[:FILE],",
                "or a shape with random weights, made on the spot: gpt2-shape,",
                "mha-shape, smollm2-135m-shape, llama-3.2-1b-shape, cut by",
                "layers=4 after a colon.",
                "Default: qwen2.5-coder-0.5b."
            })
    @Nullable
    String model;

    @Option(
            names = "--prefill",
            paramLabel = "METHOD",
            description = {
                "A method of reading with its options: ring, ulysses, star, apb, or",
                "on one host minference, xattention. May be given several times.",
                "Default: the first four. full comes always."
            })
    @Nullable
    List<String> methods;

    @Option(
            names = "--length",
            paramLabel = "TOKENS",
            split = ",",
            description = "Tokens of the text; several with commas. Default: 2048.")
    @Nullable
    List<Integer> lengths;

    @Option(
            names = "--hosts",
            paramLabel = "N",
            split = ",",
            description = {
                "Among how many hosts a text is divided, where a method does not",
                "say it (star:hosts=8); several with commas. Default: 4."
            })
    @Nullable
    List<Integer> hosts;

    @Option(
            names = "--ranks",
            description = {
                "Have ranks of this process read blocks of star and apb too, at",
                "once. Under mpirun its processes are the hosts of all methods."
            })
    boolean ranks;

    @Option(
            names = "--latency",
            paramLabel = "MS",
            description = {
                "Milliseconds that every wait for another rank takes longer, to",
                "stand in for a network. Default: 0."
            })
    @Nullable
    Integer latency;

    @Option(names = "--kv", paramLabel = "FORMAT", description = "How keys and values are stored. Default: f16.")
    @Nullable
    String kv;

    @Option(names = "--runs", paramLabel = "N", description = "Timed runs, of which the median counts. Default: 1.")
    @Nullable
    Integer runs;

    @Mixin
    ComputeChoice computeChoice = new ComputeChoice();

    @Mixin
    RepackChoice repackChoice = new RepackChoice();

    @Option(names = "--resume", description = "Count finished rows of an earlier, equal measurement.")
    boolean resume;

    @Option(names = "--out", paramLabel = "FOLDER", description = "Where results go. Default: bench-results.")
    String folder = "bench-results";

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        Optional<Communicator> processes = surroundings.hosts();
        processes.ifPresent(this::prepare);
        PrefillPlan plan = plan(processes, surroundings.variable(NETWORK).orElse(""));
        String spec =
                model == null ? surroundings.hub().catalogue().defaultModel().name() : model;
        BenchModel subject = surroundings.firstBeforeOthers(() -> SpeedCommand.repacked(
                surroundings, SpeedCommand.located(surroundings, spec), repackChoice, computeChoice.options()));
        Path out = Path.of(folder);
        List<PrefillSpeed> known =
                resume ? PrefillReport.read(out, subject.name()).stream().toList() : List.of();
        PrefillSpeed result;
        try (ProgressLine line = new ProgressLine(console, "measuring", ProgressLine.Unit.WORK, 0, -1)) {
            result = PrefillBench.run(
                    subject,
                    computeChoice.options(),
                    plan.command(subject),
                    plan,
                    known,
                    processes,
                    soFar -> keep(surroundings, soFar, out),
                    line,
                    surroundings.cancellation());
        }
        keep(surroundings, result, out).forEach(console::wrote);
        if (output.json) {
            console.printLine(result.toJson());
        } else {
            console.print(PrefillReport.table(result));
        }
    }

    private static List<Path> keep(Surroundings surroundings, PrefillSpeed result, Path out) {
        return surroundings.isFirst() ? PrefillReport.write(result, out) : List.of();
    }

    /** What is different where several processes were started together. */
    private void prepare(Communicator processes) {
        if (hosts != null || ranks) {
            throw bad("--hosts and --ranks say what the hosts are, but here " + processes.size()
                    + " processes were started, which are: leave them out.");
        }
        if (resume) {
            throw bad("--resume is for one process, and here " + processes.size()
                    + " were started: leave the option out.");
        }
        computeChoice.shareProcessors();
    }

    private static LecternException bad(String sentence) {
        return new LecternException(LecternException.Kind.BAD_OPTION, sentence);
    }

    private PrefillPlan plan(Optional<Communicator> processes, String network) {
        PrefillPlan plan = PrefillPlan.DEFAULT;
        plan = lengths == null ? plan : plan.withLengths(lengths);
        if (processes.isPresent()) {
            plan = plan.withHosts(List.of(processes.get().size()))
                    .withRanks(PrefillPlan.Ranks.PROCESSES)
                    .withNetwork(network);
        } else {
            plan = hosts == null ? plan : plan.withHosts(hosts);
            plan = ranks ? plan.withRanks(PrefillPlan.Ranks.THREADS) : plan;
        }
        plan = methods == null ? plan : plan.withMethods(methods);
        plan = latency == null ? plan : plan.withLatency(latency);
        plan = kv == null ? plan : plan.withKv(kv);
        return runs == null ? plan : plan.withRuns(runs);
    }
}
