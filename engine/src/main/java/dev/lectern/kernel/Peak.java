package dev.lectern.kernel;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What the processor and the memory of this machine can do at most, as measured: with what kernels are to be compared. The best of several
 * short runs, since other programs only ever make it slower.
 *
 * @param threads of the figures for all
 * @param flops f32 multiplications and additions in a second, fused, one thread
 * @param flopsOfAll the same of all threads together
 * @param bytes that one thread reads from memory in a second
 * @param bytesOfAll the same of all threads together
 */
public record Peak(int threads, double flops, double flopsOfAll, double bytes, double bytesOfAll) {
    /** A measurement ends when for so long no run was shorter than those before, which also gives the compiler its time. */
    private static final double PATIENCE_SECONDS = 0.6;

    private static final double MOST_SECONDS = 4;

    private static final int ROUNDS = 50_000;

    /** Bytes that are read in one call, so few that the first calls, which are interpreted, end soon. */
    private static final int PIECE = 1 << 18;

    private static final AtomicInteger SINK = new AtomicInteger();

    /**
     * Measures, in a few seconds.
     *
     * @param threads how many are all
     * @param memory bytes to read from; far more than the caches hold
     * @param progress in measurements
     * @throws dev.lectern.LecternException of kind {@code CANCELLED} on request
     */
    public static Peak measure(int threads, long memory, Progress progress, Cancellation cancellation) {
        PeakLoops loops = Kernels.peakLoops();
        long size = Math.max(1, memory / PIECE / threads) * PIECE * threads;
        try (Workers one = new Workers(1);
                Workers all = new Workers(threads);
                Arena arena = Arena.ofShared()) {
            progress.report(0, 4);
            double flops = flops(loops, one, cancellation);
            progress.report(1, 4);
            double flopsOfAll = flops(loops, all, cancellation);
            progress.report(2, 4);
            MemorySegment segment = arena.allocate(size, 256);
            double bytes = bytes(loops, one, segment, cancellation);
            progress.report(3, 4);
            double bytesOfAll = bytes(loops, all, segment, cancellation);
            progress.report(4, 4);
            return new Peak(threads, flops, flopsOfAll, bytes, bytesOfAll);
        }
    }

    private static double flops(PeakLoops loops, Workers workers, Cancellation cancellation) {
        Workers.Task task = (index, worker) -> SINK.getAndAdd((int) loops.multiplyAndAdd(ROUNDS));
        double operations = 2.0 * PeakLoops.SUMS * loops.lanes() * ROUNDS * workers.threads();
        return operations / best(workers, cancellation, task);
    }

    private static double bytes(PeakLoops loops, Workers workers, MemorySegment segment, Cancellation cancellation) {
        long part = segment.byteSize() / workers.threads();
        Workers.Task task = (index, worker) -> {
            int sum = 0;
            for (long p = index * part; p < index * part + part; p += PIECE) {
                sum += loops.read(segment, p, p + PIECE);
            }
            SINK.getAndAdd(sum);
        };
        return segment.byteSize() / best(workers, cancellation, task);
    }

    /** Seconds of the shortest run, of one task per thread. */
    private static double best(Workers workers, Cancellation cancellation, Workers.Task task) {
        double best = Double.MAX_VALUE;
        long began = System.nanoTime();
        long improved = began;
        while (seconds(improved) < PATIENCE_SECONDS && seconds(began) < MOST_SECONDS) {
            cancellation.check();
            long start = System.nanoTime();
            workers.run(workers.threads(), cancellation, task);
            double run = seconds(start);
            if (run < 0.99 * best) {
                improved = System.nanoTime();
            }
            best = Math.min(best, run);
        }
        return best;
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }
}
