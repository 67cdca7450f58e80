package dev.lectern.model;

import java.util.Arrays;

/**
 * Rotary position embedding (Su et al., "RoFormer", arXiv 2104.09864) as a model uses it.
 *
 * @param pairing which elements of a head rotate together
 * @param dims how many elements of a head rotate; even
 * @param base the θ of the paper
 * @param divisors per pair: what its frequency is divided by after scaling; empty for none (GGUF's {@code rope_freqs})
 */
public record RopeConfig(Pairing pairing, int dims, double base, RopeScaling scaling, float[] divisors) {
    /** No rotation. */
    public static final RopeConfig NONE = new RopeConfig(Pairing.HALVES, 0, 1, new RopeScaling.None(), new float[0]);

    /** Which elements of a head form a pair. */
    public enum Pairing {
        /** (0, 1), (2, 3), … */
        NEIGHBOURS,
        /** (0, dims/2), (1, dims/2 + 1), … */
        HALVES
    }

    public RopeConfig withScaling(RopeScaling scaling) {
        return new RopeConfig(pairing, dims, base, scaling, divisors);
    }

    /**
     * The rotation for a session.
     *
     * @param length tokens that the session may come to; only dynamic scaling depends on it
     */
    public Rope forLength(int length) {
        int pairs = dims / 2;
        float[] frequencies = new float[pairs];
        double base = scaling instanceof RopeScaling.Dynamic d && length > d.originalContext()
                ? this.base
                        * Math.pow(d.factor() * length / d.originalContext() - (d.factor() - 1), dims / (dims - 2.0))
                : this.base;
        for (int i = 0; i < pairs; i++) {
            double frequency = 1 / Math.pow(base, 2.0 * i / dims);
            frequencies[i] = (float) scaled(frequency, i);
            if (divisors.length > 0) {
                frequencies[i] /= divisors[i];
            }
        }
        double attention = scaling instanceof RopeScaling.Yarn y ? y.attentionFactor() : 1;
        return new Rope(pairing, frequencies, (float) attention);
    }

    private double scaled(double frequency, int pair) {
        return switch (scaling) {
            case RopeScaling.None n -> frequency;
            case RopeScaling.Dynamic d -> frequency;
            case RopeScaling.Linear l -> frequency / l.factor();
            case RopeScaling.Yarn y -> {
                double low = pairOfRotations(y.betaFast(), y.originalContext());
                double high = pairOfRotations(y.betaSlow(), y.originalContext());
                if (y.truncate()) {
                    low = Math.floor(low);
                    high = Math.ceil(high);
                }
                low = Math.max(low, 0);
                high = Math.min(high, dims - 1);
                double ramp = Math.clamp((pair - low) / (high == low ? 0.001 : high - low), 0, 1);
                yield frequency / y.factor() * ramp + frequency * (1 - ramp);
            }
            case RopeScaling.Llama3 l -> {
                double wavelength = 2 * Math.PI / frequency;
                double longest = l.originalContext() / l.lowFrequencyFactor();
                double shortest = l.originalContext() / l.highFrequencyFactor();
                if (wavelength < shortest) {
                    yield frequency;
                }
                if (wavelength > longest) {
                    yield frequency / l.factor();
                }
                double smooth = (l.originalContext() / wavelength - l.lowFrequencyFactor())
                        / (l.highFrequencyFactor() - l.lowFrequencyFactor());
                yield (1 - smooth) * frequency / l.factor() + smooth * frequency;
            }
        };
    }

    /** The (fractional) pair that turns so many times within a context: YaRN, section 3.2. */
    private double pairOfRotations(double rotations, int context) {
        return dims * Math.log(context / (rotations * 2 * Math.PI)) / (2 * Math.log(base));
    }

    /**
     * The rotation for a session of that length in a few words; two that rotate differently are described differently.
     *
     * @param length as in {@link #forLength}
     */
    public String described(int length) {
        if (dims == 0) {
            return "none (no rotation)";
        }
        Rope rope = forLength(length);
        float[] table = new float[2 * rope.pairs()];
        int[] angles = new int[2 * table.length];
        for (int i = 0; i < 2; i++) {
            rope.angles(i == 0 ? 1 : FAR, table, 0);
            for (int j = 0; j < table.length; j++) {
                angles[i * table.length + j] = Float.floatToRawIntBits(table[j]);
            }
        }
        return scaling + " (base " + base + ", " + pairing + " of " + dims + ", "
                + Integer.toHexString(Arrays.hashCode(angles)) + ")";
    }

    /** A position at which slow pairs have turned too. */
    private static final int FAR = 100_003;
}
