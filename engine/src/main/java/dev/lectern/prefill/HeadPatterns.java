package dev.lectern.prefill;

import dev.lectern.LecternException;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The patterns of all heads of a model, as {@link MInferenceSearch} finds and {@link MInference} uses them: a JSON object of {@code format}, {@code budgetsFor} (tokens of the text) and {@code layers}, for each layer its query
 * heads: {@code {"sinks", "window"}}, {@code {"vertical", "slash"}} or {@code {"blocks"}}.
 *
 * @param layers {@code [layers][heads]}, with the budgets of long texts; at least one of each, every layer of as many heads
 */
public record HeadPatterns(List<List<HeadPattern>> layers) {
    private static final String FORMAT = "lectern head patterns 1";
    private static final int LONGEST = 1 << 24;

    public HeadPatterns {
        layers = layers.stream().map(List::copyOf).toList();
    }

    HeadPattern of(int layer, int head) {
        return layers.get(layer).get(head);
    }

    private static Map<String, Object> fields(HeadPattern pattern) {
        Map<String, Object> fields = new LinkedHashMap<>(); // in one order, for the digest
        switch (pattern) {
            case HeadPattern.AShape(int sinks, int window) -> {
                fields.put("sinks", (long) sinks);
                fields.put("window", (long) window);
            }
            case HeadPattern.VerticalSlash(int vertical, int slash) -> {
                fields.put("vertical", (long) vertical);
                fields.put("slash", (long) slash);
            }
            case HeadPattern.BlockSparse(int blocks) -> fields.put("blocks", (long) blocks);
        }
        return fields;
    }

    private byte[] json() {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("format", FORMAT);
        object.put("budgetsFor", (long) HeadPattern.PAPER_TOKENS);
        object.put(
                "layers",
                layers.stream()
                        .map(layer -> layer.stream().map(HeadPatterns::fields).toList())
                        .toList());
        return Json.write(object);
    }

    /** By what these are known: a digest of what a file of them holds. */
    String digest() {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(json());
            return HexFormat.of().formatHex(hash, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Writes a file, whole or not at all. */
    public void write(Path path) throws IOException {
        Path absolute = path.toAbsolutePath();
        Path part = absolute.resolveSibling(absolute.getFileName() + ".part");
        Files.write(part, json());
        Files.move(part, absolute, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * Reads a file.
     *
     * @throws LecternException of kind {@code NOT_FOUND} if it is missing, {@code BAD_OPTION} if it is nothing of the kind
     */
    public static HeadPatterns read(Path path) {
        try {
            if (Json.parse(Files.readAllBytes(path)) instanceof Map<?, ?> object
                    && FORMAT.equals(object.get("format"))
                    && Long.valueOf(HeadPattern.PAPER_TOKENS).equals(object.get("budgetsFor"))
                    && object.get("layers") instanceof List<?> layers) {
                return new HeadPatterns(all(path, layers));
            }
        } catch (NoSuchFileException e) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, path + ": there is no such file of head patterns.", e);
        } catch (IOException | MalformedJsonException e) {
            throw bad(path, "it cannot be read: " + e.getMessage());
        }
        throw bad(path, "it is not of the format \"" + FORMAT + "\"");
    }

    private static LecternException bad(Path path, String problem) {
        return new LecternException(
                LecternException.Kind.BAD_OPTION,
                path + " is no file of head patterns: " + problem + "; search for them again.");
    }

    private static List<List<HeadPattern>> all(Path path, List<?> layers) {
        List<List<HeadPattern>> all = new ArrayList<>();
        for (Object layer : layers) {
            List<HeadPattern> heads = new ArrayList<>();
            for (Object head : layer instanceof List<?> list ? list : List.of()) {
                heads.add(pattern(path, head));
            }
            if (heads.isEmpty() || heads.size() != (all.isEmpty() ? heads : all.getFirst()).size()) {
                throw bad(path, "its layers have no heads, or differently many");
            }
            all.add(heads);
        }
        if (all.isEmpty()) {
            throw bad(path, "it has no layers");
        }
        return all;
    }

    private static HeadPattern pattern(Path path, @Nullable Object json) {
        Map<?, ?> of = json instanceof Map<?, ?> object ? object : Map.of();
        Set<?> names = of.keySet();
        if (names.equals(Set.of("sinks", "window"))) {
            return new HeadPattern.AShape(budget(path, of, "sinks"), budget(path, of, "window"));
        }
        if (names.equals(Set.of("vertical", "slash"))) {
            return new HeadPattern.VerticalSlash(budget(path, of, "vertical"), budget(path, of, "slash"));
        }
        if (names.equals(Set.of("blocks"))) {
            return new HeadPattern.BlockSparse(budget(path, of, "blocks"));
        }
        throw bad(path, "a head has no pattern that is known");
    }

    private static int budget(Path path, Map<?, ?> of, String name) {
        if (of.get(name) instanceof Long budget && budget >= 1 && budget <= LONGEST) {
            return budget.intValue();
        }
        throw bad(path, "\"" + name + "\" is not a number of tokens");
    }
}
