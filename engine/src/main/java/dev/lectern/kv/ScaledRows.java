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
 * Codes with one scale for each row (a token of a head), after a {@link Turn} of the row that suits them better.
 *
 * <p>A row x is turned into y, y into codes c, and stands for {@code γ · level(c)} turned back. With the Lloyd–Max levels of fewer than 8 bits γ is the least-squares scale {@code Σ y·l / Σ l²}; with
 * 8 bits the codes are −127 … 127 and {@code γ = max|y| / 127}. Attention never turns rows back: a score is {@code γ · (turned q) · level + β}, and the weighted sum of a page is turned back once.
 *
 * <p>In memory, for all heads after each other: scales f16 {@code [256]}; each plane of the codes; for keys that are centred μ and s, f16 {@code [headDim]} each; the sinks.
 */
final class ScaledRows extends CodedSide {
    /** Largest code of 8 bits. */
    static final int MOST = 127;

    private static final ValueLayout.OfShort F16 = ValueLayout.JAVA_SHORT_UNALIGNED;

    /** How a row is turned before it is coded. */
    enum Turn {
        /** Not at all. */
        NONE,
        /** Walsh–Hadamard transform. */
        ROTATED,
        /** Less the mean of the page, divided by a scale for each channel that balances what keys vary with what queries weigh, then Walsh–Hadamard transform. */
        CENTRED_BALANCED_ROTATED
    }

    /** How rows become codes. */
    record Coding(CodePlanes planes, Turn turn, @Nullable LloydMax levels) {
        /** Of 8 bits, or of as many as levels have. */
        static Coding of(CodePlanes planes, Turn turn) {
            return new Coding(planes, turn, planes == CodePlanes.EIGHT ? null : LloydMax.of(planes));
        }

        /** Where parts begin. */
        Places places(SideShape shape) {
            long[] planesAt = new long[3];
            long next = 2L * Page.TOKENS * shape.kvHeads();
            for (int plane = 0; plane < planes.count(); plane++) {
                planesAt[plane] = next;
                next = Math.addExact(next, Math.multiplyExact(headBytes(shape, plane), (long) shape.kvHeads()));
            }
            long statistics = next;
            if (turn == Turn.CENTRED_BALANCED_ROTATED) {
                next = Math.addExact(next, 4L * shape.headDim() * shape.kvHeads());
            }
            return new Places(planesAt, statistics, next);
        }

        /** Bytes of a plane of a head. */
        long headBytes(SideShape shape, int plane) {
            return shape.layout() == KvFormat.Layout.TILE
                    ? (long) Page.TOKENS / TILE * planes.bytes(plane, shape.headDim())
                    : (long) Page.TOKENS * planes.bytes(plane, shape.rowVectors());
        }
    }

    /**
     * Bytes before parts of a closed side.
     *
     * @param end the sinks begin there
     */
    record Places(long[] planes, long statistics, long end) {}

    private final Coding coding;
    private final MemorySegment memory; // of a closed page; empty in an open one
    private final Places places;
    private final QueryEnergy energy;

    /** Of an open page. */
    private ScaledRows(SideShape shape, Coding coding, int sinks, MemorySegment exact, QueryEnergy energy) {
        super(shape, sinks, MemorySegment.NULL, exact, 0);
        this.coding = coding;
        memory = MemorySegment.NULL;
        places = coding.places(shape);
        this.energy = energy;
    }

    /** Of a closed page. */
    private ScaledRows(SideShape shape, Coding coding, int sinks, MemorySegment memory, Places places) {
        super(shape, sinks, memory.asSlice(places.end), null, Page.TOKENS);
        this.coding = coding;
        this.memory = memory;
        this.places = places;
        energy = QueryEnergy.NONE;
    }

    static long bytes(SideShape shape, Coding coding, int sinks) {
        return Math.addExact(coding.places(shape).end, sinkBytes(shape, sinks));
    }

    static long openBytes(SideShape shape, Coding coding) {
        return Math.addExact(exactBytes(shape), energyBytes(shape, coding));
    }

