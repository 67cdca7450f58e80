package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.Model;
import dev.lectern.Session;
import java.util.ArrayList;
import java.util.List;

/**
 * What a model that read a prompt exactly expects after it and after each token of its own greedy answer; others are told the same tokens, and what they expect is compared.
 *
 * @param tokens that are told, the last of the prompt first
 * @param expected after each
 * @param likeliest after each
 */
record ToldAnswer(int[] tokens, List<LogProbs.Expected> expected, int[] likeliest) {
    /** Tokens of the answer that are told. */
    static final int TOLD = 16;

    /** @param session holds the prompt but for its last token; afterwards the answer too */
    static ToldAnswer of(Model model, Session session, int last, Cancellation cancellation) {
        int[] tokens = new int[1 + TOLD], likeliest = new int[1 + TOLD];
        List<LogProbs.Expected> expected = new ArrayList<>();
        tokens[0] = last;
        for (int i = 0; i <= TOLD; i++) {
            model.step(List.of(session), new int[] {tokens[i]}, cancellation);
            float[] logits = session.logits();
            expected.add(LogProbs.Expected.of(logits));
            likeliest[i] = LogProbs.likeliest(logits);
            if (i < TOLD) {
                tokens[i + 1] = likeliest[i];
            }
        }
        return new ToldAnswer(tokens, expected, likeliest);
    }

    /**
     * Tells it to another.
     *
     * @param session holds the prompt but for its last token
     * @param divergences gets the Kullback–Leibler divergence after each token, in nats
     * @return after how many the likeliest next token is the same
     */
    int tell(Model model, Session session, List<Double> divergences, Cancellation cancellation) {
        int same = 0;
        for (int i = 0; i < tokens.length; i++) {
            model.step(List.of(session), new int[] {tokens[i]}, cancellation);
            float[] logits = session.logits();
            divergences.add(expected.get(i).divergence(logits, LogProbs.logSumExp(logits)));
            same += LogProbs.likeliest(logits) == likeliest[i] ? 1 : 0;
        }
        return same;
    }
}
