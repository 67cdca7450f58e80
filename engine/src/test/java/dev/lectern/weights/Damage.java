package dev.lectern.weights;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Damages files as disks, networks and liars do; the same random numbers, the same damage. */
record Damage(SplittableRandom random) {
    private static final long[] LIES = {
        0,
        1,
        -1,
        2,
        31,
        32,
        255,
        65_536,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        1L << 32,
        (1L << 32) + 1,
        1L << 61,
        Long.MAX_VALUE / 2,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };

    private static final List<String> JSON_LIES = List.of(
            "0",
            "1",
            "-1",
            "2147483648",
            "4294967296",
            "9223372036854775807",
            "9223372036854775808",
            "1e999999999",
            "0.5",
            "null",
            "true",
            "[]",
            "{}",
            "[0,8]",
            "[9223372036854775807,9223372036854775807]",
            "\"\"",
            "\"F32\"",
            "\"I64\"",
            "\"model.safetensors\"",
            "\"../x.safetensors\"",
            "\"\\u001b[2J\"",
            "[[[[[[[[[[]]]]]]]]]]",
            "{\"a\":{\"a\":{\"a\":1}}}",
            "[".repeat(250) + "]".repeat(250));

    /** What is not JSON any more. */
    private static final List<String> JSON_NOISE =
            List.of("NaN", "//", "[", "}", "\"", ",", "\u0000", "\"\\ud800\"", "-", "1.");

    private static final Pattern DIGIT = Pattern.compile("(?<![0-9])[0-9]");
    private static final Pattern JSON_NAME = Pattern.compile("\"[^\"]*\"(?=:)");
    private static final Pattern JSON_VALUE = Pattern.compile(
            "(?<=[:,\\[])(\"[^\"]*\"(?!:)|-?[0-9][0-9.e+-]*|true|null|\\[[^\\[{\\]}]*]|\\{[^\\[{\\]}]*})");

    /** One to three wounds. */
    byte[] binary(byte[] whole, List<GgufWriter.Field> fields) {
        byte[] file = whole.clone();
        for (int wounds = 1 + random.nextInt(3); wounds > 0 && file.length > 0; wounds--) {
            file = wound(file, fields);
        }
        return file;
    }

    private byte[] wound(byte[] file, List<GgufWriter.Field> fields) {
        int at = random.nextInt(file.length);
        // The first half of a file is mostly header, where it hurts.
        int early = random.nextInt(Math.max(1, file.length / 2));
        int length = Math.min(1 + random.nextInt(64), file.length - at);
        switch (random.nextInt(8)) {
            case 0 -> file[early] ^= (byte) (1 << random.nextInt(8));
            case 1 -> file[early] = (byte) random.nextInt();
            case 2 -> {
                return Arrays.copyOf(file, at);
            }
            case 3 -> { // bytes inserted, here a repetition of what stands there: a duplicated entry now and then
                return splice(file, at, at, Arrays.copyOfRange(file, at, at + length));
            }
            case 4 -> {
                return splice(file, at, at + length, new byte[0]);
            }
            case 5 -> { // two blocks change places
                int other = random.nextInt(file.length - length + 1);
                byte[] block = Arrays.copyOfRange(file, at, at + length);
                System.arraycopy(file, other, file, at, length);
                System.arraycopy(block, 0, file, other, length);
            }
            default -> lie(file, fields);
        }
        return file;
    }

    /** A number of the file gets an interesting value, or the value of another, or one near its own. */
    private void lie(byte[] file, List<GgufWriter.Field> fields) {
        if (fields.isEmpty()) {
            return;
        }
        GgufWriter.Field field = fields.get(random.nextInt(fields.size()));
        GgufWriter.Field other = fields.get(random.nextInt(fields.size()));
        long value = switch (random.nextInt(4)) {
            case 0 -> get(file, field) + random.nextInt(-2, 3);
            case 1 -> get(file, other);
            default -> LIES[random.nextInt(LIES.length)];
        };
        for (int i = 0; i < field.bytes() && field.offset() + i < file.length; i++) {
            file[field.offset() + i] = (byte) (value >> (8 * i));
        }
    }

    private static long get(byte[] file, GgufWriter.Field field) {
        long value = 0;
        for (int i = 0; i < field.bytes() && field.offset() + i < file.length; i++) {
            value |= (file[field.offset() + i] & 0xffL) << (8 * i);
        }
        return value;
    }

    private static byte[] splice(byte[] file, int from, int to, byte[] middle) {
        byte[] result = new byte[file.length - (to - from) + middle.length];
        System.arraycopy(file, 0, result, 0, from);
        System.arraycopy(middle, 0, result, from, middle.length);
        System.arraycopy(file, to, result, from + middle.length, file.length - to);
        return result;
    }

    /** One to three wounds of a JSON text: nine of ten leave it JSON, so that what it says is looked at. */
    String json(String whole) {
        String text = whole;
        for (int wounds = 1 + random.nextInt(3); wounds > 0; wounds--) {
            text = wound(text);
        }
        return text;
    }

    private String wound(String text) {
        List<MatchResult> values = JSON_VALUE.matcher(text).results().toList();
        List<MatchResult> names = JSON_NAME.matcher(text).results().toList();
        int kind = random.nextInt(20);
        if (values.isEmpty() || names.isEmpty() || !DIGIT.matcher(text).find() || kind == 0) {
            int at = random.nextInt(text.length() + 1);
            return text.substring(0, at) + one(JSON_NOISE) + text.substring(Math.min(text.length(), at + kind));
        }
        MatchResult value = one(values);
        return switch (kind) {
            case 1 -> text.substring(0, value.end());
            case 2 -> replace(text, one(names), one(names).group());
            case 3 -> replace(text, value, value.group() + "," + one(values).group());
            case 4 -> { // a new member
                MatchResult name = one(names);
                yield replace(text, name, "\"extra\":" + value.group() + "," + name.group());
            }
            case 5, 6, 7 -> replace(text, value, one(values).group());
            case 8, 9, 10, 11, 12 -> { // another digit
                MatchResult digit = one(DIGIT.matcher(text).results().toList());
                yield replace(text, digit, String.valueOf(random.nextInt(10)));
            }
            default -> replace(text, value, one(JSON_LIES));
        };
    }

    private <T> T one(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private static String replace(String text, MatchResult part, String replacement) {
        return text.substring(0, part.start()) + replacement + text.substring(part.end());
    }
}