    private static long energyBytes(SideShape shape, Coding coding) {
        return coding.turn == Turn.CENTRED_BALANCED_ROTATED ? QueryEnergy.bytes(shape) : 0;
    }

    static KvSide closed(SideShape shape, Coding coding, int sinks, MemorySegment memory) {
        return new ScaledRows(shape, coding, sinks, memory, coding.places(shape));
    }

    static KvSide open(SideShape shape, Coding coding, int sinks, MemorySegment memory) {
        long exact = exactBytes(shape), energy = energyBytes(shape, coding);
        return new ScaledRows(
                shape,
                coding,
                sinks,
                memory.asSlice(0, exact),
                energy == 0 ? QueryEnergy.NONE : new QueryEnergy(shape, memory.asSlice(exact, energy)));
    }

    @Override
    public void observe(int token, float[] q, int qAt, int group) {
        if (energy != QueryEnergy.NONE) {
            energy.observe(token, q, qAt, group);
        }
    }

    /** Such a page is closed as a whole, into other memory. */
    @Override
    public void close(int to) {}

    @Override
    public void closeInto(MemorySegment to) {
        if (memory.byteSize() > 0) {
            to.copyFrom(memory);
            return;
        }
        ScaledRows target = new ScaledRows(shape, coding, sinks, to, places);
        int headDim = shape.headDim(), width = shape.width();
        float[] rows = new float[Page.TOKENS * width];
        for (int head = 0; head < shape.kvHeads(); head++) {
            for (int tile = 0; tile < Page.TOKENS / TILE; tile++) {
                rows(head, tile, rows, tile * TILE * width, width);
            }
            if (coding.turn == Turn.CENTRED_BALANCED_ROTATED) {
                target.centreAndBalance(head, rows, width, energy);
            }
            if (coding.turn != Turn.NONE) {
                CODES.hadamard(rows, 0, Page.TOKENS, width, headDim);
            }
            float[] row = new float[width];
            for (int token = sinks; token < Page.TOKENS; token++) {
                System.arraycopy(rows, token * width, row, 0, headDim);
                target.code(head, token, row);
            }
        }
        writeSinks(to.asSlice(places.end));
    }

    /**
     * Writes μ, the mean of the page, and {@code s = √((ρ + ε) / (ω + ε))} with the standard deviation ρ of the page's keys and the root mean square ω of its queries, and turns the rows into (x − μ) / s.
     * With noise that is the same in all channels after the rotation, the error of scores is proportional to {@code Σ ω²s² · Σ ρ²/s²}, which this s makes least (Cauchy–Schwarz).
     */
    private void centreAndBalance(int head, float[] rows, int width, QueryEnergy energy) {
        int headDim = shape.headDim(), count = Page.TOKENS - sinks;
        for (int d = 0; d < headDim; d++) {
            double sum = 0, squares = 0;
            for (int token = sinks; token < Page.TOKENS; token++) {
                sum += rows[token * width + d];
            }
            double mean = sum / count;
            for (int token = sinks; token < Page.TOKENS; token++) {
                double deviation = rows[token * width + d] - mean;
                squares += deviation * deviation;
            }
            double rho = Math.sqrt(squares / count), omega = energy.rootMeanSquare(head, d), epsilon = 1e-6;
            memory.set(F16, meanAt(head) + 2L * d, FloatFormat.half((float) mean));
            memory.set(F16, balanceAt(head) + 2L * d, FloatFormat.half((float)
                    Math.sqrt((rho + epsilon) / (omega + epsilon))));
            float mu = half(meanAt(head) + 2L * d), s = half(balanceAt(head) + 2L * d);
            for (int token = 0; token < Page.TOKENS; token++) {
                rows[token * width + d] = (rows[token * width + d] - mu) / s;
            }
        }
    }

    private long meanAt(int head) {
        return places.statistics + 4L * head * shape.headDim();
    }

    private long balanceAt(int head) {
        return meanAt(head) + 2L * shape.headDim();
    }

