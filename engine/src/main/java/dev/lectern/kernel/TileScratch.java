package dev.lectern.kernel;

/** One worker's buffers for attention over stored tiles, kept between calls. */
public final class TileScratch {
    private float[] tile = {};
    private float[] codes = {};
    private float[] queries = {};
    private float[] sums = {};
    private float[] factors = {};

    /** Room for unpacked keys or values: at least so many numbers, contents unspecified. */
    public float[] tile(int count) {
        if (tile.length < count) {
            tile = new float[count];
        }
        return tile;
    }

    /** Room for numbers that codes stand for: at least so many, contents unspecified. */
    public float[] codes(int count) {
        if (codes.length < count) {
            codes = new float[count];
        }
        return codes;
    }

    /** Room for queries, or weights, as a format wants them: at least so many numbers, contents unspecified. */
    public float[] queries(int count) {
        if (queries.length < count) {
            queries = new float[count];
        }
        return queries;
    }

    /** Room for weighted sums that are transformed in the end: at least so many numbers, contents unspecified. */
    public float[] sums(int count) {
        if (sums.length < count) {
            sums = new float[count];
        }
        return sums;
    }

    /** Room for what keys or values are multiplied with: at least so many numbers, contents unspecified. */
    float[] factors(int count) {
        if (factors.length < count) {
            factors = new float[count];
        }
        return factors;
    }
}
