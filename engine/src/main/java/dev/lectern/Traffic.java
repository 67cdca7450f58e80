package dev.lectern;

/**
 * What attention of decode steps has read, all layers together, since a model was opened.
 *
 * @param bytes of keys and values, and of what a method looks up to find them; one that is read twice counts twice
 * @param rows values that were read, counted for each query head
 * @param held values that a query head could have looked at, also those that were dropped since, counted likewise
 */
public record Traffic(long bytes, long rows, long held) {
    /** The share of tokens that query heads looked at, 0 to 1; 1 where there was nothing to look at. */
    public double density() {
        return held == 0 ? 1 : (double) rows / held;
    }

    /** With what was read besides. */
    public Traffic plus(Traffic other) {
        return new Traffic(bytes + other.bytes, rows + other.rows, held + other.held);
    }

    /** What was read after an earlier count. */
    public Traffic since(Traffic earlier) {
        return new Traffic(bytes - earlier.bytes, rows - earlier.rows, held - earlier.held);
    }
}