    /** μ and then s of a head. */
    private float[] statistics(int head) {
        float[] statistics = new float[2 * shape.headDim()];
        statistics(head, statistics, 0);
        return statistics;
    }

    private void statistics(int head, float[] out, int at) {
        KERNEL.decode(ElementType.F16, memory, meanAt(head), 2 * shape.headDim(), out, at);
    }

    private float half(long at) {
        return Float.float16ToFloat(memory.get(F16, at));
    }

    private long scaleAt(int head, int token) {
        return 2L * ((long) head * Page.TOKENS + token);
    }

    /** Where a plane of the run that holds a token begins: the tile's, or the row's. */
    private long runAt(int plane, int head, int token) {
        long start = places.planes[plane] + head * coding.headBytes(shape, plane);
        return shape.layout() == KvFormat.Layout.TILE
                ? start + (long) token / TILE * coding.planes.bytes(plane, shape.headDim())
                : start + (long) token * coding.planes.bytes(plane, shape.rowVectors());
    }

    /** Writes the codes and the scale of a turned row, {@code [width]}. */
    private void code(int head, int token, float[] y) {
        LloydMax levels = coding.levels;
        int headDim = shape.headDim();
        int[] codes = new int[headDim];
        short scale = levels == null ? bytes(y, codes) : levels(y, codes, levels);
        memory.set(F16, scaleAt(head, token), scale);
        long[] at = new long[coding.planes.count()];
        Arrays.setAll(at, plane -> runAt(plane, head, token));
        boolean tiles = shape.layout() == KvFormat.Layout.TILE;
        for (int d = 0; d < headDim; d++) {
            coding.planes.put(
                    memory,
                    at,
                    tiles ? d : d / CodePlanes.LANES,
                    tiles ? token % TILE : d % CodePlanes.LANES,
                    codes[d]);
        }
    }

    private static short bytes(float[] y, int[] codes) {
        float most = 0;
        for (int d = 0; d < codes.length; d++) {
            most = Math.max(most, Math.abs(y[d]));
        }
        short scale = FloatFormat.half(most / MOST);
        float unit = Float.float16ToFloat(scale);
        for (int d = 0; d < codes.length; d++) {
            codes[d] = unit == 0 ? 0 : (int) Math.clamp(Math.rint(y[d] / unit), -MOST, MOST);
        }
        return scale;
    }

    private static short levels(float[] y, int[] codes, LloydMax levels) {
        double squares = 0;
        for (int d = 0; d < codes.length; d++) {
            squares += (double) y[d] * y[d];
        }
        float inverse = squares == 0 ? 0 : (float) (1 / Math.sqrt(squares / codes.length));
        double product = 0, energy = 0;
        for (int d = 0; d < codes.length; d++) {
            codes[d] = levels.code(y[d] * inverse);
            double level = levels.levels()[codes[d]];
            product += y[d] * level;
            energy += level * level;
        }
        return FloatFormat.half((float) (product / energy));
    }

    /** The levels of some vectors, from the beginning of the run that holds a token on. */
    private void levels(int head, int token, int vectors, float[] out, int at) {
        long at0 = runAt(0, head, token);
        LloydMax levels = coding.levels;
        if (levels == null) {
            CODES.bytes(memory, at0, vectors, out, at);
            return;
        }
        int planes = coding.planes.count();
        long at1 = planes > 1 ? runAt(1, head, token) : 0, at2 = planes > 2 ? runAt(2, head, token) : 0;
        CODES.levels(coding.planes, memory, at0, at1, at2, vectors, levels.levels(), out, at);
    }

