package dev.lectern.measure.reproduce;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The result files that claims are judged by.
 *
 * @param results their folder
 * @param link from the page to it
 */
record Evidence(Path results, String link) {
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
}
