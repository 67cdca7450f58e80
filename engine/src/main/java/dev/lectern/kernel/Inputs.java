package dev.lectern.kernel;

/** What products with {@link Interleaved} weights need to know about their input vectors, computed once for all products that share them. */
final class Inputs {
    /** By what the input of a column is divided, of eight after each other: the power of two that its field stands at in a word; the last field is shifted down instead. */
    private static final float[] NIBBLES = {1, 0x1p-4f, 0x1p-8f, 0x1p-12f, 0x1p-16f, 0x1p-20f, 0x1p-24f, 1};

    /** The same for words of four bytes. */
    private static final float[] BYTES = {1, 0x1p-8f, 0x1p-16f, 1, 1, 0x1p-8f, 0x1p-16f, 1};

    /** Up to so many vectors, unpacking the weights anew for each is no slower than a turn through the cache. */
    static final int FEW = 2;

    private final Scaled nibbles = new Scaled(NIBBLES);
    private final Scaled bytes = new Scaled(BYTES);

    /** {@code [rows][columns / 16]} sums of 16 consecutive inputs. */
    private float[] sums16 = {};

    /** {@code [rows][columns / 32]} sums of 32. */
    private float[] sums32 = {};

    /** The inputs, each divided by the place of its field. */
    private static final class Scaled {
        final float[] unshift;

        /** {@code [rows][columns]}. */
        float[] ones = {};

        /** The same for more than {@link #FEW} rows, in fours, the last filled up with zeros: {@code [rows / 4][columns][4]}. */
        float[] fours = {};

        Scaled(float[] unshift) {
            this.unshift = unshift;
        }

        void prepare(float[] x, int rows, int columns) {
            int n = rows * columns;
            ones = Scratch.grown(ones, n);
            for (int i = 0; i < n; i += 8) {
                for (int field = 0; field < 8; field++) {
                    ones[i + field] = x[i + field] * unshift[field];
                }
            }
            if (rows > FEW) {
                fours(rows, columns);
            }
        }

        private void fours(int rows, int columns) {
            int whole = (rows + 3) / 4 * 4;
            fours = Scratch.grown(fours, (long) whole * columns);
            for (int r = 0; r < whole; r++) {
                int to = r / 4 * 4 * columns + r % 4;
                for (int k = 0; k < columns; k++) {
                    fours[to + 4 * k] = r < rows ? ones[r * columns + k] : 0;
                }
            }
        }
    }

    /** By what the inputs of weights of a type are divided, of eight columns after each other. */
    static float[] unshift(ElementType type) {
        return Interleaved.hasBytes(type) ? BYTES : NIBBLES;
    }

    /**
     * Makes ready for products that share their input, of which those with interleaved weights count.
     *
     * @param x {@code [rows][columns]}, columns a multiple of 32 if there are such
     */
    void prepare(float[] x, int rows, int columns, MatMul.Product... products) {
        boolean anyNibbles = false, anyBytes = false;
        for (MatMul.Product product : products) {
            boolean areBytes = Interleaved.hasBytes(product.weights().type());
            anyBytes |= product.weights().isInterleaved() && areBytes;
            anyNibbles |= product.weights().isInterleaved() && !areBytes;
        }
        if (anyNibbles) {
            nibbles.prepare(x, rows, columns);
        }
        if (anyBytes) {
            bytes.prepare(x, rows, columns);
        }
        if (anyNibbles || anyBytes) {
            sum(x, rows * columns);
        }
    }

    private void sum(float[] x, int n) {
        sums16 = Scratch.grown(sums16, n / 16);
        sums32 = Scratch.grown(sums32, n / 32);
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

    private Scaled scaled(ElementType type) {
        return Interleaved.hasBytes(type) ? bytes : nibbles;
    }

    /** {@code [rows][columns]} inputs of weights of a type, each divided by the place of its field. */
    float[] ones(ElementType type) {
        return scaled(type).ones;
    }

    /** The same for more than {@link #FEW} rows, in fours, the last filled up with zeros: {@code [rows / 4][columns][4]}. */
    float[] fours(ElementType type) {
        return scaled(type).fours;
    }

    /** {@code [rows][columns / span]} sums of consecutive inputs. */
    float[] sums(int span) {
        return span == 16 ? sums16 : sums32;
    }
}
