package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How well a model foretells a text: the exponential of the mean of −ln p(token i | tokens before i). One window, nothing added, the first token not scored.
 *
 * <p>A perplexity over exact prefill attention says nothing about a method of decoding, or about a format that quantises what is read. So tokens go one by one through the cache and the attention that
 * are to be judged, unless {@link TextOptions.Mode#PREFILL} is asked for.
 */
public final class PerplexityEval {
    private PerplexityEval() {}

    /**
     * Evaluates.
     *
     * @param progress in tokens
     * @throws LecternException of kind {@code BAD_OPTION} if the text has fewer than two tokens, or fewer than are asked for; {@code TOO_LONG} if the model cannot hold it
     */
    public static PerplexityResult run(
            BenchModel subject,
            ModelOptions modelOptions,
            TextOptions options,
            String text,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        try (Model model = subject.open(modelOptions)) {
            int[] tokens = tokens(model, subject.name(), text, options.tokens());
            try (Session session = model.newSession(options.session(tokens.length))) {
                List<Double> logProbs = options.mode() == TextOptions.Mode.PREFILL
                        ? prefilled(session, tokens, progress, cancellation)
                        : decoded(model, session, tokens, progress, cancellation);
                return new PerplexityResult(
                        new Evaluated(
                                subject.name(),
                                digest,
                                model.threads(),
                                Provenance.here(options.command("perplexity", subject), modelOptions)),
                        options,
                        logProbs);
            }
        }
    }

    /** The tokens of a text that count. */
    static int[] tokens(Model model, String name, String text, int wanted) {
        int[] all = model.tokenize(text);
        if (all.length < Math.max(2, wanted)) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "The text has " + all.length + " tokens, but " + Math.max(2, wanted)
                            + " are needed: give a longer one"
                            + (wanted > 2 ? ", or ask for fewer with --tokens." : "."));
        }
        int count = wanted == 0 ? all.length : wanted;
        if (count > model.context()) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "The text has " + count + " tokens, but " + name + " holds " + model.context()
                            + ": take its beginning with --tokens " + model.context() + ".");
        }
        return Arrays.copyOf(all, count);
    }

    private static List<Double> prefilled(Session session, int[] tokens, Progress progress, Cancellation cancellation) {
        return Arrays.stream(session.score(tokens, progress, cancellation).logProbs())
                .skip(1)
                .boxed()
                .toList();
    }

    private static List<Double> decoded(
            Model model, Session session, int[] tokens, Progress progress, Cancellation cancellation) {
        List<Double> logProbs = new ArrayList<>();
        for (int i = 0; i + 1 < tokens.length; i++) {
            model.step(List.of(session), new int[] {tokens[i]}, cancellation);
            logProbs.add(LogProbs.of(session.logits(), tokens[i + 1]));
            progress.report(i + 2, tokens.length);
        }
        return logProbs;
    }
}
