package dev.lectern.kernel;

/** One worker's buffers, kept between products. Growing is rare: the sizes settle within the first layer. */
final class Scratch {
    /** Columns that are unpacked at a time: few enough for the processor to fetch the next ones meanwhile. */
    static final int UNPACKED = 1024;

    /** Weights unpacked to signed bytes, and their scales, one for 16 columns. */
    final byte[] quants = new byte[UNPACKED];

    final float[] scales = new float[UNPACKED / 16];

    /** Scales of strips of {@link Interleaved} rows, {@code [groups][spans][ROWS]}. */
    final float[] rowScales = new float[InterleavedRows.TOGETHER * InterleavedRows.SCALES];

    /** Offsets likewise. */
    final float[] rowOffsets = new float[InterleavedRows.TOGETHER * InterleavedRows.SCALES];

    /** {@code [TILE][ROWS]} unpacked weights. */
    final float[] tile = new float[InterleavedProducts.TILE * Interleaved.ROWS];

    /** A decoded row. */
    float[] row = new float[0];

    /** Vectors of partial sums. */
    float[] lanes = new float[0];

    /** {@code [PANEL_ROWS][Tiles.COLUMNS]} decoded weights. */
    float[] panel = new float[0];

    /** {@code [PANEL_ROWS][Tiles.STRIDE]} sums. */
    float[] sums = new float[0];

    /** The array itself or a larger one, contents unspecified; with room for a vector beyond the end. */
    static float[] grown(float[] array, long length) {
        long wanted = Math.addExact(length, Lanes.L);
        return array.length >= wanted ? array : new float[Math.toIntExact(wanted)];
    }
}
