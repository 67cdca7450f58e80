package dev.lectern;

import dev.lectern.json.Json;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** What {@code transformers} computed with a real model (src/test/python/golden.py; its README says what the fields mean). */
record GoldenNumbers(Map<?, ?> root) {
    private static final Path FOLDER = Path.of("src/test/resources/golden");

    static GoldenNumbers of(String model) throws IOException {
        return new GoldenNumbers((Map<?, ?>) Json.parse(Files.readAllBytes(FOLDER.resolve(model + ".json"))));
    }

    /** A part, which has the same accessors. */
    GoldenNumbers part(String name) {
        return new GoldenNumbers((Map<?, ?>) root.get(name));
    }

    List<GoldenNumbers> parts(String name) {
        return ((List<?>) root.get(name))
                .stream().map(part -> new GoldenNumbers((Map<?, ?>) part)).toList();
    }

    String string(String name) {
        return (String) root.get(name);
    }

    double number(String name) {
        return ((Number) root.get(name)).doubleValue();
    }

    int[] ints(String name) {
        return ((List<?>) root.get(name))
                .stream().mapToInt(number -> ((Number) number).intValue()).toArray();
    }

    double[] numbers(String name) {
        return numbers((List<?>) root.get(name));
    }

    double[][] rows(String name) {
        return ((List<?>) root.get(name))
                .stream().map(row -> numbers((List<?>) row)).toArray(double[][]::new);
    }

    private static double[] numbers(List<?> list) {
        return list.stream()
                .mapToDouble(number -> ((Number) number).doubleValue())
                .toArray();
    }

    /** The text of a file that a field names. */
    String text(String name) throws IOException {
        return Files.readString(FOLDER.resolve(string(name)), StandardCharsets.UTF_8);
    }

    /** The floats of a file that a field names. */
    FloatBuffer floats(String name) throws IOException {
        byte[] bytes = Files.readAllBytes(FOLDER.resolve(string(name)));
        if (string(name).endsWith(".gz")) {
            try (var unzipped = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
                bytes = unzipped.readAllBytes();
            }
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    }
}
