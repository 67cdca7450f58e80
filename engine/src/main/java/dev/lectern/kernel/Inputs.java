package dev.lectern.kernel;

/** What products with {@link Interleaved} weights need to know about their input vectors, computed once for all products that share them. */
final class Inputs {
    /** By what an input is divided: the power of two that its field stands at in a word; the last field is shifted down instead. */
    static final float[] UNSHIFT = {1, 0x1p-4f, 0x1p-8f, 0x1p-12f, 0x1p-16f, 0x1p-20f, 0x1p-24f, 1};

    /** Up to so many vectors, unpacking the weights anew for each is no slower than a turn through the cache. */
    static final int FEW = 2;

    /** {@code [rows][columns]}, each input divided by the place of its field. */
    float[] scaled = {};

    /** The same for more than {@link #FEW} rows, in fours, the last filled up with zeros: {@code [rows / 4][columns][4]}. */
    float[] fours = {};

    /** {@code [rows][columns / 16]} sums of 16 consecutive inputs. */
    private float[] sums16 = {};

    /** {@code [rows][columns / 32]} sums of 32. */
    private float[] sums32 = {};

    /** @param x {@code [rows][columns]}, columns a multiple of 32 */
    void prepare(float[] x, int rows, int columns) {
        int n = rows * columns;
        scaled = Scratch.grown(scaled, n);
        sums16 = Scratch.grown(sums16, n / 16);
        sums32 = Scratch.grown(sums32, n / 32);
        for (int i = 0; i < n; i += 8) {
            for (int field = 0; field < 8; field++) {
                scaled[i + field] = x[i + field] * UNSHIFT[field];
            }
        }
        if (rows > FEW) {
            fours(rows, columns);
        }
        for (int i = 0; i < n; i += 16) {
            float a = 0, b = 0, c = 0, d = 0;
            for (int k = i; k < i + 16; k += 4) {
                a += x[k];
                b += x[k + 1];
                c += x[k + 2];
                d += x[k + 3];
            }
            sums16[i / 16] = (a + b) + (c + d);
        }
        for (int i = 0; i < n / 32; i++) {
            sums32[i] = sums16[2 * i] + sums16[2 * i + 1];
        }
    }

    private void fours(int rows, int columns) {
        int whole = (rows + 3) / 4 * 4;
        fours = Scratch.grown(fours, (long) whole * columns);
        for (int r = 0; r < whole; r++) {
            int to = r / 4 * 4 * columns + r % 4;
            for (int k = 0; k < columns; k++) {
                fours[to + 4 * k] = r < rows ? scaled[r * columns + k] : 0;
            }
        }
    }

    /** {@code [rows][columns / span]} sums of consecutive inputs. */
    float[] sums(int span) {
        return span == 16 ? sums16 : sums32;
    }
}
