package dev.lectern.measure;

import dev.lectern.Model;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * English sentences without end, the same on every machine, for benches that need something of a given length to read. They follow
 * each other without a story.
 */
final class BenchText {
    private static final long SEED = 1;
    private static final String[] WHEN = {
        "In March",
        "Before dawn",
        "After the storm",
        "On Monday",
        "In the third week",
        "At noon",
        "Two days later",
        "During the night shift",
        "When the tide turned",
        "That winter"
    };
    private static final String[] WHO = {
        "the harbour master",
        "a pilot",
        "the crane driver",
        "an inspector",
        "the night watchman",
        "a young clerk",
        "the captain of the ferry",
        "the keeper of the archive",
        "an engineer",
        "the baker from the quay"
    };
    private static final String[] DID = {
        "counted", "repaired", "reported", "found", "painted", "measured", "forgot", "ordered", "described", "sold"
    };
    private static final String[] WHICH = {
        "old", "broken", "wooden", "heavy", "small", "yellow", "new", "rusty", "spare"
    };
    private static final String[] WHAT = {
        "barges", "ropes", "lamps", "crates of tea", "ledgers", "anchors", "wheels", "buoys", "windows", "maps"
    };
    private static final String[] WHERE = {
        "on the north quay",
        "behind the warehouse",
        "near the lighthouse",
        "in the customs hall",
        "under the bridge",
        "at pier seven",
        "beside the dry dock",
        "along the canal"
    };

    private BenchText() {}

    /** So many sentences, of some twelve words each. */
    static String sentences(int count) {
        SplittableRandom random = new SplittableRandom(SEED);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(any(WHEN, random)).append(", ").append(any(WHO, random)).append(' ');
            text.append(any(DID, random))
                    .append(' ')
                    .append(random.nextInt(2, 900))
                    .append(' ');
            text.append(any(WHICH, random))
                    .append(' ')
                    .append(any(WHAT, random))
                    .append(' ');
            text.append(any(WHERE, random)).append(i % 7 == 6 ? ".\n" : ". ");
        }
        return text.toString();
    }

    private static String any(String[] words, SplittableRandom random) {
        return words[random.nextInt(words.length)];
    }

    /** So many tokens of a model, read from the beginning. */
    static int[] tokens(Model model, int count) {
        for (int sentences = count / 16 + 1; ; sentences = Math.multiplyExact(sentences, 2)) {
            int[] tokens = model.tokenize(sentences(sentences));
            if (tokens.length >= count) {
                return Arrays.copyOf(tokens, count);
            }
        }
    }
}
