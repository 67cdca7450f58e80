package dev.lectern.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Makes well-formed things wrong in one or a few places, as a random generator says. */
final class Damage {
    private static final List<Object> VALUES = List.of(
            true,
            false,
            -1L,
            0L,
            1L,
            7L,
            255L,
            1L << 31,
            Long.MAX_VALUE,
            Long.MIN_VALUE,
            1e308,
            -0.5,
            "",
            "a",
            "ab",
            "▁",
            "a b",
            "<s>",
            "BPE",
            "ByteLevel",
            "Sequence",
            "x".repeat(3000),
            List.of(),
            Map.of(),
            List.of("a", "b"),
            List.of(List.of(List.of())),
            Map.of("type", "Sequence"),
            Map.of("String", " "),
            Map.of("Regex", "(a+)+"));

    private Damage() {}

    /** A copy of a JSON tree with some values replaced, removed, doubled or exchanged. */
    static @Nullable Object of(@Nullable Object tree, Random random, int changes) {
        Object copy = copy(tree);
        for (int i = 0; i < changes; i++) {
            change(copy, random);
        }
        return copy;
    }

    private static @Nullable Object copy(@Nullable Object tree) {
        return switch (tree) {
            case Map<?, ?> map -> {
                Map<Object, @Nullable Object> copy = new LinkedHashMap<>();
                map.forEach((key, value) -> copy.put(key, copy(value)));
                yield copy;
            }
            case List<?> list -> {
                List<@Nullable Object> copy = new ArrayList<>();
                list.forEach(value -> copy.add(copy(value)));
                yield copy;
            }
            case null, default -> tree;
        };
    }

    /** Goes down by chance and changes something in the container where it stops. */
    private static void change(@Nullable Object tree, Random random) {
        Object container = tree;
        while (true) {
            List<Object> below = new ArrayList<>(
                    container instanceof Map<?, ?> map
                            ? map.values()
                            : container instanceof List<?> list ? list : List.of());
            below.removeIf(value -> !(value instanceof Map<?, ?> map && !map.isEmpty())
                    && !(value instanceof List<?> list && !list.isEmpty()));
            if (below.isEmpty() || random.nextInt(4) == 0) {
                break;
            }
            container = below.get(random.nextInt(below.size()));
        }
        if (container instanceof Map<?, ?> map) {
            changeMap(unchecked(map), random);
        } else if (container instanceof List<?> list) {
            changeList(unchecked(list), random);
        }
    }

    private static void changeMap(Map<Object, @Nullable Object> map, Random random) {
        List<Object> keys = new ArrayList<>(map.keySet());
        if (keys.isEmpty()) {
            return;
        }
        Object key = keys.get(random.nextInt(keys.size()));
        Object other = keys.get(random.nextInt(keys.size()));
        switch (random.nextInt(5)) {
            case 0 -> map.remove(key);
            case 1 -> map.put(key, map.get(other));
            case 2 -> {
                Object value = map.remove(key);
                map.put(key + "x", value);
            }
            default -> map.put(key, other(map.get(key), random));
        }
    }

    private static void changeList(List<@Nullable Object> list, Random random) {
        if (list.isEmpty()) {
            return;
        }
        int index = random.nextInt(list.size());
        switch (random.nextInt(5)) {
            case 0 -> list.remove(index);
            case 1 -> list.set(index, list.get(random.nextInt(list.size())));
            case 2 -> list.add(index, list.get(index));
            default -> list.set(index, other(list.get(index), random));
        }
    }

    private static @Nullable Object other(@Nullable Object value, Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> null;
            case 1 ->
                value instanceof String text
                        ? changed(text, random)
                        : value instanceof Long number ? number + random.nextInt(5) - 2 : value;
            default -> copy(VALUES.get(random.nextInt(VALUES.size())));
        };
    }

    private static String changed(String text, Random random) {
        if (text.isEmpty()) {
            return " ";
        }
        int at = random.nextInt(text.length());
        return switch (random.nextInt(3)) {
            case 0 -> text.substring(0, at);
            case 1 -> text.substring(at) + text.substring(0, at);
            default -> text.substring(0, at) + (char) random.nextInt(0x10000) + text.substring(at + 1);
        };
    }

    /** A copy of metadata with one to three keys missing, of another type, or with wrong elements. */
    static Map<String, Object> ofMetadata(Map<String, Object> whole, Random random) {
        Map<String, Object> damaged = new LinkedHashMap<>(whole);
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            List<String> keys = List.copyOf(new java.util.TreeSet<>(damaged.keySet()));
            String key = keys.get(random.nextInt(keys.size()));
            Object value = damaged.get(key);
            switch (random.nextInt(6)) {
                case 0 -> damaged.remove(key);
                case 1 ->
                    damaged.put(
                            key,
                            List.<Object>of(
                                            true,
                                            -1L,
                                            1L << 40,
                                            0.5,
                                            "",
                                            "a",
                                            new long[] {1},
                                            new float[0],
                                            new String[0])
                                    .get(random.nextInt(9)));
                default -> damaged.put(key, elements(value, random));
            }
        }
        return damaged;
    }

    private static Object elements(@Nullable Object value, Random random) {
        switch (value) {
            case String[] old
            when old.length > 0 -> {
                String[] array =
                        Arrays.copyOf(old, random.nextInt(4) == 0 ? 1 + random.nextInt(old.length) : old.length);
                int at = random.nextInt(array.length);
                array[at] = switch (random.nextInt(4)) {
                    case 0 -> array[random.nextInt(array.length)];
                    case 1 -> "";
                    case 2 -> changed(array[at], random);
                    default -> "y".repeat(random.nextInt(5000));
                };
                return array;
            }
            case long[] old
            when old.length > 0 -> {
                long[] array =
                        Arrays.copyOf(old, random.nextInt(4) == 0 ? random.nextInt(2 * old.length) + 1 : old.length);
                array[random.nextInt(array.length)] = random.nextBoolean() ? random.nextInt(9) - 1 : random.nextLong();
                return array;
            }
            case float[] old
            when old.length > 0 -> {
                float[] array =
                        Arrays.copyOf(old, random.nextInt(4) == 0 ? random.nextInt(2 * old.length) + 1 : old.length);
                array[random.nextInt(array.length)] =
                        List.of(Float.NaN, Float.POSITIVE_INFINITY, -1e38f, 0f).get(random.nextInt(4));
                return array;
            }
            case Long number -> {
                return List.of(-1L, 0L, number + 1, number * 1000, Long.MIN_VALUE)
                        .get(random.nextInt(5));
            }
            case String text -> {
                return List.of("llama", "gpt2", "default", "qwen2", "smollm", "llama-bpe", text + "x")
                        .get(random.nextInt(7));
            }
            case null, default -> {
                return value instanceof Boolean flag ? (Object) !flag : "none";
            }
        }
    }

    /** A copy of a file, cut, or with some bytes changed. */
    static byte[] ofBytes(byte[] whole, Random random) {
        byte[] damaged = Arrays.copyOf(whole, random.nextInt(3) == 0 ? random.nextInt(whole.length) : whole.length);
        for (int i = random.nextInt(4); i > 0 && damaged.length > 0; i--) {
            damaged[random.nextInt(damaged.length)] =
                    (byte) (random.nextBoolean() ? random.nextInt(256) : "{}[]\",:0e-".charAt(random.nextInt(10)));
        }
        return damaged;
    }

    @SuppressWarnings("unchecked") // copy() made it
    private static <T> T unchecked(Object container) {
        return (T) container;
    }
}
