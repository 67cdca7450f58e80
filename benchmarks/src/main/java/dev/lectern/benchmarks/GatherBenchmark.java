package dev.lectern.benchmarks;

import dev.lectern.Cancellation;
import dev.lectern.attention.ExactAttention;
import dev.lectern.attention.Heads;
import dev.lectern.attention.Segments;
import dev.lectern.attention.Selection;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.LayerCache;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One token that looks at 2 % of a cache of 32 768 tokens, which comes from memory: {@code gather} at single tokens or at whole tiles of 16, {@code dense} at
 * all of them, with keys in tiles and in rows. A score is the time of one kv head's group of queries.
 */
public class GatherBenchmark extends Timed {
    private static final int DEPTH = 32_768;
    private static final int CHOSEN = DEPTH / 50 / 16 * 16;
    private static final long COLD_BYTES = 160L << 20;

    /** Query heads of one kv head, and head size. */
    @Param({"3,64"})
    public String shape = "";

    @Param({"f16"})
    public String kv = "";

    @Param({"TILE", "ROW"})
    public KvFormat.Layout keys = KvFormat.Layout.TILE;

    @Param({"1", "16"})
    public int run;

    private final Workers workers = new Workers(1);
    private final ExactAttention exact = new ExactAttention(workers);
    private final Cancellation cancellation = new Cancellation();
    private final List<KvCache> caches = new ArrayList<>();
    private final List<Segments[]> segments = new ArrayList<>();
    private final List<Selection[]> selections = new ArrayList<>();
    private final int[] index = {DEPTH - 1};
    private Heads heads = new Heads(1, 1, 1, 0);
    private float[] q = new float[0];
    private float[] out = new float[0];
    private int next;

    @Setup
    public void setUp() {
        String[] numbers = shape.split(",", 2);
        int headDim = Integer.parseInt(numbers[1]);
        heads = new Heads(Integer.parseInt(numbers[0]), 1, headDim, 0);
        q = RandomNumbers.floats(heads.heads() * headDim);
        out = new float[q.length];
        KvFormats format = KvFormats.named(kv);
        float[] x = RandomNumbers.floats(4096 * headDim);
        Random random = new Random(1);
        for (long bytes = 0; bytes < COLD_BYTES; bytes += caches.getLast().bytes()) {
            KvCache cache = new KvCache(List.of(new LayerCache(1, headDim, 0, format.keys(), format.values(), keys)));
            cache.reserve(DEPTH);
            for (int token = 0; token < DEPTH; token++) {
                cache.put(0, token, x, token % 4096 * headDim, x, (token + 7) % 4096 * headDim);
            }
            cache.commit(DEPTH);
            caches.add(cache);
            segments.add(new Segments[] {Segments.of(cache, 0, DEPTH)});
            selections.add(new Selection[] {chosen(random)});
        }
    }

    private Selection chosen(Random random) {
        Selection chosen = new Selection();
        random.ints(0, DEPTH / run)
                .distinct()
                .limit(CHOSEN / run)
                .sorted()
                .forEach(place -> chosen.addRun(place * run, run, 0));
        return chosen;
    }

    @TearDown
    public void tearDown() {
        caches.forEach(KvCache::close);
        workers.close();
    }

    private void amount(Amount amount, int tokens) {
        double bytes = (double) caches.getFirst().bytes() / DEPTH * tokens;
        amount.add(4.0 * heads.heads() * heads.headDim() * tokens, bytes);
    }

    @Benchmark
    public float[] gather(Amount amount) {
        int i = next++ % caches.size();
        exact.gather(heads, 1, heads.kvHeads(), q, segments.get(i), selections.get(i), out, null, cancellation);
        amount(amount, CHOSEN);
        return out;
    }

    @Benchmark
    public float[] dense(Amount amount) {
        exact.single(heads, 1, q, index, segments.get(next++ % caches.size()), out, null, cancellation);
        amount(amount, DEPTH);
        return out;
    }
}
