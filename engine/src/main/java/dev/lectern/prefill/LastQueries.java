package dev.lectern.prefill;

import static dev.lectern.kernel.AttentionTiles.LANES;
import static dev.lectern.kernel.AttentionTiles.LOWEST;
import static dev.lectern.kernel.AttentionTiles.MASKED;
import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.attention.StripChoice;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.Page;
import java.util.Arrays;

/** What the last queries of a chunk, up to {@value dev.lectern.kernel.AttentionTiles#LANES}, look at: sums of the softmax over them for each token, and for each distance. Used by one thread. */
final class LastQueries {
    private static final int STRIP = StripChoice.STRIP;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private float[] queries = {}; // [headDim][64]
    private float[] keys = {}; // [4][headDim][16]
    private float[] shares = {}; // [tokens][64]: of the softmax, once they are brought to one maximum
    private float[] maxima = {}; // [strips][64]
    private float[] sums = {}; // [strips][64]
    private float[] columns = {}; // [tokens]
    private float[] distances = {}; // [tokens], behind LANES sums of what nobody sees
    private final float[] max = new float[LANES];
    private final float[] sum = new float[LANES];
    private final float[] scale = new float[LANES];

    /** Bytes that one holds for a text of so many tokens. */
    static long bytes(long tokens) {
        long perToken = LANES + 2L * LANES / STRIP + 2;
        return Math.multiplyExact(Float.BYTES * perToken, Math.addExact(tokens, STRIP));
    }

    /** Queries of a chunk that look. */
    static int count(RowAttention.Rows rows) {
        return Math.min(LANES, rows.count());
    }

    /** What each token has of the softmaxes; valid until the next look, as far as there are tokens. */
    float[] columns() {
        return columns;
    }

    /** What tokens so far before a query have of the softmaxes together; likewise. */
    float[] distances() {
        return Arrays.copyOfRange(distances, LANES, distances.length);
    }

    void look(RowAttention.Rows rows, int head) {
        int headDim = rows.heads().headDim(), tokens = rows.cache().length() + rows.count();
        int strips = Math.ceilDiv(tokens, STRIP), looking = count(rows), first = tokens - looking;
        prepare(headDim, strips);
        gatherQueries(rows, head);
        for (int strip = 0; strip < strips; strip++) {
            int from = strip * STRIP;
            gatherKeys(rows, head / rows.heads().group(), from, Math.min(STRIP, tokens - from));
            kernel.chunkScores(queries, 0, headDim, keys, 0, STRIP / TILE, shares, from * LANES);
            for (int token = Math.max(from, first + 1); token < from + STRIP; token++) {
                int masked = token < tokens ? token - first : LANES;
                Arrays.fill(shares, token * LANES, token * LANES + masked, MASKED);
            }
            kernel.chunkSoftmax(shares, from * LANES, STRIP, maxima, sums, strip * LANES, scale);
        }
        normalise(strips, looking);
        for (int strip = 0; strip < strips; strip++) {
            int from = strip * STRIP;
            kernel.chunkShares(
                    shares,
                    from * LANES,
                    Math.min(STRIP, tokens - from),
                    sums,
                    strip * LANES,
                    columns,
                    from,
                    distances,
                    first - from + LANES);
        }
    }

    private void prepare(int headDim, int strips) {
        int tokens = strips * STRIP;
        queries = Buffers.grown(queries, headDim * LANES);
        keys = Buffers.grown(keys, STRIP * headDim);
        shares = Buffers.grown(shares, Math.multiplyExact(tokens, LANES));
        maxima = Buffers.grown(maxima, strips * LANES);
        sums = Buffers.grown(sums, strips * LANES);
        columns = Buffers.grown(columns, tokens);
        distances = Buffers.grown(distances, tokens + 2 * LANES);
        Arrays.fill(maxima, LOWEST);
        Arrays.fill(sums, 0);
        Arrays.fill(distances, 0);
    }

    private void gatherQueries(RowAttention.Rows rows, int head) {
        int headDim = rows.heads().headDim(), looking = count(rows);
        float factor = rows.heads().scale();
        Arrays.fill(queries, 0);
        for (int lane = 0; lane < looking; lane++) {
            int row = rows.first() + rows.count() - looking + lane;
            int from = (row * rows.heads().heads() + head) * headDim;
            for (int d = 0; d < headDim; d++) {
                queries[d * LANES + lane] = rows.q()[from + d] * factor;
            }
        }
    }

    private void gatherKeys(RowAttention.Rows rows, int kvHead, int from, int count) {
        int headDim = rows.heads().headDim();
        KvCache cache = rows.cache();
        for (int t = 0; t < count; t += TILE) {
            cache.page(rows.layer(), from / Page.TOKENS)
                    .keys()
                    .tile(kvHead, (from + t) % Page.TOKENS / TILE, keys, t * headDim);
        }
    }

    /** Makes of the sums of each strip the factors with which its numbers become shares of the softmax; 0 for lanes that hold no query. */
    private void normalise(int strips, int looking) {
        int count = strips * LANES;
        Arrays.fill(max, LOWEST);
        Arrays.fill(sum, 0);
        kernel.chunkSoftmax(maxima, 0, strips, max, sum, 0, scale);
        Arrays.fill(sum, 0);
        for (int i = 0; i < count; i++) {
            sum[i % LANES] += sums[i] * maxima[i];
        }
        for (int i = 0; i < count; i++) {
            sums[i] = i % LANES < looking ? maxima[i] / sum[i % LANES] : 0;
        }
    }
}
