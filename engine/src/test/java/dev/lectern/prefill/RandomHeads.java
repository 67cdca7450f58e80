package dev.lectern.prefill;

import dev.lectern.attention.Calibrated;
import dev.lectern.attention.Calibration;
import dev.lectern.attention.CalibrationSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** Retaining heads that have learned nothing, for the tiny models of 2 layers, 4 heads, 2 kv heads and 64 numbers in a token's queries. */
final class RandomHeads {
    static final int LAYERS = 2, KV_HEADS = 2, QUERIES = 64, KEYS = 32, FEATURES = QUERIES + 2 * KEYS, HIDDEN = 24;

    /** Finds them under any name. */
    static final CalibrationSource SOURCE = (method, which) -> Optional.of(drawn(7, LAYERS));

    private RandomHeads() {}

    static Calibrated drawn(long seed, int layers) {
        Random random = new Random(seed);
        Map<String, Calibration.Table> tables = new LinkedHashMap<>();
        for (int layer = 0; layer < layers; layer++) {
            add(tables, RetainingHeads.inner(layer), List.of(HIDDEN, FEATURES), random);
            add(tables, RetainingHeads.outer(layer), List.of(KV_HEADS, HIDDEN), random);
        }
        return new Calibrated("drawn", "", tables);
    }

    private static void add(Map<String, Calibration.Table> into, String name, List<Integer> shape, Random random) {
        into.put(name, new Calibration.Table(name, shape, gaussians(random, shape.getFirst() * shape.getLast(), 0.2)));
    }

    static float[] gaussians(Random random, int count, double scale) {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) (scale * random.nextGaussian());
        }
        return numbers;
    }
}
