package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.CacheIndex;
import dev.lectern.kv.CacheSizes;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat.Layout;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.LayerCache;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hash tables over a cache that keeps codes of keys are those of the keys themselves. */
class ExactKeysTest {
    private static final Heads SHAPE = new Heads(4, 2, 64, 0);
    private static final int LAYERS = 2;
    private static final String METHOD = "magicpig:k=4:l=20:dense=0"; // so that the second layer is indexed
    private static final Cancellation NEVER = new Cancellation();

    private final long seed = 31;
    private final Random random = new Random(seed);
    private final Workers workers = new Workers(2);
    private final ExactAttention exact = new ExactAttention(workers);
    private final List<KvCache> caches = new ArrayList<>();
    private final float[][] keys = rows(900), values = rows(900);

    @AfterEach
    void close() {
        caches.forEach(KvCache::close);
        workers.close();
    }

    private float[][] rows(int count) {
        float[][] rows = new float[count][SHAPE.kvHeads() * SHAPE.headDim()];
        for (float[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                row[i] = (float) (random.nextGaussian() + i % 3);
            }
        }
        return rows;
    }

    private static List<LayerCache> layers(String kv) {
        KvFormats formats = KvFormats.named(kv);
        LayerCache layer =
                new LayerCache(SHAPE.kvHeads(), SHAPE.headDim(), 0, formats.keys(), formats.values(), Layout.ROW);
        return List.of(layer, layer);
    }

    private KvCache cache(String kv, Indexed method) {
        KvCache cache = new KvCache(layers(kv));
        cache.keepExactKeys(method::wantsExactKeys);
        caches.add(cache);
        return cache;
    }

    /** Reads up to a number of tokens in steps, as a text is read. */
    private void read(KvCache cache, int to) {
        while (cache.length() < to) {
            int n = Math.min(Math.min(200, cache.steady()), to - cache.length());
            cache.reserve(n);
            for (int layer = 0; layer < LAYERS; layer++) {
                for (int token = cache.length(); token < cache.length() + n; token++) {
                    cache.put(layer, token, keys[token], 0, values[token], 0);
                }
            }
            cache.commit(n, cache.length() + n == to, workers);
        }
    }

    private void index(Indexed method, KvCache cache) {
        for (int layer = 0; layer < LAYERS; layer++) {
            method.index(exact, layer, SHAPE, cache, NEVER);
        }
    }

    private static Indexed method(String name) {
        return (Indexed) DecodeAttentions.named(name);
    }

    private static void assertSame(CacheIndex.Image actual, CacheIndex.Image expected) {
        assertThat(actual.state()).isEqualTo(expected.state());
        assertThat(actual.parts()).hasSameSizeAs(expected.parts());
        for (int i = 0; i < actual.parts().size(); i++) {
            MemorySegment part = actual.parts().get(i);
            assertThat(part.mismatch(expected.parts().get(i))).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"int8", "chl-4", "k=chl-8,v=chl-4", "kivi-2:group=32", "hf-int4"})
    void tablesAreThoseOfTheKeysThemselvesBitForBit(String kv) {
        Indexed method = method(METHOD);
        KvCache plain = cache("f16", method), quantised = cache(kv, method);
        read(plain, 900);
        read(quantised, 900);
        assertThat(plain.indexBytes()).isZero();
        assertThat(quantised.indexBytes())
                .isEqualTo(CacheSizes.exactKeyBytes(layers(kv), method::wantsExactKeys, 900))
                .isEqualTo(4L * 256 * SHAPE.kvHeads() * SHAPE.headDim() * 2);
        index(method, plain);
        index(method, quantised);
        CacheIndex.Image image = method.image(quantised).orElseThrow();
        assertSame(image, method.image(plain).orElseThrow());
        assertThat(method.ranAs(quantised)).isEqualTo(method.name());
        // The exact keys are gone, and what is left is what was estimated.
        assertThat(quantised.hasExactKeys(1)).isFalse();
        assertThat((double) quantised.indexBytes())
                .isCloseTo(method.indexBytes(SHAPE, 900), within(0.01 * method.indexBytes(SHAPE, 900)));

        Indexed stored = method(METHOD + ":keys=stored");
        KvCache without = cache(kv, stored);
        read(without, 900);
        assertThat(without.indexBytes()).isZero();
        index(stored, without);
        assertThat(stored.image(without).orElseThrow().state())
                .isNotEqualTo(image.state()); // another mean, if by little
    }

    @ParameterizedTest
    @ValueSource(strings = {"int8", "chl-4"})
    void theFirstTokenOfAnAnswerMakesThemToo(String kv) {
        Indexed method = method(METHOD);
        KvCache plain = cache("f16", method), quantised = cache(kv, method);
        float[] q = new float[SHAPE.heads() * SHAPE.headDim()], out = new float[q.length];
        for (KvCache cache : List.of(plain, quantised)) {
            read(cache, 899);
            cache.reserve(1);
            for (int layer = 0; layer < LAYERS; layer++) {
                cache.put(layer, 899, keys[899], 0, values[899], 0);
                method.attend(exact, layer, SHAPE, new KvCache[] {cache}, q, out, NEVER);
            }
            cache.commit(1);
        }
        assertSame(method.image(quantised).orElseThrow(), method.image(plain).orElseThrow());
        assertThat(quantised.hasExactKeys(1)).isFalse();
    }

    @Test
    void forksAndCutsHaveTheirOwn() {
        Indexed method = method(METHOD);
        KvCache plain = cache("f16", method), cache = cache("chl-4", method);
        read(cache, 600);
        KvCache fork = cache.fork();
        caches.add(fork);
        // The fork goes on otherwise, in a page that both have.
        float[] other = keys[650];
        keys[650] = values[650];
        read(fork, 700);
        keys[650] = other;
        index(method, fork);
        assertThat(fork.hasExactKeys(1)).isFalse();
        assertThat(cache.hasExactKeys(1)).isTrue();
        read(cache, 900);
        int left = cache.truncate(810);
        read(cache, 900);
        assertThat(left).isLessThanOrEqualTo(810);
        read(plain, 900);
        index(method, plain);
        index(method, cache);
        assertSame(method.image(cache).orElseThrow(), method.image(plain).orElseThrow());
    }

    @Test
    void aForkReadsOnWhenItsParentIsClosedOrIndexed() {
        Indexed method = method(METHOD);
        KvCache plain = cache("f16", method);
        read(plain, 900);
        index(method, plain);
        for (boolean closes : new boolean[] {true, false}) {
            KvCache parent = cache("chl-4", method);
            read(parent, 600);
            KvCache fork = parent.fork();
            caches.add(fork);
            if (closes) {
                parent.close();
            } else {
                index(method, parent);
            }
            read(fork, 900);
            index(method, fork);
            assertSame(method.image(fork).orElseThrow(), method.image(plain).orElseThrow());
        }
    }

    @Test
    void tablesThatAreMadeAgainSayThatTheyAreOfStoredKeys() {
        Indexed method = method(METHOD);
        KvCache cache = cache("chl-4", method);
        read(cache, 900);
        index(method, cache);
        cache.truncate(500);
        assertThat(method.keptName(cache)).isEmpty();
        index(method, cache);
        assertThat(method.ranAs(cache)).isEqualTo(method.name() + ":keys=stored");
        assertThat(method.keptName(cache).orElseThrow()).endsWith(":keys=stored");
        assertThat(DecodeAttentions.named(method.ranAs(cache)).name())
                .isEqualTo(method(METHOD + ":keys=stored").name());
    }
}
