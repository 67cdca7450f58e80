package dev.lectern;

/**
 * What attention of decode steps has read, all layers together, since a model was opened.
 *
 * @param bytes of keys and values, and of what a method looks up to find them; one that is read twice counts twice
 * @param rows values that were read, counted for each query head
 * @param held values that a query head could have looked at, also those that were dropped since, counted likewise
 * @param bounded what became of a bound on errors, where a method keeps to one
 */
public record Traffic(long bytes, long rows, long held, Bounded bounded) {
    /** Nothing. */
    public static final Traffic NONE = new Traffic(0, 0, 0, Bounded.NONE);

    /**
     * Choices under a bound on the error of outputs ({@code error=0.1}): of a token in a layer, one for the query heads that share a kv head.
     *
     * @param choices how many
     * @param enlarged those for which more was read, once or several times, because the error was estimated to be above the bound
     * @param dense of these, those for which everything was read at last
     * @param errors the estimated relative errors of all at last, added up; of what read everything 0
     */
    public record Bounded(long choices, long enlarged, long dense, double errors) {
        /** No choice. */
        public static final Bounded NONE = new Bounded(0, 0, 0, 0);

        /** The mean of the estimated errors; 0 where there are none. */
        public double meanError() {
            return choices == 0 ? 0 : errors / choices;
        }

        /** With others. */
        public Bounded plus(Bounded other) {
            return new Bounded(
                    choices + other.choices, enlarged + other.enlarged, dense + other.dense, errors + other.errors);
        }

        Bounded since(Bounded earlier) {
            return new Bounded(
                    choices - earlier.choices,
                    enlarged - earlier.enlarged,
                    dense - earlier.dense,
                    errors - earlier.errors);
        }
    }

    /** The share of tokens that query heads looked at, 0 to 1 and above where some were read again; 1 where there was nothing to look at. */
    public double density() {
        return held == 0 ? 1 : (double) rows / held;
    }

    /** With what was read besides. */
    public Traffic plus(Traffic other) {
        return new Traffic(bytes + other.bytes, rows + other.rows, held + other.held, bounded.plus(other.bounded));
    }

    /** What was read after an earlier count. */
    public Traffic since(Traffic earlier) {
        return new Traffic(
                bytes - earlier.bytes, rows - earlier.rows, held - earlier.held, bounded.since(earlier.bounded));
    }
}
