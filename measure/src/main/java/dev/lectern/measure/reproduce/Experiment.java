package dev.lectern.measure.reproduce;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A figure or a table that is published. Measuring and writing are apart: what is written depends on result files alone, so nothing gets into the pages that no file tells.
 */
interface Experiment {
    /** The models that are measured. */
    List<String> MODELS = List.of("smollm2-135m", "qwen2.5-coder-0.5b");

    /** What the command calls it. */
    String name();

    /**
     * What is to be measured.
     *
     * @param quick enough to see that everything works, in a minute or two
     */
    List<Part> parts(boolean quick);

    /**
     * The section of the page, with its heading; draws its figures too. Empty where nothing was measured.
     *
     * @param results the folder of result files
     * @param link from the page to that folder
     */
    Optional<String> section(Path results, String link);

    /**
     * What gives one result file.
     *
     * @param name of the file, without its end
     * @param grows whether the file tells part of what is wanted before it tells all; what is there already is then not measured again, one by one
     */
    record Part(String name, boolean grows, Measuring measuring) {
        /** One whose file tells all. */
        Part(String name, Measuring measuring) {
            this(name, false, measuring);
        }
    }

    /** Measures, and keeps the result in the room's folder. */
    @FunctionalInterface
    interface Measuring {
        void run(Room room, String name);
    }
}
