package dev.lectern.kv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.kernel.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When tokens are closed, what is copied then, and what is left after a truncation. */
class KvCacheLifeTest {
    private static final int HEADS = 2;
    private static final int DIM = 64;
    private static final int LAYERS = 2;

    private static List<LayerCache> layers(String kv) {
        List<LayerCache> layers = new ArrayList<>();
        for (KvFormats formats : KvFormats.ofLayers(kv, "", LAYERS)) {
            layers.add(new LayerCache(HEADS, DIM, 0, formats.keys(), formats.values()));
        }
        return layers;
    }

    private static float[] row(int layer, int token) {
        Random random = new Random(1000L * token + layer);
        float[] x = new float[HEADS * DIM];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private static void append(KvCache cache, int tokens, boolean ended, Workers workers) {
        cache.reserve(tokens);
        for (int t = cache.length(); t < cache.length() + tokens; t++) {
            for (int layer = 0; layer < LAYERS; layer++) {
                cache.put(layer, t, row(layer, t), 0, row(layer + LAYERS, t), 0);
                cache.observe(layer, t, row(layer, t), 0, 1);
            }
        }
        cache.commit(tokens, ended, workers);
    }

    private static void append(KvCache cache, int tokens) {
        append(cache, tokens, true, null);
    }

    /** Tokens of a layer that are closed, keys or values. */
    private static int closed(KvCache cache, boolean keys) {
        int closed = 0;
        for (int page = 0; page < Math.ceilDiv(cache.length(), Page.TOKENS); page++) {
            Page p = cache.page(0, page);
            closed += (keys ? p.keys() : p.values()).closed();
        }
        return closed;
    }

    private static List<float[]> read(KvCache cache) {
        List<float[]> all = new ArrayList<>();
        for (int token = 0; token < cache.length(); token++) {
            for (int layer = 0; layer < LAYERS; layer++) {
                Page page = cache.page(layer, token / Page.TOKENS);
                for (KvSide side : List.of(page.keys(), page.values())) {
                    float[] row = new float[HEADS * DIM];
                    for (int head = 0; head < HEADS; head++) {
                        side.gather(head, new int[] {token % Page.TOKENS}, 0, 1, 0, row, head * DIM, DIM);
                    }
                    all.add(row);
                }
            }
        }
        return all;
    }

    /** Says where, instead of printing all. */
    private static void assertSame(List<float[]> actual, List<float[]> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(Arrays.equals(actual.get(i), expected.get(i)))
                    .as("row %d", i)
                    .isTrue();
        }
    }

    @Test
    void chlPagesCloseWhenTheyAreFullAndTheWindowHasPassed() {
        try (KvCache cache = new KvCache(layers("chl-4"))) {
            append(cache, 383);
            assertThat(closed(cache, true)).isZero();
            assertThat(cache.steady()).isEqualTo(1);
            append(cache, 1);
            assertThat(closed(cache, true)).isEqualTo(256);
            assertThat(closed(cache, false)).isEqualTo(256);
            assertThat(cache.steady()).isEqualTo(256);
            append(cache, 700);
            assertThat(closed(cache, true)).isEqualTo(768);
        }
        try (KvCache cache = new KvCache(layers("chl-8"))) {
            append(cache, 512);
            assertThat(closed(cache, true)).isEqualTo(512);
        }
        // A page has one memory for keys and values: it waits for the later side.
        try (KvCache cache = new KvCache(layers("k=chl-8,v=chl-4"))) {
            append(cache, 512);
            assertThat(closed(cache, true)).isEqualTo(256);
        }
    }

    @Test
    void kiviKeysCloseInBlocksAndValuesOneByOne() {
        try (KvCache cache = new KvCache(layers("kivi-4"))) {
            append(cache, 127);
            assertThat(closed(cache, true)).isZero();
            assertThat(closed(cache, false)).isZero();
            append(cache, 1);
            assertThat(closed(cache, true)).isEqualTo(128);
            assertThat(closed(cache, false)).isZero();
            append(cache, 1);
            assertThat(closed(cache, true)).isEqualTo(128);
            assertThat(closed(cache, false)).isEqualTo(1);
            append(cache, 500);
            assertThat(closed(cache, true)).isEqualTo(512);
            assertThat(closed(cache, false)).isEqualTo(629 - 128);
        }
    }

