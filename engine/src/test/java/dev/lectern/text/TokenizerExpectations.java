package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPInputStream;

/**
 * What Hugging Face {@code tokenizers} makes of 20 400 lines in more than 40 languages with emoji, code, control characters
 * and damaged UTF-8. The lines are from tokenizer_lines.py, the expectations from tokenizer_expectations.py, both in
 * src/test/python, where it also stands what they hold.
 */
final class TokenizerExpectations {
    private static final List<String> LINES = strings(resource("tokenizer-lines.json.gz"));

    private final Map<?, ?> expected;

    /** @param name {@code smollm2}, {@code qwen2.5-coder}, {@code gpt2}, {@code llama2}, … */
    TokenizerExpectations(String name) {
        expected = (Map<?, ?>) resource("tokenizer-" + name + ".json.gz");
    }

    static List<String> lines() {
        return LINES;
    }

    /** Law 1: the ids equal those of Hugging Face, and each token starts where Hugging Face says. */
    void checkIds(Tokenizer tokenizer) {
        List<String> ids = strings(list("ids"));
        List<String> starts = strings(list("starts"));
        int block = number("block");
        int every = number("every");
        assertThat(ids).hasSize((LINES.size() + block - 1) / block);
        List<String> differences = new ArrayList<>();
        List<int[]> full = rows(list("full"));
        for (int i = 0; i < full.size(); i++) {
            String line = LINES.get(i * every);
            int[] actual = tokenizer.encode(line, false).ids();
            if (!Arrays.equals(actual, full.get(i))) {
                differences.add("<" + line + ">: " + Arrays.toString(full.get(i)) + ", not " + Arrays.toString(actual));
            }
        }
        for (int b = 0; b < ids.size(); b++) {
            List<int[]> idRows = new ArrayList<>();
            List<int[]> startRows = new ArrayList<>();
            for (String line : LINES.subList(b * block, Math.min(LINES.size(), (b + 1) * block))) {
                Tokenizer.Encoding encoding = tokenizer.encode(line, false);
                idRows.add(encoding.ids());
                startRows.add(isAligned(tokenizer, line, encoding) ? encoding.starts() : new int[0]);
            }
            if (!digest(idRows).equals(ids.get(b))) {
                differences.add("ids of lines " + b * block + " and following");
            }
            if (!digest(startRows).equals(starts.get(b))) {
                differences.add("starts in lines " + b * block + " and following");
            }
        }
        assertThat(differences).isEmpty();
    }

    /** Whether the script kept Hugging Face's offsets of a line; it says why not always. */
    private static boolean isAligned(Tokenizer tokenizer, String line, Tokenizer.Encoding encoding) {
        String back = new String(bytes(tokenizer, encoding.ids()), StandardCharsets.UTF_8);
        return Normalizer.isNormalized(line, Normalizer.Form.NFC)
                && (tokenizer.prefixesSpace() || back.replace('▁', ' ').equals(line.replace('▁', ' ')));
    }

    /** With added tokens recognised, lines that hold them give the ids of Hugging Face. */
    void checkAddedTokens(Tokenizer tokenizer) {
        for (Object each : list("added")) {
            Map<?, ?> line = (Map<?, ?>) each;
            String text = (String) line.get("text");
            assertThat(tokenizer.encode(Objects.requireNonNull(text), true).ids())
                    .as("ids of <%s>", text)
                    .isEqualTo(row((List<?>) Objects.requireNonNull(line.get("ids"))));
        }
    }

    /** Tokens back to text as Hugging Face does it. */
    void checkDecoding(Tokenizer tokenizer) {
        List<int[]> full = rows(list("full"));
        List<String> decoded = strings(list("decoded"));
        for (int i = 0; i < full.size(); i++) {
            assertThat(Detokenizer.text(tokenizer, full.get(i))).isEqualTo(decoded.get(i));
        }
    }

    private int number(String name) {
        return Math.toIntExact((Long) Objects.requireNonNull(expected.get(name), name));
    }

    private List<?> list(String name) {
        return (List<?>) Objects.requireNonNull(expected.get(name), name);
    }

    private static List<int[]> rows(List<?> rows) {
        return rows.stream().map(row -> row((List<?>) row)).toList();
    }

    static int[] row(List<?> row) {
        return row.stream()
                .mapToInt(id -> Math.toIntExact((Long) Objects.requireNonNull(id)))
                .toArray();
    }

    private static List<String> strings(Object list) {
        return ((List<?>) list).stream().map(String.class::cast).toList();
    }

    private static String digest(List<int[]> rows) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            for (int[] row : rows) {
                ByteBuffer bytes = ByteBuffer.allocate(4 * row.length + 4).order(ByteOrder.LITTLE_ENDIAN);
                for (int value : row) {
                    bytes.putInt(value);
                }
                sha.update(bytes.putInt(-1).flip());
            }
            return HexFormat.of().formatHex(sha.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    static Object resource(String name) {
        try (InputStream in = Objects.requireNonNull(TokenizerExpectations.class.getResourceAsStream(name), name)) {
            byte[] json = new GZIPInputStream(in).readAllBytes();
            return Objects.requireNonNull(Json.parse(json));
        } catch (IOException e) {
            throw new AssertionError(name, e);
        }
    }

    /** The UTF-8 bytes that the tokens of a text add up to. */
    static byte[] bytes(Tokenizer tokenizer, int[] ids) {
        var out = new ByteArrayOutputStream();
        for (int id : ids) {
            out.writeBytes(tokenizer.bytes(id));
        }
        return out.toByteArray();
    }
}
