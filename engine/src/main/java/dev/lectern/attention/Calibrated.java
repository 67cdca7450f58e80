package dev.lectern.attention;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import dev.lectern.weights.SafetensorsFile;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * What was learned of a model for a method of attention or of reading: a safetensors file whose {@code __metadata__} has, as strings, {@code format}, {@code method}, {@code model} (its name), {@code weights} (the digest
 * of its weights), {@code tokens} (of the texts), {@code lectern} (its version) and {@code date}; its tables, all F32, are those of the method.
 *
 * @param path of the file
 * @param weights the digest of the model's weights
 * @param tables by name
 */
public record Calibrated(String path, String weights, Map<String, Calibration.Table> tables) {
    /** What such files say they are. */
    public static final String FORMAT = "lectern calibration 1";

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** The method of the networks that {@code apb:compressor=heads} asks, as it is called in names of files. */
    public static final String RETAINING_HEADS = "retaining-heads";

    /** The command that makes the file of a method. */
    public static String command(String method) {
        return method.equals(RETAINING_HEADS) ? "lectern train-retaining-heads" : "lectern calibrate " + method;
    }

    /**
     * The option with which a file is asked for.
     *
     * @param which as {@link CalibrationSource#find} takes it
     */
    public static String asked(String method, String which) {
        if (!method.equals(RETAINING_HEADS)) {
            return method + ":calibrated=" + which;
        }
        return "apb:compressor=heads" + (which.equals(CalibrationSource.OWN) ? "" : ":heads=" + which);
    }

    /** What to say where a file is asked for and not there. */
    public static LecternException missing(Path path, String method, String which) {
        String other = method.equals(RETAINING_HEADS) ? "choose another compressor" : "leave calibrated out";
        return new LecternException(
                LecternException.Kind.NOT_FOUND,
                asked(method, which) + ": there is no " + path + ": run \"" + command(method)
                        + "\" for this model first, or " + other + ".");
    }

    /** Where the file of a model is kept. */
    public static Path file(Path folder, Path model, String weights, String method) {
        Path name = model.getFileName();
        String stem = name == null ? "model" : name.toString().replaceFirst("\\.gguf$", "");
        return folder.resolve(stem + "-" + weights.substring(0, 16) + "." + method + ".safetensors");
    }

    /**
     * Reads a file.
     *
     * @throws LecternException of kind {@code NOT_FOUND} if it is missing, {@code BAD_OPTION} if it was made for another method
     * @throws BadModelFileException if it is damaged or nothing of the kind
     */
    public static Calibrated read(Path path, String method) {
        String remedy = "run \"" + command(method) + "\" again";
        try (SafetensorsFile file = SafetensorsFile.open(path, remedy)) {
            Map<String, String> words = file.metadata();
            if (!FORMAT.equals(words.get("format")) || words.get("weights") == null) {
                throw new BadModelFileException(
                        path.toString(),
                        "it is not what \"" + command(method) + "\" writes, whose \"format\" is \"" + FORMAT + "\": "
                                + remedy + ".");
            }
            if (!method.equals(words.get("method"))) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        path + " was made for the method \"" + words.get("method") + "\", not for " + method
                                + ": name another file, or " + remedy + ".");
            }
            Map<String, Calibration.Table> tables = new LinkedHashMap<>();
            file.tensors().forEach((name, tensor) -> {
                if (tensor.type().equals("F32")) {
                    List<Integer> shape =
                            tensor.shape().stream().map(Math::toIntExact).toList();
                    tables.put(
                            name,
                            new Calibration.Table(name, shape, tensor.bytes().toArray(FLOAT)));
                }
            });
            return new Calibrated(path.toString(), String.valueOf(words.get("weights")), tables);
        }
    }

    /** A checksum of all tables. */
    public long sum() {
        CRC32C sum = new CRC32C();
        tables.forEach((name, table) -> {
            sum.update(name.getBytes(StandardCharsets.UTF_8));
            for (float number : table.numbers()) {
                int bits = Float.floatToRawIntBits(number);
                for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
                    sum.update(bits >>> shift);
                }
            }
        });
        return sum.getValue();
    }

    /** The same with one layer alone, as the first: for a cache that holds but that one. */
    public Calibrated ofLayer(int layer) {
        String prefix = "layers." + layer + ".";
        Map<String, Calibration.Table> own = new LinkedHashMap<>();
        tables.forEach((name, table) -> {
            if (name.startsWith(prefix)) {
                own.put("layers.0." + name.substring(prefix.length()), table);
            }
        });
        return new Calibrated(path, weights, own);
    }

    /**
     * Numbers of a table.
     *
     * @param shape that it must have
     * @throws BadModelFileException if there is no such table of that shape
     */
    public float[] numbers(String name, List<Integer> shape, int from, int count) {
        Calibration.Table table = tables.get(name);
        if (table == null || !table.shape().equals(shape)) {
            throw new BadModelFileException(
                    path,
                    "it has no table \"" + name + "\" of shape " + shape
                            + ", so it was made of another model: make it again for this one.");
        }
        return Arrays.copyOfRange(table.numbers(), from, from + count);
    }
}
