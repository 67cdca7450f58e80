package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * How far a cache and a method of attention lead a model away from itself: at each token of a text, the Kullback–Leibler divergence of what they make it expect from what it expects exactly (f32 cache, dense
 * attention), in the same run. Then all go on greedily from the end of the text, each until it differs.
 *
 * <p>Tokens go one by one through every cache, in one step where the method is the same, so that the weights are read once for all.
 */
public final class DivergenceEval {
    /** Tokens of the greedy continuation. */
    private static final int CONTINUED = 64;

    private static final String DENSE = "dense";

    private final Model model;
    private final Session exact;
    private final List<Session> tested;
    private final boolean together;
    private final Cancellation cancellation;

    private DivergenceEval(
            Model model, Session exact, List<Session> tested, boolean together, Cancellation cancellation) {
        this.model = model;
        this.exact = exact;
        this.tested = tested;
        this.together = together;
        this.cancellation = cancellation;
    }

    /**
     * Evaluates.
     *
     * @param progress in tokens
     * @throws dev.lectern.LecternException as {@link PerplexityEval#run} does
     */
    public static DivergenceResult run(
            BenchModel subject,
            ModelOptions modelOptions,
            DivergenceOptions options,
            String text,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        try (Model model = subject.open(modelOptions)) {
            int[] tokens = PerplexityEval.tokens(model, subject.name(), text, options.tokens());
            int context = Math.min(model.context(), tokens.length + CONTINUED);
            SessionOptions exactly = options.session("f32", context).withAttention(DENSE);
            List<Session> tested = new ArrayList<>();
            try (Session exact = model.newSession(exactly)) {
                for (String kv : options.kvs()) {
                    tested.add(model.newSession(options.session(kv, context)));
                }
                boolean together = options.attention().equals(DENSE);
                DivergenceEval eval = new DivergenceEval(model, exact, tested, together, cancellation);
                List<Counted> counted = options.kvs().stream().map(Counted::new).toList();
                List<Double> logProbs = eval.compare(tokens, counted, progress);
                for (int i = 0; i < tested.size(); i++) {
                    counted.get(i).bytes = tested.get(i).bytes();
                }
                int continued = context - tokens.length;
                eval.goOn(continued, counted);
                Provenance provenance = Provenance.here(options.command(subject), modelOptions);
                Evaluated evaluated = new Evaluated(subject.name(), digest, model.threads(), provenance);
                return new DivergenceResult(
                        evaluated,
                        options,
                        logProbs,
                        continued,
                        counted.stream().map(c -> c.row(tokens.length)).toList());
            } finally {
                tested.forEach(Session::close);
            }
        }
    }

    /** What is found of one format. */
    private static final class Counted {
        final String kv;
        final List<Double> divergences = new ArrayList<>();
        final List<Double> logProbs = new ArrayList<>();
        int same;
        long bytes;
        OptionalInt firstDifferent = OptionalInt.empty();

        Counted(String kv) {
            this.kv = kv;
        }

        DivergenceResult.Row row(int tokens) {
            return new DivergenceResult.Row(
                    kv, divergences, logProbs, same / (double) tokens, firstDifferent, (double) bytes / tokens);
        }
    }

    private List<Double> compare(int[] tokens, List<Counted> counted, Progress progress) {
        List<Double> logProbs = new ArrayList<>();
        for (int i = 0; i < tokens.length; i++) {
            step(tested, tokens[i]);
            float[] p = exact.logits();
            LogProbs.Expected expected = LogProbs.Expected.of(p);
            boolean scored = i + 1 < tokens.length;
            if (scored) {
                logProbs.add(LogProbs.of(p, tokens[i + 1]));
            }
            for (int j = 0; j < tested.size(); j++) {
                float[] q = tested.get(j).logits();
                double sum = LogProbs.logSumExp(q);
                counted.get(j).divergences.add(expected.divergence(q, sum));
                counted.get(j).same += LogProbs.likeliest(p) == LogProbs.likeliest(q) ? 1 : 0;
                if (scored) {
                    counted.get(j).logProbs.add(q[tokens[i + 1]] - sum);
                }
            }
            progress.report(i + 1, tokens.length);
        }
        return logProbs;
    }

    /** Finds the first token of greedy continuations that differs, counted from 0. */
    private void goOn(int steps, List<Counted> counted) {
        List<Session> alike = new ArrayList<>(tested);
        for (int i = 0; i < steps && !alike.isEmpty(); i++) {
            int token = LogProbs.likeliest(exact.logits());
            for (Session session : List.copyOf(alike)) {
                if (LogProbs.likeliest(session.logits()) != token) {
                    counted.get(tested.indexOf(session)).firstDifferent = OptionalInt.of(i);
                    alike.remove(session);
                }
            }
            step(alike, token);
        }
    }

    /** One token for the exact session and some others. */
    private void step(List<Session> others, int token) {
        if (together || others.isEmpty()) {
            List<Session> all = Stream.concat(Stream.of(exact), others.stream()).toList();
            model.step(all, repeated(token, all.size()), cancellation);
        } else {
            model.step(List.of(exact), new int[] {token}, cancellation);
            model.step(others, repeated(token, others.size()), cancellation);
        }
    }

    private static int[] repeated(int token, int times) {
        int[] tokens = new int[times];
        Arrays.fill(tokens, token);
        return tokens;
    }
}
