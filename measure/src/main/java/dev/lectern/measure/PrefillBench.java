package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Pairs;
import dev.lectern.Progress;
import dev.lectern.Question;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.comm.Communicator;
import dev.lectern.comm.InProcess;
import dev.lectern.measure.PrefillCost.Share;
import dev.lectern.measure.PrefillPlan.Asked;
import dev.lectern.measure.PrefillSpeed.Parts;
import dev.lectern.measure.PrefillSpeed.Row;
import dev.lectern.measure.PrefillSpeed.Speed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * Measures how fast a text is read by each method of reading.
 *
 * <p>Blocks of star and apb are read one after another with all threads, unless the plan has them read by ranks. Ranks read at once; those of this process have a share of its threads each, one at least, and what they say to each other
 * is copied within memory. Where this process is one of several, all make the same calls, the first reads what is read by one, and each result is that of all. The text is prose made on the spot, and a question about it is known. A method is warmed up with a short text; what cannot be measured is said with its reason.
 */
public final class PrefillBench {
    private static final String QUESTION =
            "How many crates of tea did the harbour master count on the north quay before dawn?";

    private static final int WARM_UP_TOKENS = 2048;

    /** The compiler needs that long to find out what matters. */
    private static final double FIRST_WARM_UP_SECONDS = 3;

    /** Longer than one process reads while the others wait. */
    private static final Duration PATIENCE = Duration.ofDays(1);

