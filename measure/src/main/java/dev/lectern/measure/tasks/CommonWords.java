package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Common words extraction: a numbered list of words, ten of them more often than the others; asked for are the ten. A short example stands before it.
 *
 * <p>Source: Hsieh et al., "RULER" (arXiv 2404.06654), section 3.3, task cwe; the templates are those of its published generator, which repeats words less often in texts of fewer than
 * 4096 tokens. Size counts different words.
 */
record CommonWords(int common, int uncommon, Example example) implements Task {
    private static final int ASKED = 10;

    /** The example: different words, and how often. */
    private record Example(int words, int common, int uncommon) {}

    static CommonWords forLength(int tokens) {
        return tokens < 4096
                ? new CommonWords(6, 1, new Example(20, 3, 1))
                : new CommonWords(30, 3, new Example(40, 10, 3));
    }

    @Override
    public String name() {
        return "cwe";
    }

    @Override
    public int answerTokens() {
        return 120;
    }

    @Override
    public Scoring scoring() {
        return Scoring.ALL;
    }

    @Override
    public int smallest() {
        return ASKED + 1;
    }

    @Override
    public Sample sample(Random random, int size, Haystack haystack) {
        Set<String> known = Lexicon.nothingKnown();
        List<String> singles = new ArrayList<>(Lexicon.ADJECTIVES);
        singles.addAll(Lexicon.NOUNS);
        Collections.shuffle(singles, random);
        List<String> shown = words(random, example.words, singles, known);
        List<String> words = words(random, size, singles, known);
        String text = context(random, shown, example.common, example.uncommon) + question() + answer(shown) + "\n"
                + context(random, words, common, uncommon);
        return new Sample(text, question(), " " + begin(), words.subList(0, ASKED));
    }

    /** Different words, the common ones first: single words as long as there are any, then two in one. */
    private static List<String> words(Random random, int count, List<String> singles, Set<String> known) {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            words.add(Lexicon.another(known, () -> singles.isEmpty() ? Lexicon.key(random) : singles.removeLast()));
        }
        return words;
    }

    private static String context(Random random, List<String> words, int common, int uncommon) {
        List<String> list = new ArrayList<>();
        for (int i = 0; i < words.size(); i++) {
            list.addAll(Collections.nCopies(i < ASKED ? common : uncommon, words.get(i)));
        }
        Collections.shuffle(list, random);
        return "Below is a numbered list of words. In these words, some appear more often than others. Memorize the"
                + " ones that appear most often.\n"
                + IntStream.range(0, list.size())
                        .mapToObj(i -> i + 1 + ". " + list.get(i))
                        .collect(Collectors.joining(" "))
                + "\n";
    }

    private static String question() {
        return "Question: What are the 10 most common words in the above list?";
    }

    private static String begin() {
        return "Answer: The top 10 words that appear most often in the list are:";
    }

    private static String answer(List<String> words) {
        return " " + begin()
                + IntStream.range(0, ASKED)
                        .mapToObj(i -> " " + (i + 1) + ". " + words.get(i))
                        .collect(Collectors.joining());
    }
}
