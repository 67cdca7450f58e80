package dev.lectern.kv;

/** The keys, or the values, of one page: all kv heads, up to {@link Page#TOKENS} tokens of one layer. Owns no memory. */
public interface KvSide {
    /**
     * Stores one token.
     *
     * @param token 0 … {@link Page#TOKENS} − 1
     * @param x {@code [kvHeads][headDim]} from xAt
     * @throws dev.lectern.LecternException if the format cannot hold a value
     */
    void put(int token, float[] x, int xAt);

    /** Sixteen tokens of one head transposed, {@code [headDim][16]} into out. */
    void tile(int head, int tile, float[] out, int at);

    /** Sixteen tokens of one head as rows, {@code [16][stride]} into out; columns from headDim to stride are left alone. */
    void rows(int head, int tile, float[] out, int at, int stride);
}
