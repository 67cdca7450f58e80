package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Variable tracking: a variable gets a value, a second one the value of the first, and so on, in lines far from each other between noise. Asked for are all that have
 * the value. A short example stands before it.
 *
 * <p>Source: Hsieh et al., "RULER" (arXiv 2404.06654), section 3.2, task vt with one chain of four hops; the templates are those of its published generator. Size counts
 * sentences of noise.
 */
final class VariableTracking implements Task {
    private static final int HOPS = 4;

    /** Sentences of noise in the example. */
    private static final int EXAMPLE = 25;

    @Override
    public String name() {
        return "vt";
    }

    @Override
    public int answerTokens() {
        return 30;
    }

    @Override
    public Scoring scoring() {
        return Scoring.ALL;
    }

    @Override
    public int smallest() {
        return EXAMPLE;
    }

    @Override
    public Sample sample(Random random, int size, Haystack haystack) {
        Set<String> known = Lexicon.nothingKnown();
        Chain example = new Chain(random, 3, known, EXAMPLE);
        Chain chain = new Chain(random, 5, known, size);
        String shown = example.context() + example.question() + example.answer() + " "
                + String.join(" ", example.variables) + "\n\n";
        return new Sample(shown + chain.context(), chain.question(), chain.answer(), chain.variables);
    }

    private static final class Chain {
        private final List<String> variables = new ArrayList<>();
        private final String value;
        private final String text;

        Chain(Random random, int letters, Set<String> known, int size) {
            value = Lexicon.another(known, () -> Integer.toString(10_000 + random.nextInt(89_999)));
            for (int i = 0; i <= HOPS; i++) {
                variables.add(Lexicon.another(known, () -> name(random, letters)));
            }
            List<Double> places = new ArrayList<>();
            for (int i = 0; i <= HOPS; i++) {
                places.add(random.nextDouble());
            }
            Collections.sort(places);
            List<String> lines = Noise.lines(size);
            int between = lines.size() + 1;
            for (int i = HOPS; i >= 0; i--) { // from the end, so that those before keep their places
                String assigned = i == 0 ? value : "VAR " + variables.get(i - 1);
                lines.add((int) (places.get(i) * between), "VAR " + variables.get(i) + " = " + assigned);
            }
            text = String.join("\n", lines);
        }

        private static String name(Random random, int letters) {
            StringBuilder name = new StringBuilder();
            for (int i = 0; i < letters; i++) {
                name.append((char) ('A' + random.nextInt(26)));
            }
            return name.toString();
        }

        String context() {
            return "Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n" + text
                    + "\n";
        }

        String question() {
            return "Question: Find all variables that are assigned the value " + value + " in the text above.";
        }

        String answer() {
            return " Answer: According to the chain(s) of variable assignment in the text above, " + variables.size()
                    + " variables are assigned the value " + value + ", they are:";
        }
    }
}
