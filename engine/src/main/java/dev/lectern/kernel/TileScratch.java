package dev.lectern.kernel;

/** One worker's buffers for attention over stored tiles, kept between calls. */
public final class TileScratch {
    private float[] tile = {};
    private float[] factors = {};

    /** Room for unpacked keys or values: at least so many numbers, contents unspecified. */
    public float[] tile(int count) {
        if (tile.length < count) {
            tile = new float[count];
        }
        return tile;
    }

    /** Room for what keys or values are multiplied with: at least so many numbers, contents unspecified. */
    float[] factors(int count) {
        if (factors.length < count) {
            factors = new float[count];
        }
        return factors;
    }
}
