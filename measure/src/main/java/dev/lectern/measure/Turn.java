package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.Progress;

/**
 * One engine's turn: a prompt read after what it holds, and tokens decoded after that. Afterwards it holds what it held before.
 *
 * @param prefill seconds of the reading
 * @param decode seconds of the decoding
 */
record Turn(double prefill, double decode) {
    /** Threads that spin after their work have gone to sleep after that long. */
    private static final long REST_MILLIS = 100;

    /** Lectern's compiler needs that long to find out what matters. */
    private static final double WARM_UP_SECONDS = 4;

    static Turn take(Engine engine, int[] prompt, int[] after, Work work) {
        int depth = engine.length();
        rest();
        double prefill = engine.read(prompt, work);
        double decode = engine.decode(after, work);
        engine.truncate(depth);
        return new Turn(prefill, decode);
    }

    /** Takes turns until nothing is left to compile; the first of them is told as work. */
    static void warmUp(Engine engine, int[] prompt, int[] after, Work work) {
        long began = System.nanoTime();
        take(engine, prompt, after, work);
        while ((System.nanoTime() - began) / 1e9 < WARM_UP_SECONDS) {
            take(engine, prompt, after, new Work(Progress.NONE));
        }
    }

    /** Lets whoever worked before come to rest. */
    static void rest() {
        try {
            Thread.sleep(REST_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LecternException(LecternException.Kind.CANCELLED, "Stopped on request.", e);
        }
    }
}
