package dev.lectern;

import java.util.Arrays;

/**
 * What will be asked about a text, for methods of reading that read it with the question in view.
 *
 * @param tokens of the question, without what the template writes around it; one or more
 * @param at how many tokens stand before the documents: the template's own, behind which the question can be put without breaking the conversation
 */
public record Question(int[] tokens, int at) {
    public Question {
        if (tokens.length == 0 || at < 0) {
            throw new IllegalArgumentException("a question of " + tokens.length + " tokens at " + at);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Question question && at == question.at && Arrays.equals(tokens, question.tokens);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(tokens) + at;
    }

    @Override
    public String toString() {
        return tokens.length + " tokens after " + at;
    }
}
