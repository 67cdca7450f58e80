package dev.lectern.measure;

import dev.lectern.Calibrations;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.attention.Calibrated;
import dev.lectern.attention.Calibration;
import dev.lectern.prefill.Prefill;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Has a model read texts, exactly and over an f32 cache, and a method of attention or of reading learn from them; writes what it learned as {@link Calibrated} describes it, whole or not at all.
 *
 * @param option of the command line that takes the method
 * @param file that was written; it takes the place of an earlier one
 * @param bytes of its tables
 * @param tokens of all texts
 */
public record ModelCalibration(String option, Path file, long bytes, long tokens) {
    /**
     * Calibrates a method.
     *
     * @param model opened with a folder of calibrations
     * @param name of the model
     * @param method that is to learn
     * @param texts to read, each from its beginning; one that is longer than the model's context in pieces of that length
     * @param most tokens of each text; 0 for all
     * @param progress in tokens
     * @throws LecternException of kind {@code BAD_OPTION} if no such method can be calibrated, {@code BAD_DOCUMENT} if the texts are too short, {@code NO_MEMORY} if keys and values do not fit,
     *     {@code NO_SPACE} if the file does not
     */
    public static ModelCalibration run(
            Model model,
            String name,
            String method,
            List<String> texts,
            int most,
            Progress progress,
            Cancellation cancellation) {
        Calibration calibration = Calibrations.named(method, model.attentionShape());
        Path file = model.calibration(method);
        List<int[]> pieces = new ArrayList<>();
        for (String text : texts) {
            int[] tokens = model.tokenize(text);
            int end = most == 0 ? tokens.length : Math.min(most, tokens.length);
            for (int from = 0; from < end; from += model.context()) {
                pieces.add(Arrays.copyOfRange(tokens, from, Math.min(end, from + model.context())));
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
