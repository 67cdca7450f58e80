package dev.lectern.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.json.Json;
import dev.lectern.weights.Metadata;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Inverse frequencies of every scaling, as {@code transformers} computes them (src/test/python/rope.py). */
class RopeConfigOracleTest {
    /** The reference computes base^(−2i/d) in f32: half an ulp of the exponent times ln base, some 1e-6. */
    private static final double TOLERANCE = 2e-6;

    static List<Named<Map<?, ?>>> cases() throws IOException {
        Map<?, ?> root = (Map<?, ?>) Json.parse(Files.readAllBytes(Path.of("src/test/resources/rope.json")));
        List<Named<Map<?, ?>>> cases = new ArrayList<>();
        for (Object one : (List<?>) root.get("cases")) {
            Map<?, ?> map = (Map<?, ?>) one;
            String length = map.containsKey("length") ? ", length " + map.get("length") : "";
            cases.add(Named.of(map.get("name") + length, map));
        }
        return cases;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void frequenciesAndAttentionFactorEqualTransformers(Map<?, ?> expected) {
        int headDim = number(expected, "headDim").intValue();
        int context = number(expected, "maxPositionEmbeddings").intValue();
        Map<String, Object> values = new HashMap<>(ConfigKeysTest.huggingFace("LlamaForCausalLM"));
        values.put("head_dim", (long) headDim);
        values.put("rope_theta", number(expected, "theta"));
        values.put("max_position_embeddings", (long) context);
        ((Map<?, ?>) expected.get("scaling")).forEach((key, value) -> values.put("rope_scaling." + key, value));
        Config config = Llama.FAMILY.config(new Metadata("config.json", values), false);
        int length = expected.containsKey("length") ? number(expected, "length").intValue() : config.context();
        float[] table = new float[headDim];
        config.rope().forLength(length).angles(1, table, 0);
        List<?> frequencies = (List<?>) expected.get("inverseFrequencies");
        double factor = number(expected, "attentionFactor").doubleValue();
        assertThat(frequencies).hasSize(headDim / 2);
        for (int i = 0; i < headDim / 2; i++) {
            double cos = table[i], sin = table[headDim / 2 + i];
            double frequency = ((Number) frequencies.get(i)).doubleValue();
            assertThat(Math.atan2(sin, cos) / frequency).as("pair %d", i).isCloseTo(1, within(TOLERANCE));
            assertThat(Math.hypot(cos, sin)).isCloseTo(factor, within(TOLERANCE));
        }
    }

    private static Number number(Map<?, ?> map, String key) {
        return (Number) map.get(key);
    }
}