    /** The levels of a tile: {@code [headDim][16]}, or {@code [16][width]}. */
    private void levelsOfTile(int head, int tile, float[] out, int at) {
        int first = tile * TILE, inRow = shape.rowVectors();
        if (shape.layout() == KvFormat.Layout.TILE) {
            levels(head, first, shape.headDim(), out, at);
        } else if (coding.planes.bytes(0, TILE * inRow) == TILE * coding.planes.bytes(0, inRow)) {
            // Rows follow each other without gaps where they fill their bytes: then all are one run.
            levels(head, first, TILE * inRow, out, at);
        } else {
            for (int t = 0; t < TILE; t++) {
                levels(head, first + t, inRow, out, at + t * shape.width());
            }
        }
    }

    private void scales(int head, int tile, int tiles, float[] out, int at) {
        KERNEL.decode(ElementType.F16, memory, scaleAt(head, tile * TILE), tiles * TILE, out, at);
    }

    @Override
    void codedTile(int head, int tile, float[] out, int at) {
        int headDim = shape.headDim();
        if (shape.layout() == KvFormat.Layout.ROW) {
            float[] rows = new float[TILE * shape.width()];
            codedRows(head, tile, rows, 0, shape.width());
            for (int t = 0; t < TILE; t++) {
                for (int d = 0; d < headDim; d++) {
                    out[at + d * TILE + t] = rows[t * shape.width() + d];
                }
            }
            return;
        }
        float[] scales = new float[2 * TILE];
        levelsOfTile(head, tile, out, at);
        scales(head, tile, 1, scales, 0);
        CODES.affineLanes(out, at, headDim, scales, 0, scales, TILE);
        if (coding.turn != Turn.NONE) {
            CODES.hadamardLanes(out, at, headDim);
        }
        if (coding.turn == Turn.CENTRED_BALANCED_ROTATED) {
            float[] statistics = statistics(head);
            for (int d = 0; d < headDim; d++) {
                CODES.affine(out, at + d * TILE, TILE, statistics[headDim + d], statistics[d]);
            }
        }
    }

    @Override
    void codedRows(int head, int tile, float[] out, int at, int stride) {
        int headDim = shape.headDim(), width = shape.width();
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
        if (stride < width) {
            float[] rows = new float[TILE * width];
            codedRows(head, tile, rows, 0, width);
            for (int t = 0; t < TILE; t++) {
                System.arraycopy(rows, t * width, out, at + t * stride, headDim);
            }
            return;
        }
        for (int t = 0; t < TILE; t++) {
            turnedBackRow(head, tile * TILE + t, out, at + t * stride);
        }
    }

    /** A row as it was, {@code [width]}. */
    private void turnedBackRow(int head, int token, float[] out, int at) {
        int headDim = shape.headDim();
        levels(head, token, shape.rowVectors(), out, at);
        CODES.affine(out, at, shape.width(), half(scaleAt(head, token)), 0);
        if (coding.turn != Turn.NONE) {
            CODES.hadamard(out, at, 1, shape.width(), headDim);
        }
        if (coding.turn == Turn.CENTRED_BALANCED_ROTATED) {
            float[] statistics = statistics(head);
            for (int d = 0; d < headDim; d++) {
                out[at + d] = out[at + d] * statistics[headDim + d] + statistics[d];
            }
        }
    }

