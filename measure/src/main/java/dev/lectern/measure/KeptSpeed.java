package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a document that is kept on the disk saves: how long a fresh process reads it, and how long others take to the first token of an answer about it.
 *
 * @param tokens of the document
 * @param reading seconds
 * @param firstToken seconds from the model being ready, of each process that answered
 */
public record KeptSpeed(Evaluated evaluated, long tokens, double reading, List<Double> firstToken) {
    private static final String NAME = "bench-kept";
    private static final int ANSWERS = 3;

    public KeptSpeed {
        firstToken = List.copyOf(firstToken);
    }

    /**
     * Measures, and leaves nothing on the disk.
     *
     * @param lectern the command that starts Lectern, without arguments
     * @param progress in processes
     */
    public static KeptSpeed run(
            BenchModel subject,
            ModelOptions modelOptions,
            List<String> lectern,
            String document,
            String question,
            Progress progress,
            Cancellation cancellation) {
        // No other document begins so, or a part of it might be kept already.
        Path file = write("Copy " + System.nanoTime() + "\n\n" + document);
        String model = subject.path().toAbsolutePath().toString();
        int threads = modelOptions.threads() > 0
                ? modelOptions.threads()
                : Runtime.getRuntime().availableProcessors();
        List<String> computing = new ArrayList<>(List.of("--threads", Integer.toString(threads)));
        if (subject.repack().isEmpty()) {
            computing.add("--no-repack");
        }
        JsonFields read;
        try {
            List<String> reading = new ArrayList<>(List.of("read", file.toString(), "--as", NAME, "--model", model));
            reading.addAll(computing);
            read = say(lectern, cancellation, reading);
        } finally {
            delete(file);
        }
        List<Double> first = new ArrayList<>();
        try {
            requireOutcome(read, "miss", "Some of the document was kept already");
            progress.report(1, 1 + ANSWERS);
            for (int i = 0; i < ANSWERS; i++) {
                List<String> asking = new ArrayList<>(List.of("ask", "@" + NAME, question, "--max-tokens", "1"));
                asking.addAll(computing);
                JsonFields answer = say(lectern, cancellation, asking);
                requireOutcome(answer, "hit", "The document was read again");
                first.add(answer.object("seconds").number("firstToken"));
                progress.report(2 + i, 1 + ANSWERS);
            }
        } finally {
            // After Ctrl-C too, whose cancellation is not for this.
            say(lectern, new Cancellation(), List.of("cache", "remove", "@" + NAME));
        }
        String digest = ModelDigest.of(subject, cancellation);
        Provenance provenance = Provenance.here("lectern eval reproduce --full kept", modelOptions);
        return new KeptSpeed(
                new Evaluated(subject.name(), digest, threads, provenance),
                read.whole("tokens"),
                read.object("seconds").number("reading"),
                first);
    }

    private static void requireOutcome(JsonFields said, String outcome, String otherwise) {
        if (!said.object("kept").text("outcome").equals(outcome)) {
            throw new LecternException(
                    LecternException.Kind.INTERNAL,
                    otherwise + ": " + said.object("kept").text("why") + ".");
        }
    }

    private static JsonFields say(List<String> lectern, Cancellation cancellation, List<String> arguments) {
        List<String> command = new ArrayList<>(lectern);
        command.addAll(arguments);
        command.add("--json");
        try (JsonChild child = new JsonChild("lectern " + arguments.getFirst(), command, cancellation)) {
            return child.answer();
        }
    }

    private static Path write(String text) {
        try {
            return Files.writeString(Files.createTempFile("lectern-kept", ".md"), text);
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.NO_SPACE,
                    "The folder for temporary files cannot be written to (" + e.getMessage() + "): make room there.",
                    e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // A temporary file that stays is the system's to remove.
        }
    }

    /** A result file. */
    public String toJson() {
        return evaluated.toJson(
                json -> {
                    json.writeStartObject();
                    json.writeStringProperty("metric", "kept");
                    json.writeNumberProperty("tokens", tokens);
                    json.writeNumberProperty("readingSeconds", reading);
                    json.writeNumberProperty(
                            "firstTokenSeconds", Statistics.of(firstToken).median());
                    json.writeNumberProperty("samples", firstToken.size());
                    json.writeEndObject();
                },
                json -> {});
    }
}
