package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hashes, and what is found by them. */
class HashTablesTest {
    private static final int FIRST = 100;

    /** A hash whose projections do not matter. */
    private static SimHash hash(int bits, int tables) {
        return new SimHash(bits, tables, new float[bits * tables][1]);
    }

    @ParameterizedTest
    @CsvSource({
        "4, 50, 1, 2",
        "4, 100, 1000, 2",
        "8, 50, 8000, 2",
        "8, 100, 777, 1",
        "8, 100, 5000, 3",
        "7, 9, 64, 8",
        "16, 5, 300, 1",
        "4, 10, 65535, 2"
    })
    void findsExactlyTheTokensThatMeetTheQueryOftenEnough(int bits, int tables, int tokens, int hits) {
        Random random = new Random(bits * tables + tokens);
        SimHash hash = hash(bits, tables);
        int words = hash.words(), kvHeads = 2;
        HashTables made = new HashTables(kvHeads, bits, tables, FIRST, tokens);
        long[][] keys = new long[kvHeads][];
        HashTables.Scratch scratch = new HashTables.Scratch();
        for (int kvHead = 0; kvHead < kvHeads; kvHead++) {
            keys[kvHead] = random.longs((long) tokens * words).toArray();
            for (int at = 0; at < tokens; at += 50) {
                int n = Math.min(50, tokens - at);
                long[] some = new long[n * words];
                System.arraycopy(keys[kvHead], at * words, some, 0, some.length);
                made.put(kvHead, at, n, hash, some);
            }
            for (int i = 0; i < tokens; i++) {
                made.putScale(kvHead, i, i + 0.5f * kvHead);
            }
        }
        for (int i = 0; i < kvHeads * tables; i++) {
            made.sort(i / tables, i % tables, scratch);
        }
        for (int query = 0; query < 6; query++) {
            int kvHead = query % kvHeads;
            // Some queries are like a key, and meet it everywhere.
            long[] q = random.longs(words + 1).toArray();
            if (query >= 4) {
                System.arraycopy(keys[kvHead], tokens / 2 * words, q, 1, words);
            }
            int from = query == 3 ? FIRST + tokens / 3 : 0, to = query == 3 ? FIRST + tokens / 2 : Integer.MAX_VALUE;
            List<Integer> expected = new ArrayList<>();
            long read = 4L * tables;
            for (int i = 0; i < tokens; i++) {
                int met = 0;
                for (int table = 0; table < tables; table++) {
                    met += hash.code(keys[kvHead], i * words, table) == hash.code(q, 1, table) ? 1 : 0;
                }
                read += 2L * met;
                if (met >= hits && FIRST + i >= from && FIRST + i < to) {
                    expected.add(FIRST + i);
                }
            }
            int found = made.sample(kvHead, hash, q, 1, hits, from, to, scratch);
            List<Integer> sampled = new ArrayList<>();
            for (int i = 0; i < found; i++) {
                sampled.add(scratch.sampled(i));
            }
            assertThat(sampled).isEqualTo(expected);
            assertThat(scratch.bytesRead()).isEqualTo(read);
        }
        assertThat(made.scale(1, tokens - 1)).isEqualTo(tokens - 0.5f);
        made.release();
    }

    /** Bit b of table t is vector tK + b, the lowest first, and 0 is not above 0. */
    @Test
    void bitsAreSignsInTheOrderOfTheVectors() {
        int bits = 10, tables = 20;
        Random random = new Random(1);
        float[][] vectors = new float[bits * tables][8];
        for (float[] vector : vectors) {
            for (int d = 0; d < 8; d++) {
                vector[d] = random.nextInt(5) - 2;
            }
        }
        SimHash hash = new SimHash(bits, tables, vectors);
        float[] x = new float[3 * 8];
        for (int i = 0; i < x.length; i++) {
            x[i] = random.nextInt(5) - 2;
        }
        long[] words = new long[3 * hash.words()];
        for (int word = 0; word < hash.words(); word++) {
            hash.hash(x, 0, 3, word, new float[3 * SimHash.WORD], words, word, hash.words());
        }
        for (int row = 0; row < 3; row++) {
            for (int table = 0; table < tables; table++) {
                int code = 0;
                for (int b = 0; b < bits; b++) {
                    float sum = 0;
                    for (int d = 0; d < 8; d++) {
                        sum += x[row * 8 + d] * vectors[table * bits + b][d];
                    }
                    code |= sum > 0 ? 1 << b : 0;
                }
                assertThat(hash.code(words, row * hash.words(), table)).isEqualTo(code);
            }
        }
    }

    /** Over many projections, how often a key at an angle is found is what the formula says, within 4 standard deviations. */
    @ParameterizedTest
    @CsvSource({"10, 150, 2", "6, 20, 2", "6, 10, 1", "5, 20, 3"})
    void aKeyIsFoundAsOftenAsTheFormulaSays(int bits, int tables, int hits) {
        double[] cosines = {-0.2, 0, 0.2, 0.4, 0.6};
        int draws = 1500;
        float[] x = new float[2 * (1 + cosines.length)];
        x[0] = 1;
        for (int i = 0; i < cosines.length; i++) {
            x[2 + 2 * i] = (float) (3 * cosines[i]);
            x[3 + 2 * i] = (float) (3 * Math.sqrt(1 - cosines[i] * cosines[i]));
        }
        int[] found = new int[cosines.length];
        for (int seed = 0; seed < draws; seed++) {
            SimHash hash = SimHash.gaussian(bits, tables, 2, seed, 0, 0);
            int rows = 1 + cosines.length, stride = hash.words();
            long[] words = new long[rows * stride];
            for (int word = 0; word < stride; word++) {
                hash.hash(x, 0, rows, word, new float[rows * SimHash.WORD], words, word, stride);
            }
            for (int i = 0; i < cosines.length; i++) {
                int met = 0;
                for (int table = 0; table < tables; table++) {
                    met += hash.code(words, 0, table) == hash.code(words, (1 + i) * stride, table) ? 1 : 0;
                }
                found[i] += met >= hits ? 1 : 0;
            }
        }
        for (int i = 0; i < cosines.length; i++) {
            double u = InclusionTable.probability(cosines[i], bits, tables, hits);
            assertThat((double) found[i] / draws)
                    .as("cosine %s", cosines[i])
                    .isCloseTo(u, within(4 * Math.sqrt(u * (1 - u) / draws)));
        }
    }
}
