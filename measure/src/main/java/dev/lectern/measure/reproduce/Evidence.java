package dev.lectern.measure.reproduce;

import dev.lectern.measure.JsonFields;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The result files that claims are judged by.
 *
 * @param results their folder
 * @param link from the page to it
 */
record Evidence(Path results, String link) {
    /** Of fewer samples of a task a bootstrap within it knows too little of their spread for an interval to decide anything. */
    private static final int LEAST_SAMPLES = 5;

    /** Those whose names begin so and that say of which model they are: smaller models first, of one model by name. */
    List<ResultFile> all(String prefix) {
        List<ResultFile> files = ResultFile.all(results, prefix);
        return Pages.models(files).stream()
                .flatMap(model -> Pages.of(files, model).stream())
                .toList();
    }

    /** The one that is called so. */
    Optional<ResultFile> one(String name) {
        return ResultFile.all(results, name).stream()
                .filter(file -> file.name().equals(name))
                .findFirst();
    }

    /** The command that wrote files, and these. */
    String where(String command, List<ResultFile> files) {
        return Pages.where(command, files, link);
    }

    /** A verdict on the models of the files that it follows from. */
    Verdict verdict(String word, String measured, String command, List<ResultFile> files) {
        return new Verdict(word, measured, String.join(", ", Pages.models(files)), where(command, files));
    }

    /** Whether there are samples enough of each task for a verdict. */
    static boolean isEnough(ResultFile tasks) {
        return TaskExperiment.samples(tasks) >= LEAST_SAMPLES;
    }

    /** A sentence that names the files whose samples are too few; none where there are none. */
    static String tooFew(List<ResultFile> tasks) {
        String few = tasks.stream()
                .filter(file -> !isEnough(file))
                .map(ResultFile::name)
                .collect(Collectors.joining(", "));
        return few.isEmpty() ? "" : ". Fewer than " + LEAST_SAMPLES + " samples of each task decide nothing: " + few;
    }

    /**
     * How far a method's scores are from those of what it is compared with on the same samples, and the interval of that.
     *
     * @param difference in points of 100
     */
    record Beside(double difference, double low, double high) {
        /** Points within which scores count as kept. */
        static final int MARGIN = 5;

        /** How sentences tell what {@link #lost} goes by. */
        static final String RULE =
                "lost where the interval lies below 0, kept where it lies above −" + MARGIN + ", open otherwise";

        /** Empty for that itself. */
        static Optional<Beside> of(JsonFields row) {
            if (!row.has("paired")) {
                return Optional.empty();
            }
            JsonFields paired = row.object("paired");
            return Optional.of(new Beside(paired.number("difference"), paired.number("low"), paired.number("high")));
        }

        /** Whether it loses anything; empty where the interval leaves that open. */
        Optional<Boolean> lost() {
            return high < 0 ? Optional.of(true) : low > -MARGIN ? Optional.of(false) : Optional.empty();
        }

        /**
         * Whether it is better than another that is compared with the same. Results do not keep what two such have in common, so their intervals must be apart: a difference spreads by no more than the sum
         * of both spreads, whatever they have in common.
         */
        boolean isAbove(Beside other) {
            return low > other.high;
        }
    }
}
