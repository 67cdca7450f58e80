package dev.lectern.kv;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What the queries of an open page weigh each channel with: for every {@value #EVERY}th token the sum of squares over the query heads that share a kv head, f32 {@code [64][kvHeads][headDim]}. Rows may be
 * told in any order and from several threads; what is read is summed in the order of tokens.
 */
final class QueryEnergy {
    private static final int EVERY = 4;
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED;

    /** Where nothing is told. */
    static final QueryEnergy NONE =
            new QueryEnergy(new SideShape(KvFormat.Layout.ROW, 1, 1, false), MemorySegment.NULL);

    private final int kvHeads;
    private final int headDim;
    private final MemorySegment squares;

    QueryEnergy(SideShape shape, MemorySegment squares) {
        kvHeads = shape.kvHeads();
        headDim = shape.headDim();
        this.squares = squares;
    }

    static long bytes(SideShape shape) {
        return (long) Float.BYTES * (Page.TOKENS / EVERY) * shape.kvHeads() * shape.headDim();
    }

    void observe(int token, float[] q, int qAt, int group) {
        if (token % EVERY != 0) {
            return;
        }
        for (int head = 0; head < kvHeads; head++) {
            for (int d = 0; d < headDim; d++) {
                float sum = 0;
                for (int g = 0; g < group; g++) {
                    float x = q[qAt + (head * group + g) * headDim + d];
                    sum += x * x;
                }
                squares.set(F32, at(token / EVERY, head, d), sum / group);
            }
        }
    }

    private long at(int sample, int head, int d) {
        return Float.BYTES * (((long) sample * kvHeads + head) * headDim + d);
    }

    /** Over all tokens; 1 if no query was told. */
    double rootMeanSquare(int head, int d) {
        double sum = 0;
        for (int sample = 0; sample < Page.TOKENS / EVERY; sample++) {
            sum += squares.get(F32, at(sample, head, d));
        }
        return sum == 0 ? 1 : Math.sqrt(sum / (Page.TOKENS / EVERY));
    }
}
