package dev.lectern.kv;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.CodePlanes;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.TileScratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Codes with a scale and a shift for each group of numbers: {@code S = (max − min) / (2^b − 1)}, {@code code = round((x − min) / S)}, {@code x̂ = code · S + min}, S and min in f16. A group is some
 * consecutive channels of one token, or one channel of some consecutive tokens. Attention does not turn codes back: the scales of channels are folded into the query, those of tokens into scores and
 * weights, and what the shifts add is the same for all numbers of a group.
 *
 * <p>In memory, for all heads after each other: the codes; scales f16; shifts f16; the sinks. An open page has its tokens in f16 behind.
 */
final class AffineGroups extends CodedSide {
    private static final int TOKENS = TOGETHER * TILE;
    private static final float[] ONES = new float[TOKENS];

    static {
        Arrays.fill(ONES, 1);
    }

    private static final ValueLayout.OfShort F16 = ValueLayout.JAVA_SHORT_UNALIGNED;

    /** What a group is. */
    enum Axis {
        /** Channels of one token. */
        TOKEN,
        /** Tokens of one channel. */
        CHANNEL
    }

    /**
     * How numbers become codes.
     *
     * @param planes of 2, 4 or 8 bits, in one plane
     * @param group numbers in a group: a multiple of 16 that divides headDim, or a divisor of a page's tokens
     */
    record Coding(CodePlanes planes, Axis axis, int group) {
        int mostCode() {
            return (1 << planes.bits()) - 1;
        }

        long codeBytes(SideShape shape) {
            long runs = shape.layout() == KvFormat.Layout.TILE
                    ? (long) Page.TOKENS / TILE * planes.bytes(shape.headDim())
                    : (long) Page.TOKENS * planes.bytes(shape.rowVectors());
            return Math.multiplyExact(runs, (long) shape.kvHeads());
        }

        long groups(SideShape shape) {
            return Math.multiplyExact((long) Page.TOKENS * shape.headDim() / group, (long) shape.kvHeads());
        }

        /** Where the sinks begin. */
        long end(SideShape shape) {
            return Math.addExact(codeBytes(shape), Math.multiplyExact(4, groups(shape)));
        }
    }

    private final Coding coding;
    private final MemorySegment memory; // of a closed page
    private final long scalesAt;
    private final long shiftsAt;

    private AffineGroups(
            SideShape shape,
            Coding coding,
            int sinks,
            MemorySegment memory,
            @Nullable MemorySegment exact,
            int closed) {
        super(shape, sinks, memory.asSlice(coding.end(shape)), exact, closed);
        this.coding = coding;
        this.memory = memory;
        scalesAt = coding.codeBytes(shape);
        shiftsAt = scalesAt + 2 * coding.groups(shape);
    }

    static long bytes(SideShape shape, Coding coding, int sinks) {
        return Math.addExact(coding.end(shape), sinkBytes(shape, sinks));
    }

    static long openBytes(SideShape shape, Coding coding, int sinks) {
        return Math.addExact(bytes(shape, coding, sinks), exactBytes(shape));
    }

    static KvSide closed(SideShape shape, Coding coding, int sinks, MemorySegment memory) {
        return new AffineGroups(shape, coding, sinks, memory, null, Page.TOKENS);
    }

    static KvSide open(SideShape shape, Coding coding, int sinks, MemorySegment memory, int closed) {
        long codes = bytes(shape, coding, sinks);
        return new AffineGroups(
                shape, coding, sinks, memory.asSlice(0, codes), memory.asSlice(codes, exactBytes(shape)), closed);
    }

    @Override
    public void closeInto(MemorySegment to) {
        to.copyFrom(memory);
        encode(Page.TOKENS, new AffineGroups(shape, coding, sinks, to, null, Page.TOKENS));
        writeSinks(to.asSlice(coding.end(shape)));
    }

    @Override
    public void close(int to) {
        if (to > closed()) {
            encode(to, this);
            closed(to);
        }
    }

