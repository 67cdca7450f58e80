package dev.lectern.measure;

import dev.lectern.Model;
import dev.lectern.Question;
import dev.lectern.measure.tasks.Fitting;
import dev.lectern.measure.tasks.Sample;
import dev.lectern.measure.tasks.Task;
import dev.lectern.text.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A sample of a task as a model reads it.
 *
 * @param tokens of the whole prompt
 * @param text the first token of the text; what is before it is the template's
 * @param context how many of them come before the question: up to there they are the same whatever is asked
 */
record TaskPrompt(Sample sample, int[] tokens, int text, int context) {
    /** The longest of a task, of that index, that fits in a length together with its answer. */
    static TaskPrompt of(Model model, TaskOptions options, Task task, int length, int index) {
        Sample sample = Fitting.sample(
                task, options.seed(), index, length, options.haystack(), candidate -> tokens(model, candidate).length);
        int[] tokens = tokens(model, sample);
        int same = Arrays.mismatch(tokens, model.chat("", List.of(sample.context()), "?"));
        int context = Math.max(1, same < 0 ? tokens.length : same);
        // Parts of a message are tokenised apart.
        int text = Math.max(0, context - model.tokenize(sample.context()).length);
        return new TaskPrompt(sample, tokens, text, context);
    }

    /** What is asked about the text, for a method of reading that wants to know: up to where the template goes on. */
    Optional<Question> question(Tokenizer tokenizer) {
        int[] asked = IntStream.of(tokens)
                .skip(context)
                .takeWhile(token -> !tokenizer.isControl(token))
                .toArray();
        return asked.length == 0 ? Optional.empty() : Optional.of(new Question(asked, text));
    }

    private static int[] tokens(Model model, Sample sample) {
        int[] chat = model.chat("", List.of(sample.context()), sample.question());
        int[] begin = model.tokenize(sample.answerBegin());
        int[] tokens = Arrays.copyOf(chat, chat.length + begin.length);
        System.arraycopy(begin, 0, tokens, chat.length, begin.length);
        return tokens;
    }
}
