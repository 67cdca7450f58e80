package dev.lectern.kept;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything on which the bytes of a page depend beside its tokens, as fields that people can read. Pages are used only where all fields are the same.
 *
 * @param fields in the order in which they are compared; no key or value has a line break
 */
public record Fingerprint(Map<String, String> fields) {
    /** The field with the hash of the text that something is a host's part of. */
    public static final String OF_TEXT = "of text";

    /** The field that says which part that is, and of how many. */
    public static final String PART = "part";

    public Fingerprint {
        fields.forEach((name, value) -> {
            if (name.indexOf('=') >= 0 || name.indexOf('\n') >= 0 || value.indexOf('\n') >= 0) {
                throw new IllegalArgumentException("field " + name);
            }
        });
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /** A line for each field. */
    public String text() {
        StringBuilder text = new StringBuilder();
        fields.forEach(
                (name, value) -> text.append(name).append('=').append(value).append('\n'));
        return text.toString();
    }

    /** What {@link #text} wrote; fields of what is something else are those that can be made out. */
    public static Fingerprint parse(String text) {
        Map<String, String> fields = new LinkedHashMap<>();
        for (String line : text.split("\n", -1)) {
            int equals = line.indexOf('=');
            if (equals > 0) {
                fields.put(line.substring(0, equals), line.substring(equals + 1));
            }
        }
        return new Fingerprint(fields);
    }

    /** SHA-256 of the text. */
    public Hash hash() {
        return Hash.of(text().getBytes(StandardCharsets.UTF_8));
    }

    /** What is another here than there, as half sentences: {@code kept with kv chl-4, this is kv chl-8}. */
    public List<String> differences(Fingerprint kept) {
        List<String> differences = new ArrayList<>();
        fields.forEach((name, value) -> {
            String there = kept.fields.getOrDefault(name, "unknown");
            if (!there.equals(value)) {
                differences.add("kept with " + name + " " + there + ", this is " + name + " " + value);
            }
        });
        return differences;
    }
}
