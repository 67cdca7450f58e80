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
 * What a document that is kept on the disk saves: how long a fresh process reads it, and how long others take to the first tokens of answers about it.
 *
 * @param tokens of the document
 * @param reading seconds
 * @param finding seconds in which what is kept was found, checked and mapped, of each process that answered
 * @param firstToken seconds from the model being ready to the first token of the first answer, of each process
 * @param laterFirstToken seconds to the first token of each further answer, from the answer before it
 */
public record KeptSpeed(
        Evaluated evaluated,
        long tokens,
        double reading,
        List<Double> finding,
        List<Double> firstToken,
        List<Double> laterFirstToken) {
    private static final String NAME = "bench-kept";
    private static final int PROCESSES = 3;

    public KeptSpeed {
        finding = List.copyOf(finding);
        firstToken = List.copyOf(firstToken);
        laterFirstToken = List.copyOf(laterFirstToken);
    }

    /**
     * Measures, and leaves nothing on the disk.
     *
     * @param lectern the command that starts Lectern, without arguments
     * @param questions one or more, all of which each process is asked
     * @param progress in processes
     */
    public static KeptSpeed run(
            BenchModel subject,
            ModelOptions modelOptions,
            List<String> lectern,
            String document,
            List<String> questions,
            Progress progress,
            Cancellation cancellation) {
        String model = subject.path().toAbsolutePath().toString();
        int threads = modelOptions.threads() > 0
                ? modelOptions.threads()
                : Runtime.getRuntime().availableProcessors();
        List<String> computing = new ArrayList<>(List.of("--threads", Integer.toString(threads)));
        if (subject.repack().isEmpty()) {
            computing.add("--no-repack");
        }
        // No other document begins so, or a part of it might be kept already.
        Path text = write("Copy " + System.nanoTime() + "\n\n" + document);
        JsonFields read;
        try {
            List<String> reading = new ArrayList<>(List.of("read", text.toString(), "--as", NAME, "--model", model));
            reading.addAll(computing);
            read = say(lectern, cancellation, reading, 1).getFirst();
        } finally {
            delete(text);
        }
        List<Double> finding = new ArrayList<>(), first = new ArrayList<>(), later = new ArrayList<>();
        Path asked = write(String.join("\n", questions));
        try {
            requireOutcome(read, "miss", "Some of the document was kept already");
            progress.report(1, 1 + PROCESSES);
            for (int i = 0; i < PROCESSES; i++) {
                List<String> asking = new ArrayList<>(
                        List.of("ask", "@" + NAME, "--questions", asked.toString(), "--max-tokens", "1"));
                asking.addAll(computing);
                List<JsonFields> answers = say(lectern, cancellation, asking, questions.size());
                requireOutcome(answers.getFirst(), "hit", "The document was read again");
                finding.add(answers.getFirst().object("kept").number("seconds"));
                first.add(firstToken(answers.getFirst()));
                answers.stream().skip(1).map(KeptSpeed::firstToken).forEach(later::add);
                progress.report(2 + i, 1 + PROCESSES);
            }
        } finally {
            delete(asked);
            // After Ctrl-C too, whose cancellation is not for this.
            say(lectern, new Cancellation(), List.of("cache", "remove", "@" + NAME), 1);
        }
        String digest = ModelDigest.of(subject, cancellation);
        Provenance provenance = Provenance.here("lectern eval reproduce --full kept", modelOptions);
        return new KeptSpeed(
                new Evaluated(subject.name(), digest, threads, provenance),
                read.whole("tokens"),
                read.object("seconds").number("reading"),
                finding,
                first,
                later);
    }

    private static double firstToken(JsonFields answer) {
        return answer.object("seconds").number("firstToken");
    }

    private static void requireOutcome(JsonFields said, String outcome, String otherwise) {
        if (!said.object("kept").text("outcome").equals(outcome)) {
            throw new LecternException(
                    LecternException.Kind.INTERNAL,
                    otherwise + ": " + said.object("kept").text("why") + ".");
        }
    }

    /** What a Lectern answers, in so many objects. */
    private static List<JsonFields> say(
            List<String> lectern, Cancellation cancellation, List<String> arguments, int objects) {
        List<String> command = new ArrayList<>(lectern);
        command.addAll(arguments);
        command.add("--json");
        try (JsonChild child = new JsonChild("lectern " + arguments.getFirst(), command, cancellation)) {
            List<JsonFields> said = new ArrayList<>();
            while (said.size() < objects) {
                said.add(child.answer());
            }
            return said;
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
                            "findingSeconds", Statistics.of(finding).median());
                    json.writeNumberProperty(
                            "firstTokenSeconds", Statistics.of(firstToken).median());
                    json.writeNumberProperty(
                            "laterFirstTokenSeconds",
                            Statistics.of(laterFirstToken).median());
                    json.writeNumberProperty("samples", firstToken.size());
                    json.writeEndObject();
                },
                json -> {});
    }
}
