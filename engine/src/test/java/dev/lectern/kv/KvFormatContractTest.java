package dev.lectern.kv;

import static dev.lectern.kernel.AttentionTiles.TILE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.LecternException;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kv.KvFormat.Layout;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The laws of {@link KvFormat}, for every format of keys and of values. Public for {@code EveryWidthTest}, which runs these at other widths. */
public class KvFormatContractTest {
    /**
     * A format in one of its roles.
     *
     * @param error that rounding numbers of variance 1 leaves at most, relative to their root mean square
     */
    record Role(KvFormat format, boolean keys, double error) {
        @Override
        public String toString() {
            return format.name() + (keys ? " keys" : " values");
        }

        boolean fits(int headDim) {
            try {
                format.requireFit(headDim);
                return true;
            } catch (LecternException e) {
                return false;
            }
        }
    }

    static Stream<Role> roles() {
        return KvFormats.names().stream().flatMap(name -> {
            KvFormats formats = KvFormats.named(name);
            return Stream.of(
                    new Role(formats.keys(), true, error(name)), new Role(formats.values(), false, error(name)));
        });
    }

    /** What kv-cache literature gives for normal numbers in rows of 128, and a little room for shorter rows. */
    private static double error(String format) {
        return switch (format) {
            case "f32" -> 0;
            case "f16" -> 0x1p-11;
            case "bf16" -> 0x1p-8;
            case "int8", "chl-8", "hf-int8" -> .008;
            case "chl-6" -> .028;
            case "chl-5" -> .053;
            case "hf-int4", "kivi-4", "chl-4" -> .105;
            case "chl-3" -> .2;
            case "chl-2" -> .37;
            case "hf-int2", "kivi-2" -> .48;
            default -> throw new IllegalArgumentException(format);
        };
    }

    private static final int KV_HEADS = 2;

    @ParameterizedTest
    @MethodSource("roles")
    public void whatIsReadIsTheSameInEveryLayoutAndNearWhatWasStored(Role role) {
        for (int headDim : new int[] {4, 20, 64, 128}) {
            if (!role.fits(headDim)) {
                continue;
            }
            float[][] x = Pages.rows(headDim, KV_HEADS * headDim);
            for (boolean first : new boolean[] {false, true}) {
                try (Arena arena = Arena.ofConfined()) {
                    SideShape rowShape = new SideShape(Layout.ROW, KV_HEADS, headDim, first);
                    SideShape tileShape = new SideShape(Layout.TILE, KV_HEADS, headDim, first);
                    KvSide inRows = Pages.closed(role.format, rowShape, x, arena);
                    KvSide inTiles = Pages.closed(role.format, tileShape, x, arena);
                    assertThat(inRows.closed()).isEqualTo(Page.TOKENS);
                    assertThat(inRows.rowBytes()).isPositive();
                    for (int head = 0; head < KV_HEADS; head++) {
                        float[][] read = Pages.read(inRows, rowShape, head);
                        assertThat(Pages.read(inTiles, tileShape, head)).isDeepEqualTo(read);
                        for (KvSide side : List.of(inRows, inTiles)) {
                            assertTilesAndGathered(side, head, headDim, read);
                        }
                        // Rows of four numbers are too short for a statement about their error.
                        if (headDim >= 20) {
                            assertThat(error(x, read, head, headDim)).isLessThanOrEqualTo(role.error);
                        }
                    }
                }
            }
        }
    }

    private static void assertTilesAndGathered(KvSide side, int head, int headDim, float[][] read) {
        float[] tile = new float[TILE * headDim], gathered = new float[headDim];
        for (int token = 0; token < Page.TOKENS; token++) {
            if (token % TILE == 0) {
                side.tile(head, token / TILE, tile, 0);
            }
            float[] column = new float[headDim];
            for (int d = 0; d < headDim; d++) {
                column[d] = tile[d * TILE + token % TILE];
            }
            assertThat(column).isEqualTo(read[token]);
            side.gather(head, new int[] {-1, 1000 + token}, 1, 1, 1000, gathered, 0, headDim);
            assertThat(gathered).isEqualTo(read[token]);
        }
    }

