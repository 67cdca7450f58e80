package dev.lectern.measure.tasks;

import java.util.List;
import java.util.Random;

/**
 * Digits that are told once, in a line between lines of noise.
 *
 * <p>Source: Zhang et al., "∞Bench" (arXiv 2402.13718), section 3.2.1, Retrieve.PassKey (which is by Mohtashami and Jaggi, arXiv 2305.16300) and Retrieve.Number; the templates are those of its published
 * generator. Size counts sentences of noise.
 *
 * @param memorize what is said to do with them, besides finding them
 * @param thing what they are called
 * @param drawn digits drawn
 * @param repeated more digits, each the same as the one beside it: what is hard to tell from its neighbours is easily read once too often
 */
record HiddenDigits(String name, String memorize, String thing, int drawn, int repeated) implements Task {
    static final HiddenDigits PASS_KEY = new HiddenDigits("passkey", " and memorize them", "pass key", 5, 0);
    static final HiddenDigits NUMBER_STRING = new HiddenDigits("number_string", "", "sequence of digits", 5, 5);

    /** Places in the noise, evenly apart, from before its first line to behind its last. */
    private static final int PLACES = 59;

    @Override
    public int answerTokens() {
        return drawn + repeated + 6;
    }

    @Override
    public Scoring scoring() {
        return Scoring.FIRST_NUMBER;
    }

    @Override
    public int smallest() {
        return 10;
    }

    @Override
    public Sample sample(Random random, int size, Haystack haystack) {
        String digits = digits(random);
        List<String> lines = Noise.lines(size);
        lines.add(
                lines.size() * random.nextInt(PLACES) / (PLACES - 1),
                "The " + thing + " is " + digits + ". Remember it. " + digits + " is the " + thing + ".");
        String context = "There is an important info hidden inside a lot of irrelevant text. Find it" + memorize
                + ". I will quiz you about the important information there.\n" + String.join("\n", lines) + "\n";
        return new Sample(context, "What is the " + thing + "?", " The " + thing + " is", List.of(digits));
    }

    private String digits(Random random) {
        StringBuilder digits = new StringBuilder();
        for (int i = 0; i < drawn; i++) {
            digits.append(random.nextInt(10));
        }
        for (int i = 0; i < repeated; i++) {
            int place = random.nextInt(digits.length());
            digits.insert(place, digits.charAt(place));
        }
        return digits.toString();
    }
}
