package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.kernel.MatMul.Product;
import dev.lectern.kernel.MatMul.Rows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The laws of {@link MatMul}, for every provider and every type of weights. */
final class MatMulContractTest {
    static Stream<Arguments> providersAndForms() {
        return Stream.of(new ScalarMatMul(), new VectorMatMul())
                .flatMap(m -> Form.all().stream().map(form -> Arguments.argumentSet(m.name() + " " + form, m, form)));
    }

    @ParameterizedTest
    @MethodSource("dev.lectern.kernel.Form#all")
    void vectorEqualsScalarToTheRoundingOfF32Sums(Form form) {
        for (long seed = 0; seed < 4; seed++) {
            Parity.check(new Random(seed), form, "seed " + seed);
        }
    }

    @ParameterizedTest
    @MethodSource("providersAndForms")
    void aSingleDoesNotNoticeItsNeighboursNorTheThreads(MatMul matMul, Form form) {
        var random = new Random(7);
        int columns = form.blockElements() == 1 ? 70 : form.blockElements() * 2;
        Matrix w = form.matrix(random, 37, columns);
        float[] x = RandomWeights.floats(random, 64 * columns);
        float[][] alone = new float[64][];
        for (int r = 0; r < alone.length; r++) {
            alone[r] = multiply(matMul, 1, new Rows(1, 0), Arrays.copyOfRange(x, r * columns, (r + 1) * columns), w);
        }
        for (int threads = 1; threads <= 3; threads++) {
            for (int singles : new int[] {1, 2, 3, 4, 5, 7, 8, 33, 64}) {
                assertRows(multiply(matMul, threads, new Rows(singles, 0), x, w), alone, singles);
                if (singles <= 60) {
                    assertRows(multiply(matMul, threads, new Rows(singles, 4), x, w), alone, singles);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("providersAndForms")
    void aChunkRowDoesNotNoticeItsNeighboursNorTheThreads(MatMul matMul, Form form) {
        var random = new Random(8);
        int columns = form.blockElements() == 1 ? 530 : 768;
        Matrix w = form.matrix(random, 21, columns);
        int rows = 70;
        float[] x = RandomWeights.floats(random, (rows + 1) * columns);
        float[][] alone = new float[rows][];
        for (int r = 0; r < rows; r++) {
            alone[r] = multiply(matMul, 1, new Rows(0, 1), Arrays.copyOfRange(x, r * columns, (r + 1) * columns), w);
        }
        for (int threads = 1; threads <= 3; threads++) {
            for (int chunked : new int[] {2, 15, 17, 33, 64, 65, rows}) {
                assertRows(multiply(matMul, threads, new Rows(0, chunked), x, w), alone, chunked);
            }
        }
        float[] after = multiply(matMul, 2, new Rows(1, rows - 1), x, w);
        for (int r = 1; r < rows; r++) {
            assertThat(Arrays.copyOfRange(after, r * w.rows(), (r + 1) * w.rows()))
                    .isEqualTo(alone[r]);
        }
    }

    @Test
    void aChunkLongerThanAGroupIsCutWithoutATrace() {
        var random = new Random(9);
        Matrix w = RandomWeights.matrix(random, ElementType.Q8_0, 5, 64);
        int rows = 2 * Tiles.TOKENS + 3;
        float[] x = RandomWeights.floats(random, rows * 64);
        float[] all = multiply(new VectorMatMul(), 2, new Rows(0, rows), x, w);
        for (int r : new int[] {0, 511, 512, 1023, 1024, rows - 1}) {
            float[] alone =
                    multiply(new VectorMatMul(), 1, new Rows(0, 1), Arrays.copyOfRange(x, r * 64, (r + 1) * 64), w);
            assertThat(Arrays.copyOfRange(all, r * 5, (r + 1) * 5)).isEqualTo(alone);
        }
    }

    @ParameterizedTest
    @MethodSource("providersAndForms")
    void productsThatShareTheirInputEqualProductsOneByOne(MatMul matMul, Form form) {
        var random = new Random(10);
        int columns = Math.max(32, form.blockElements());
        List<Matrix> weights = new ArrayList<>();
        for (int outputs : new int[] {1, 130, 7}) {
            weights.add(form.matrix(random, outputs, columns));
        }
        weights.add(RandomWeights.matrix(random, ElementType.F32, 3, columns));
        var rows = new Rows(3, 19);
        float[] x = RandomWeights.floats(random, rows.count() * columns);
        Product[] products = weights.stream()
                .map(w -> new Product(w, new float[rows.count() * w.rows()]))
                .toArray(Product[]::new);
        try (var workers = new Workers(2)) {
            matMul.multiply(workers, new Cancellation(), rows, x, products);
        }
        for (Product product : products) {
            assertThat(product.out()).isEqualTo(multiply(matMul, 1, rows, x, product.weights()));
        }
    }

    @ParameterizedTest
    @MethodSource("providersAndForms")
    void infiniteAndUndefinedScalesSpoilNumbersButCrashNothing(MatMul matMul, Form form) {
        assumeThat(form.isInterleaved()).as("such scales are refused").isFalse();
        var random = new Random(11);
        byte[] bytes = new byte[Math.toIntExact(form.type().bytes(512) * 9)];
        random.nextBytes(bytes);
        Matrix w = form.stored(RandomWeights.matrix(bytes, form.type(), 9, 512));
        float[] x = RandomWeights.floats(random, 20 * 512);
        x[3] = Float.NaN;
        x[700] = Float.POSITIVE_INFINITY;
        assertThat(multiply(matMul, 2, new Rows(1, 0), x, w)).hasSize(9);
        assertThat(multiply(matMul, 2, new Rows(3, 17), x, w)).hasSize(180);
    }

    @ParameterizedTest
    @MethodSource("providersAndForms")
    void aCancelledProductEndsAndTheNextOneWorks(MatMul matMul, Form form) {
        int columns = Math.max(32, form.blockElements());
        Matrix w = form.matrix(new Random(12), 40, columns);
        var cancellation = new Cancellation();
        cancellation.cancel();
        float[] x = RandomWeights.floats(new Random(13), 4 * columns);
        try (var workers = new Workers(2)) {
            var product = new Product(w, new float[160]);
            assertThatThrownBy(() -> matMul.multiply(workers, cancellation, new Rows(1, 3), x, product))
                    .isInstanceOfSatisfying(
                            LecternException.class,
                            e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
            matMul.multiply(workers, new Cancellation(), new Rows(1, 3), x, product);
            assertThat(product.out()).isEqualTo(multiply(matMul, 1, new Rows(1, 3), x, w));
        }
    }

    @ParameterizedTest
    @MethodSource("providersAndForms")
    void arraysThatAreTooShortAreRefused(MatMul matMul, Form form) {
        int columns = form.blockElements() * 2;
        Matrix w = form.matrix(new Random(14), 4, columns);
        try (var workers = new Workers(1)) {
            var none = new Cancellation();
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> matMul.multiply(
                            workers, none, new Rows(1, 1), new float[2 * columns - 1], new Product(w, new float[8])));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> matMul.multiply(
                            workers, none, new Rows(1, 1), new float[2 * columns], new Product(w, new float[7])));
        }
    }

    private static float[] multiply(MatMul matMul, int threads, Rows rows, float[] x, Matrix w) {
        float[] out = new float[rows.count() * w.rows()];
        try (var workers = new Workers(threads)) {
            matMul.multiply(workers, new Cancellation(), rows, x, new Product(w, out));
        }
        return out;
    }

    private static void assertRows(float[] out, float[][] expected, int rows) {
        for (int r = 0; r < rows; r++) {
            int outputs = expected[r].length;
            assertThat(Arrays.copyOfRange(out, r * outputs, (r + 1) * outputs))
                    .as("row %d of %d", r, rows)
                    .isEqualTo(expected[r]);
        }
    }
}
