package dev.lectern.kv;

import dev.lectern.kv.KvFormat.Layout;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;

/** Pages with random numbers. */
final class Pages {
    private Pages() {}

    /** {@code [256][n]}, normally distributed. */
    static float[][] rows(long seed, int n) {
        Random random = new Random(seed);
        float[][] rows = new float[Page.TOKENS][n];
        for (float[] row : rows) {
            for (int i = 0; i < n; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        return rows;
    }

    /** An open side that holds rows, of which some are closed in place. */
    static KvSide open(KvFormat format, SideShape shape, float[][] rows, int closed, Arena arena) {
        KvSide side = format.open(shape, arena.allocate(format.openBytes(shape), 64), 0);
        for (int token = 0; token < Page.TOKENS; token++) {
            side.put(token, rows[token], 0);
        }
        side.close(closed);
        return side;
    }

    /** A closed side that holds rows; pages that close as a whole are closed as such. */
    static KvSide closed(KvFormat format, SideShape shape, float[][] rows, Arena arena) {
        KvSide open = open(format, shape, rows, format.closing() instanceof Closing.Pages ? 0 : Page.TOKENS, arena);
        var memory = arena.allocate(format.bytes(shape), 64);
        open.closeInto(memory);
        // A copy: nothing that is read may lie elsewhere.
        return format.closed(shape, arena.allocate(memory.byteSize(), 64).copyFrom(memory));
    }

    /** What stands for one head, {@code [256][headDim]}. */
    static float[][] read(KvSide side, SideShape shape, int head) {
        int stride = shape.width();
        float[] rows = new float[16 * stride];
        float[][] all = new float[Page.TOKENS][];
        for (int token = 0; token < Page.TOKENS; token++) {
            if (token % 16 == 0) {
                side.rows(head, token / 16, rows, 0, stride);
            }
            all[token] = Arrays.copyOfRange(rows, token % 16 * stride, token % 16 * stride + shape.headDim());
        }
        return all;
    }

    static SideShape shape(Layout layout, int kvHeads, int headDim) {
        return new SideShape(layout, kvHeads, headDim, false);
    }
}
