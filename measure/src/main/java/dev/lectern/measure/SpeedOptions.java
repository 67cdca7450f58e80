package dev.lectern.measure;

import dev.lectern.LecternException;
import java.util.List;

/**
 * What {@link SpeedBench} measures: every combination of format, method of attention, batch and depth.
 *
 * @param depths tokens that are cached before the prompt; sorted
 * @param batches sequences that are decoded together
 * @param kvs formats of the cache
 * @param attentions methods: what a new token looks at
 * @param promptTokens read in one go, which is the prefill that is timed
 * @param decodeTokens decoded after them
 * @param fill how a depth is reached
 * @param runs timed, after one that is not
 * @param profile whether it is recorded where the time of these goes
 */
public record SpeedOptions(
        List<Integer> depths,
        List<Integer> batches,
        List<String> kvs,
        List<String> attentions,
        int promptTokens,
        int decodeTokens,
        Fill fill,
        int runs,
        boolean profile) {
    /** Nothing before the prompt, one sequence, f16; 512 tokens read and 48 decoded, three times. */
    public static final SpeedOptions DEFAULT =
            new SpeedOptions(List.of(0), List.of(1), List.of("f16"), List.of("dense"), 512, 48, Fill.READ, 3, false);

    private static final int MOST = 1 << 30;
    private static final int MOST_BATCH = 1024;
    private static final int MOST_RUNS = 1000;

    /** How a depth is reached. */
    public enum Fill {
        /** All of its tokens are read. */
        READ,
        /**
         * {@link dev.lectern.Session#repeat Repeated}: some are read, and their pages copied, each into memory of its own. As many bytes are looked
         * through as at the real depth, but the keys stay rotated for the places where they were read, and the same values come again and again.
         */
        REPEAT
    }

    public SpeedOptions {
        depths = depths.stream().distinct().sorted().toList();
        batches = List.copyOf(batches);
        kvs = List.copyOf(kvs);
        attentions = List.copyOf(attentions);
        each("--depth", depths, 0, MOST);
        each("--batch", batches, 1, MOST_BATCH);
        each("--prompt-tokens", List.of(promptTokens), 1, MOST);
        each("--decode-tokens", List.of(decodeTokens), 1, MOST);
        each("--runs", List.of(runs), 1, MOST_RUNS);
    }

    private static void each(String option, List<Integer> values, int least, int most) {
        if (values.isEmpty()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, option + " is empty, but it takes one or more numbers.");
        }
        for (int value : values) {
            if (value < least || value > most) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        option + " is " + value + ", but it takes " + least + "…" + most + ".");
            }
        }
    }

    int deepest() {
        return depths.getLast();
    }

    /** Tokens that a sequence comes to. */
    long context() {
        return (long) deepest() + promptTokens + decodeTokens;
    }

    public SpeedOptions withDepths(List<Integer> depths) {
        return new SpeedOptions(depths, batches, kvs, attentions, promptTokens, decodeTokens, fill, runs, profile);
    }

    public SpeedOptions withBatches(List<Integer> batches) {
        return new SpeedOptions(depths, batches, kvs, attentions, promptTokens, decodeTokens, fill, runs, profile);
    }

    public SpeedOptions withKvs(List<String> kvs) {
        return new SpeedOptions(depths, batches, kvs, attentions, promptTokens, decodeTokens, fill, runs, profile);
    }

    public SpeedOptions withAttentions(List<String> attentions) {
        return new SpeedOptions(depths, batches, kvs, attentions, promptTokens, decodeTokens, fill, runs, profile);
    }

    public SpeedOptions withPromptTokens(int promptTokens) {
        return new SpeedOptions(depths, batches, kvs, attentions, promptTokens, decodeTokens, fill, runs, profile);
    }

    public SpeedOptions withDecodeTokens(int decodeTokens) {
        return new SpeedOptions(depths, batches, kvs, attentions, promptTokens, decodeTokens, fill, runs, profile);
    }

    public SpeedOptions withFill(Fill fill) {
        return new SpeedOptions(depths, batches, kvs, attentions, promptTokens, decodeTokens, fill, runs, profile);
    }

    public SpeedOptions withRuns(int runs) {
        return new SpeedOptions(depths, batches, kvs, attentions, promptTokens, decodeTokens, fill, runs, profile);
    }

    public SpeedOptions withProfile(boolean profile) {
        return new SpeedOptions(depths, batches, kvs, attentions, promptTokens, decodeTokens, fill, runs, profile);
    }
}