    private static double error(float[][] x, float[][] read, int head, int headDim) {
        double error = 0, size = 0;
        for (int token = 0; token < Page.TOKENS; token++) {
            for (int d = 0; d < headDim; d++) {
                double expected = x[token][head * headDim + d];
                error += Math.pow(read[token][d] - expected, 2);
                size += expected * expected;
            }
        }
        return Math.sqrt(error / size);
    }

    @ParameterizedTest
    @MethodSource("roles")
    public void scoresAndWeightedSumsAreThoseOfWhatIsRead(Role role) {
        assertScoresAndSums(role.format, 64);
    }

    /** Groups that are some of a row, runs that leave gaps, and rows that are not whole vectors of 512 bits. */
    @ParameterizedTest
    @CsvSource({
        "hf-int4:group=16, 80",
        "hf-int4:group=32, 64",
        "hf-int2:group=64:sinks=4, 128",
        "hf-int8:group=32, 96",
        "hf-int8:group=16:sinks=3, 16",
        "kivi-4:group=16, 48",
        "kivi-2:group=16:sinks=5, 80",
        "kivi-2:group=64, 64",
        "kivi-4:group=256:residual=256, 256"
    })
    void scoresAndWeightedSumsOfOtherGroupsToo(String name, int headDim) {
        KvFormats formats = KvFormats.named(name);
        assertScoresAndSums(formats.keys(), headDim);
        assertScoresAndSums(formats.values(), headDim);
    }

