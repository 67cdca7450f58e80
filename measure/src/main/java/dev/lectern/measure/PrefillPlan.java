package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.measure.PrefillCost.Anchor;
import dev.lectern.measure.PrefillCost.Share;
import dev.lectern.options.NamedOptions;
import dev.lectern.prefill.PaperLengths;
import dev.lectern.prefill.Prefill;
import dev.lectern.prefill.Prefills;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What {@link PrefillSpeed} measures: methods of reading at some lengths on some numbers of hosts.
 *
 * @param lengths tokens of a text; ascending
 * @param methods of reading with their options; {@code full}, with which all are compared, comes first whether it is among them or not
 * @param hosts numbers of them, for methods that divide a text and do not say by themselves into how many parts
 * @param ranks what hosts are
 * @param latency milliseconds that every wait for another rank's message takes longer, to stand in for a network
 * @param network what connects hosts that are processes, as who started them says; empty where nobody does
 * @param kv format of the cache
 * @param runs timed
 */
public record PrefillPlan(
        List<Integer> lengths,
        List<String> methods,
        List<Integer> hosts,
        Ranks ranks,
        int latency,
        String network,
        String kv,
        int runs) {
    /** What the hosts of a method are. */
    public enum Ranks {
        /** Threads of this process, which share its cores; blocks that need not be read at once are read one after another. */
        FEW,
        /** Threads of this process, for all methods. */
        THREADS,
        /** Processes that were started together, this one among them: as many as there are. */
        PROCESSES;

        /** What results call it. */
        String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** @throws IllegalArgumentException if nothing is called so */
        static Ranks of(String word) {
            return valueOf(word.toUpperCase(Locale.ROOT));
        }
    }

    /** 2048 tokens, all methods that divide a text among four hosts, f16, once. */
    public static final PrefillPlan DEFAULT = new PrefillPlan(
            List.of(2048),
            List.of(Prefills.FULL, "ring", "ulysses", "star", "apb"),
            List.of(4),
            Ranks.FEW,
            0,
            "",
            "f16",
            1);

    private static final String HOSTS = ":hosts=";
    private static final int MOST = 1 << 24;
    private static final int MOST_HOSTS = 64;
    private static final int MOST_RUNS = 1000;
    private static final int MOST_LATENCY = 10_000;

    public PrefillPlan {
        lengths = lengths.stream().distinct().sorted().toList();
        methods = methods.stream().distinct().toList();
        hosts = hosts.stream().distinct().sorted().toList();
        each("--length", lengths, 1, MOST);
        each("--hosts", hosts, 1, MOST_HOSTS);
        each("--runs", List.of(runs), 1, MOST_RUNS);
        each("--latency", List.of(latency), 0, MOST_LATENCY);
        for (String method : methods) {
            Prefills.named(method, Optional.empty());
            if (ranks == Ranks.PROCESSES && new NamedOptions("Prefill method", method).has("hosts")) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "--prefill " + method + " says how many hosts there are, but so does what started the"
                                + " processes: leave hosts out.");
            }
        }
    }

    private static void each(String option, List<Integer> values, int least, int most) {
        if (values.isEmpty()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, option + " is empty, but it takes one or more numbers.");
        }
        for (int value : values) {
            if (value < least || value > most) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        option + " is " + value + ", but it takes " + least + "…" + most + ".");
            }
        }
    }

    public PrefillPlan withLengths(List<Integer> lengths) {
        return new PrefillPlan(lengths, methods, hosts, ranks, latency, network, kv, runs);
    }

    public PrefillPlan withMethods(List<String> methods) {
        return new PrefillPlan(lengths, methods, hosts, ranks, latency, network, kv, runs);
    }

    public PrefillPlan withHosts(List<Integer> hosts) {
        return new PrefillPlan(lengths, methods, hosts, ranks, latency, network, kv, runs);
    }

    public PrefillPlan withRanks(Ranks ranks) {
        return new PrefillPlan(lengths, methods, hosts, ranks, latency, network, kv, runs);
    }

    public PrefillPlan withLatency(int latency) {
        return new PrefillPlan(lengths, methods, hosts, ranks, latency, network, kv, runs);
    }

    public PrefillPlan withNetwork(String network) {
        return new PrefillPlan(lengths, methods, hosts, ranks, latency, network, kv, runs);
    }

    public PrefillPlan withKv(String kv) {
        return new PrefillPlan(lengths, methods, hosts, ranks, latency, network, kv, runs);
    }

    public PrefillPlan withRuns(int runs) {
        return new PrefillPlan(lengths, methods, hosts, ranks, latency, network, kv, runs);
    }

    /** The command that gives it. */
    public String command(BenchModel subject) {
        StringBuilder command = new StringBuilder("lectern bench prefill --model " + subject.name());
        command.append(" --length ").append(joined(lengths));
        methods.forEach(method -> command.append(" --prefill ").append(method));
        if (ranks == Ranks.PROCESSES) {
            command.insert(0, "mpirun -n " + joined(hosts) + " ");
        } else {
            command.append(" --hosts ").append(joined(hosts)).append(ranks == Ranks.THREADS ? " --ranks" : "");
        }
        command.append(latency == 0 ? "" : " --latency " + latency)
                .append(" --kv ")
                .append(kv);
        return command.append(" --runs ").append(runs).toString();
    }

    private static String joined(List<Integer> numbers) {
        return numbers.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    /**
     * One measurement.
     *
     * @param tokens of the text
     * @param prefill the method with all its options
     * @param hosts among which the text is divided
     * @param ranks whether these are ranks that read at once; otherwise one machine reads their parts one after another
     */
    public record Asked(int tokens, String prefill, int hosts, boolean ranks) {}

    /** The measurements in their order. */
    List<Asked> asked() {
        Set<Asked> asked = new LinkedHashSet<>();
        for (int tokens : lengths) {
            asked.add(full(tokens));
            methods.forEach(method -> asked.addAll(asked(tokens, method)));
        }
        return List.copyOf(asked);
    }

    /** What the others are compared with. */
    static Asked full(int tokens) {
        return new Asked(tokens, Prefills.FULL, 1, false);
    }

    private List<Asked> asked(int tokens, String method) {
        Prefill prefill = Prefills.named(method, Optional.empty());
        NamedOptions given = new NamedOptions("Prefill method", method);
        if (!prefill.isShared()) {
            return List.of(new Asked(tokens, prefill.name(), 1, false));
        }
        if (given.has("hosts")) {
            int many = given.whole("hosts", 1, 1, Integer.MAX_VALUE);
            return List.of(new Asked(tokens, prefill.name(), many, ranks == Ranks.THREADS && many > 1));
        }
        List<Asked> asked = new ArrayList<>();
        for (int many : hosts) {
            // What says its hosts in its name divides a text on one machine too.
            boolean names = prefill.name().contains(HOSTS);
            String name = names
                    ? Prefills.named(method + HOSTS + many, Optional.empty()).name()
                    : prefill.name();
            asked.add(new Asked(tokens, name, many, many > 1 && (!names || ranks != Ranks.FEW)));
        }
        return asked;
    }

    /**
     * What the hosts compute, by counting.
     *
     * @param question tokens of it
     * @return empty where a method's work depends on what it reads
     */
    static Optional<List<Share>> shares(Asked asked, int question) {
        NamedOptions options = new NamedOptions("Prefill method", asked.prefill());
        double block = (double) asked.tokens() / asked.hosts();
        return switch (options.name()) {
            case Prefills.FULL -> Optional.of(PrefillCost.full(asked.tokens()));
            case "ulysses" -> Optional.of(PrefillCost.balanced(asked.tokens(), asked.hosts()));
            case "ring" ->
                Optional.of(
                        options.word("layout", "zigzag", "contiguous").equals("zigzag")
                                ? PrefillCost.balanced(asked.tokens(), asked.hosts())
                                : PrefillCost.contiguous(asked.tokens(), asked.hosts()));
            case "star" ->
                Optional.of(PrefillCost.blocks(
                        asked.tokens(), asked.hosts(), block, 0, options.has("anchor") ? Anchor.AGAIN : Anchor.TEXT));
            case "apb" -> Optional.of(apb(asked, options, question));
            default -> Optional.empty();
        };
    }

    private static List<Share> apb(Asked asked, NamedOptions options, int question) {
        PaperLengths paper = PaperLengths.of(asked.tokens());
        double block = (double) asked.tokens() / asked.hosts();
        boolean embeds = options.word("question", "anchor", "apart").equals("anchor");
        double anchor =
                Math.min(options.whole("anchor", "paper", paper.anchor(), 0, MOST), block) + (embeds ? question : 0);
        double passing = Math.min(options.whole("passing", "paper", paper.passing(), 0, MOST), block);
        Anchor computed = options.has("hosts-share") ? Anchor.AGAIN : embeds ? Anchor.ONCE : Anchor.TEXT;
        return PrefillCost.blocks(asked.tokens(), asked.hosts(), anchor, passing, computed);
    }
}
