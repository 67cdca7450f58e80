package dev.lectern.measure;

import dev.lectern.Progress;

/**
 * How far a bench has come, in units of about the same time each: a token that is read costs one, and more with the depth; one that is
 * decoded alone costs several. The units only have to be right enough to tell how long the rest will take.
 */
final class Work {
    /** Where attention to what was read costs as much as the rest of the model does: somewhere from 2 000 to 10 000 tokens. */
    private static final double DEPTH = 4000;

    private static final double DECODED = 4;
    private static final double COPIED = 0.01;

    /** A unit in the numbers that are reported, which are whole. */
    private static final double SCALE = 100;

    private final Progress progress;
    private double planned;
    private double done;

    Work(Progress progress) {
        this.progress = progress;
    }

    /** Tokens read by a sequence that holds {@code from}. */
    static double reading(int from, int tokens) {
        return tokens * (1 + (from + tokens / 2.0) / DEPTH);
    }

    /** Tokens decoded one by one by a sequence that holds {@code from}. */
    static double decoding(int from, int tokens) {
        return DECODED * reading(from, tokens);
    }

    static double copying(int tokens) {
        return COPIED * tokens;
    }

    /** Adds to what is to be done; all of it before the first is. */
    void plan(double units) {
        planned += units;
    }

    /** Something is finished. */
    void did(double units) {
        done += units;
        report(done);
    }

    /** A progress in tokens for a part of the work that is reading, of which {@link #did} is told when it is over. */
    Progress reading(int from) {
        return (tokens, total) -> report(done + reading(from, (int) tokens));
    }

    /** A progress in tokens for a part that is copying. */
    Progress copying() {
        return (tokens, total) -> report(done + copying((int) tokens));
    }

    private void report(double now) {
        progress.report(Math.round(SCALE * Math.min(now, planned)), Math.round(SCALE * planned));
    }
}
