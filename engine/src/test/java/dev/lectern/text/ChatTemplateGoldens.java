package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The renderings of transformers that {@code src/test/python/chat_template_goldens.py} wrote, and the templates they belong to. */
final class ChatTemplateGoldens {
    record Case(
            String template,
            String title,
            List<ChatMessage> messages,
            Map<String, @Nullable Object> variables,
            boolean addGenerationPrompt,
            @Nullable String expected,
            String error) {
        @Override
        public String toString() {
            return template + ": " + title + ", " + variables.keySet() + ", prompt " + addGenerationPrompt;
        }
    }

    record Snippet(String source, @Nullable String expected, String error) {}

    private final Map<String, Object> document;

    ChatTemplateGoldens() {
        document = object(Json.parse(resource("chat-templates.json").getBytes(StandardCharsets.UTF_8)));
    }

    static String resource(String name) {
        try (InputStream in = ChatTemplateGoldens.class.getResourceAsStream(name)) {
            assertThat(in).as(name).isNotNull();
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String template(String name) {
        return resource("templates/" + name + ".jinja");
    }

    /** Templates that are not kept here: package and SHA-256 by name. */
    Map<String, Object> fetched() {
        return object(document.get("fetched"));
    }

    Map<String, Object> variables() {
        return object(document.get("variables"));
    }

    List<Case> cases() {
        List<Case> cases = new ArrayList<>();
        for (Object element : list(document.get("cases"))) {
            Map<String, Object> entry = object(element);
            List<ChatMessage> messages = new ArrayList<>();
            list(entry.get("messages")).forEach(message -> messages.add(message(object(message))));
            cases.add(new Case(
                    string(entry.get("template")),
                    string(entry.get("title")),
                    messages,
                    object(entry.get("variables")),
                    Boolean.TRUE.equals(entry.get("addGenerationPrompt")),
                    (String) entry.get("expected"),
                    (String) entry.getOrDefault("error", "")));
        }
        return cases;
    }

    List<Snippet> snippets() {
        return list(document.get("snippets")).stream()
                .map(ChatTemplateGoldens::object)
                .map(entry -> new Snippet(string(entry.get("source")), (String) entry.get("expected"), (String)
                        entry.getOrDefault("error", "")))
                .toList();
    }

    private static ChatMessage message(Map<String, Object> fields) {
        Map<String, Object> more = new LinkedHashMap<>(fields);
        String role = string(more.remove("role"));
        String content = string(more.remove("content"));
        Object reasoning = more.remove("reasoning_content");
        return new ChatMessage(role, List.of(content), Optional.ofNullable((String) reasoning), more);
    }

    private static String string(@Nullable Object value) {
        assertThat(value).isInstanceOf(String.class);
        return String.valueOf(value);
    }

    @SuppressWarnings("unchecked") // JSON of our own making
    static Map<String, Object> object(@Nullable Object value) {
        assertThat(value).isInstanceOf(Map.class);
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked") // JSON of our own making
    static List<Object> list(@Nullable Object value) {
        assertThat(value).isInstanceOf(List.class);
        return (List<Object>) value;
    }
}
