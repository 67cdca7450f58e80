package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
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

    /** Keys of a subspace of an eighth of the dimensions, off the origin: there the few dimensions tell everything. */
    private float[][] flatKeys() {
        float[][] axes = IntStream.range(0, RANK).mapToObj(i -> random(DIM, 1)).toArray(float[][]::new);
        float[] offset = random(DIM, 20);
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
        float[][] keys = flatKeys();
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
            DecodeAttentions.named("loki:budget=40:sinks=4:window=20")
                    .attend(exact, 0, SHAPE, new KvCache[] {cache}, q, new float[q.length], NEVER);
        }
        int end = (TOKENS - 20) / 16 * 16;
        double[] mean = new double[end];
        for (int head = 0; head < GROUP; head++) {
            double[] score = new double[end];
            for (int token = 4; token < end; token++) {
                for (int d = 0; d < DIM; d++) {
                    score[token] += q[head * DIM + d] * (double) keys[token][d] / Math.sqrt(DIM);
                }
            }
            double highest =
                    IntStream.range(4, end).mapToDouble(t -> score[t]).max().orElseThrow();
            double sum = IntStream.range(4, end)
                    .mapToDouble(t -> Math.exp(score[t] - highest))
                    .sum();
            for (int token = 4; token < end; token++) {
                mean[token] += Math.exp(score[token] - highest) / sum;
            }
        }
        List<Integer> best = new ArrayList<>(IntStream.range(4, end)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer token) -> -mean[token]))
                .limit(40)
                .toList());
        assertThat(chosen).hasSize(4 + 40 + TOKENS - end);
        // What f16 cannot tell apart may be on either side of the edge.
        assertThat(chosen).containsAll(best.subList(0, 36));
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
