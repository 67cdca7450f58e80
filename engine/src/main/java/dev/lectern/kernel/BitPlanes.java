package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Products of queries of {@value #QUERY_PLANES} bits with keys of one or two bits a channel. Equal bits of all channels stand together, in planes, so that a product is a few ANDs and counts of bits.
 *
 * <p>A key's code u of B bits stands for the level {@code 2u − (2^B − 1)}: −1 and 1, or −3, −1, 1 and 3. A query's numbers c are whole, from −{@value #MOST} to {@value #MOST}, in two's complement.
 * So {@code Σ_d c_d level_d = 2 Σ_b Σ_i 2^b w_i |plane_b ∧ query_i| − (2^B − 1) Σ_d c_d} with the weights w of two's complement, 1, 2, 4 and −8.
 *
 * <p>Law: equals {@link ScalarBitPlanes} bit for bit at every vector width.
 */
public interface BitPlanes {
    /** Bits of a query's number. */
    int QUERY_PLANES = 4;

    /** A query's largest number. */
    int MOST = 7;

    /** Words of a token's plane come in pairs. */
    int WORDS = 2;

    /**
     * {@code s[t] = scale · scales[t] · Σ_d c_d level_d(t)}.
     *
     * @param planes {@code [bits][words][stride]} i32 from planesAt, the lowest bits of the codes first: bit d mod 32 of word d / 32 is channel d's; the memory is native
     * @param bits 1 or 2
     * @param words a multiple of {@value #WORDS}; channels that there are not have bits 0 in the query
     * @param stride tokens that there is room for
     * @param scales {@code [stride]} f32 from scalesAt
     * @param tokens a multiple of 16
     * @param query {@code [words][4]} from queryAt, the lowest bits first
     * @param s {@code [tokens]} from sAt
     */
    void scores(
            MemorySegment planes,
            long planesAt,
            int bits,
            int words,
            int stride,
            MemorySegment scales,
            long scalesAt,
            int tokens,
            int[] query,
            int queryAt,
            float scale,
            float[] s,
            int sAt);

    /** Words of a plane of so many channels. */
    static int words(int channels) {
        return Math.ceilDiv(channels, WORDS * Integer.SIZE) * WORDS;
    }

    /** What all bits of a query's planes would count: {@code Σ_d c_d}. */
    static int total(int[] query, int queryAt, int words) {
        int total = 0;
        for (int i = 0; i < words * QUERY_PLANES; i++) {
            total += weight(i % QUERY_PLANES) * Integer.bitCount(query[queryAt + i]);
        }
        return total;
    }

    /** What a plane of a query counts. */
    static int weight(int plane) {
        return plane == QUERY_PLANES - 1 ? -(1 << plane) : 1 << plane;
    }
}
