package dev.lectern.cli;

/**
 * How long reading takes. Every token costs the same in the matrix products, and in attention as much as there are tokens
 * before it, so the time up to token n is {@code a n + b n²}; the mean speed alone would promise too much. The two costs
 * are fitted to what was measured so far: least squares over the times of the chunks, neither below zero. Recent chunks
 * weigh more, since other programs come and go; the first, in which the JVM still compiles, drops out as soon as there
 * are enough others.
 *
 * <p>A slope seen in a few noisy chunks would promise anything at a hundred times their depth. So {@code b} is multiplied by
 * {@code b² / (b² + e²)}, e being its standard error: what is hardly seen hardly counts, and what is plain counts in full.
 */
final class ReadingTime {
    /** The weight of a chunk falls to this for every chunk after it. */
    private static final double MEMORY = 0.98;

    /** Chunks, the first included, from which on the first does not count and a slope can be seen. */
    private static final int ENOUGH = 4;

    private double position;
    private double seconds;
    private int chunks;
    private Chunk first = new Chunk(0, 0, 0);

    // Weighted sums over chunks of products of tokens (x), of the growth of squares (y), and of seconds (t).
    private double xx;
    private double xy;
    private double yy;
    private double xt;
    private double yt;
    private double tt;

    /** @param squares n² at its end less n² at its beginning */
    private record Chunk(double tokens, double squares, double seconds) {}

    /** @param start tokens that were read before: the depth at which reading begins */
    ReadingTime(long start) {
        position = start;
    }

    /**
     * Notes that reading has come to a token.
     *
     * @param read tokens in all, those before the start included
     * @param elapsed seconds since reading began
     */
    void add(long read, double elapsed) {
        if (read <= position || elapsed < seconds) {
            return;
        }
        Chunk chunk = new Chunk(read - position, (double) read * read - position * position, elapsed - seconds);
        if (++chunks == 1) {
            first = chunk;
        } else if (chunks == ENOUGH) {
            sum(first, -Math.pow(MEMORY, ENOUGH - 2), 1);
        }
        sum(chunk, 1, MEMORY);
        position = read;
        seconds = elapsed;
    }

    private void sum(Chunk c, double weight, double kept) {
        xx = kept * xx + weight * c.tokens * c.tokens;
        xy = kept * xy + weight * c.tokens * c.squares;
        yy = kept * yy + weight * c.squares * c.squares;
        xt = kept * xt + weight * c.tokens * c.seconds;
        yt = kept * yt + weight * c.squares * c.seconds;
        tt = kept * tt + weight * c.seconds * c.seconds;
    }

    /** Seconds from the last noted token to the given one; NaN before anything was noted. */
    double until(long total) {
        double b = squareCost();
        double a = (xt - b * xy) / xx;
        return a * (total - position) + b * ((double) total * total - position * position);
    }

    /** Seconds per unit of the growth of squares. */
    private double squareCost() {
        double determinant = xx * yy - xy * xy;
        // Chunks that all begin at the same depth say nothing of the square.
        if (chunks <= ENOUGH || determinant <= 1e-9 * xx * yy) {
            return 0;
        }
        double a = (xt * yy - yt * xy) / determinant, b = (yt * xx - xt * xy) / determinant;
        if (b <= 0) {
            return 0;
        }
        if (a < 0) {
            return xt / xy;
        }
        double unexplained = Math.max(0, tt - a * xt - b * yt) / (chunks - 3);
        double error = unexplained * xx / determinant;
        return b * b * b / (b * b + error);
    }
}
