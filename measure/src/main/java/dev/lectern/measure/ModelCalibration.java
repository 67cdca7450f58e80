package dev.lectern.measure;

import dev.lectern.Calibrations;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.attention.Calibrated;
import dev.lectern.attention.Calibration;
import dev.lectern.measure.tasks.Task;
import dev.lectern.prefill.Prefill;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Has a model read texts, exactly and over an f32 cache, and a method of attention or of reading learn from them; writes what it learned as {@link Calibrated} describes it, whole or not at all.
 *
 * @param option of the command line that takes the method
 * @param file that was written; it takes the place of an earlier one
 * @param bytes of its tables
 * @param tokens of all texts
 */
public record ModelCalibration(String option, Path file, long bytes, long tokens) {
    private static final String LOOKING_UP = "kv_retrieval";

    /** Tokens of a prompt to learn from, where nothing else is said. */
    public static final int LENGTH = 8192;

    /**
     * The tokens of texts to learn from.
     *
     * @param most tokens of each; 0 for all
     */
    public static List<int[]> tokens(Model model, List<String> texts, int most) {
        return texts.stream()
                .map(model::tokenize)
                .map(text -> most == 0 ? text : Arrays.copyOf(text, Math.min(most, text.length)))
                .toList();
    }

    /**
     * Calibrates a method.
     *
     * @param model opened with a folder of calibrations
     * @param name of the model
     * @param method that is to learn
     * @param texts to read, each from its beginning; one that is longer than the model's context in pieces of that length
     * @param progress in tokens
     * @throws LecternException of kind {@code BAD_OPTION} if no such method can be calibrated, {@code BAD_DOCUMENT} if the texts are too short, {@code NO_MEMORY} if keys and values do not fit,
     *     {@code NO_SPACE} if the file does not
     */
    public static ModelCalibration run(
            Model model, String name, String method, List<int[]> texts, Progress progress, Cancellation cancellation) {
        Calibration calibration = Calibrations.named(method, model.attentionShape());
        Path file = model.calibration(method);
        List<int[]> pieces = new ArrayList<>();
        for (int[] text : texts) {
            for (int from = 0; from < text.length; from += model.context()) {
                pieces.add(Arrays.copyOfRange(text, from, Math.min(text.length, from + model.context())));
            }
        }
        long all = pieces.stream().mapToLong(piece -> piece.length).sum();
        if (all < calibration.leastTokens()) {
            throw new LecternException(
                    LecternException.Kind.BAD_DOCUMENT,
                    "The texts have " + all + " tokens together, but " + method + " learns from "
                            + calibration.leastTokens() + " at least: give more of them.");
        }
        long read = 0;
        for (int[] piece : pieces) {
            long before = read;
            SessionOptions options = SessionOptions.DEFAULT.withKv("f32").withContext(piece.length);
            try (Session session = model.newSession(options, calibration)) {
                session.read(piece, (done, total) -> progress.report(before + done, all), cancellation);
            }
            read += piece.length;
        }
        List<Calibration.Table> tables = calibration.tables();
        write(file, metadata(model, name, method, all), tables);
        long numbers =
                tables.stream().mapToLong(table -> table.numbers().length).sum();
        String option = calibration instanceof Prefill ? "--prefill" : "--attention";
        return new ModelCalibration(option, file, Float.BYTES * numbers, all);
    }

    /**
     * Has a method learn from the prompt of a task in which keys are looked up, if it has not learned of the model yet.
     *
     * @param options where they name no scaling of positions, the model reads as many tokens as it holds
     * @throws LecternException as {@link #run} does
     */
    public static void requireLearned(
            BenchModel subject, ModelOptions options, String method, Progress progress, Cancellation cancellation) {
        try (Model model = subject.open(options)) {
            if (!Files.exists(model.calibration(method))) {
                int[] prompt = prompt(model, LOOKING_UP, Math.min(LENGTH, model.context()));
                run(model, subject.name(), method, List.of(prompt), progress, cancellation);
            }
        }
    }

    /**
     * The tokens of a prompt to learn from that makes a model look things up.
     *
     * @param task RULER-like or InfiniteBench-like
     * @param length tokens of it
     * @throws LecternException of kind {@code BAD_OPTION} if there is no such task, or the length is too short for it
     */
    public static int[] prompt(Model model, String task, int length) {
        List<Task> tasks = Stream.of(Suite.RULER, Suite.INFINITE)
                .flatMap(suite -> suite.tasks().apply(length).stream())
                .toList();
        Task of = tasks.stream()
                .filter(one -> one.name().equals(task))
                .findFirst()
                .orElseThrow(() -> new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "There is no task \"" + task + "\"; there are "
                                + tasks.stream().map(Task::name).collect(Collectors.joining(", ")) + "."));
        return TaskPrompt.of(model, TaskOptions.learning(TaskOptions.DEFAULT.seed()), of, length, 0)
                .tokens();
    }

    /** What such a file says of itself. */
    static Map<String, String> metadata(Model model, String name, String method, long tokens) {
        Map<String, String> words = new LinkedHashMap<>();
        words.put("format", Calibrated.FORMAT);
        words.put("method", method);
        words.put("model", name);
        words.put("weights", model.digest());
        words.put("tokens", Long.toString(tokens));
        words.put("lectern", AttentionRecording.version());
        words.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        return words;
    }

    /** Writes a file as {@link Calibrated} describes it, whole or not at all. */
    static void write(Path file, Map<String, String> words, List<Calibration.Table> tables) {
        List<SafetensorsWriter.Tensor> tensors = tables.stream()
                .map(table -> new SafetensorsWriter.Tensor(table.name(), "F32", table.shape()))
                .toList();
        try (SafetensorsWriter writer = new SafetensorsWriter(file, words, tensors)) {
            tables.forEach(table -> writer.write(table.name(), 0, table.numbers(), 0, table.numbers().length));
            writer.finish();
        }
    }
}