    /** Writes the codes of exact tokens before one. */
    private void encode(int to, AffineGroups target) {
        int headDim = shape.headDim(), first = Math.max(closed(), sinks);
        float[] x = new float[headDim * (coding.axis == Axis.TOKEN ? 1 : coding.group)];
        for (int head = 0; head < shape.kvHeads(); head++) {
            if (coding.axis == Axis.TOKEN) {
                for (int token = first; token < to; token++) {
                    exactRow(head, token, x, 0);
                    for (int d = 0; d < headDim; d += coding.group) {
                        target.encode(head, token, token + 1, d, d + coding.group, x);
                    }
                }
                continue;
            }
            for (int from = closed(); from < to; from += coding.group) {
                int begin = Math.max(from, sinks);
                for (int token = begin; token < from + coding.group; token++) {
                    exactRow(head, token, x, (token - begin) * headDim);
                }
                for (int d = 0; d < headDim; d++) {
                    target.encode(head, begin, from + coding.group, d, d + 1, x);
                }
            }
        }
    }

    /**
     * Encodes a group: tokens from … to of channels begin … end.
     *
     * @param x {@code [to − from][headDim]}
     */
    private void encode(int head, int from, int to, int begin, int end, float[] x) {
        int headDim = shape.headDim();
        float least = Float.POSITIVE_INFINITY, most = Float.NEGATIVE_INFINITY;
        for (int t = 0; t < to - from; t++) {
            for (int d = begin; d < end; d++) {
                least = Math.min(least, x[t * headDim + d]);
                most = Math.max(most, x[t * headDim + d]);
            }
        }
        long group = group(head, from, begin);
        short scale = FloatFormat.half((most - least) / coding.mostCode());
        memory.set(F16, scalesAt + 2 * group, scale);
        memory.set(F16, shiftsAt + 2 * group, FloatFormat.half(least));
        float unit = Float.float16ToFloat(scale);
        for (int t = 0; t < to - from; t++) {
            for (int d = begin; d < end; d++) {
                double steps = unit == 0 ? 0 : Math.rint((x[t * headDim + d] - least) / unit);
                put(head, from + t, d, (int) Math.clamp(steps, 0, coding.mostCode()));
            }
        }
    }

    private void put(int head, int token, int d, int code) {
        boolean tiles = shape.layout() == KvFormat.Layout.TILE;
        long[] at = {runAt(head, token)};
        // Bytes are read as signed.
        int stored = coding.planes == CodePlanes.EIGHT ? code ^ 0x80 : code;
        coding.planes.put(
                memory, at, tiles ? d : d / CodePlanes.LANES, tiles ? token % TILE : d % CodePlanes.LANES, stored);
    }

    /** The number of a group among all: groups of the 16 tokens of a tile lie beside each other, and groups of consecutive channels. */
    private long group(int head, int token, int d) {
        if (coding.axis == Axis.CHANNEL) {
            return ((long) head * (Page.TOKENS / coding.group) + token / coding.group) * shape.headDim() + d;
        }
        int perRow = shape.headDim() / coding.group;
        long tile = (long) head * (Page.TOKENS / TILE) + token / TILE;
        return (tile * perRow + d / coding.group) * TILE + token % TILE;
    }

    private long runAt(int head, int token) {
        return shape.layout() == KvFormat.Layout.TILE
                ? ((long) head * Page.TOKENS + token) / TILE * coding.planes.bytes(shape.headDim())
                : ((long) head * Page.TOKENS + token) * coding.planes.bytes(shape.rowVectors());
    }

    /** The codes of a run as numbers. */
    private void run(int head, int token, int vectors, float[] out, int at) {
        if (coding.planes == CodePlanes.EIGHT) {
            CODES.bytes(memory, runAt(head, token), vectors, out, at);
        } else {
            CODES.numbers(coding.planes, memory, runAt(head, token), vectors, out, at);
        }
    }

