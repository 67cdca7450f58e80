package dev.lectern.measure.tasks;

import dev.lectern.LecternException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A needle at a depth that is chosen: one sentence in prose gives a number for a word, behind so many per cent of the text. Scores over lengths and depths tell where in a text a model does not look.
 *
 * <p>Source: Kamradt, "Needle In A Haystack: pressure testing LLMs" (2023); the wording is that of {@link Needles}, whose needles stand anywhere. Size counts words of prose.
 *
 * @param depth per cent of the context before the needle, 0 to 100; it stands at the end of a sentence nearest to that
 */
public record Needle(int depth) implements Task {
    private static final Needles ONE =
            new Needles("needle", Needles.Hay.PROSE, Needles.Kind.WORD, Needles.Kind.NUMBER, 1, 1, 1);

    public Needle {
        if (depth < 0 || depth > 100) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no needle at " + depth + " per cent of a text: name a depth of 0 to 100.");
        }
    }

    /** {@code needle_25} for a depth of 25 per cent. */
    @Override
    public String name() {
        return "needle_" + depth;
    }

    /** Enough for a number and some words before it; a grid asks often. */
    @Override
    public int answerTokens() {
        return 32;
    }

    @Override
    public Scoring scoring() {
        return ONE.scoring();
    }

    @Override
    public int smallest() {
        return ONE.smallest();
    }

    @Override
    public Sample sample(Random random, int size, Haystack haystack) {
        String key = Lexicon.key(random);
        String value = Lexicon.number(random);
        List<String> text = new ArrayList<>(haystack.sentences(random.nextLong(), size));
        String needle = ONE.needle(key, value);
        int instruction =
                ONE.phrased("", List.of(key), List.of(value)).context().length();
        int letters = instruction + String.join(" ", text).length() + needle.length();
        text.add(place(text, letters * depth / 100.0 - instruction), needle);
        return ONE.phrased(String.join(" ", text), List.of(key), List.of(value));
    }

    /**
     * How many sentences stand before the needle.
     *
     * @param wanted letters before it; tokens go with letters more closely than with words
     */
    private static int place(List<String> sentences, double wanted) {
        int place = 0;
        int before = 0;
        while (place < sentences.size() && before + sentences.get(place).length() / 2.0 <= wanted) {
            before += sentences.get(place).length() + 1;
            place++;
        }
        return place;
    }
}
