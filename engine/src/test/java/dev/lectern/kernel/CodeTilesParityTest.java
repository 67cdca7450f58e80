package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Public for {@code EveryWidthTest}, which runs these at other widths. */
public class CodeTilesParityTest {
    private static final CodeTiles SCALAR = new ScalarCodeTiles();
    private static final CodeTiles VECTOR = new VectorCodeTiles();

    @ParameterizedTest
    @EnumSource
    public void codesAreReadBackAsTheyWerePutInEveryPlane(CodePlanes planes) {
        Random random = new Random(planes.bits());
        for (int vectors : new int[] {1, 2, 3, 4, 5, 8, 64}) {
            int[] codes = random.ints((long) vectors * CodePlanes.LANES, 0, 1 << planes.bits())
                    .toArray();
            float[] table = new float[Math.max(16, 1 << planes.bits())];
            for (int i = 0; i < table.length; i++) {
                table[i] = (float) random.nextGaussian();
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = arena.allocate(planes.bytes(vectors) + 7L);
                memory.fill((byte) random.nextInt());
                long[] at = new long[3];
                long next = 7;
                for (int plane = 0; plane < planes.count(); plane++) {
                    at[plane] = next;
                    next += planes.bytes(plane, vectors);
                }
                for (int i = 0; i < codes.length; i++) {
                    planes.put(memory, at, i / CodePlanes.LANES, i % CodePlanes.LANES, codes[i]);
                }
                float[] expected = new float[codes.length];
                for (int i = 0; i < codes.length; i++) {
                    expected[i] = planes == CodePlanes.EIGHT ? (byte) codes[i] : table[codes[i]];
                }
                float[] scalar = new float[codes.length + 1];
                float[] vector = new float[codes.length + 1];
                if (planes == CodePlanes.EIGHT) {
                    SCALAR.bytes(memory, at[0], vectors, scalar, 1);
                    VECTOR.bytes(memory, at[0], vectors, vector, 1);
                } else {
                    SCALAR.levels(planes, memory, at[0], at[1], at[2], vectors, table, scalar, 1);
                    VECTOR.levels(planes, memory, at[0], at[1], at[2], vectors, table, vector, 1);
                }
                assertThat(Arrays.copyOfRange(scalar, 1, scalar.length)).isEqualTo(expected);
                assertThat(vector).isEqualTo(scalar);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 16, 20, 64, 80, 96, 128})
    public void theHadamardTransformIsOrthonormalItsOwnInverseAndTheSameOnVectors(int n) {
        Random random = new Random(n);
        int rows = 3, stride = n + 5;
        float[] x = new float[2 + rows * stride], lanes = new float[1 + n * CodePlanes.LANES];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < lanes.length; i++) {
            lanes[i] = (float) random.nextGaussian();
        }
        float[] scalar = x.clone(), vector = x.clone();
        SCALAR.hadamard(scalar, 2, rows, stride, n);
        VECTOR.hadamard(vector, 2, rows, stride, n);
        assertThat(vector).isEqualTo(scalar);
        assertThat(square(scalar, 2, n)).isCloseTo(square(x, 2, n), within(1e-5 * n));
        SCALAR.hadamard(scalar, 2, rows, stride, n);
        for (int i = 0; i < x.length; i++) {
            assertThat(scalar[i]).isCloseTo(x[i], within(1e-5f));
        }

        float[] scalarLanes = lanes.clone(), vectorLanes = lanes.clone();
        SCALAR.hadamardLanes(scalarLanes, 1, n);
        VECTOR.hadamardLanes(vectorLanes, 1, n);
        assertThat(vectorLanes).isEqualTo(scalarLanes);
        float[] column = new float[n];
        for (int i = 0; i < n; i++) {
            column[i] = lanes[1 + i * CodePlanes.LANES + 3];
        }
        SCALAR.hadamard(column, 0, 1, n, n);
        for (int i = 0; i < n; i++) {
            assertThat(scalarLanes[1 + i * CodePlanes.LANES + 3]).isEqualTo(column[i]);
        }
    }

    private static double square(float[] x, int at, int n) {
        double sum = 0;
        for (int i = at; i < at + n; i++) {
            sum += (double) x[i] * x[i];
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 64})
    public void affineStepsEqualTheScalarOnes(int vectors) {
        Random random = new Random(vectors);
        float[] x = new float[3 + vectors * CodePlanes.LANES], factors = new float[1 + 2 * CodePlanes.LANES];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < factors.length; i++) {
            factors[i] = (float) random.nextGaussian();
        }
        float[] scalar = x.clone(), vector = x.clone();
        SCALAR.affineLanes(scalar, 3, vectors, factors, 1, factors, 1 + CodePlanes.LANES);
        VECTOR.affineLanes(vector, 3, vectors, factors, 1, factors, 1 + CodePlanes.LANES);
        assertThat(vector).isEqualTo(scalar);
        int heads = vectors;
        SCALAR.scaleScores(scalar, 3, CodePlanes.LANES, heads, CodePlanes.LANES, factors, 1, x, 0);
        VECTOR.scaleScores(vector, 3, CodePlanes.LANES, heads, CodePlanes.LANES, factors, 1, x, 0);
        assertThat(vector).isEqualTo(scalar);
        float[] scalarWeights = new float[2 + x.length], vectorWeights = scalarWeights.clone();
        SCALAR.scaleWeights(x, 3, CodePlanes.LANES, heads, CodePlanes.LANES, factors, 1, scalarWeights, 2);
        VECTOR.scaleWeights(x, 3, CodePlanes.LANES, heads, CodePlanes.LANES, factors, 1, vectorWeights, 2);
        assertThat(vectorWeights).isEqualTo(scalarWeights);
        SCALAR.affine(scalar, 3, vectors * CodePlanes.LANES, 1.7f, -.3f);
        VECTOR.affine(vector, 3, vectors * CodePlanes.LANES, 1.7f, -.3f);
        assertThat(vector).isEqualTo(scalar);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8})
    public void bytesAreMultipliedAsTheyStand(int heads) {
        Random random = new Random(heads);
        for (int headDim : new int[] {8, 48, 64, 80, 128}) {
            int width = Math.ceilDiv(headDim, CodePlanes.LANES) * CodePlanes.LANES, tokens = 3 * CodePlanes.LANES;
            byte[] bytes = new byte[5 + tokens * width];
            random.nextBytes(bytes);
            float[] q = new float[3 + heads * width];
            for (int i = 0; i < q.length; i++) {
                q[i] = (float) random.nextGaussian();
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = arena.allocate(bytes.length);
                memory.copyFrom(MemorySegment.ofArray(bytes));
                float[] scalar = new float[heads * 50 + 1], vector = scalar.clone();
                for (int tiles = 1; tiles <= 3; tiles++) {
                    SCALAR.byteScores(memory, 5, tiles, q, 3, heads, headDim, scalar, 1, 50);
                    VECTOR.byteScores(memory, 5, tiles, q, 3, heads, headDim, vector, 1, 50);
                    assertThat(vector).isEqualTo(scalar);
                }
                float[] scalarSums = q.clone(), vectorSums = q.clone();
                SCALAR.byteWeigh(memory, 5, tokens, scalar, 1, 50, heads, width, scalarSums, 3);
                VECTOR.byteWeigh(memory, 5, tokens, scalar, 1, 50, heads, width, vectorSums, 3);
                assertThat(vectorSums).isEqualTo(scalarSums);
            }
        }
    }
}
