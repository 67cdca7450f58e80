package dev.lectern.measure.reproduce;

import dev.lectern.Estimate;
import dev.lectern.Estimator;
import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.SessionOptions;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.KvSide;
import dev.lectern.kv.SideShape;
import dev.lectern.measure.ArithmeticResult;
import dev.lectern.measure.Provenance;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What the article about quantised caches computes by hand. */
record ArithmeticExperiment() implements Experiment {
    static final String NAME = "kv-arithmetic";

    /** Llama-2-7B, as its config.json describes it. */
    private static final String LLAMA = """
            {"architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32,
             "num_key_value_heads": 32, "num_hidden_layers": 32, "max_position_embeddings": 16384, "rms_norm_eps": 1e-05,
             "rope_theta": 10000.0, "vocab_size": 32000, "tie_word_embeddings": false, "hidden_act": "silu"}
            """;

    private static final int TOKENS = 10_000;
    private static final float[] EXAMPLE = {1.2f, -.5f, -4.3f, 1.2f, -3.1f, .8f, 2.4f, 5.4f};

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<Part> parts(boolean quick) {
        return List.of(new Part(
                NAME,
                (room, name) -> room.keep(
                        name,
                        new ArithmeticResult(
                                        Provenance.here("lectern eval reproduce " + NAME),
                                        llamaBytes(),
                                        TOKENS,
                                        codes(),
                                        turnedBack(1),
                                        turnedBack(-1))
                                .toJson())));
    }

    private static long llamaBytes() {
        try {
            Path config = Files.createTempDirectory("lectern-llama").resolve("config.json");
            try {
                Files.writeString(config, LLAMA);
                try (Estimator estimator = Estimator.open(config, ModelOptions.DEFAULT)) {
                    Estimate estimate = estimator.estimate(
                            SessionOptions.DEFAULT.withKv("f16").withContext(TOKENS));
                    return estimate.kv();
                }
            } finally {
                Files.deleteIfExists(config);
                Files.deleteIfExists(config.getParent());
            }
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.INTERNAL, "A config.json cannot be written (" + e.getMessage() + ").", e);
        }
    }

    /** What the format int8 makes of the example. */
    private static List<Long> codes() {
        KvFormat format = KvFormats.named("int8").keys();
        SideShape shape = new SideShape(KvFormat.Layout.ROW, 1, EXAMPLE.length, false);
        try (Arena arena = Arena.ofConfined()) {
            KvSide open = format.open(shape, arena.allocate(format.openBytes(shape)), 0);
            open.put(0, EXAMPLE, 0);
            MemorySegment memory = arena.allocate(format.bytes(shape));
            open.closeInto(memory);
            KvSide side = format.closed(shape, memory);
            float[] read = new float[EXAMPLE.length];
            side.gather(0, new int[] {0}, 0, 1, 0, read, 0, read.length);
            float most = 0;
            for (float x : read) {
                most = Math.max(most, Math.abs(x));
            }
            List<Long> codes = new ArrayList<>();
            for (float x : read) {
                codes.add(Math.round((double) x / most * Byte.MAX_VALUE));
            }
            return codes;
        }
    }

    /**
     * How many of the example's numbers come back to within a step, with 8 bits and Z = round(−min/S).
     *
     * @param sign of Z in {@code round(X/S) + sign · Z}, clamped to the codes that there are
     */
    private static int turnedBack(int sign) {
        double min = -4.3, max = 5.4, scale = (max - min) / 255;
        long zero = Math.round(-min / scale);
        int count = 0;
        for (double x : EXAMPLE) {
            long code = Math.clamp(Math.round(x / scale) + sign * zero, 0, 255);
            count += Math.abs((code - sign * zero) * scale - x) <= scale ? 1 : 0;
        }
        return count;
    }

    @Override
    public Optional<String> section(Path results, String link) {
        return Optional.empty();
    }
}
