package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * A JSON object whose keys and values are all random UUIDs; asked for is the value of one key. Nothing tells the right pair from the others.
 *
 * <p>Source: Zhang et al., "∞Bench" (arXiv 2402.13718), section 3.2.1, Retrieve.KV, which is by Liu et al., "Lost in the Middle" (arXiv 2307.03172); the templates are those of its published generator.
 *
 * <p>Deviation: noise stands behind the object where another pair would be too long. Size counts its sentences, of which a pair is worth {@value #PAIR}.
 */
final class KeyValue implements Task {
    private static final int PAIR = 14;

    private record Pair(String key, String value) {
        String json() {
            return "\"" + key + "\": \"" + value + "\"";
        }
    }

    @Override
    public String name() {
        return "kv_retrieval";
    }

    @Override
    public int answerTokens() {
        return 50;
    }

    /** A UUID is not part of a longer one. */
    @Override
    public Scoring scoring() {
        return Scoring.ALL;
    }

    @Override
    public int smallest() {
        return PAIR;
    }

    @Override
    public Sample sample(Random random, int size, Haystack haystack) {
        Set<String> known = Lexicon.nothingKnown();
        double place = random.nextDouble();
        Pair asked = pair(random, known);
        List<Pair> pairs = new ArrayList<>();
        for (int i = 1; i < size / PAIR; i++) {
            pairs.add(pair(random, known));
        }
        pairs.add((int) (place * (pairs.size() + 1)), asked);
        String object = String.join(", ", pairs.stream().map(Pair::json).toList());
        List<String> noise = Noise.lines(size % PAIR);
        String context =
                "Extract the value corresponding to the specified key in the JSON object below.\n\nJSON data:\n{"
                        + object + "}\n" + String.join("\n", noise) + (noise.isEmpty() ? "" : "\n");
        String question = "Key: \"" + asked.key + "\"";
        return new Sample(context, question, " The value associated with the specified key is:", List.of(asked.value));
    }

    private static Pair pair(Random random, Set<String> known) {
        return new Pair(
                Lexicon.another(known, () -> Lexicon.uuid(random)), Lexicon.another(known, () -> Lexicon.uuid(random)));
    }
}