    @Test
    void hfClosesTheWholeFirstCallAndThenAFullResidual() {
        try (KvCache cache = new KvCache(layers("hf-int4"))) {
            append(cache, 200, false, null);
            append(cache, 200, false, null);
            assertThat(closed(cache, true)).isZero();
            append(cache, 100, true, null);
            assertThat(closed(cache, true)).isEqualTo(500);
            for (int i = 1; i < 128; i++) {
                append(cache, 1);
                assertThat(closed(cache, true)).isEqualTo(500);
            }
            append(cache, 1);
            assertThat(closed(cache, true)).isEqualTo(628);
            append(cache, 300); // a call of several tokens: the test is made before it
            assertThat(closed(cache, true)).isEqualTo(628);
            append(cache, 1);
            assertThat(closed(cache, true)).isEqualTo(929);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"f16", "int8", "hf-int4", "kivi-2", "chl-4", "chl-8", "k=chl-8,v=chl-4", "k=kivi-4,v=chl-2"})
    void bytesAreForeseenAndDoNotDependOnSteps(String kv) {
        for (int tokens : new int[] {1, 256, 383, 384, 600, 1024, 1300}) {
            try (KvCache one = new KvCache(layers(kv));
                    KvCache many = new KvCache(layers(kv));
                    Workers workers = new Workers(2)) {
                append(one, tokens);
                assertThat(one.bytes()).isEqualTo(CacheSizes.bytes(layers(kv), tokens));
                assertThat(CacheSizes.readingBytes(layers(kv), tokens)).isGreaterThanOrEqualTo(one.bytes());
                while (many.length() < tokens) {
                    int step = Math.min(100, tokens - many.length());
                    append(many, step, many.length() + step == tokens, workers);
                }
                assertThat(many.bytes()).isEqualTo(one.bytes());
                assertSame(read(many), read(one));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"hf-int4", "kivi-4", "chl-4", "k=chl-8,v=chl-4"})
    void aForkIsLeftAsItIsByWhatIsClosedInAnother(String kv) {
        try (KvCache parent = new KvCache(layers(kv))) {
            append(parent, 300);
            try (KvCache fork = parent.fork()) {
                List<float[]> before = read(fork);
                append(parent, 200);
                append(parent, 130);
                assertSame(read(fork), before);
                append(fork, 200);
                append(fork, 130);
                assertSame(read(fork), read(parent));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"f32", "int8", "hf-int4", "kivi-4", "chl-4", "k=chl-8,v=chl-4"})
    void afterATruncationTokensCanBeStoredAnew(String kv) {
        try (KvCache cache = new KvCache(layers(kv))) {
            append(cache, 700);
            List<float[]> before = read(cache);
            for (int length : new int[] {699, 600, 513, 512, 300, 256, 17, 0}) {
                int kept = cache.truncate(length);
                assertThat(kept).isBetween(length - length % Page.TOKENS, length);
                assertThat(cache.length()).isEqualTo(kept);
                assertSame(read(cache), before.subList(0, kept * LAYERS * 2));
                append(cache, 40);
                append(cache, 2);
                assertThat(cache.length()).isEqualTo(kept + 42);
                before = read(cache);
            }
        }
    }

    /** Keys close in blocks of groups, and each group has a scale: which tokens are in it does not depend on where the text was cut. */
    @ParameterizedTest
    @ValueSource(strings = {"f16", "int8", "kivi-4", "kivi-2:group=16:residual=16", "kivi-4:group=64:sinks=4"})
    void whatFollowsATruncationStandsAsIfItHadBeenReadAtOnce(String kv) {
        for (int length : new int[] {700, 300, 140}) {
            for (int left : new int[] {length - 1, length - 50, length - 100, 513, 250, 130, 17, 1}) {
                if (left >= length) {
                    continue;
                }
                try (KvCache cache = new KvCache(layers(kv));
                        KvCache fresh = new KvCache(layers(kv))) {
                    append(cache, length);
                    int kept = cache.truncate(left);
                    append(cache, 42);
                    while (cache.length() < kept + 300) {
                        append(cache, 43);
                    }
                    append(fresh, cache.length());
                    assertSame(read(cache), read(fresh));
                }
            }
        }
    }

    @Test
    void aGroupThatWasCutIsExactAgain() {
        try (KvCache cache = new KvCache(layers("kivi-4"));
                KvCache fresh = new KvCache(layers("kivi-4"))) {
            append(cache, 300);
            assertThat(cache.settledKeys(0)).isEqualTo(256);
            cache.truncate(250);
            assertThat(cache.settledKeys(0)).isEqualTo(224);
            append(cache, 1);
            assertThat(closed(cache, true)).isEqualTo(224);
            append(fresh, 251);
            // Their keys are those that were stored; of the token before the group they are codes.
            int keys = 2 * LAYERS;
            assertThat(Arrays.equals(read(cache).get(224 * keys), read(fresh).get(224 * keys)))
                    .isTrue();
            assertThat(Arrays.equals(read(cache).get(223 * keys), read(fresh).get(223 * keys)))
                    .isFalse();
        }
    }

    @Test
    void whatWasMadeOfKeysThatAreStoredAnewIsForgotten() {
        List<String> told = new ArrayList<>();
        CacheIndex index = new CacheIndex() {
            @Override
            public CacheIndex fork() {
                return this;
            }

            @Override
            public void truncate(int length) {
                told.add("truncate " + length);
            }

            @Override
            public void unsettle(int settled) {
                told.add("unsettle " + settled);
            }

            @Override
            public long bytes() {
                return 0;
            }

            @Override
            public void close() {
                // It holds nothing.
            }
        };
        try (KvCache cache = new KvCache(layers("kivi-4"))) {
            append(cache, 300);
            cache.index("some", CacheIndex.class, () -> index);
            cache.truncate(290);
            cache.truncate(250);
            cache.truncate(240);
            cache.truncate(224);
        }
        assertThat(told)
                .containsExactly("truncate 290", "truncate 250", "unsettle 224", "truncate 240", "truncate 224");
    }

    @ParameterizedTest
    @ValueSource(strings = {"f16", "int8", "hf-int4", "kivi-4", "chl-4"})
    void aRepeatedPageHoldsTheSameTokensAgain(String kv) {
        try (KvCache cache = new KvCache(layers(kv))) {
            append(cache, 512);
            cache.repeatPage(0);
            cache.repeatPage(1);
            assertThat(cache.length()).isEqualTo(1024);
            assertThat(cache.bytes()).isEqualTo(CacheSizes.bytes(layers(kv), 1024));
            List<float[]> all = read(cache);
            for (int i = 0; i < 512 * LAYERS * 2; i += 101) {
                double error = 0, size = 0;
                for (int j = 0; j < all.get(i).length; j++) {
                    error += Math.pow(all.get(i)[j] - all.get(i + 512 * LAYERS * 2)[j], 2);
                    size += Math.pow(all.get(i)[j], 2);
                }
                assertThat(error).isLessThan(.05 * size);
            }
        }
    }
}
