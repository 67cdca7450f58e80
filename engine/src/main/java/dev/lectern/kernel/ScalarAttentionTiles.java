package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The specification of {@link AttentionTiles}: plain loops. */
public final class ScalarAttentionTiles implements AttentionTiles {
    @Override
    public void scores(
            float[] q, int qAt, int heads, int headDim, float[] k, int kAt, int tiles, float[] s, int sAt, int stride) {
        for (int h = 0; h < heads; h++) {
            for (int t = 0; t < tiles * TILE; t++) {
                int tile = kAt + t / TILE * TILE * headDim;
                float sum = 0;
                for (int d = 0; d < headDim; d++) {
                    sum = Fused.multiplyAdd(q[qAt + h * headDim + d], k[tile + d * TILE + t % TILE], sum);
                }
                s[sAt + h * stride + t] = sum;
            }
        }
    }

    @Override
    public void rowScores(
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] k,
            int kAt,
            int kStride,
            int tokens,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        for (int h = 0; h < heads; h++) {
            for (int t = 0; t < tokens; t++) {
                float sum = 0;
                for (int d = 0; d < headDim; d++) {
                    sum = Fused.multiplyAdd(q[qAt + h * headDim + d], k[kAt + t * kStride + d], sum);
                }
                s[sAt + h * stride + t] = sum;
            }
        }
    }

    @Override
    public void softmax(float[] s, int sAt, int n, int from, int to, float[] stats, int statsAt, TileScratch scratch) {
        float max = LOWEST;
        for (int t = from; t < to; t++) {
            max = Math.max(max, s[sAt + t]);
        }
        float sum = 0;
        for (int t = 0; t < n; t++) {
            float p = t < from || t >= to ? 0 : exp2(s[sAt + t] - max);
            s[sAt + t] = p;
            sum += p;
        }
        stats[statsAt] = max;
        stats[statsAt + 1] = sum;
    }

    @Override
    public void weigh(
            float[] p,
            int pAt,
            int stride,
            int heads,
            float[] v,
            int vAt,
            int vStride,
            int tokens,
            int width,
            float[] o,
            int oAt) {
        for (int h = 0; h < heads; h++) {
            for (int c = 0; c < width; c++) {
                float sum = o[oAt + h * width + c];
                for (int t = 0; t < tokens; t++) {
                    sum = Fused.multiplyAdd(p[pAt + h * stride + t], v[vAt + t * vStride + c], sum);
                }
                o[oAt + h * width + c] = sum;
            }
        }
    }

    @Override
    public void storedScores(
            ElementType type,
            MemorySegment keys,
            long keysAt,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        int elements = TILE * headDim;
        float[] tile = scratch.tile(elements);
        for (int i = 0; i < tiles; i++) {
            decode(type, keys, keysAt + type.bytes((long) i * elements), elements, tile, 0);
            scores(q, qAt, heads, headDim, tile, 0, 1, s, sAt + i * TILE, stride);
        }
    }

    @Override
    public void storedWeigh(
            ElementType type,
            MemorySegment values,
            long valuesAt,
            int tokens,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int headDim,
            float[] o,
            int oAt,
            TileScratch scratch) {
        float[] rows = scratch.tile(tokens * headDim);
        decode(type, values, valuesAt, tokens * headDim, rows, 0);
        weigh(p, pAt, stride, heads, rows, 0, headDim, tokens, headDim, o, oAt);
    }

    @Override
    public void chosenScores(
            ElementType type,
            MemorySegment keys,
            long keysAt,
            int[] ids,
            int from,
            int count,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        float[] row = scratch.tile(headDim);
        for (int i = 0; i < count; i++) {
            decode(type, keys, keysAt + type.bytes((long) ids[from + i] * headDim), headDim, row, 0);
            rowScores(q, qAt, heads, headDim, row, 0, headDim, 1, s, sAt + i, stride, scratch);
        }
    }

    @Override
    public void chosenWeigh(
            ElementType type,
            MemorySegment values,
            long valuesAt,
            int[] ids,
            int from,
            int count,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int headDim,
            float[] o,
            int oAt) {
        float[] row = new float[headDim];
        for (int i = 0; i < count; i++) {
            decode(type, values, valuesAt + type.bytes((long) ids[from + i] * headDim), headDim, row, 0);
            weigh(p, pAt + i, stride, heads, row, 0, headDim, 1, headDim, o, oAt);
        }
    }

    @Override
    public void chunkScores(float[] q, int qAt, int headDim, float[] k, int kAt, int tiles, float[] s, int sAt) {
        for (int t = 0; t < tiles * TILE; t++) {
            int keys = kAt + t / TILE * headDim * TILE + t % TILE;
            for (int lane = 0; lane < LANES; lane++) {
                float sum = 0;
                for (int d = 0; d < headDim; d++) {
                    sum = Fused.multiplyAdd(k[keys + d * TILE], q[qAt + d * LANES + lane], sum);
                }
                s[sAt + t * LANES + lane] = sum;
            }
        }
    }

    @Override
    public boolean chunkSoftmax(float[] s, int sAt, int tokens, float[] max, float[] sum, int statsAt, float[] scale) {
        boolean rescale = false;
        for (int lane = 0; lane < LANES; lane++) {
            float before = max[statsAt + lane];
            float now = before;
            for (int t = 0; t < tokens; t++) {
                now = Math.max(now, s[sAt + t * LANES + lane]);
            }
            scale[lane] = exp2(before - now);
            rescale |= now != before;
            float total = sum[statsAt + lane] * scale[lane];
            for (int t = 0; t < tokens; t++) {
                float p = exp2(s[sAt + t * LANES + lane] - now);
                s[sAt + t * LANES + lane] = p;
                total += p;
            }
            sum[statsAt + lane] = total;
            max[statsAt + lane] = now;
        }
        return rescale;
    }

    @Override
    public void chunkRescale(float[] o, int oAt, int width, float[] scale) {
        for (int c = 0; c < width; c++) {
            for (int lane = 0; lane < LANES; lane++) {
                o[oAt + c * LANES + lane] *= scale[lane];
            }
        }
    }

    @Override
    public void chunkWeigh(float[] p, int pAt, int tokens, float[] v, int vAt, int width, float[] o, int oAt) {
        for (int c = 0; c < width; c++) {
            int values = vAt + c / TILE * tokens * TILE + c % TILE;
            for (int lane = 0; lane < LANES; lane++) {
                float sum = o[oAt + c * LANES + lane];
                for (int t = 0; t < tokens; t++) {
                    sum = Fused.multiplyAdd(v[values + t * TILE], p[pAt + t * LANES + lane], sum);
                }
                o[oAt + c * LANES + lane] = sum;
            }
        }
    }

    @Override
    public void chunkShares(
            float[] p,
            int pAt,
            int tokens,
            float[] factors,
            int factorsAt,
            float[] columns,
            int columnsAt,
            float[] diagonals,
            int diagonalsAt) {
        for (int t = 0; t < tokens; t++) {
            float sum = 0;
            for (int lane = 0; lane < LANES; lane++) {
                float share = p[pAt + t * LANES + lane] * factors[factorsAt + lane];
                diagonals[diagonalsAt - t + lane] += share;
                sum += share;
            }
            columns[columnsAt + t] = sum;
        }
    }

    @Override
    public void columns(float[] rows, int rowsAt, int tokens, int width, float[] out, int outAt) {
        for (int t = 0; t < tokens; t++) {
            for (int c = 0; c < width; c++) {
                out[outAt + c / TILE * tokens * TILE + t * TILE + c % TILE] = rows[rowsAt + t * width + c];
            }
        }
    }

    @Override
    public void decode(ElementType type, MemorySegment segment, long offset, int count, float[] out, int at) {
        decode(type, segment, offset, 1, count, out, at);
    }

    @Override
    public void decodeColumn(ElementType type, MemorySegment segment, long offset, int count, float[] out, int at) {
        decode(type, segment, offset, TILE, count, out, at);
    }

    private static void decode(
            ElementType type, MemorySegment segment, long offset, int step, int count, float[] out, int at) {
        for (int i = 0; i < count; i++) {
            long p = offset + type.bytes((long) step * i);
            out[at + i] = switch (type) {
                case F32 -> segment.get(ValueLayout.JAVA_FLOAT_UNALIGNED, p);
                case F16 -> Float.float16ToFloat(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, p));
                case BF16 -> Float.intBitsToFloat(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, p) << 16);
                default -> throw new IllegalArgumentException(type + " is not a plain float");
            };
        }
    }

    @Override
    public long positive(float[] x, int at) {
        long bits = 0;
        for (int i = 0; i < Long.SIZE; i++) {
            bits |= x[at + i] > 0 ? 1L << i : 0;
        }
        return bits;
    }

    private static float exp2(float x) {
        return (float) Math.pow(2, x);
    }
}
