package dev.lectern.attention;

/**
 * Random numbers that depend on nothing but what they are for, so that a draw is the same whatever was drawn before, on every machine.
 *
 * <p>Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), figure 17.
 */
public final class SplitMix {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    private static final double ULP = 0x1.0p-53;

    private long state;

    /** Begins anew for a purpose: a seed, and what it is for. */
    public void begin(long seed, long... purpose) {
        state = mixed(seed + GOLDEN);
        for (long part : purpose) {
            state = mixed((state ^ part) + GOLDEN);
        }
    }

    /** The next number, 0 to 1, without 1. */
    public double next() {
        state += GOLDEN;
        return (mixed(state) >>> 11) * ULP;
    }

    /** The next number of the normal distribution of variance 1: Box and Muller, "A note on the generation of random normal deviates" (1958). */
    double nextGaussian() {
        double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - next()));
        return radius * StrictMath.cos(2 * Math.PI * next());
    }

    private static long mixed(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
