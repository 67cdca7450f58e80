package dev.lectern.measure;

import java.io.StringWriter;
import java.util.List;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What becomes of the computations in "Unlocking Longer Generation with Key-Value Cache Quantization" (Hugging Face, 2024).
 *
 * @param llamaBytes of keys and values of Llama-2-7B in f16
 * @param tokens of them
 * @param codes of the article's eight numbers as int8
 * @param added how many of them come back with the zero point added, of eight
 * @param subtracted the same with the zero point subtracted, as printed
 */
public record ArithmeticResult(
        Provenance provenance, long llamaBytes, int tokens, List<Long> codes, int added, int subtracted) {
    private static final JsonFactory JSON = JsonFactory.builder().build();

    public ArithmeticResult {
        codes = List.copyOf(codes);
    }

    /** A result file. */
    public String toJson() {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            json.writeNumberProperty("llamaBytes", llamaBytes);
            json.writeNumberProperty("tokens", tokens);
            json.writeArrayPropertyStart("codes");
            codes.forEach(json::writeNumber);
            json.writeEndArray();
            json.writeNumberProperty("added", added);
            json.writeNumberProperty("subtracted", subtracted);
            provenance.write(json);
            json.writeEndObject();
        }
        return text.toString();
    }
}
