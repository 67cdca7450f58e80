package dev.lectern.prefill;

import java.util.Arrays;
import java.util.List;

/**
 * The tokens of a text that one host reads: runs of consecutive ones, ascending, each at a page's edge of its cache.
 *
 * @param runs each with its place among all runs of the text
 */
record Portion(List<Run> runs) {
    /**
     * @param index among all runs of the text, in its order
     * @param from its first token in the text
     * @param to behind its last
     */
    record Run(int index, int from, int to) {
        int count() {
            return to - from;
        }
    }

    /**
     * Every run of a division that a host has.
     *
     * @param indices ascending; those that the text is too short for are left out
     */
    static Portion of(Division division, int... indices) {
        return new Portion(Arrays.stream(indices)
                .filter(index -> index < division.blocks())
                .mapToObj(index -> new Run(index, division.start(index), division.end(index)))
                .toList());
    }

    int count() {
        return runs.stream().mapToInt(Run::count).sum();
    }

    /** Of the text's tokens, those of the host. */
    int[] of(int[] tokens) {
        int[] some = new int[count()];
        int at = 0;
        for (Run run : runs) {
            System.arraycopy(tokens, run.from, some, at, run.count());
            at += run.count();
        }
        return some;
    }

    /** Whether a token of the text is the host's. */
    boolean has(int token) {
        return runs.stream().anyMatch(run -> run.from <= token && token < run.to);
    }

    /** Where in the text the host's i-th token is. */
    int position(int i) {
        for (Run run : runs) {
            if (i < run.count()) {
                return run.from + i;
            }
            i -= run.count();
        }
        throw new IndexOutOfBoundsException(i);
    }
}
