package dev.lectern.attention;

import java.util.Arrays;
import java.util.stream.IntStream;

/** The tokens of the highest numbers. */
public final class Highest {
    private Highest() {}

    /** Tokens from 0 to a number, without it. */
    static int[] all(int tokens) {
        return IntStream.range(0, tokens).toArray();
    }

    /**
     * The tokens of the highest numbers, of equal ones the first, and all of a run after them.
     *
     * @param numbers per token
     * @param wanted how many of them
     * @param from the run's first token
     * @param to its end
     * @return ascending
     */
    public static int[] and(float[] numbers, int wanted, int from, int to) {
        float[] sorted = numbers.clone();
        Arrays.sort(sorted);
        float least = wanted == 0 ? Float.POSITIVE_INFINITY : sorted[sorted.length - wanted];
        int ties = wanted;
        for (float number : numbers) {
            ties -= number > least ? 1 : 0;
        }
        int[] kept = new int[wanted + to - from];
        int count = 0;
        for (int i = 0; i < numbers.length; i++) {
            if (numbers[i] > least || (numbers[i] == least && ties-- > 0)) {
                kept[count++] = i;
            }
        }
        for (int i = from; i < to; i++) {
            kept[count++] = i;
        }
        return kept;
    }
}
