package dev.lectern.measure.tasks;

import java.util.List;

/**
 * A text, a question about it, and what a right answer has in it.
 *
 * @param context what is read first: the instruction, and the text
 * @param question follows the context in the same message
 * @param answerBegin how the answer begins; the model goes on from there
 * @param references parts of a right answer; see {@link Scoring}
 */
public record Sample(String context, String question, String answerBegin, List<String> references) {
    public Sample {
        references = List.copyOf(references);
    }
}