    @Override
    void codedRow(int head, int token, float[] out, int at) {
        if (shape.layout() == KvFormat.Layout.TILE) {
            float[] columns = new float[TILE * shape.headDim()];
            codedTile(head, token / TILE, columns, 0);
            for (int d = 0; d < shape.headDim(); d++) {
                out[at + d] = columns[d * TILE + token % TILE];
            }
            return;
        }
        float[] row = new float[shape.width()];
        turnedBackRow(head, token, row, 0);
        System.arraycopy(row, 0, out, at, shape.headDim());
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
        int headDim = shape.headDim(), width = shape.width();
        float[] turned = scratch.queries((heads + 2) * headDim + heads + TOGETHER * TILE);
        int shifts = heads * headDim, scales = shifts + heads;
        turn(head, q, qAt, heads, turned, shifts, scales + TOGETHER * TILE, scratch);
        boolean inTiles = shape.layout() == KvFormat.Layout.TILE;
        boolean asStored = inTiles && coding.levels == null;
        float[] keys = scratch.codes(asStored ? 0 : TOGETHER * TILE * width);
        for (int i = 0; i < tiles; i += TOGETHER) {
            int n = Math.min(TOGETHER, tiles - i), to = sAt + i * TILE;
            for (int j = 0; j < n && !asStored; j++) {
                levelsOfTile(head, firstTile + i + j, keys, j * TILE * (inTiles ? headDim : width));
            }
            if (asStored) {
                long at = runAt(0, head, (firstTile + i) * TILE);
                CODES.byteScores(memory, at, n, turned, 0, heads, headDim, s, to, stride);
            } else if (inTiles) {
                KERNEL.scores(turned, 0, heads, headDim, keys, 0, n, s, to, stride);
            } else {
                KERNEL.rowScores(turned, 0, heads, headDim, keys, 0, width, n * TILE, s, to, stride, scratch);
            }
            scales(head, firstTile + i, n, turned, scales);
            CODES.scaleScores(s, to, stride, heads, n * TILE, turned, scales, turned, shifts);
        }
    }

