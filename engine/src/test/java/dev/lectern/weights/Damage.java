package dev.lectern.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
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
            "9223372036854775807",
            "9223372036854775808",
            "1e999999999",
            "0.5",
            "null",
            "true",
            "[]",
            "{}",
            "\"\"",
            "\"F32\"",
            "\"I64\"",
            "\"../x.safetensors\"",
            "\"\\ud800\"",
            "[[[[[[[[[[]]]]]]]]]]",
            "{\"a\":{\"a\":{\"a\":1}}}",
            "[".repeat(250),
            "NaN",
            "//");

    private static final Pattern JSON_VALUE = Pattern.compile("\"[^\"]*\"|-?[0-9][0-9.e+-]*|[\\[{][^\\[{\\]}]*[]}]");

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

    /** One to three wounds of a JSON text: mostly values replaced, by others of the same text or by lies. */
    String json(String whole) {
        String text = whole;
        for (int wounds = 1 + random.nextInt(3); wounds > 0 && !text.isEmpty(); wounds--) {
            text = wound(text);
        }
        return text;
    }

    private String wound(String text) {
        int at = random.nextInt(text.length());
        int end = Math.min(text.length(), at + 1 + random.nextInt(40));
        List<int[]> values = new ArrayList<>();
        for (Matcher matcher = JSON_VALUE.matcher(text); matcher.find(); ) {
            values.add(new int[] {matcher.start(), matcher.end()});
        }
        int kind = random.nextInt(8);
        if (values.isEmpty() || kind == 0) {
            return text.substring(0, at) + (char) random.nextInt(1, 0x3000) + text.substring(at + 1);
        }
        int[] value = values.get(random.nextInt(values.size()));
        int[] other = values.get(random.nextInt(values.size()));
        String replacement = switch (kind) {
            case 1 -> text.substring(other[0], other[1]);
            case 2 -> text.substring(value[0], value[1]) + "," + text.substring(other[0], other[1]);
            case 3 -> text.substring(value[0], value[1]) + text.substring(at, end);
            case 4 -> "";
            default -> JSON_LIES.get(random.nextInt(JSON_LIES.size()));
        };
        return text.substring(0, value[0]) + replacement + text.substring(value[1]);
    }
}
