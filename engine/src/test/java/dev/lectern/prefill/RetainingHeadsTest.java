package dev.lectern.prefill;

import static dev.lectern.prefill.RandomHeads.FEATURES;
import static dev.lectern.prefill.RandomHeads.HIDDEN;
import static dev.lectern.prefill.RandomHeads.KEYS;
import static dev.lectern.prefill.RandomHeads.KV_HEADS;
import static dev.lectern.prefill.RandomHeads.LAYERS;
import static dev.lectern.prefill.RandomHeads.QUERIES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.BadModelFileException;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.attention.Calibrated;
import dev.lectern.attention.Calibration;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Networks that say what to pass on. */
class RetainingHeadsTest {
    private static final int ROWS = 1100; // more than are computed at a time, twice
    private static final Calibrated KEPT = RandomHeads.drawn(7, LAYERS);
    private static final List<LayerCache> SHAPE = layers(LAYERS, KV_HEADS);

    private final float[] q = RandomHeads.gaussians(new Random(1), ROWS * QUERIES, 1);
    private final float[] k = RandomHeads.gaussians(new Random(2), ROWS * KEYS, 1);
    private final float[] v = RandomHeads.gaussians(new Random(3), ROWS * KEYS, 1);

    private static List<LayerCache> layers(int layers, int kvHeads) {
        LayerCache layer = new LayerCache(kvHeads, KEYS / KV_HEADS, 0, FloatFormat.F32, FloatFormat.F32);
        return Collections.nCopies(layers, layer);
    }

    private float[] scored(int threads, int layer, int from, int rows) {
        float[] scores = new float[rows * KV_HEADS];
        try (Workers workers = new Workers(threads)) {
            RetainingHeads.of(KEPT)
                    .score(
                            workers,
                            new Cancellation(),
                            new RetainingHeads.Scratch(),
                            layer,
                            rows,
                            KEYS,
                            q,
                            from * QUERIES,
                            k,
                            v,
                            from * KEYS,
                            scores,
                            0);
        }
        return scores;
    }

    /** W2 · SiLU(W1 · [q; k; v]), in double. */
    @Test
    void scoresAreThoseOfTheFormula() {
        for (int layer = 0; layer < LAYERS; layer++) {
            float[] inner = numbers(RetainingHeads.inner(layer)), outer = numbers(RetainingHeads.outer(layer));
            float[] scores = scored(2, layer, 0, ROWS);
            for (int row = 0; row < ROWS; row++) {
                float[] f = Arrays.copyOf(Arrays.copyOfRange(q, row * QUERIES, (row + 1) * QUERIES), FEATURES);
                System.arraycopy(k, row * KEYS, f, QUERIES, KEYS);
                System.arraycopy(v, row * KEYS, f, QUERIES + KEYS, KEYS);
                double[] expected = new double[KV_HEADS];
                for (int j = 0; j < HIDDEN; j++) {
                    double sum = 0;
                    for (int i = 0; i < FEATURES; i++) {
                        sum += (double) inner[j * FEATURES + i] * f[i];
                    }
                    for (int head = 0; head < KV_HEADS; head++) {
                        expected[head] += outer[head * HIDDEN + j] * sum / (1 + Math.exp(-sum));
                    }
                }
                for (int head = 0; head < KV_HEADS; head++) {
                    // Sums of 128 and of 24 products of about 1, in f32.
                    assertThat((double) scores[row * KV_HEADS + head]).isCloseTo(expected[head], within(1e-4));
                }
            }
        }
    }

    private static float[] numbers(String name) {
        return KEPT.tables().get(name).numbers();
    }

    @Test
    void aRowsScoresDependNeitherOnThreadsNorOnTheRowsBeside() {
        float[] all = scored(1, 1, 0, ROWS);
        assertThat(scored(3, 1, 0, ROWS)).isEqualTo(all);
        for (int rows : new int[] {1, 2, 37, 600}) {
            float[] some = scored(2, 1, 19, rows);
            assertThat(some).isEqualTo(Arrays.copyOfRange(all, 19 * KV_HEADS, (19 + rows) * KV_HEADS));
        }
    }

    /** As a block is read: in parts, one block after the other. */
    @Test
    void aBlockIsScoredByItsOwnTokensAndTheirNeighbours() {
        try (Workers workers = new Workers(1);
                KvCache cache = new KvCache(SHAPE)) {
            HeadScores compressor = new HeadScores(RetainingHeads.of(KEPT), SHAPE, workers, new Cancellation());
            float[] all = scored(1, 1, 0, ROWS);
            for (int start : new int[] {0, 512}) {
                compressor.projected(1, 0, start, 300, q, k, v);
                compressor.projected(1, 300, start + 300, 212, q, k, v);
                for (int head = 0; head < KV_HEADS; head++) {
                    float[] raw = new float[512], scores = new float[512];
                    for (int t = 0; t < 512; t++) {
                        raw[t] = all[(start + t) * KV_HEADS + head];
                    }
                    compressor.score(1, head, 0, cache, start, start + 512, new float[0], scores);
                    assertThat(scores).isEqualTo(Compressor.pooled(raw));
                }
            }
        }
    }

    @Test
    void withoutAFileItSaysWhatItIsAndNeedsNoQuestion() {
        Prefill apb = Prefills.named("apb:question=apart:compressor=heads", Optional.empty(), RandomHeads.SOURCE);
        apb.requireFit(SHAPE);
        assertThat(apb.name()).isEqualTo("apb:hosts=8:anchor=paper:passing=paper:question=apart:compressor=heads");
        assertThat(apb.dependsOn(1000))
                .containsEntry("question", "any")
                .containsEntry("heads", Long.toHexString(KEPT.sum()));
        assertThat(apb.bytes(SHAPE, 4096))
                .isEqualTo(Prefills.named("apb:question=apart:compressor=recent", Optional.empty())
                                .bytes(SHAPE, 4096)
                        + 512 * 4 * LAYERS * KV_HEADS);
        assertThat(Prefills.named("apb:compressor=heads:heads=some.safetensors", Optional.empty())
                        .name())
                .endsWith(":compressor=heads:heads=some.safetensors");
        assertThatThrownBy(() -> Prefills.named("apb:compressor=query:heads=some.safetensors", Optional.empty()))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("it has no option \"heads\"");
    }

    @Test
    void headsOfAnotherShapeAreRefused() {
        RetainingHeads heads = RetainingHeads.of(KEPT);
        for (List<LayerCache> other : List.of(layers(3, KV_HEADS), layers(LAYERS, 1), layers(LAYERS, 4))) {
            assertThatThrownBy(() -> heads.requireFit(other))
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageContaining("lectern train-retaining-heads");
        }
        Map<String, Calibration.Table> tables = new LinkedHashMap<>(KEPT.tables());
        tables.remove(RetainingHeads.outer(1));
        assertThatThrownBy(() -> RetainingHeads.of(new Calibrated("heads.safetensors", "", tables)))
                .isInstanceOf(BadModelFileException.class)
                .hasMessageContaining("are no network");
    }
}
