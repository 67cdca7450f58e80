package dev.lectern.cli;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Writes trees of maps, lists, arrays, strings, numbers and booleans as JSON on one line. A number that JSON cannot say
 * (NaN, an infinity) and an empty {@code Optional} become {@code null}.
 */
final class JsonText {
    private static final JsonFactory JSON = JsonFactory.builder().build();

    private JsonText() {}

    static String of(Map<String, ? extends @Nullable Object> object) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
            write(json, object);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static void write(JsonGenerator json, @Nullable Object value) {
        switch (value) {
            case null -> json.writeNull();
            case Optional<?> optional -> write(json, optional.orElse(null));
            case Map<?, ?> map -> {
                json.writeStartObject();
                map.forEach((name, member) -> {
                    json.writeName(String.valueOf(name));
                    write(json, member);
                });
                json.writeEndObject();
            }
            case Collection<?> list -> {
                json.writeStartArray();
                list.forEach(element -> write(json, element));
                json.writeEndArray();
            }
            case int[] numbers -> json.writeArray(numbers, 0, numbers.length);
            case long[] numbers -> json.writeArray(numbers, 0, numbers.length);
            case double[] numbers -> {
                json.writeStartArray();
                for (double number : numbers) {
                    number(json, number);
                }
                json.writeEndArray();
            }
            case float[] numbers -> {
                json.writeStartArray();
                for (float number : numbers) {
                    number(json, number);
                }
                json.writeEndArray();
            }
            case boolean[] flags -> {
                json.writeStartArray();
                for (boolean flag : flags) {
                    json.writeBoolean(flag);
                }
                json.writeEndArray();
            }
            case Object[] objects -> write(json, List.of(objects));
            case Boolean flag -> json.writeBoolean(flag);
            case Double number -> number(json, number);
            case Float number -> number(json, number);
            case Number number -> json.writeNumber(number.longValue());
            default -> json.writeString(value.toString());
        }
    }

    private static void number(JsonGenerator json, double number) {
        if (Double.isFinite(number)) {
            json.writeNumber(number);
        } else {
            json.writeNull();
        }
    }
}