    /** The codes of some tiles as numbers: {@code [tiles][headDim][16]}, or {@code [16 · tiles][width]}. */
    private void runs(int head, int tile, int tiles, float[] out) {
        boolean inTiles = shape.layout() == KvFormat.Layout.TILE;
        int vectors = inTiles ? shape.headDim() : shape.rowVectors(), tokens = inTiles ? TILE : 1;
        int count = tiles * TILE / tokens;
        // Runs follow each other without gaps where they fill their bytes: then all are one.
        if (coding.planes.bytes(count * vectors) == count * coding.planes.bytes(vectors)) {
            run(head, tile * TILE, count * vectors, out, 0);
            return;
        }
        for (int i = 0; i < count; i++) {
            run(head, tile * TILE + i * tokens, vectors, out, i * vectors * CodePlanes.LANES);
        }
    }

    /** The scales of some groups after each other, and then what is added. */
    private float[] factors(long group, int count) {
        float[] factors = new float[2 * count];
        factors(group, count, factors, 0, count);
        return factors;
    }

    /** The same, from two places on. */
    private void factors(long group, int count, float[] out, int scales, int shifts) {
        KERNEL.decode(ElementType.F16, memory, scalesAt + 2 * group, count, out, scales);
        KERNEL.decode(ElementType.F16, memory, shiftsAt + 2 * group, count, out, shifts);
        if (coding.planes == CodePlanes.EIGHT) {
            for (int i = 0; i < count; i++) {
                out[shifts + i] += 128 * out[scales + i];
            }
        }
    }

    /** Those of the same channels of the tokens of some tiles. */
    private void factors(int head, int tile, int tiles, int d, float[] out, int scales, int shifts) {
        for (int i = 0; i < tiles; i++) {
            factors(group(head, (tile + i) * TILE, d), TILE, out, scales + i * TILE, shifts + i * TILE);
        }
    }

    private float scale(long group) {
        return Float.float16ToFloat(memory.get(F16, scalesAt + 2 * group));
    }

    /** What is added to a code, as it was read, times the scale. */
    private float shift(long group) {
        float least = Float.float16ToFloat(memory.get(F16, shiftsAt + 2 * group));
        return coding.planes == CodePlanes.EIGHT ? least + 128 * scale(group) : least;
    }

    @Override
    void codedScores(
            int head,
            int firstTile,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        if (shape.layout() == KvFormat.Layout.ROW) {
            super.codedScores(head, firstTile, tiles, q, qAt, heads, s, sAt, stride, scratch);
        } else if (coding.axis == Axis.CHANNEL) {
            scoresOfChannels(head, firstTile, tiles, q, qAt, heads, s, sAt, stride, scratch);
        } else {
            scoresOfTokens(head, firstTile, tiles, q, qAt, heads, s, sAt, stride, scratch);
        }
    }

    /** {@code Σ_d q_d (S_d c_d + min_d) = Σ_d (q_d S_d) c_d + Σ_d q_d min_d} for the tokens of a group. */
    private void scoresOfChannels(
            int head,
            int firstTile,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        int headDim = shape.headDim(), most = Math.min(TOGETHER, coding.group / TILE);
        float[] folded = scratch.queries((heads + 2) * headDim + heads), keys = scratch.codes(TOKENS * headDim);
        int scales = heads * headDim, shifts = scales + headDim, added = shifts + headDim;
        for (int i = 0, n; i < tiles; i += n) {
            int tile = firstTile + i, to = sAt + i * TILE;
            n = Math.min(most - tile % most, tiles - i); // within a group
            factors(group(head, tile * TILE, 0), headDim, folded, scales, shifts);
            timesChannels(q, qAt, heads, folded, scales, folded);
            KERNEL.rowScores(q, qAt, heads, headDim, folded, shifts, headDim, 1, folded, added, 1, scratch);
            runs(head, tile, n, keys);
            KERNEL.scores(folded, 0, heads, headDim, keys, 0, n, s, to, stride);
            CODES.scaleScores(s, to, stride, heads, n * TILE, ONES, 0, folded, added);
        }
    }

