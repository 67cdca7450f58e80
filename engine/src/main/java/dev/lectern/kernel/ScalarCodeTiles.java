package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The specification. */
public final class ScalarCodeTiles implements CodeTiles {
    @Override
    public void levels(
            CodePlanes planes,
            MemorySegment memory,
            long at0,
            long at1,
            long at2,
            int vectors,
            float[] table,
            float[] out,
            int outAt) {
        for (int v = 0; v < vectors; v++) {
            for (int lane = 0; lane < LANES; lane++) {
                out[outAt + v * LANES + lane] = table[planes.get(memory, at0, at1, at2, v, lane)];
            }
        }
    }

    @Override
    public void bytes(MemorySegment memory, long at, int vectors, float[] out, int outAt) {
        for (int i = 0; i < vectors * LANES; i++) {
            out[outAt + i] = memory.get(ValueLayout.JAVA_BYTE, at + i);
        }
    }

    @Override
    public void byteScores(
            MemorySegment keys,
            long keysAt,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride) {
        for (int h = 0; h < heads; h++) {
            for (int t = 0; t < tiles * LANES; t++) {
                long tile = keysAt + (long) (t / LANES) * LANES * headDim + t % LANES;
                float sum = 0;
                for (int d = 0; d < headDim; d++) {
                    byte k = keys.get(ValueLayout.JAVA_BYTE, tile + (long) d * LANES);
                    sum = Fused.multiplyAdd(q[qAt + h * headDim + d], k, sum);
                }
                s[sAt + h * stride + t] = sum;
            }
        }
    }

    @Override
    public void byteWeigh(
            MemorySegment values,
            long valuesAt,
            int tokens,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int width,
            float[] o,
            int oAt) {
        for (int h = 0; h < heads; h++) {
            for (int t = 0; t < tokens; t++) {
                for (int c = 0; c < width; c++) {
                    int i = oAt + h * width + c;
                    byte v = values.get(ValueLayout.JAVA_BYTE, valuesAt + (long) t * width + c);
                    o[i] = Fused.multiplyAdd(p[pAt + h * stride + t], v, o[i]);
                }
            }
        }
    }

    @Override
    public void scaleScores(
            float[] s,
            int sAt,
            int stride,
            int heads,
            int tokens,
            float[] scale,
            int scaleAt,
            float[] shift,
            int shiftAt) {
        for (int h = 0; h < heads; h++) {
            for (int t = 0; t < tokens; t++) {
                int i = sAt + h * stride + t;
                s[i] = s[i] * scale[scaleAt + t] + shift[shiftAt + h];
            }
        }
    }

    @Override
    public void scaleWeights(
            float[] p, int pAt, int stride, int heads, int tokens, float[] scale, int scaleAt, float[] out, int outAt) {
        for (int h = 0; h < heads; h++) {
            for (int t = 0; t < tokens; t++) {
                out[outAt + h * tokens + t] = p[pAt + h * stride + t] * scale[scaleAt + t];
            }
        }
    }

    @Override
    public void affineLanes(float[] x, int at, int vectors, float[] scale, int scaleAt, float[] shift, int shiftAt) {
        for (int i = 0; i < vectors * LANES; i++) {
            int lane = i % LANES;
            x[at + i] = x[at + i] * scale[scaleAt + lane] + shift[shiftAt + lane];
        }
    }

    @Override
    public void affine(float[] x, int at, int count, float scale, float shift) {
        for (int i = at; i < at + count; i++) {
            x[i] = x[i] * scale + shift;
        }
    }

    @Override
    public void hadamard(float[] x, int at, int rows, int stride, int n) {
        int block = CodeTiles.block(n);
        for (int row = 0; row < rows; row++) {
            for (int from = at + row * stride; from < at + row * stride + n; from += block) {
                butterflies(x, from, block, 1);
            }
        }
    }

    @Override
    public void hadamardLanes(float[] x, int at, int n) {
        int block = CodeTiles.block(n);
        for (int from = 0; from < n; from += block) {
            for (int lane = 0; lane < LANES; lane++) {
                butterflies(x, at + from * LANES + lane, block, LANES);
            }
        }
    }

    private static void butterflies(float[] x, int at, int n, int stride) {
        for (int half = 1; half < n; half *= 2) {
            for (int i = 0; i < n; i++) {
                if ((i & half) == 0) {
                    float a = x[at + i * stride], b = x[at + (i + half) * stride];
                    x[at + i * stride] = a + b;
                    x[at + (i + half) * stride] = a - b;
                }
            }
        }
        float unit = (float) (1 / Math.sqrt(n));
        for (int i = 0; i < n; i++) {
            x[at + i * stride] *= unit;
        }
    }
}
