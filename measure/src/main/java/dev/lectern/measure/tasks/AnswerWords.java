package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The words of an answer that count: small letters, no punctuation, no articles, white space only between words.
 *
 * <p>Source: Rajpurkar et al., "SQuAD" (arXiv 1606.05250), and its evaluation script, which LongBench and InfiniteBench took over.
 *
 * <p>Deviations. Punctuation is that of Unicode, so that a typographic quotation mark is as good as a straight one. An article stays where it is all there is: an answer may be the letter A.
 * Each character of a script without spaces is a word, as InfiniteBench has it for Chinese.
 */
final class AnswerWords {
    private static final Set<String> ARTICLES = Set.of("a", "an", "the");

    /** The symbols are those of ASCII, which SQuAD counts as punctuation. */
    private static final Pattern PUNCTUATION = Pattern.compile("[\\p{IsPunctuation}$+<=>^`|~]");

    private static final Pattern SPACE = Pattern.compile("\\p{IsWhite_Space}+");
    private static final Pattern SPACELESS = Pattern.compile(
            "[\\p{IsHan}\\p{IsHiragana}\\p{IsKatakana}\\p{IsThai}\\p{IsLao}\\p{IsKhmer}\\p{IsMyanmar}]");

    private AnswerWords() {}

    static List<String> of(String text) {
        String plain = PUNCTUATION.matcher(text.toLowerCase(Locale.ROOT)).replaceAll("");
        String spaced = SPACELESS.matcher(plain).replaceAll(" $0 ");
        List<String> words = new ArrayList<>();
        for (String word : SPACE.split(spaced)) {
            if (!word.isEmpty()) {
                words.add(word);
            }
        }
        List<String> rest =
                words.stream().filter(word -> !ARTICLES.contains(word)).toList();
        return rest.isEmpty() ? words : rest;
    }

    /** Whether all words of {@code part} stand in a text, one after the other; never where it has none. */
    static boolean contain(List<String> words, List<String> part) {
        return !part.isEmpty() && Collections.indexOfSubList(words, part) >= 0;
    }
}
