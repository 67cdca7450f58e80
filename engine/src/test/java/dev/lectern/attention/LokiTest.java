package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.AttentionShape;
import dev.lectern.BadModelFileException;
import dev.lectern.Calibrations;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Which tokens Loki reads, and the components that it knows them by. */
class LokiTest {
    private static final int DIM = 32;
    private static final int RANK = 8;
    private static final int GROUP = 2;
    private static final Heads SHAPE = new Heads(GROUP, 1, DIM, 0);
    private static final int TOKENS = 740;
    private static final Cancellation NEVER = new Cancellation();

    private final Random random = new Random(17);

    private float[] random(int n, double size) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) (size * random.nextGaussian());
        }
        return x;
    }

    private float[][] axes() {
        return IntStream.range(0, RANK).mapToObj(i -> random(DIM, 1)).toArray(float[][]::new);
    }

    /** Keys of a subspace of a quarter of the dimensions, off the origin: there the few dimensions tell everything. */
    private float[][] flatKeys(float[][] axes, float[] offset) {
        float[][] keys = new float[TOKENS][];
        for (int token = 0; token < TOKENS; token++) {
            keys[token] = offset.clone();
            for (float[] axis : axes) {
                float x = (float) random.nextGaussian();
                for (int d = 0; d < DIM; d++) {
                    keys[token][d] += x * axis[d];
                }
            }
        }
        return keys;
    }

    @Test
    void findsTheHighestScoresOfKeysThatVaryInFewDimensions() {
        findsTheHighestScores("loki", CalibrationSource.NONE, flatKeys(axes(), random(DIM, 20)));
    }

    @Test
    void sinksTeachNothingHoweverMany() {
        float[][] keys = flatKeys(axes(), random(DIM, 20));
        for (int sink = 0; sink < 32; sink++) {
            keys[sink] = random(DIM, 1e4);
        }
        findsTheHighestScores("loki", CalibrationSource.NONE, keys, 32);
    }

    private static Calibrated learned(AttentionShape shape, float[][] keys) {
        Calibration calibration = Calibrations.named("loki", shape);
        for (int token = 0; token < TOKENS; token++) {
            calibration.attended(0, token, 1, new float[0], 0, keys[token], 0, new float[0], 0);
        }
        return new Calibrated(
                "learned",
                "",
                calibration.tables().stream().collect(Collectors.toMap(Calibration.Table::name, table -> table)));
    }

    /** Other keys of the same subspace, elsewhere in space, teach as much as the text's own. */
    @Test
    void findsThemByWhatItLearnedOfOtherKeys() {
        float[][] axes = axes();
        float[][] others = flatKeys(axes, random(DIM, 20));
        for (int sink = 0; sink < 4; sink++) {
            others[sink] = random(DIM, 1e4); // unlike others, and not learned from
        }
        Calibrated learned = learned(new AttentionShape(GROUP, 1, DIM, List.of(0)), others);
        findsTheHighestScores(
                "loki:calibrated=other",
                (method, which) -> Optional.of(learned).filter(any -> method.equals("loki") && which.equals("other")),
                flatKeys(axes, random(DIM, 20)));
    }

    @Test
    void whatWasLearnedOfAnotherShapeIsRefused() {
        float[][] keys = flatKeys(axes(), random(DIM, 20));
        Calibrated learned = learned(new AttentionShape(2 * GROUP, 2, DIM / 2, List.of(0)), keys);
        assertThatThrownBy(() ->
                        findsTheHighestScores("loki:calibrated=other", (method, which) -> Optional.of(learned), keys))
                .isInstanceOf(BadModelFileException.class)
                .hasMessageContaining("learned: it has no table \"layers.0.mean\" of shape [1, 32]");
        assertThatThrownBy(() -> DecodeAttentions.named("loki:calibrated=yes", CalibrationSource.FILES))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("name the file");
    }

    private void findsTheHighestScores(String method, CalibrationSource source, float[][] keys) {
        findsTheHighestScores(method, source, keys, 4);
    }

    private void findsTheHighestScores(String method, CalibrationSource source, float[][] keys, int sinks) {
        float[] q = random(GROUP * DIM, 0.3);
        TreeSet<Integer> chosen = new TreeSet<>();
        try (Workers workers = new Workers(2);
                KvCache cache = new KvCache(List.of(new LayerCache(1, DIM, 0, FloatFormat.F32, FloatFormat.F32)))) {
            cache.reserve(TOKENS);
            for (int token = 0; token < TOKENS; token++) {
                cache.put(0, token, keys[token], 0, new float[DIM], 0);
            }
            cache.commit(TOKENS - 1);
            ExactAttention exact = new ExactAttention(workers);
            exact.listen((heads, rows, sets, selections) -> {
                for (int i = 0; i < selections[0].count(); i++) {
                    chosen.add(selections[0].id(i));
                }
            });
            DecodeAttentions.named(method + ":budget=40:window=20:sinks=" + sinks, source)
                    .attend(exact, 0, SHAPE, new KvCache[] {cache}, q, new float[q.length], NEVER);
        }
        int end = (TOKENS - 20) / 16 * 16;
        double[] mean = new double[end];
        for (int head = 0; head < GROUP; head++) {
            double[] score = new double[end];
            for (int token = sinks; token < end; token++) {
                for (int d = 0; d < DIM; d++) {
                    score[token] += q[head * DIM + d] * (double) keys[token][d] / Math.sqrt(DIM);
                }
            }
            double highest =
                    IntStream.range(sinks, end).mapToDouble(t -> score[t]).max().orElseThrow();
            double sum = IntStream.range(sinks, end)
                    .mapToDouble(t -> Math.exp(score[t] - highest))
                    .sum();
            for (int token = sinks; token < end; token++) {
                mean[token] += Math.exp(score[token] - highest) / sum;
            }
        }
        List<Integer> best = new ArrayList<>(IntStream.range(sinks, end)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer token) -> -mean[token]))
                .limit(40)
                .toList());
        assertThat(chosen).hasSize(sinks + 40 + TOKENS - end);
        // What f16 cannot tell apart may be on either side of the edge.
        assertThat(chosen).containsAll(best.subList(0, 36));
    }

    private static void store(KvCache cache, float[][] keys, int from, int to) {
        cache.reserve(to - from);
        for (int token = from; token < to; token++) {
            cache.put(0, token, keys[token], 0, new float[DIM], 0);
        }
        cache.commit(to - from);
    }

    /** Components are those of the text that is there, not of one that was there before. */
    @Test
    void anotherTextInPlaceOfOneHasComponentsOfItsOwn() {
        float[][] before = flatKeys(axes(), random(DIM, 20)), after = flatKeys(axes(), random(DIM, 20));
        LayerCache layer = new LayerCache(1, DIM, 0, FloatFormat.F32, FloatFormat.F32);
        Indexed method = (Indexed) DecodeAttentions.named("loki:budget=40:window=20");
        for (int left : new int[] {0, 100, TOKENS - 1}) {
            float[][] text = after.clone();
            System.arraycopy(before, 0, text, 0, left);
            try (Workers workers = new Workers(2);
                    KvCache cache = new KvCache(List.of(layer));
                    KvCache fresh = new KvCache(List.of(layer))) {
                ExactAttention exact = new ExactAttention(workers);
                store(cache, before, 0, TOKENS);
                method.index(exact, 0, SHAPE, cache, NEVER);
                cache.truncate(left);
                store(cache, text, left, TOKENS);
                method.index(exact, 0, SHAPE, cache, NEVER);
                store(fresh, text, 0, TOKENS);
                method.index(exact, 0, SHAPE, fresh, NEVER);
                assertThat(method.image(cache).orElseThrow().state())
                        .isEqualTo(method.image(fresh).orElseThrow().state());
            }
        }
    }

    @Test
    void eigenvectorsAreThoseOfTheLargestEigenvalues() {
        int n = 24;
        double[] values = new double[n];
        float[] axes = SymmetricEigen.largest(symmetric(n), n); // some orthonormal axes
        double[][] a = new double[n][n];
        for (int i = 0; i < n; i++) {
            values[i] = n - i;
            for (int p = 0; p < n; p++) {
                for (int q = 0; q < n; q++) {
                    a[p][q] += values[i] * axes[i * n + p] * axes[i * n + q];
                }
            }
        }
        float[] found = SymmetricEigen.largest(a, 5);
        for (int i = 0; i < 5; i++) {
            for (int j = 0; j < n; j++) {
                double dot = 0;
                for (int d = 0; d < n; d++) {
                    dot += found[i * n + d] * axes[j * n + d];
                }
                assertThat(Math.abs(dot)).isCloseTo(i == j ? 1 : 0, within(1e-5));
            }
        }
    }

    private double[][] symmetric(int n) {
        double[][] a = new double[n][n];
        for (int p = 0; p < n; p++) {
            for (int q = 0; q <= p; q++) {
                a[p][q] = random.nextGaussian();
                a[q][p] = a[p][q];
            }
        }
        return a;
    }
}