    private static void assertScoresAndSums(KvFormat format, int headDim) {
        int width = Math.ceilDiv(headDim, 16) * 16, group = 3, stride = Page.TOKENS;
        Random random = new Random(7);
        float[][] x = Pages.rows(3, KV_HEADS * headDim);
        float[] q = new float[group * headDim], p = new float[group * stride];
        for (int i = 0; i < q.length; i++) {
            q[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < p.length; i++) {
            p[i] = random.nextFloat();
        }
        for (Layout layout : Layout.values()) {
            for (boolean first : new boolean[] {false, true}) {
                SideShape shape = new SideShape(layout, KV_HEADS, headDim, first);
                try (Arena arena = Arena.ofConfined()) {
                    Stream<KvSide> open = format.closing() instanceof Closing.Pages
                            ? Stream.of(Pages.open(format, shape, x, 0, arena))
                            : Stream.of(0, 32, 128, 224).map(n -> Pages.open(format, shape, x, n, arena));
                    for (KvSide side : Stream.concat(open, Stream.of(Pages.closed(format, shape, x, arena)))
                            .toList()) {
                        assertScoresAndSums(side, shape, group, q, p, width);
                    }
                }
            }
        }
    }

    private static void assertScoresAndSums(KvSide side, SideShape shape, int group, float[] q, float[] p, int width) {
        int stride = Page.TOKENS, headDim = shape.headDim(), firstTile = 0, tiles = Page.TOKENS / TILE - 1;
        TileScratch scratch = new TileScratch();
        for (int head = 0; head < KV_HEADS; head++) {
            float[][] read = Pages.read(side, shape, head);
            float[] s = new float[group * stride], o = new float[group * width];
            Arrays.fill(o, 1);
            side.scores(head, firstTile, tiles, q, 0, group, headDim, s, 0, stride, scratch);
            side.weigh(head, firstTile, tiles, p, 0, stride, group, headDim, width, o, 0, scratch);
            int[] all = IntStream.range(0, tiles * TILE).toArray();
            assertScoresAndSums(read, all, group, q, p, s, o, width);
            // Chosen ones: the first, which may be sinks, and every third.
            int[] chosen = IntStream.concat(
                            IntStream.range(0, 6), IntStream.range(3, 85).map(i -> 3 * i))
                    .toArray();
            int[] ids = IntStream.concat(IntStream.of(-1), Arrays.stream(chosen).map(i -> 1000 + i))
                    .toArray();
            Arrays.fill(s, Float.NaN);
            Arrays.fill(o, 1);
            side.touch(head, ids, 1, chosen.length, 1000);
            side.gatherScores(head, ids, 1, chosen.length, 1000, q, 0, group, headDim, width, s, 0, stride, scratch);
            side.gatherWeigh(head, ids, 1, chosen.length, 1000, p, 0, stride, group, headDim, width, o, 0, scratch);
            assertScoresAndSums(read, chosen, group, q, p, s, o, width);
        }
    }

    /** @param o one more than the sums */
    private static void assertScoresAndSums(
            float[][] read, int[] tokens, int group, float[] q, float[] p, float[] s, float[] o, int width) {
        int stride = Page.TOKENS, headDim = read[0].length;
        for (int g = 0; g < group; g++) {
            double[] sum = new double[headDim];
            double weight = 0;
            for (int i = 0; i < tokens.length; i++) {
                double score = 0, size = 0;
                weight += p[g * stride + i];
                for (int d = 0; d < headDim; d++) {
                    double product = (double) q[g * headDim + d] * read[tokens[i]][d];
                    score += product;
                    size += Math.abs(product);
                    sum[d] += (double) p[g * stride + i] * read[tokens[i]][d];
                }
                // Sums of 64 products in f32, some of them turned first: a few units in the last place of each.
                assertThat(Math.abs(s[g * stride + i] - score)).isLessThan(2e-6 * (size + headDim));
            }
            for (int d = 0; d < headDim; d++) {
                assertThat(Math.abs(o[g * width + d] - 1 - sum[d])).isLessThan(1e-5 * weight);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("roles")
    public void zerosAndConstantsAreStoredExactly(Role role) {
        try (Arena arena = Arena.ofConfined()) {
            SideShape shape = Pages.shape(Layout.ROW, 1, 64);
            // A constant row turned into one large number is what levels for normal ones cannot follow.
            boolean turned = role.format.name().startsWith("chl") && !role.keys;
            for (float constant : turned ? new float[] {0} : new float[] {0, -2}) {
                float[][] x = new float[Page.TOKENS][64];
                Arrays.stream(x).forEach(row -> Arrays.fill(row, constant));
                KvSide side = Pages.closed(role.format, shape, x, arena);
                for (float[] row : Pages.read(side, shape, 0)) {
                    for (float value : row) {
                        assertThat((double) value).isCloseTo(constant, within(2e-3));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("roles")
    void aClosedPageTakesTheBitsThatTheNamePromises(Role role) {
        SideShape shape = Pages.shape(role.keys ? Layout.TILE : Layout.ROW, 3, 64);
        double bits = 8.0 * role.format.bytes(shape) / (Page.TOKENS * 3 * 64);
        double expected = switch (role.format.name()) {
            case "f32" -> 32;
            case "f16", "bf16" -> 16;
            case "int8" -> 8.25;
            case "hf-int8" -> 8.5;
            case "hf-int4" -> 4.5;
            case "hf-int2" -> 2.5;
            case "kivi-4" -> 5;
            case "kivi-2" -> 3;
            default -> Integer.parseInt(role.format.name().substring(4)) + (role.keys ? .375 : .25);
        };
        assertThat(bits).isEqualTo(expected);
    }

    @Test
    void anF16CacheRefusesWhatItCannotHold() {
        try (Arena arena = Arena.ofConfined()) {
            SideShape shape = Pages.shape(Layout.ROW, 1, 4);
            for (KvFormat format :
                    List.of(FloatFormat.F16, KvFormats.named("chl-4").keys())) {
                KvSide side = format.open(shape, arena.allocate(format.openBytes(shape)), 0);
                assertThatThrownBy(() -> side.put(0, new float[] {1, 70000, 0, 0}, 0))
                        .isInstanceOf(LecternException.class)
                        .hasMessageContaining("--kv bf16");
            }
        }
    }

    @Test
    void bf16RoundsToNearestEven() {
        assertThat(FloatFormat.roundToBf16(Float.intBitsToFloat(0x3f808000))).isEqualTo((short) 0x3f80);
        assertThat(FloatFormat.roundToBf16(Float.intBitsToFloat(0x3f818000))).isEqualTo((short) 0x3f82);
        assertThat(FloatFormat.roundToBf16(Float.intBitsToFloat(0x3f808001))).isEqualTo((short) 0x3f81);
        assertThat(FloatFormat.roundToBf16(-0f)).isEqualTo((short) 0x8000);
        assertThat(Float.isNaN(Float.intBitsToFloat(FloatFormat.roundToBf16(Float.NaN) << 16)))
                .isTrue();
    }
}
