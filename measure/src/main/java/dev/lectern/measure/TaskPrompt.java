package dev.lectern.measure;

import dev.lectern.Model;
import dev.lectern.measure.tasks.Fitting;
import dev.lectern.measure.tasks.Sample;
import dev.lectern.measure.tasks.Task;
import java.util.Arrays;
import java.util.List;

/**
 * A sample of a task as a model reads it.
 *
 * @param tokens of the whole prompt
 * @param context how many of them come before the question: up to there they are the same whatever is asked
 */
record TaskPrompt(Sample sample, int[] tokens, int context) {
    /** The longest of a task, of that index, that fits in a length together with its answer. */
    static TaskPrompt of(Model model, TaskOptions options, Task task, int length, int index) {
        Sample sample = Fitting.sample(
                task, options.seed(), index, length, options.haystack(), candidate -> tokens(model, candidate).length);
        int[] tokens = tokens(model, sample);
        int same = Arrays.mismatch(tokens, model.chat("", List.of(sample.context()), "?"));
        return new TaskPrompt(sample, tokens, Math.max(1, same < 0 ? tokens.length : same));
    }

    private static int[] tokens(Model model, Sample sample) {
        int[] chat = model.chat("", List.of(sample.context()), sample.question());
        int[] begin = model.tokenize(sample.answerBegin());
        int[] tokens = Arrays.copyOf(chat, chat.length + begin.length);
        System.arraycopy(begin, 0, tokens, chat.length, begin.length);
        return tokens;
    }
}
