package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Frequent words extraction: made-up words whose frequencies fall with the square of their rank (Zipf, ζ(2)); the most frequent is dots that count for nothing. Asked for are the next
 * three.
 *
 * <p>Source: Hsieh et al., "RULER" (arXiv 2404.06654), section 3.3, task fwe with α = 2; the templates are those of its published generator. Size counts words before their numbers
 * are rounded down.
 */
final class FrequentWords implements Task {
    private static final int ASKED = 3;
    private static final int LETTERS = 6;
    private static final double ZETA_2 = Math.PI * Math.PI / 6;

    @Override
    public String name() {
        return "fwe";
    }

    @Override
    public int answerTokens() {
        return 50;
    }

    @Override
    public Scoring scoring() {
        return Scoring.ALL;
    }

    /** With fewer, ranks 4 and 5 are not apart. */
    @Override
    public int smallest() {
        return 150;
    }

    @Override
    public Sample sample(Random random, int size, Haystack haystack) {
        Set<String> known = Lexicon.nothingKnown();
        List<String> text = new ArrayList<>();
        List<String> frequent = new ArrayList<>();
        for (int rank = 1; count(size, rank) > 0; rank++) {
            String word = rank == 1 ? "..." : Lexicon.another(known, () -> word(random));
            text.addAll(Collections.nCopies(count(size, rank), word));
            if (rank > 1 && frequent.size() < ASKED) {
                frequent.add(word);
            }
        }
        Collections.shuffle(text, random);
        return new Sample(
                "Read the following coded text and track the frequency of each coded word. Find the three most"
                        + " frequently appeared coded words. " + String.join(" ", text) + "\n",
                "Question: Do not provide any explanation. Please ignore the dots '....'. What are the three most"
                        + " frequently appeared words in the above coded text?",
                " Answer: According to the coded text above, the three most frequently appeared words are:",
                frequent);
    }

    private static int count(int size, int rank) {
        return (int) (size / (ZETA_2 * rank * rank));
    }

    private static String word(Random random) {
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < LETTERS; i++) {
            word.append((char) ('a' + random.nextInt(26)));
        }
        return word.toString();
    }
}
