package dev.lectern.prefill;

import dev.lectern.comm.Communicator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Attention of the same queries over several sets of keys, put together: outputs are weighted by e to their log-sum-exp (Dao et al., "FlashAttention", arXiv 2205.14135, section 3.1). Sets are added in a fixed order, in f32, so
 * that all who add the same get the same bits. A set of no keys has the log-sum-exp −∞, and counts for nothing.
 */
final class PartialAttention {
    private MemorySegment mine = MemorySegment.NULL;
    private MemorySegment all = MemorySegment.NULL;

    /**
     * Puts together what every host has made of its own keys. Called by all.
     *
     * @param from the first row
     * @param out {@code [rows][heads][headDim]}; this host's part, and then that of all
     * @param logSumExp {@code [rows][heads]} of this host's part; then that of all
     */
    void merge(Communicator hosts, int from, int rows, int heads, int headDim, float[] out, float[] logSumExp) {
        int numbers = Math.multiplyExact(rows * heads, headDim + 1);
        long bytes = (long) Float.BYTES * numbers;
        mine = Buffers.grown(mine, bytes);
        all = Buffers.grown(all, Math.multiplyExact(bytes, hosts.size()));
        MemorySegment part = mine.asSlice(0, bytes), parts = all.asSlice(0, bytes * hosts.size());
        int pairs = rows * heads, first = from * heads;
        MemorySegment.copy(out, first * headDim, part, ValueLayout.JAVA_FLOAT, 0, pairs * headDim);
        MemorySegment.copy(logSumExp, first, part, ValueLayout.JAVA_FLOAT, (long) Float.BYTES * pairs * headDim, pairs);
        hosts.allGather(part, parts);
        for (int pair = 0; pair < pairs; pair++) {
            int at = (first + pair) * headDim;
            float most = Float.NEGATIVE_INFINITY;
            for (int host = 0; host < hosts.size(); host++) {
                most = Math.max(most, number(parts, host, numbers, pairs * headDim + pair));
            }
            for (int d = 0; d < headDim; d++) {
                out[at + d] = 0;
            }
            float sum = 0;
            for (int host = 0; host < hosts.size(); host++) {
                float logSum = number(parts, host, numbers, pairs * headDim + pair);
                if (logSum == Float.NEGATIVE_INFINITY) {
                    continue;
                }
                float weight = (float) StrictMath.exp(logSum - most);
                sum += weight;
                for (int d = 0; d < headDim; d++) {
                    out[at + d] += weight * number(parts, host, numbers, pair * headDim + d);
                }
            }
            for (int d = 0; d < headDim && sum > 0; d++) {
                out[at + d] /= sum;
            }
            logSumExp[first + pair] = sum > 0 ? most + (float) StrictMath.log(sum) : Float.NEGATIVE_INFINITY;
        }
    }

    private static float number(MemorySegment parts, int host, int numbers, int index) {
        return parts.getAtIndex(ValueLayout.JAVA_FLOAT, (long) host * numbers + index);
    }

    /**
     * Tells the logits after a text at every host, where one host has computed them.
     *
     * @param root which
     * @param logits {@code [vocabulary]} from at, at the root; elsewhere anything
     * @param token index of the last token
     */
    static void tellLast(
            Communicator hosts, int root, int vocabulary, float[] logits, int at, int token, Prefill.LogitSink sink) {
        MemorySegment message = Arena.ofAuto().allocate((long) Float.BYTES * vocabulary, Float.BYTES);
        if (hosts.rank() == root) {
            MemorySegment.copy(logits, at, message, ValueLayout.JAVA_FLOAT, 0, vocabulary);
        }
        hosts.broadcast(message, root);
        sink.accept(token, 1, message.toArray(ValueLayout.JAVA_FLOAT), 0);
    }

    /**
     * Adds one more part to some rows.
     *
     * @param out {@code [rows][heads][headDim]} from row first: the sum so far, and then with the part
     * @param logSumExp {@code [rows][heads]}
     * @param part {@code [rows][heads][headDim]} from row first
     * @param partLogSumExp {@code [rows][heads]}
     */
    static void add(
            int first,
            int rows,
            int heads,
            int headDim,
            float[] out,
            float[] logSumExp,
            float[] part,
            float[] partLogSumExp) {
        for (int pair = first * heads; pair < (first + rows) * heads; pair++) {
            float before = logSumExp[pair], more = partLogSumExp[pair];
            if (more == Float.NEGATIVE_INFINITY) {
                continue;
            }
            float most = Math.max(before, more);
            float old = (float) StrictMath.exp(before - most), fresh = (float) StrictMath.exp(more - most);
            float sum = old + fresh, ofOld = old / sum, ofFresh = fresh / sum;
            for (int at = pair * headDim; at < (pair + 1) * headDim; at++) {
                out[at] = ofOld * out[at] + ofFresh * part[at];
            }
            logSumExp[pair] = most + (float) StrictMath.log(sum);
        }
    }
}
