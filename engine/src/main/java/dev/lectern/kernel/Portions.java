package dev.lectern.kernel;

import java.util.Arrays;

/**
 * How a shared loop over units of equal work is cut into tasks that are handed out in order: large ones first, so that a thread stays in one place of memory, then smaller and
 * smaller ones, so that none waits long for another. Each round gives every thread a share of half of what is left (Hummel, Schonberg and Flynn, "Factoring: a method for scheduling
 * parallel loops", Communications of the ACM 35(8), 1992).
 */
final class Portions {
    private int[] ends = new int[16];
    private int count;

    /**
     * Cuts a loop.
     *
     * @param units how many there are
     * @param smallest units of a task, where so many are left
     */
    void cut(int units, int smallest, int threads) {
        count = 0;
        int done = 0;
        while (done < units) {
            int size = Math.max(smallest, Math.ceilDiv(units - done, 2 * threads));
            for (int thread = 0; thread < threads && done < units; thread++) {
                done = Math.min(units, done + size);
                if (count == ends.length) {
                    ends = Arrays.copyOf(ends, 2 * count);
                }
                ends[count++] = done;
            }
        }
    }

    int count() {
        return count;
    }

    int from(int task) {
        return task == 0 ? 0 : ends[task - 1];
    }

    int to(int task) {
        return ends[task];
    }
}
