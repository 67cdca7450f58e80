package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.measure.tasks.Prose;
import dev.lectern.measure.tasks.Ruler;
import dev.lectern.measure.tasks.Sample;
import dev.lectern.measure.tasks.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * The inputs of {@link GeometryEval}: so many tokens each, nothing added.
 *
 * <p>Texts that are given are cut into inputs that follow each other; the first of each text come first, then the second of each.
 *
 * <p>Otherwise each input is the text of another task (prose, lists of words, numbers or documents, lines of code: means over one kind of text would be
 * alike by themselves), behind one of twelve beginnings of quite different kinds. Since what follows from different first tokens is to be seen, an
 * input begins at the first of its tokens with which no earlier input begins.
 */
final class GeometryInputs {
    private static final List<String> BEGINNINGS = List.of(
            "Once upon a time there was a king. ",
            "def main():\n    return 0\n\n",
            "1. apples\n2. pears\n\n",
            "The annual report says: ",
            "{\"name\": \"harbour\", \"open\": true}\n",
            "<p>Good morning</p>\n",
            "# Contents\n\n",
            "Dear Madam,\n\n",
            "SELECT day FROM calendar;\n",
            "\"Who is there?\" she asked. ",
            "ACT ONE. A street.\n",
            "2019 was a wet year. ");

    private GeometryInputs() {}

    /**
     * @param texts none for generated ones
     * @return two inputs or more
     * @throws LecternException of kind {@code BAD_OPTION} if the texts are too short for two
     */
    static List<int[]> of(Model model, List<String> texts, GeometryOptions options) {
        return texts.isEmpty() ? generated(model, options) : cut(model, texts, options);
    }

    private static List<int[]> cut(Model model, List<String> texts, GeometryOptions options) {
        int size = options.tokens();
        List<int[]> tokens = texts.stream().map(model::tokenize).toList();
        int most = tokens.stream().mapToInt(text -> text.length / size).max().orElse(0);
        List<int[]> inputs = new ArrayList<>();
        for (int i = 0; i < most; i++) {
            for (int[] text : tokens) {
                if (i < text.length / size && inputs.size() < options.inputs()) {
                    inputs.add(Arrays.copyOfRange(text, i * size, (i + 1) * size));
                }
            }
        }
        if (inputs.size() < 2) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "The texts have "
                            + tokens.stream().mapToInt(text -> text.length).sum() + " tokens, which make "
                            + inputs.size() + " inputs of " + size
                            + ", but 2 are needed: give longer texts, or shorter inputs with --tokens.");
        }
        return inputs;
    }

    private static List<int[]> generated(Model model, GeometryOptions options) {
        List<int[]> inputs = new ArrayList<>();
        Set<Integer> firsts = new HashSet<>();
        for (int i = 0; i < options.inputs(); i++) {
            // Twice as long as the input, so that there is room to begin later.
            int[] text = text(model, i, Math.multiplyExact(2, options.tokens()));
            int begin = 0;
            while (begin < options.tokens() && firsts.contains(text[begin])) {
                begin++;
            }
            firsts.add(text[begin]);
            inputs.add(Arrays.copyOfRange(text, begin, begin + options.tokens()));
        }
        return inputs;
    }

    private static int[] text(Model model, int input, int tokens) {
        List<Task> tasks = Ruler.tasks(tokens);
        Task task = tasks.get(input % tasks.size());
        String beginning = BEGINNINGS.get(input % BEGINNINGS.size());
        for (int size = task.smallest(); ; size = Math.multiplyExact(size, 2)) {
            Sample sample = task.sample(new Random(input), size, new Prose());
            int[] text = model.tokenize(beginning + sample.context());
            if (text.length >= tokens) {
                return text;
            }
        }
    }
}
