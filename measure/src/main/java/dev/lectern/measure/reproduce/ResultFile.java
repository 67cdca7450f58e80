package dev.lectern.measure.reproduce;

import dev.lectern.LecternException;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Provenance;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * A result that is kept: the object that an evaluation prints with {@code --json}.
 *
 * @param name of the file, without its end
 */
record ResultFile(String name, JsonFields json) {
    /**
     * The results of a folder whose names begin so, by name.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if one is not a result
     */
    static List<ResultFile> all(Path folder, String prefix) {
        List<Path> files = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, prefix + "*.json")) {
                found.forEach(files::add);
            } catch (IOException e) {
                throw new LecternException(
                        LecternException.Kind.NOT_FOUND, folder + " cannot be read (" + e.getMessage() + ").", e);
            }
        }
        return files.stream().sorted().map(ResultFile::read).toList();
    }

    private static ResultFile read(Path file) {
        try {
            String name = String.valueOf(file.getFileName());
            return new ResultFile(
                    name.substring(0, name.length() - ".json".length()),
                    JsonFields.of(Json.parse(Files.readAllBytes(file))));
        } catch (IOException | MalformedJsonException | IllegalArgumentException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    file + " is no result (" + e.getMessage() + "): take it away, or measure it again.",
                    e);
        }
    }

    /**
     * Reads something of it.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if it is not there
     */
    <T> T get(Function<JsonFields, T> reading) {
        try {
            return reading.apply(json);
        } catch (IllegalArgumentException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    name + ".json is no result of this Lectern (" + e.getMessage() + "): measure it again.",
                    e);
        }
    }

    /** The rows of its results by a method that begins so. */
    List<JsonFields> rows(String method) {
        return get(json -> json.objects("results")).stream()
                .filter(row -> row.text("method").startsWith(method))
                .toList();
    }

    String model() {
        return get(fields -> fields.text("model"));
    }

    Provenance provenance() {
        return get(Provenance::read);
    }
}
