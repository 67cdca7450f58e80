package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * A question about a long text, with its right answers.
 *
 * @param line of the file that it stands in, counted from 1
 * @param id as the file says, or the number of its line
 * @param dataset that it belongs to; empty where the file does not say
 * @param context the text
 * @param input the question itself; empty where the instruction says all
 * @param answers at least one, each of them right
 * @param options to choose from, lettered from A; empty where the answer is free
 * @param classes that the answer may be, of which the question says nothing; empty where it may be anything
 */
public record Question(
        int line,
        String id,
        String dataset,
        String context,
        String input,
        List<String> answers,
        List<String> options,
        List<String> classes) {
    /** There are letters for so many. */
    private static final int MOST_OPTIONS = 26;

    /** @throws IllegalArgumentException with what is wrong, in words that follow the place */
    public Question {
        answers = List.copyOf(answers);
        options = List.copyOf(options);
        classes = List.copyOf(classes);
        require(!context.isBlank(), "\"context\" is empty");
        require(!answers.isEmpty(), "there is no right answer");
        require(answers.stream().noneMatch(String::isBlank), "a right answer is empty");
        require(options.stream().noneMatch(String::isBlank), "an option is empty");
        require(classes.stream().noneMatch(String::isBlank), "one of \"all_classes\" is empty");
        require(options.size() <= MOST_OPTIONS, "there are more options than letters");
        for (String answer : answers) {
            require(
                    options.isEmpty() || option(answer, options).isPresent(),
                    "the right answer \"" + answer + "\" is none of the options, nor the letter of one");
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    /** Whether the answer is one of several options. */
    public boolean isChoice() {
        return !options.isEmpty();
    }

    /** The right options, as indexes; empty where there are none to choose from. */
    TreeSet<Integer> right() {
        TreeSet<Integer> right = new TreeSet<>();
        answers.forEach(answer -> option(answer, options).ifPresent(right::add));
        return right;
    }

    /** What an answer is compared with: the right answers; of options, their texts, their letters, and both together. */
    List<String> references() {
        if (!isChoice()) {
            return answers;
        }
        List<String> references = new ArrayList<>();
        for (int option : right()) {
            references.add(options.get(option));
            references.add(letter(option));
            references.add(letter(option) + ". " + options.get(option));
        }
        return references;
    }

    /** The letter of an option. */
    public static String letter(int option) {
        return Character.toString('A' + option);
    }

    /** The option that a text is, or is the letter of. */
    static OptionalInt option(String text, List<String> options) {
        List<String> words = AnswerWords.of(text);
        OptionalInt same = first(options.size(), i -> options.get(i).strip().equals(text.strip()));
        if (same.isPresent() || words.isEmpty()) {
            return same;
        }
        OptionalInt alike =
                first(options.size(), i -> AnswerWords.of(options.get(i)).equals(words));
        return alike.isPresent()
                ? alike
                : first(options.size(), i -> AnswerWords.of(letter(i)).equals(words));
    }

    private static OptionalInt first(int options, IntPredicate which) {
        return IntStream.range(0, options).filter(which).findFirst();
    }
}
