package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.measure.tasks.Ruler;
import dev.lectern.measure.tasks.Sample;
import dev.lectern.measure.tasks.Scoring;
import dev.lectern.measure.tasks.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A text that retaining heads learn from.
 *
 * @param prompt the text and what is asked about it
 * @param question the first token of what is asked
 * @param answer what follows the prompt, and tells which tokens are looked at
 */
record HeadText(int[] prompt, int question, int[] answer) {
    /** Tokens at the end of a piece of a text without questions that count as the question, and as many after them as the answer. */
    private static final int END = 64;

    /** Tokens of the shortest piece that is used. */
    static final int SHORTEST = 4 * END;

    /**
     * A RULER-like prompt and the right answer, a task after another.
     *
     * @param index of the text: its task, and which of its samples
     * @throws LecternException of kind {@code BAD_OPTION} if the length is too short for the task, or the model has no chat template
     */
    static HeadText ofTask(Model model, int length, int index, long seed) {
        List<Task> tasks = Ruler.tasks(length);
        Task task = tasks.get(index % tasks.size());
        TaskPrompt prompt = TaskPrompt.of(model, TaskOptions.learning(seed), task, length, index / tasks.size());
        Sample sample = prompt.sample();
        // What the answer begins with is the model's own, and its tokens end the prompt.
        int begin = prompt.tokens().length - model.tokenize(sample.answerBegin()).length;
        List<String> references =
                task.scoring() == Scoring.ANY ? sample.references().subList(0, 1) : sample.references();
        int[] answer = model.tokenize(sample.answerBegin() + " " + String.join(", ", references));
        return new HeadText(Arrays.copyOf(prompt.tokens(), begin), Math.min(prompt.context(), begin - 1), answer);
    }

    /** A text in pieces, the last of which may be shorter; each is asked to go on as it does. */
    static List<HeadText> pieces(int[] tokens, int length) {
        List<HeadText> pieces = new ArrayList<>();
        for (int from = 0; from + SHORTEST <= tokens.length; from += length) {
            int to = Math.min(tokens.length, from + length);
            if (to - from < SHORTEST) {
                break;
            }
            int[] prompt = Arrays.copyOfRange(tokens, from, to - END);
            pieces.add(new HeadText(prompt, prompt.length - END, Arrays.copyOfRange(tokens, to - END, to)));
        }
        return pieces;
    }

    int tokens() {
        return prompt.length + answer.length;
    }
}
