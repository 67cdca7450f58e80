package dev.lectern;

import dev.lectern.kept.KeptNames;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A text that was read and has a name. It has the text's tokens, so that what is lost of its keys and values can be computed again.
 *
 * @param name {@code a-z}, {@code 0-9}, {@code . _ -}
 * @param model as the user named it
 * @param options with which it was read, by their names on the command line: {@code kv}, {@code attention} …
 * @param sources where the text came from
 * @param system what the model was told before it; empty for nothing
 * @param tokens of the text and what stands before it
 * @param fields on which its keys and values depend, for explanations
 * @param created when it was read
 */
public record KeptDocument(
        String name,
        String model,
        Map<String, String> options,
        List<String> sources,
        String system,
        int[] tokens,
        Map<String, String> fields,
        Instant created) {

    public KeptDocument {
        requireName(name);
        options = Map.copyOf(options);
        sources = List.copyOf(sources);
    }

    /** @throws LecternException of kind {@code BAD_OPTION} if nothing can be called so */
    public static void requireName(String name) {
        if (!KeptNames.isName(name)) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "\"" + name + "\" is not a name for a document: it takes the letters a-z, digits, and . _ - behind"
                            + " the first of them, 100 at most; choose one with --as.");
        }
    }

    /** As JSON has it, beside the files that the readings' folder notes. */
    Map<String, Object> members() {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("name", name);
        members.put("model", model);
        members.put("options", options);
        members.put("sources", sources);
        members.put("system", system);
        members.put("created", created.toString());
        members.put("fields", fields);
        members.put("length", tokens.length);
        ByteBuffer ids = ByteBuffer.allocate(Math.multiplyExact(Integer.BYTES, tokens.length))
                .order(ByteOrder.LITTLE_ENDIAN);
        ids.asIntBuffer().put(tokens);
        members.put("tokens", Base64.getEncoder().encodeToString(ids.array()));
        return members;
    }

    /** @throws IllegalArgumentException with what is wrong, if these members are not those of a document */
    static KeptDocument of(String name, Map<?, ?> members) {
        byte[] ids = Base64.getDecoder().decode(text(members, "tokens"));
        int[] tokens = new int[ids.length / Integer.BYTES];
        ByteBuffer.wrap(ids).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(tokens);
        if (!Objects.equals(members.get("length"), (long) tokens.length) || !name.equals(members.get("name"))) {
            throw new IllegalArgumentException("its length or its name is not that of what it holds");
        }
        List<String> sources = new ArrayList<>();
        if (members.get("sources") instanceof List<?> list) {
            list.forEach(source -> sources.add(String.valueOf(source)));
        }
        try {
            return new KeptDocument(
                    name,
                    text(members, "model"),
                    texts(members, "options"),
                    sources,
                    text(members, "system"),
                    tokens,
                    texts(members, "fields"),
                    Instant.parse(text(members, "created")));
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException("its date is none", e);
        }
    }

    private static String text(Map<?, ?> members, String name) {
        Object value = members.get(name);
        if (value instanceof String text) {
            return text;
        }
        throw new IllegalArgumentException("it has no text \"" + name + "\"");
    }

    private static Map<String, String> texts(Map<?, ?> members, String name) {
        Map<String, String> texts = new LinkedHashMap<>();
        if (members.get(name) instanceof Map<?, ?> map) {
            map.forEach((key, value) -> texts.put(String.valueOf(key), String.valueOf(value)));
        }
        return texts;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof KeptDocument document
                && name.equals(document.name)
                && created.equals(document.created)
                && Arrays.equals(tokens, document.tokens);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, created, Arrays.hashCode(tokens));
    }

    @Override
    public String toString() {
        return name + " (" + tokens.length + " tokens)";
    }
}
