package dev.lectern.measure.tasks;

import java.util.List;

/**
 * Tasks of ∞Bench that need no texts of others, made anew in any length: of the same form and wording, with other random numbers. Results are called InfiniteBench-like.
 *
 * <p>Source: Zhang et al., "∞Bench: Extending Long Context Evaluation Beyond 100K Tokens" (arXiv 2402.13718), sections 3.2.1 and 3.2.3 and appendix C; the beginnings of answers are those of its templates
 * for a model that continues a text. Answers may take a few tokens more than there, because not every model begins with the digits.
 */
public final class Infinite {
    private Infinite() {}

    public static List<Task> tasks() {
        return List.of(HiddenDigits.PASS_KEY, HiddenDigits.NUMBER_STRING, new KeyValue(), new MathFind());
    }
}
