package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.generate.Sampler;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * How far a cache and a method of attention lead a model away from itself: at each token of a text, the Kullback–Leibler divergence of what they make it expect from what it expects exactly (f32 cache, dense
 * attention), in the same run. Then both go on greedily from the end of the text, until they differ.
 */
public final class DivergenceEval {
    /** Tokens of the greedy continuation. */
    private static final int CONTINUED = 64;

    private DivergenceEval() {}

    /**
     * Evaluates.
     *
     * @param progress in tokens
     * @throws LecternException as {@link PerplexityEval#run} does
     */
    public static DivergenceResult run(
            BenchModel subject,
            ModelOptions modelOptions,
            TextOptions options,
            String text,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        TextOptions exactly = options.withKv("f32").withAttention("dense");
        try (Model model = subject.open(modelOptions)) {
            int[] tokens = PerplexityEval.tokens(model, subject.name(), text, options.tokens());
            int context = Math.min(model.context(), tokens.length + CONTINUED);
            try (Session exact = model.newSession(exactly.session(context));
                    Session tested = model.newSession(options.session(context))) {
                List<Double> divergences = new ArrayList<>();
                int same = 0;
                for (int i = 0; i < tokens.length; i++) {
                    float[] p = after(model, exact, tokens[i], cancellation);
                    float[] q = after(model, tested, tokens[i], cancellation);
                    divergences.add(LogProbs.divergence(p, q));
                    same += likeliest(p) == likeliest(q) ? 1 : 0;
                    progress.report(i + 1, tokens.length);
                }
                OptionalInt apart = apart(model, exact, tested, context - tokens.length, cancellation);
                double share = same / (double) tokens.length;
                Provenance provenance = Provenance.here(options.command("kld", subject), modelOptions);
                Evaluated evaluated = new Evaluated(subject.name(), digest, model.threads(), provenance);
                return new DivergenceResult(evaluated, options, divergences, share, apart);
            }
        }
    }

    private static float[] after(Model model, Session session, int token, Cancellation cancellation) {
        model.step(List.of(session), new int[] {token}, cancellation);
        return session.logits();
    }

    private static int likeliest(float[] logits) {
        return Sampler.likeliest(logits, 0, logits.length);
    }

    /** The first token of greedy continuations that differs, counted from 0. */
    private static OptionalInt apart(Model model, Session exact, Session tested, int steps, Cancellation cancellation) {
        for (int i = 0; i < steps; i++) {
            int token = likeliest(exact.logits());
            if (token != likeliest(tested.logits())) {
                return OptionalInt.of(i);
            }
            after(model, exact, token, cancellation);
            after(model, tested, token, cancellation);
        }
        return OptionalInt.empty();
    }
}
