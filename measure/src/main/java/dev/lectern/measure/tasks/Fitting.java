package dev.lectern.measure.tasks;

import dev.lectern.LecternException;
import java.util.Random;
import java.util.function.ToIntFunction;

/** Samples as long as is asked. */
public final class Fitting {
    private Fitting() {}

    /**
     * The longest sample that fits, with room for its answer.
     *
     * @param seed of the run
     * @param index which sample of the task
     * @param length tokens of prompt and answer
     * @param tokens counts those of a prompt
     * @throws LecternException of kind {@code BAD_OPTION} if the shortest sample is too long
     */
    public static Sample sample(
            Task task, long seed, int index, int length, Haystack haystack, ToIntFunction<Sample> tokens) {
        int room = length - task.answerTokens();
        int fits = task.smallest();
        int shortest = tokens.applyAsInt(made(task, seed, index, fits, haystack));
        if (shortest > room) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--length " + length + " is too short for " + task.name() + ", whose shortest sample takes "
                            + (shortest + task.answerTokens()) + " tokens with its answer.");
        }
        // Twice the size is at most about twice as long, so this ends near the right one.
        int tooLarge = fits + 1;
        while (tokens.applyAsInt(made(task, seed, index, tooLarge, haystack)) <= room) {
            fits = tooLarge;
            tooLarge = Math.multiplyExact(tooLarge, 2);
        }
        while (tooLarge - fits > 1) {
            int middle = fits + (tooLarge - fits) / 2;
            if (tokens.applyAsInt(made(task, seed, index, middle, haystack)) <= room) {
                fits = middle;
            } else {
                tooLarge = middle;
            }
        }
        return made(task, seed, index, fits, haystack);
    }

    private static Sample made(Task task, long seed, int index, int size, Haystack haystack) {
        return task.sample(new Random(mixed(seed, task.name().hashCode(), index)), size, haystack);
    }

    /** Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014): the mixing of SplitMix64, so that near seeds give far ones. */
    private static long mixed(long... parts) {
        long z = 0;
        for (long part : parts) {
            z += part + 0x9e3779b97f4a7c15L;
            z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
            z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
            z ^= z >>> 31;
        }
        return z;
    }
}
