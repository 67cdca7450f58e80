package dev.lectern.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class KvCacheTest {
    private static final List<LayerCache> LAYERS = List.of(
            new LayerCache(1, 4, 0, FloatFormat.F32, FloatFormat.F32),
            new LayerCache(2, 4, 0, FloatFormat.F16, FloatFormat.F32));

    private static void append(KvCache cache, int tokens, float mark) {
        cache.reserve(tokens);
        for (int t = cache.length(); t < cache.length() + tokens; t++) {
            float[] x = new float[8];
            java.util.Arrays.fill(x, mark + t);
            cache.put(0, t, x, 0, x, 0);
            cache.put(1, t, x, 0, x, 0);
        }
        cache.commit(tokens);
    }

    private static float at(KvCache cache, int token) {
        float[] rows = new float[16 * 4];
        cache.page(0, token / Page.TOKENS).values().rows(0, token % Page.TOKENS / 16, rows, 0, 4);
        return rows[token % 16 * 4];
    }

    @Test
    void forksSharePagesUntilOneOfThemWrites() {
        try (KvCache parent = new KvCache(LAYERS)) {
            append(parent, 300, 0);
            KvCache fork = parent.fork();
            assertThat(fork.page(0, 0)).isSameAs(parent.page(0, 0));
            append(fork, 5, 1000);
            append(parent, 5, 2000);
            assertThat(fork.page(0, 0)).isSameAs(parent.page(0, 0));
            assertThat(fork.page(0, 1)).isNotSameAs(parent.page(0, 1));
            assertThat(at(fork, 299)).isEqualTo(299);
            assertThat(at(fork, 304)).isEqualTo(1304);
            assertThat(at(parent, 299)).isEqualTo(299);
            assertThat(at(parent, 304)).isEqualTo(2304);
            fork.close();
            assertThat(at(parent, 10)).isEqualTo(10);
        }
    }

    @Test
    void aRepeatedPageIsACopyInMemoryOfItsOwn() {
        try (KvCache cache = new KvCache(LAYERS)) {
            append(cache, 512, 0);
            long bytes = cache.bytes();
            cache.repeatPage(1);
            cache.repeatPage(0);
            assertThat(cache.length()).isEqualTo(1024);
            assertThat(cache.bytes()).isEqualTo(2 * bytes);
            assertThat(at(cache, 512 + 7)).isEqualTo(256 + 7);
            assertThat(at(cache, 768 + 7)).isEqualTo(7);
            cache.truncate(1000);
            append(cache, 1, 5000);
            assertThat(at(cache, 1000)).isEqualTo(6000);
            assertThat(at(cache, 232)).isEqualTo(232);
            assertThatThrownBy(() -> cache.repeatPage(0)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void theLastHolderOfAPageLetsItGo() {
        KvCache parent = new KvCache(LAYERS);
        append(parent, 256, 0);
        KvCache fork = parent.fork();
        parent.close();
        assertThat(at(fork, 200)).isEqualTo(200);
        Page page = fork.page(0, 0);
        fork.close();
        assertThatThrownBy(() -> page.values().rows(0, 0, new float[64], 0, 4))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void truncationKeepsTheRestAndLeavesForksAlone() {
        try (KvCache cache = new KvCache(LAYERS)) {
            append(cache, 600, 0);
            try (KvCache fork = cache.fork()) {
                cache.truncate(257);
                assertThat(cache.bytes()).isEqualTo(CacheSizes.bytes(LAYERS, 257));
                append(cache, 10, 5000);
                assertThat(at(cache, 256)).isEqualTo(256);
                assertThat(at(cache, 257)).isEqualTo(5257);
                assertThat(at(fork, 257)).isEqualTo(257);
                assertThat(at(fork, 599)).isEqualTo(599);
            }
            cache.truncate(0);
            assertThat(cache.bytes()).isZero();
        }
    }

    @Test
    void aStepThatIsGivenUpLeavesNothingBehind() {
        try (KvCache cache = new KvCache(LAYERS)) {
            append(cache, 100, 0);
            cache.reserve(500);
            cache.put(0, 100, new float[8], 0, new float[8], 0);
            assertThat(cache.length()).isEqualTo(100);
            append(cache, 2, 7000);
            assertThat(at(cache, 101)).isEqualTo(7101);
        }
    }

    @Test
    void whatIsCommittedCannotBeOverwritten() {
        try (KvCache cache = new KvCache(LAYERS)) {
            append(cache, 3, 0);
            assertThatThrownBy(() -> cache.put(0, 2, new float[8], 0, new float[8], 0))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> cache.truncate(4)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
