package dev.lectern.kernel;

/**
 * Passes over long rows of weights, of which samples are drawn in proportion. All rows are of whole {@value #RUN}s; numbers are not negative.
 *
 * <p>Sums are over sixteen lanes, number t in lane t mod 16, and then over the lanes, 0, 4, 8, 12 first, then 1, 5, 9, 13 and so on.
 *
 * <p>Law: equals {@link ScalarProportions} bit for bit at every vector width.
 */
public interface Proportions {
    /** Numbers in a run of sixteen lanes. */
    int RUN = 256;

    int LANES = 16;

    /** What {@link #mixBelow} writes for weights that are not below: more than any share. */
    float CERTAIN = 2;

    /** One, as {@link #fixed} writes it. */
    int ONE = 1 << 30;

    /**
     * {@code out[t] = Σ_r factors[r] · p[r][t]}.
     *
     * @param p {@code [rows][stride]} from pAt
     * @param factors {@code [rows]} from factorsAt
     * @param out {@code [n]} from outAt
     */
    void mix(float[] p, int pAt, int stride, int rows, int n, float[] factors, int factorsAt, float[] out, int outAt);

    /** {@code x[t] ← x[t] < limit ? least + Σ_r factors[r] · p[r][t] : }{@link #CERTAIN}, x {@code [n]} from xAt. */
    void mixBelow(
            float[] p,
            int pAt,
            int stride,
            int rows,
            int n,
            float[] factors,
            int factorsAt,
            float limit,
            float least,
            float[] x,
            int xAt);

    /** Of each lane of each run the largest number: {@code [n / 16]} from outAt. */
    void largest(float[] x, int at, int n, float[] out, int outAt);

    /** Where numbers of {@code limit} or more stand, ascending, counted from at; returns how many. */
    int from(float[] x, int at, int n, float limit, int[] places);

    /** How many numbers are {@code limit} or more. */
    int countFrom(float[] x, int at, int n, float limit);

    /** Sum of those p[t] whose x[t] is below {@code limit}. */
    float sumBelow(float[] p, int pAt, float[] x, int xAt, int n, float limit, TileScratch scratch);

    /** {@code out[t] = min(1, x[t] · factor)} in units of 1 / {@link #ONE}, cut off. */
    void fixed(float[] x, int at, int n, float factor, int[] out, int outAt);
}