    /** The queries as the codes want them, {@code [heads][headDim]}, and from shifts on what every score has beside, {@code [heads]}; from spare on two rows are written over. */
    private void turn(
            int head, float[] q, int qAt, int heads, float[] turned, int shifts, int spare, TileScratch scratch) {
        int headDim = shape.headDim();
        if (coding.turn == Turn.CENTRED_BALANCED_ROTATED) {
            statistics(head, turned, spare);
            timesChannels(q, qAt, heads, turned, spare + headDim, turned);
            KERNEL.rowScores(q, qAt, heads, headDim, turned, spare, headDim, 1, turned, shifts, 1, scratch);
        } else {
            System.arraycopy(q, qAt, turned, 0, heads * headDim);
            Arrays.fill(turned, shifts, shifts + heads, 0);
        }
        if (coding.turn != Turn.NONE) {
            CODES.hadamard(turned, 0, heads, headDim, headDim);
        }
    }

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
        if (shape.layout() == KvFormat.Layout.TILE || coding.turn == Turn.CENTRED_BALANCED_ROTATED) {
            super.codedWeigh(head, firstTile, tiles, p, pAt, stride, heads, width, o, oAt, scratch);
            return;
        }
        boolean asStored = coding.levels == null;
        float[] values = scratch.codes(asStored ? 0 : TOGETHER * TILE * width);
        float[] weights = scratch.queries((heads + 1) * TOGETHER * TILE);
        float[] sums = scratch.sums(heads * width);
        Arrays.fill(sums, 0, heads * width, 0);
        int scales = heads * TOGETHER * TILE;
        for (int i = 0; i < tiles; i += TOGETHER) {
            int n = Math.min(TOGETHER, tiles - i);
            scales(head, firstTile + i, n, weights, scales);
            CODES.scaleWeights(p, pAt + i * TILE, stride, heads, n * TILE, weights, scales, weights, 0);
            if (asStored) {
                long at = runAt(0, head, (firstTile + i) * TILE);
                CODES.byteWeigh(memory, at, n * TILE, weights, 0, n * TILE, heads, width, sums, 0);
                continue;
            }
            for (int j = 0; j < n; j++) {
                levelsOfTile(head, firstTile + i + j, values, j * TILE * width);
            }
            KERNEL.weigh(weights, 0, n * TILE, heads, values, 0, width, n * TILE, width, sums, 0);
        }
        addTurnedBack(sums, heads, width, o, oAt);
    }

    @Override
    void codedGatherScores(
            int head,
            int[] ids,
            int from,
            int count,
            int firstId,
            float[] q,
            int qAt,
            int heads,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        if (shape.layout() == KvFormat.Layout.TILE) {
            super.codedGatherScores(head, ids, from, count, firstId, q, qAt, heads, s, sAt, stride, scratch);
            return;
        }
        int headDim = shape.headDim(), width = shape.width();
        float[] turned = scratch.queries((heads + 2) * headDim + heads + TOGETHER * TILE);
        int shifts = heads * headDim, scales = shifts + heads;
        turn(head, q, qAt, heads, turned, shifts, scales + TOGETHER * TILE, scratch);
        float[] keys = scratch.codes(TOGETHER * TILE * width);
        for (int i = 0; i < count; i += TOGETHER * TILE) {
            int n = Math.min(TOGETHER * TILE, count - i), to = sAt + i;
            levelsOfChosen(head, ids, from + i, n, firstId, keys, turned, scales);
            KERNEL.rowScores(turned, 0, heads, headDim, keys, 0, width, n, s, to, stride, scratch);
            for (int h = 0; h < heads; h++) {
                float shift = turned[shifts + h];
                for (int j = 0; j < n; j++) {
                    s[to + h * stride + j] = s[to + h * stride + j] * turned[scales + j] + shift;
                }
            }
        }
    }

    /** The levels of chosen tokens, {@code [count][width]}, and their scales. */
    private void levelsOfChosen(
            int head, int[] ids, int from, int count, int firstId, float[] levels, float[] scales, int scalesAt) {
        for (int i = 0; i < count; i++) {
            int token = ids[from + i] - firstId;
            levels(head, token, shape.rowVectors(), levels, i * shape.width());
            scales[scalesAt + i] = half(scaleAt(head, token));
        }
    }

    @Override
    void codedGatherWeigh(
            int head,
            int[] ids,
            int from,
            int count,
            int firstId,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int width,
            float[] o,
            int oAt,
            TileScratch scratch) {
        if (shape.layout() == KvFormat.Layout.TILE || coding.turn == Turn.CENTRED_BALANCED_ROTATED) {
            super.codedGatherWeigh(head, ids, from, count, firstId, p, pAt, stride, heads, width, o, oAt, scratch);
            return;
        }
        float[] values = scratch.codes(TOGETHER * TILE * width);
        float[] weights = scratch.queries((heads + 1) * TOGETHER * TILE);
        float[] sums = scratch.sums(heads * width);
        Arrays.fill(sums, 0, heads * width, 0);
        int scales = heads * TOGETHER * TILE;
        for (int i = 0; i < count; i += TOGETHER * TILE) {
            int n = Math.min(TOGETHER * TILE, count - i);
            levelsOfChosen(head, ids, from + i, n, firstId, values, weights, scales);
            for (int h = 0; h < heads; h++) {
                for (int j = 0; j < n; j++) {
                    weights[h * n + j] = p[pAt + h * stride + i + j] * weights[scales + j];
                }
            }
            KERNEL.weigh(weights, 0, n, heads, values, 0, width, n, width, sums, 0);
        }
        addTurnedBack(sums, heads, width, o, oAt);
    }

    /** Adds weighted sums of levels, {@code [heads][width]}, turned back. */
    private void addTurnedBack(float[] sums, int heads, int width, float[] o, int oAt) {
        if (coding.turn != Turn.NONE) {
            CODES.hadamard(sums, 0, heads, width, shape.headDim());
        }
        for (int j = 0; j < heads * width; j++) {
            o[oAt + j] += sums[j];
        }
    }

    @Override
    long codedTouch(int head, int[] ids, int from, int count, int firstId) {
        if (shape.layout() == KvFormat.Layout.TILE) {
            return 0; // a row is all over its tile
        }
        long read = 0;
        for (int plane = 0; plane < coding.planes.count(); plane++) {
            long rows = runAt(plane, head, 0), bytes = coding.planes.bytes(plane, shape.rowVectors());
            for (int i = from; i < from + count; i++) {
                read += FloatFormat.touch(memory, rows + (ids[i] - firstId) * bytes, bytes);
            }
        }
        return read;
    }

    @Override
    int codedRowBytes() {
        int bytes = 2;
        for (int plane = 0; plane < coding.planes.count(); plane++) {
            bytes += (int) (coding.headBytes(shape, plane) / Page.TOKENS);
        }
        return bytes;
    }
}
