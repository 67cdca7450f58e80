package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * The members of one question: {@code context}; {@code input} or {@code question}; {@code answers} or {@code answer}, a list or one alone; {@code options} or {@code choice_A}, {@code choice_B}, …;
 * {@code all_classes}; {@code _id} or {@code id}; {@code dataset}. Of two names for the same the first counts, null is as good as missing, a number is the text that is written, and other members are
 * passed over.
 */
final class QuestionLine {
    private static final int MOST_DEPTH = 100;
    private static final String CHOICE = "choice_";

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MOST_DEPTH)
                    .maxStringLength(Integer.MAX_VALUE) // a line is bounded, so what stands in it is
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private final TreeMap<String, String> texts = new TreeMap<>();
    private final TreeMap<String, List<String>> lists = new TreeMap<>();

    private QuestionLine() {}

    /**
     * Parses a line.
     *
     * @param number of the line
     * @param shared gives for a context the one that is held
     * @throws IllegalArgumentException with what is wrong, in words that follow the place
     */
    static Question parse(String text, int number, UnaryOperator<String> shared) {
        QuestionLine line = new QuestionLine();
        try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), text)) {
            line.read(json);
        } catch (JacksonException e) {
            String column =
                    e.getLocation() == null ? "" : ", column " + e.getLocation().getColumnNr();
            throw new IllegalArgumentException("is no JSON object (" + e.getOriginalMessage() + column + ")", e);
        }
        return line.question(number, shared);
    }

    private void read(JsonParser json) {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw new IllegalArgumentException("is no JSON object, which begins with {");
        }
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String name = json.currentName();
            JsonToken value = json.nextToken();
            if (value == JsonToken.VALUE_NULL) {
                continue;
            }
            switch (name) {
                case "context", "input", "question", "dataset" -> texts.put(name, text(name, json, false));
                case "_id", "id" -> texts.put(name, text(name, json, true));
                case "answers", "answer", "options", "all_classes" -> lists.put(name, list(name, json));
                default -> {
                    if (name.startsWith(CHOICE) && name.length() == CHOICE.length() + 1) {
                        texts.put(name, text(name, json, true));
                    } else {
                        json.skipChildren();
                    }
                }
            }
        }
        if (json.nextToken() != null) {
            throw new IllegalArgumentException("something follows its JSON object, which should stand alone");
        }
    }

    private static String text(String name, JsonParser json, boolean orNumber) {
        JsonToken token = json.currentToken();
        if (token != JsonToken.VALUE_STRING && !(orNumber && token.isNumeric())) {
            throw new IllegalArgumentException("\"" + name + "\" is no text");
        }
        String text = json.getString();
        if (text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            throw new IllegalArgumentException("\"" + name + "\" has half of a surrogate pair (\\ud800 to \\udfff)");
        }
        return text;
    }

    private static List<String> list(String name, JsonParser json) {
        if (json.currentToken() != JsonToken.START_ARRAY) {
            return List.of(text(name, json, true));
        }
        List<String> texts = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
            texts.add(text(name, json, true));
        }
        return texts;
    }

    private Question question(int number, UnaryOperator<String> shared) {
        return new Question(
                number,
                first(texts, Integer.toString(number), "_id", "id"),
                first(texts, "", "dataset"),
                shared.apply(first(texts, null, "context")),
                first(texts, null, "input", "question"),
                first(lists, null, "answers", "answer"),
                first(lists, choices(), "options"),
                first(lists, List.of(), "all_classes"));
    }

    /** What LongBench v2 writes instead of {@code options}. */
    private List<String> choices() {
        List<String> choices = new ArrayList<>();
        for (String name : texts.tailMap(CHOICE).keySet()) {
            if (name.startsWith(CHOICE)) {
                String expected = CHOICE + Question.letter(choices.size());
                if (!name.equals(expected)) {
                    throw new IllegalArgumentException("there is \"" + name + "\", but no \"" + expected + "\"");
                }
                choices.add(texts.getOrDefault(name, ""));
            }
        }
        return choices;
    }

    private static <T> T first(TreeMap<String, T> members, @Nullable T otherwise, String... names) {
        for (String name : names) {
            T member = members.get(name);
            if (member != null) {
                return member;
            }
        }
        if (otherwise == null) {
            throw new IllegalArgumentException("\"" + String.join("\" or \"", names) + "\" is missing");
        }
        return otherwise;
    }
}