    /** {@code Σ_d q_d (S c_d + min) = S Σ_d q_d c_d + min Σ_d q_d} for the channels of a group, added up. */
    private void scoresOfTokens(
            int head,
            int firstTile,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        int headDim = shape.headDim(), group = coding.group, groups = headDim / group;
        float[] queries = scratch.queries(heads * headDim + heads * groups + 2 * TOKENS); // a group's heads together
        int sums = heads * headDim, scales = sums + heads * groups, shifts = scales + TOKENS;
        for (int h = 0; h < heads; h++) {
            for (int j = 0; j < groups; j++) {
                int from = qAt + h * headDim + j * group;
                System.arraycopy(q, from, queries, (j * heads + h) * group, group);
                float sum = 0;
                for (int d = 0; d < group; d++) {
                    sum += q[from + d];
                }
                queries[sums + j * heads + h] = sum;
            }
        }
        boolean asStored = coding.planes == CodePlanes.EIGHT && groups == 1;
        float[] keys = scratch.codes(asStored ? 0 : TOKENS * headDim), part = scratch.sums(heads * TOKENS);
        for (int i = 0; i < tiles; i += TOGETHER) {
            int n = Math.min(TOGETHER, tiles - i), tile = firstTile + i, to = sAt + i * TILE;
            if (asStored) {
                long at = runAt(head, tile * TILE);
                CODES.byteScores(memory, at, n, queries, 0, heads, headDim, part, 0, TOKENS);
            } else {
                runs(head, tile, n, keys);
            }
            for (int j = 0; j < groups; j++) {
                factors(head, tile, n, j * group, queries, scales, shifts);
                int x = j * heads * group;
                if (groups > 1) {
                    for (int t = 0; t < n; t++) {
                        int k = (t * headDim + j * group) * TILE;
                        KERNEL.scores(queries, x, heads, group, keys, k, 1, part, t * TILE, TOKENS);
                    }
                } else if (!asStored) {
                    KERNEL.scores(queries, x, heads, group, keys, 0, n, part, 0, TOKENS);
                }
                for (int h = 0; h < heads; h++) {
                    float sum = queries[sums + j * heads + h];
                    int from = h * TOKENS, into = to + h * stride;
                    for (int t = 0; t < n * TILE; t++) {
                        float score = part[from + t] * queries[scales + t] + sum * queries[shifts + t];
                        s[into + t] = j == 0 ? score : s[into + t] + score;
                    }
                }
            }
        }
    }

    /** {@code Σ_t p_t (S_t c_t + min_t) = Σ_t (p_t S_t) c_t + Σ_t p_t min_t} for each channel of a group of channels. */
    @Override
    void codedWeigh(
            int head,
            int firstTile,
            int tiles,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int width,
            float[] o,
            int oAt,
            TileScratch scratch) {
        if (shape.layout() == KvFormat.Layout.TILE || coding.axis == Axis.CHANNEL) {
            super.codedWeigh(head, firstTile, tiles, p, pAt, stride, heads, width, o, oAt, scratch);
            return;
        }
        int group = coding.group, groups = shape.headDim() / group, each = heads * TOKENS;
        boolean asStored = coding.planes == CodePlanes.EIGHT && groups == 1;
        float[] values = scratch.codes(asStored ? 0 : TOKENS * width);
        float[] weights = scratch.queries(each * (1 + groups) + 2 * TOKENS), sums = scratch.sums(heads * width);
        int scales = each * (1 + groups), shifts = scales + TOKENS;
        Arrays.fill(weights, each, scales, 0); // what the shifts add: of every 64th token together
        Arrays.fill(sums, 0, heads * width, 0); // a group's heads together
        for (int i = 0; i < tiles; i += TOGETHER) {
            int n = Math.min(TOGETHER, tiles - i), tile = firstTile + i, count = n * TILE;
            if (!asStored) {
                runs(head, tile, n, values);
            }
            for (int j = 0; j < groups; j++) {
                factors(head, tile, n, j * group, weights, scales, shifts);
                CODES.scaleWeights(p, pAt + i * TILE, stride, heads, count, weights, scales, weights, 0);
                for (int h = 0; h < heads; h++) {
                    int from = pAt + h * stride + i * TILE, added = (1 + j) * each + h * TOKENS;
                    for (int t = 0; t < count; t++) {
                        weights[added + t] += p[from + t] * weights[shifts + t];
                    }
                }
                if (asStored) {
                    long at = runAt(head, tile * TILE);
                    CODES.byteWeigh(memory, at, count, weights, 0, count, heads, width, sums, 0);
                } else {
                    int into = j * heads * group;
                    KERNEL.weigh(weights, 0, count, heads, values, j * group, width, count, group, sums, into);
                }
            }
        }
        for (int j = 0; j < groups; j++) {
            for (int h = 0; h < heads; h++) {
                float added = 0;
                for (int t = 0; t < TOKENS; t++) {
                    added += weights[(1 + j) * each + h * TOKENS + t];
                }
                int from = (j * heads + h) * group, into = oAt + h * width + j * group;
                for (int c = 0; c < group; c++) {
                    o[into + c] += sums[from + c] + added;
                }
            }
        }
    }

