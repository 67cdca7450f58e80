package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON objects in model files. */
final class JsonFile {
    /** Twenty times the largest index of a published model, and safetensors' own bound for a header. */
    private static final long MAX_BYTES = 100_000_000;

    private JsonFile() {}

    /**
     * The object that fills the bytes, its members in the order written.
     *
     * @param file what messages call it
     */
    static Map<String, @Nullable Object> object(String file, MemorySegment bytes) {
        if (bytes.byteSize() > MAX_BYTES) {
            throw new BadModelFileException(
                    file, "its JSON has " + bytes.byteSize() + " bytes, more than the " + MAX_BYTES + " allowed.");
        }
        Object value;
        try {
            value = Json.parse(bytes.toArray(ValueLayout.JAVA_BYTE));
        } catch (MalformedJsonException e) {
            throw new BadModelFileException(
                    file, "its JSON is damaged: " + Quoted.text(String.valueOf(e.getMessage())) + ".", e);
        }
        if (!(value instanceof Map<?, ?> map)) {
            throw new BadModelFileException(file, "its JSON is not an object.");
        }
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        map.forEach((key, member) -> object.put((String) key, member));
        return object;
    }
}