    /** What a host did in a reading. */
    private record Read(
            double seconds,
            double communication,
            double bytesReceived,
            double messages,
            double computed,
            double scored) {
        static final Read NOTHING = new Read(0, 0, 0, 0, 0, 0);

        static Read of(double[] numbers) {
            return new Read(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
        }

        double[] numbers() {
            return new double[] {seconds, communication, bytesReceived, messages, computed, scored};
        }
    }

    private final Model model;
    private final PrefillCost cost;
    private final PrefillSpeed begun;
    private final PrefillPlan plan;
    private final Optional<Communicator> processes;
    private final List<RankCores> cores; // of each process
    private final Work work;
    private final Cancellation cancellation;
    private final int[] text;
    private final Question question;
    private final Set<String> warm = new HashSet<>();

    private PrefillBench(
            Model model,
            PrefillCost cost,
            PrefillSpeed begun,
            Optional<Communicator> processes,
            Work work,
            Cancellation cancellation) {
        this.model = model;
        this.cost = cost;
        this.begun = begun;
        this.processes = processes;
        cores = gathered(processes, RankCores.here(model.threads()).numbers()).stream()
                .map(RankCores::of)
                .toList();
        this.work = work;
        this.cancellation = cancellation;
        plan = begun.plan();
        text = BenchText.tokens(model, plan.lengths().getLast());
        question = new Question(model.tokenize(QUESTION), 0);
    }

    /**
     * Measures.
     *
     * @param modelOptions where it names no scaling of positions, and the model does not hold the longest text, its positions are stretched linearly
     * @param command that gives the result
     * @param known results of the model; what the same commit measured of this plan on this machine is not measured again. None where there are other processes
     * @param processes this one's rank among those that were started together; empty if it was started alone
     * @param keep told after each row
     * @param progress in units of about the same time each
     * @throws LecternException of kind {@code TOO_LONG} if the model does not hold the longest as its positions are scaled; {@code CANCELLED}, and then what was finished was kept
     */
    public static PrefillSpeed run(
            BenchModel subject,
            ModelOptions modelOptions,
            String command,
            PrefillPlan plan,
            List<PrefillSpeed> known,
            Optional<Communicator> processes,
            Consumer<PrefillSpeed> keep,
            Progress progress,
            Cancellation cancellation) {
        processes.ifPresent(ranks -> ranks.patience(PATIENCE));
        String digest = ModelDigest.of(subject, cancellation);
        int longest = plan.lengths().getLast();
        ModelOptions options = subject.stretched(modelOptions, longest);
        try (Model model = subject.open(options)) {
            TaskEval.requireRoom(model, subject.name(), longest);
            Evaluated evaluated =
                    new Evaluated(subject.name(), digest, model.threads(), Provenance.here(command, modelOptions));
            List<Row> rows = known.stream()
                    .filter(other -> other.plan().equals(plan)
                            && other.scaling().equals(options.ropeScaling().orElse(""))
                            && other.evaluated().isLike(evaluated))
                    .findFirst()
                    .map(PrefillSpeed::rows)
                    .orElse(List.of());
            PrefillSpeed begun =
                    new PrefillSpeed(evaluated, plan, options.ropeScaling().orElse(""), rows);
            return new PrefillBench(
                            model, PrefillCost.of(subject.path()), begun, processes, new Work(progress), cancellation)
                    .finish(keep);
        }
    }

    private PrefillSpeed finish(Consumer<PrefillSpeed> keep) {
        List<Asked> asked = plan.asked();
        List<Row> rows = new ArrayList<>(begun.rows());
        List<Asked> open = asked.subList(rows.size(), asked.size());
        open.forEach(one -> work.plan(plan.runs() * Work.reading(0, one.tokens())));
        PrefillSpeed result = begun;
        // Open all the time, so that the recorder is warm when what counts is recorded.
        try (StepRecording recorder = StepRecording.start()) {
            for (Asked one : open) {
                rows.add(row(one));
                result = new PrefillSpeed(begun.evaluated(), plan, begun.scaling(), rows);
                keep.accept(result);
            }
        }
        return result;
    }

    private Row row(Asked asked) {
        try {
            warmUp(asked);
            return new Row(asked, Optional.of(measured(asked)), "");
        } catch (LecternException e) {
            // A method that this model or this machine cannot have is a result too; of several processes only what all
            // of
            // them meet, since they go on together.
            boolean bears = e.kind() == LecternException.Kind.BAD_OPTION
                    ? processes.isEmpty() || asked.ranks()
                    : e.kind() == LecternException.Kind.NO_MEMORY && processes.isEmpty();
            if (!bears) {
                throw e;
            }
            work.did(plan.runs() * Work.reading(0, asked.tokens()));
            return new Row(asked, Optional.empty(), String.valueOf(e.getMessage()));
        }
    }

    private void warmUp(Asked asked) {
        if (!warm.add(asked.prefill() + " " + asked.hosts())) {
            return;
        }
        boolean first = warm.size() == 1;
        Asked little =
                new Asked(Math.min(asked.tokens(), WARM_UP_TOKENS), asked.prefill(), asked.hosts(), asked.ranks());
        double seconds = 0;
        do {
            // By the clock of all, so that all processes stop together.
            seconds += read(little, Progress.NONE).stream()
                    .mapToDouble(Read::seconds)
                    .max()
                    .orElseThrow();
        } while (first && seconds < FIRST_WARM_UP_SECONDS);
    }

    private Speed measured(Asked asked) {
        List<Double> seconds = new ArrayList<>();
        double own = 0, ownCommunication = 0;
        List<Read> reads = List.of();
        int rank = asked.ranks() ? processes.map(Communicator::rank).orElse(0) : 0;
        int here = asked.ranks() && processes.isEmpty() ? asked.hosts() : 1;
        try (StepRecording recording = StepRecording.start()) {
            for (int run = 0; run < plan.runs(); run++) {
                reads = read(asked, work.reading(0));
                work.did(Work.reading(0, asked.tokens()));
                seconds.add(reads.stream().mapToDouble(Read::seconds).max().orElseThrow());
                for (Read of : reads.subList(rank, rank + here)) {
                    own += of.seconds();
                    ownCommunication += of.communication();
                }
            }
            double readings = (double) plan.runs() * here;
            StepProfile.Times steps = recording.stop().prefill();
            Parts parts = Parts.of(steps, readings, own / readings, ownCommunication / readings);
            double tokens = ofAll(asked, new double[] {steps.tokens()}).stream()
                            .mapToDouble(of -> of[0])
                            .sum()
                    / plan.runs();
            Pairs pairs = new Pairs(Math.round(sum(reads, Read::computed)), Math.round(sum(reads, Read::scored)), 0);
            Optional<List<Share>> shares = PrefillPlan.shares(asked, question.tokens().length);
            double full = cost.sum(PrefillCost.full(asked.tokens()));
            return new Speed(
                    Statistics.of(seconds).median(),
                    Parts.mean(ofAll(asked, parts.numbers())),
                    Math.round(sum(reads, Read::bytesReceived)),
                    Math.round(sum(reads, Read::messages)),
                    cost.operations(tokens, pairs),
                    shares.map(cost::sum).orElse(Double.NaN),
                    shares.map(cost::most).orElse(Double.NaN),
                    shares.map(of -> asked.ranks() ? full / cost.most(of) * coresOfRank(asked) : full / cost.sum(of))
                            .orElse(Double.NaN));
        }
    }

    private static double sum(List<Read> reads, ToDoubleFunction<Read> number) {
        return reads.stream().mapToDouble(number).sum();
    }

    /** What the rank that has the least computes with, beside what the full reading does. */
    private double coresOfRank(Asked asked) {
        List<RankCores> ranks = processes.isPresent()
                ? cores
                : Collections.nCopies(asked.hosts(), RankCores.here(threadsOfRank(asked)));
        return RankCores.least(ranks) / cores.getFirst().alone();
    }

    private int threadsOfRank(Asked asked) {
        return Math.max(1, model.threads() / asked.hosts());
    }

    /** What all processes have, where they take part: the first alone in what is read by one. */
    private List<double[]> ofAll(Asked asked, double[] own) {
        List<double[]> numbers = gathered(processes, own);
        return asked.ranks() ? numbers : numbers.subList(0, 1);
    }

    /** What every process has; of one alone its own. */
    private static List<double[]> gathered(Optional<Communicator> processes, double[] own) {
        if (processes.isEmpty()) {
            return List.of(own);
        }
        Communicator ranks = processes.get();
        long bytes = (long) Double.BYTES * own.length;
        MemorySegment mine = Arena.ofAuto().allocate(bytes, Double.BYTES);
        MemorySegment all = Arena.ofAuto().allocate(bytes * ranks.size(), Double.BYTES);
        mine.copyFrom(MemorySegment.ofArray(own));
        ranks.allGather(mine, all);
        List<double[]> numbers = new ArrayList<>();
        for (int rank = 0; rank < ranks.size(); rank++) {
            numbers.add(all.asSlice(bytes * rank, bytes).toArray(ValueLayout.JAVA_DOUBLE));
        }
        return numbers;
    }

    /** Reads a text once; what each rank did. */
    private List<Read> read(Asked asked, Progress progress) {
        cancellation.check();
        int[] tokens = Arrays.copyOf(text, asked.tokens());
        SessionOptions options = SessionOptions.DEFAULT
                .withKv(plan.kv())
                .withPrefill(asked.prefill())
                .withQuestion(Optional.of(question))
                .withContext(asked.tokens());
        if (processes.isPresent()) {
            Communicator ranks = processes.get();
            Read own = asked.ranks()
                    ? read(model, options, tokens, ranks, progress)
                    : ranks.rank() == 0 ? read(options, tokens, progress) : Read.NOTHING;
            return ofAll(asked, own.numbers()).stream().map(Read::of).toList();
        }
        if (!asked.ranks()) {
            return List.of(read(options, tokens, progress));
        }
        return InProcess.run(asked.hosts(), cancellation, rank -> {
            try (Model own = model.sibling(threadsOfRank(asked))) {
                return read(own, options, tokens, rank, Progress.NONE);
            }
        });
    }

    private Read read(SessionOptions options, int[] tokens, Progress progress) {
        try (Session session = model.newSession(options)) {
            Pairs before = model.pairs();
            long began = System.nanoTime();
            session.read(tokens, progress, cancellation);
            double seconds = (System.nanoTime() - began) / 1e9;
            Pairs pairs = model.pairs().since(before);
            return new Read(seconds, 0, 0, 0, pairs.computed(), pairs.scored());
        }
    }

    private Read read(Model own, SessionOptions options, int[] tokens, Communicator rank, Progress progress) {
        TimedCommunicator timed = new TimedCommunicator(rank, Duration.ofMillis(plan.latency()));
        try (Session session = own.newSession(options, timed)) {
            rank.barrier();
            Pairs before = own.pairs();
            double waited = timed.seconds();
            long bytes = rank.bytesReceived(), messages = rank.messagesSent(), began = System.nanoTime();
            session.read(tokens, progress, rank.cancellation());
            double seconds = (System.nanoTime() - began) / 1e9;
            Pairs pairs = own.pairs().since(before);
            return new Read(
                    seconds,
                    timed.seconds() - waited,
                    rank.bytesReceived() - bytes,
                    rank.messagesSent() - messages,
                    pairs.computed(),
                    pairs.scored());
        }
    }
}