    @Override
    void codedTile(int head, int tile, float[] out, int at) {
        int headDim = shape.headDim();
        if (shape.layout() == KvFormat.Layout.ROW) {
            float[] row = new float[shape.width()];
            for (int t = 0; t < TILE; t++) {
                row(head, tile * TILE + t, row, 0);
                for (int d = 0; d < headDim; d++) {
                    out[at + d * TILE + t] = row[d];
                }
            }
            return;
        }
        run(head, tile * TILE, headDim, out, at);
        if (coding.axis == Axis.CHANNEL) {
            float[] factors = factors(group(head, tile * TILE, 0), headDim);
            for (int d = 0; d < headDim; d++) {
                CODES.affine(out, at + d * TILE, TILE, factors[d], factors[headDim + d]);
            }
            return;
        }
        for (int d = 0; d < headDim; d += coding.group) {
            float[] factors = factors(group(head, tile * TILE, d), TILE);
            CODES.affineLanes(out, at + d * TILE, coding.group, factors, 0, factors, TILE);
        }
    }

    @Override
    void codedRows(int head, int tile, float[] out, int at, int stride) {
        int headDim = shape.headDim();
        if (shape.layout() == KvFormat.Layout.TILE) {
            float[] columns = new float[TILE * headDim];
            codedTile(head, tile, columns, 0);
            for (int t = 0; t < TILE; t++) {
                for (int d = 0; d < headDim; d++) {
                    out[at + t * stride + d] = columns[d * TILE + t];
                }
            }
            return;
        }
        if (stride >= shape.width()) {
            for (int t = 0; t < TILE; t++) {
                row(head, tile * TILE + t, out, at + t * stride);
            }
            return;
        }
        for (int t = 0; t < TILE; t++) {
            codedRow(head, tile * TILE + t, out, at + t * stride);
        }
    }

    /** One row of the row layout, {@code [width]}. */
    private void row(int head, int token, float[] out, int at) {
        int headDim = shape.headDim();
        run(head, token, shape.rowVectors(), out, at);
        if (coding.axis == Axis.TOKEN) {
            for (int d = 0; d < headDim; d += coding.group) {
                long group = group(head, token, d);
                CODES.affine(out, at + d, coding.group, scale(group), shift(group));
            }
            return;
        }
        float[] factors = factors(group(head, token, 0), headDim);
        for (int d = 0; d < headDim; d++) {
            out[at + d] = out[at + d] * factors[d] + factors[headDim + d];
        }
    }

    @Override
    void codedRow(int head, int token, float[] out, int at) {
        int headDim = shape.headDim();
        if (shape.layout() == KvFormat.Layout.TILE) {
            float[] columns = new float[TILE * headDim];
            codedTile(head, token / TILE, columns, 0);
            for (int d = 0; d < headDim; d++) {
                out[at + d] = columns[d * TILE + token % TILE];
            }
            return;
        }
        float[] row = new float[shape.width()];
        row(head, token, row, 0);
        System.arraycopy(row, 0, out, at, headDim);
    }

    @Override
    int codedRowBytes() {
        return (int) (coding.end(shape) / ((long) Page.TOKENS * shape.kvHeads()));
    }
}
