package dev.lectern;

import java.util.List;

/**
 * What a model generated.
 *
 * @param tokens as chosen, the end token included where one came
 * @param text of the tokens, without control tokens and without what a stop text cut off
 */
public record Answer(List<Integer> tokens, String text, FinishReason finishReason) {
    /** Why an answer ended. */
    public enum FinishReason {
        /** The model, or a stop text, ended it. */
        STOP,
        /** It reached its length limit, or the session its context. */
        LENGTH
    }

    public Answer {
        tokens = List.copyOf(tokens);
    }
}
