package dev.lectern.measure.tasks;

import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Which option an answer names. An answer that is an option, or a letter, names it. Otherwise what follows "answer is", "answer:" or "option is" decides, or if that names none, the whole answer: by
 * the letter that it begins with, by the one option whose text it has, or by its first letter that stands alone.
 *
 * <p>Source: the rules of InfiniteBench (arXiv 2402.13718) for En.MC and Code.Debug, and of LongBench v2 (arXiv 2412.15204), put together. Deviation: a capital A or I in front of a word is no
 * letter of an option, but an article or a pronoun.
 */
final class NamedOption {
    private static final Pattern ANNOUNCED =
            Pattern.compile("\\b(?:answer|option)\\s+is\\b|\\banswer\\s*:", Pattern.CASE_INSENSITIVE);

    private static final Pattern LETTER =
            Pattern.compile("(?<![\\p{L}\\p{N}])(?:(?![AI]\\s+\\p{L})[A-Z])(?![\\p{L}\\p{N}'’])");
    private static final Pattern BEFORE_LETTER = Pattern.compile("[\\p{Punct}\\s]*");

    private NamedOption() {}

    static OptionalInt of(String answer, List<String> options) {
        OptionalInt whole = Question.option(answer, options);
        if (whole.isPresent()) {
            return whole;
        }
        Matcher announced = ANNOUNCED.matcher(answer);
        if (announced.find()) {
            OptionalInt after = in(answer.substring(announced.end()), options);
            if (after.isPresent()) {
                return after;
            }
        }
        return in(answer, options);
    }

    private static OptionalInt in(String text, List<String> options) {
        Matcher letter = LETTER.matcher(text);
        OptionalInt lettered = OptionalInt.empty();
        while (lettered.isEmpty() && letter.find()) {
            int option = letter.group().charAt(0) - 'A';
            if (option < options.size()) {
                lettered = OptionalInt.of(option);
                if (BEFORE_LETTER.matcher(text.substring(0, letter.start())).matches()) {
                    return lettered;
                }
            }
        }
        OptionalInt spelled = spelled(AnswerWords.of(text), options);
        return spelled.isPresent() ? spelled : lettered;
    }

    /** The one option whose words a text has; an option whose words are part of another's does not count beside it. */
    private static OptionalInt spelled(List<String> text, List<String> options) {
        List<List<String>> words = options.stream().map(AnswerWords::of).toList();
        int[] found = IntStream.range(0, options.size())
                .filter(i -> AnswerWords.contain(text, words.get(i)))
                .toArray();
        int[] alone = IntStream.of(found)
                .filter(i -> IntStream.of(found)
                        .noneMatch(j -> words.get(j).size() > words.get(i).size()
                                && AnswerWords.contain(words.get(j), words.get(i))))
                .toArray();
        return alone.length == 1 ? OptionalInt.of(alone[0]) : OptionalInt.empty();
    }
}
