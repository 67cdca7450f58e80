package dev.lectern.benchmarks;

import dev.lectern.Cancellation;
import dev.lectern.attention.ExactAttention;
import dev.lectern.attention.Heads;
import dev.lectern.attention.Segments;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.LayerCache;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** Exact attention in one layer: of one token, with a cache that comes from memory; and of a chunk of a prompt. */
public class AttentionBenchmark extends Timed {
    private static final int DEPTH = 2048;
    private static final int CHUNK = 256;
    private static final long COLD_BYTES = 128L << 20;

    /** Query heads, kv heads and head size: those of SmolLM2-135M and of Qwen2.5-0.5B. */
    @Param({"9,3,64", "14,2,64"})
    public String shape = "";

    @Param({"f32", "f16", "bf16"})
    public String kv = "";

    private final Workers workers = new Workers(1);
    private final ExactAttention exact = new ExactAttention(workers);
    private final Cancellation cancellation = new Cancellation();
    private final List<KvCache> caches = new ArrayList<>();
    private Heads heads = new Heads(1, 1, 1, 0);
    private float[] q = new float[0];
    private float[] out = new float[0];
    private int next;

    @Setup
    public void setUp() {
        String[] numbers = shape.split(",", 3);
        int kvHeads = Integer.parseInt(numbers[1]), headDim = Integer.parseInt(numbers[2]);
        heads = new Heads(Integer.parseInt(numbers[0]), kvHeads, headDim, 0);
        q = RandomNumbers.floats(CHUNK * heads.heads() * headDim);
        out = new float[q.length];
        KvFormats format = KvFormats.named(kv);
        long bytes = 0;
        while (bytes < COLD_BYTES) {
            KvCache cache = new KvCache(List.of(new LayerCache(kvHeads, headDim, 0, format.keys(), format.values())));
            int tokens = DEPTH + CHUNK;
            float[] x = RandomNumbers.floats(tokens * kvHeads * headDim);
            cache.reserve(tokens);
            for (int token = 0; token < tokens; token++) {
                cache.put(0, token, x, token * kvHeads * headDim, x, token * kvHeads * headDim);
            }
            cache.commit(tokens);
            caches.add(cache);
            bytes += cache.bytes();
        }
    }

    @TearDown
    public void tearDown() {
        caches.forEach(KvCache::close);
        workers.close();
    }

    private double bytes(int tokens) {
        return (double) caches.getFirst().bytes() / (DEPTH + CHUNK) * tokens;
    }

    @Benchmark
    public float[] decode(Amount amount) {
        Segments[] segments = {Segments.of(caches.get(next++ % caches.size()), 0, DEPTH)};
        exact.single(heads, 1, q, new int[] {DEPTH - 1}, segments, out, null, cancellation);
        amount.add(4.0 * heads.heads() * heads.headDim() * DEPTH, bytes(DEPTH));
        return out;
    }

    @Benchmark
    public float[] chunk(Amount amount) {
        Segments segments = Segments.of(caches.getFirst(), 0, DEPTH + CHUNK);
        exact.chunk(heads, q, 0, CHUNK, DEPTH, segments, out, null, cancellation);
        double pairs = (double) CHUNK * DEPTH + CHUNK * (CHUNK + 1) / 2.0;
        amount.add(4.0 * heads.heads() * heads.headDim() * pairs, bytes(DEPTH + CHUNK));
        return out;
    }
}
