package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Needles in a haystack: sentences that give a value for a key, in a text that has nothing to do with them, or among needles alone. Asked for are all values of some keys.
 *
 * <p>Source: Hsieh et al., "RULER: What's the Real Context Size of Your Long-Context Language Models?" (arXiv 2404.06654), section 3.1 and table 2; the templates are those of its
 * published generator. In place of its essays stands a {@link Haystack}.
 *
 * @param hay what the needles are in; the size of a sample counts the words of prose, or sentences of noise, of which a needle is worth a few
 * @param keys of which {@code queries} are asked for; needles of the others distract
 * @param values of each key
 */
record Needles(String name, Hay hay, Kind keyKind, Kind valueKind, int keys, int values, int queries) implements Task {
    /** Places in prose, as parts of the text: 0 to 39 of 39. */
    private static final int DEPTHS = 40;

    enum Hay {
        NOISE,
        PROSE,
        NEEDLES
    }

    enum Kind {
        WORD("words", Lexicon::key, 2),
        NUMBER("numbers", Lexicon::number, 2),
        UUID("uuids", Lexicon::uuid, 7);

        final String plural;
        final Function<Random, String> source;

        /** About how many sentences of noise are as long. */
        final int sentences;

        Kind(String plural, Function<Random, String> source, int sentences) {
            this.plural = plural;
            this.source = source;
            this.sentences = sentences;
        }
    }

    @Override
    public int answerTokens() {
        return 128;
    }

    @Override
    public Scoring scoring() {
        return Scoring.ALL;
    }

    @Override
    public int smallest() {
        return hay == Hay.NEEDLES ? 2 * needleSentences() : 50;
    }

    @Override
    public Sample sample(Random random, int size, Haystack haystack) {
        Set<String> known = Lexicon.nothingKnown();
        List<String> asked = new ArrayList<>();
        List<String> references = new ArrayList<>();
        List<String> needles = new ArrayList<>();
        for (int key = 0; key < keys; key++) {
            String name = Lexicon.another(known, () -> keyKind.source.apply(random));
            for (int i = 0; i < values; i++) {
                String value = Lexicon.another(known, () -> valueKind.source.apply(random));
                needles.add(needle(name, value));
                if (key < queries) {
                    references.add(value);
                }
            }
            if (key < queries) {
                asked.add(name);
            }
        }
        Collections.shuffle(needles, random);
        String text = switch (hay) {
            case NOISE -> noise(random, size, needles);
            case PROSE -> prose(random, size, needles, haystack);
            case NEEDLES -> needlesAlone(random, size, needles, known);
        };
        return phrased(text, asked, references);
    }

    String needle(String key, String value) {
        return "One of the special magic " + valueKind.plural + " for " + key + " is: " + value + ".";
    }

    private int needleSentences() {
        return 2 + keyKind.sentences + valueKind.sentences;
    }

    private static String noise(Random random, int size, List<String> needles) {
        List<String> lines = Noise.lines(size);
        for (String needle : needles) {
            lines.add(random.nextInt(lines.size() + 1), needle);
        }
        return String.join("\n", lines);
    }

    private static String prose(Random random, int size, List<String> needles, Haystack haystack) {
        List<Integer> depths =
                new ArrayList<>(IntStream.range(0, DEPTHS).boxed().toList());
        Collections.shuffle(depths, random);
        List<String> sentences = haystack.sentences(random.nextLong(), size);
        List<Integer> places = depths.subList(0, needles.size()).stream()
                .map(depth -> sentences.size() * depth / (DEPTHS - 1))
                .sorted()
                .toList();
        List<String> text = new ArrayList<>();
        int done = 0;
        for (int i = 0; i < needles.size(); i++) {
            text.addAll(sentences.subList(done, places.get(i)));
            text.add(needles.get(i));
            done = places.get(i);
        }
        text.addAll(sentences.subList(done, sentences.size()));
        return String.join(" ", text);
    }

    private String needlesAlone(Random random, int size, List<String> needles, Set<String> known) {
        double place = random.nextDouble();
        List<String> lines = new ArrayList<>();
        for (int i = needles.size(); i < size / needleSentences(); i++) {
            String key = Lexicon.another(known, () -> keyKind.source.apply(random));
            lines.add(needle(key, Lexicon.another(known, () -> valueKind.source.apply(random))));
        }
        for (String needle : needles) {
            lines.add((int) (place * (lines.size() + 1)), needle);
        }
        lines.addAll(Noise.lines(size % needleSentences())); // what is left is less than another needle
        return String.join("\n", lines);
    }

    Sample phrased(String text, List<String> asked, List<String> references) {
        boolean one = references.size() == 1;
        String things = one ? valueKind.plural.substring(0, valueKind.plural.length() - 1) : valueKind.plural;
        String query = asked.size() == 1
                ? asked.getFirst()
                : String.join(", ", asked.subList(0, asked.size() - 1)) + ", and " + asked.getLast();
        String verb = one ? "is" : "are";
        String context = (one ? "A" : "Some") + " special magic " + things + " " + verb
                + " hidden within the following text. Make sure to memorize it. I will quiz you about the " + things
                + " afterwards.\n" + text + "\n";
        String question = "What " + (one ? "is" : "are all") + " the special magic " + things + " for " + query
                + " mentioned in the provided text?";
        String begin = " The special magic " + things + " for " + query + " mentioned in the provided text " + verb;
        return new Sample(context, question, begin, references);
    }
}
