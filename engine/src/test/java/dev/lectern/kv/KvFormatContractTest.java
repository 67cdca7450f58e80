package dev.lectern.kv;

import static dev.lectern.kernel.AttentionTiles.TILE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import dev.lectern.kv.KvFormat.Layout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The laws of {@link KvFormat}, for every format. */
class KvFormatContractTest {
    private static float[] row(int token, int n) {
        Random random = new Random(token);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian() * 3;
        }
        return x;
    }

    /** The relative error of rounding to the stored precision. */
    private static double precision(String format) {
        return switch (format) {
            case "f32" -> 0;
            case "f16" -> 0x1p-11;
            case "bf16" -> 0x1p-8;
            default -> throw new IllegalArgumentException(format);
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"f32", "f16", "bf16"})
    void whatIsStoredIsReadBackInEveryLayout(String name) {
        KvFormat format = KvFormats.named(name);
        for (int headDim : new int[] {4, 20, 64}) {
            int kvHeads = 3, n = kvHeads * headDim, stride = Math.ceilDiv(headDim, TILE) * TILE;
            assertThat(format.bytes(kvHeads, headDim) % 64).isZero();
            try (Arena arena = Arena.ofConfined()) {
                for (Layout layout : Layout.values()) {
                    MemorySegment segment = arena.allocate(format.bytes(kvHeads, headDim), 64);
                    KvSide side = format.side(segment, layout, kvHeads, headDim);
                    for (int token = 0; token < Page.TOKENS; token++) {
                        side.put(token, row(token, n), 0);
                    }
                    MemorySegment bytes = arena.allocate(segment.byteSize(), 64).copyFrom(segment);
                    KvSide copy = format.side(bytes, layout, kvHeads, headDim);
                    for (int head = 0; head < kvHeads; head++) {
                        for (int tile = 0; tile < Page.TOKENS / TILE; tile++) {
                            float[] transposed = new float[TILE * headDim], rows = new float[TILE * stride];
                            copy.tile(head, tile, transposed, 0);
                            copy.rows(head, tile, rows, 0, stride);
                            for (int t = 0; t < TILE; t++) {
                                float[] expected = row(tile * TILE + t, n);
                                float[] gathered = new float[stride];
                                copy.gather(
                                        head, new int[] {-1, 1000 + tile * TILE + t}, 1, 1, 1000, gathered, 0, stride);
                                for (int d = 0; d < headDim; d++) {
                                    float x = expected[head * headDim + d];
                                    assertThat(rows[t * stride + d]).isEqualTo(transposed[d * TILE + t]);
                                    assertThat(gathered[d]).isEqualTo(rows[t * stride + d]);
                                    assertThat((double) Math.abs(rows[t * stride + d] - x))
                                            .isLessThanOrEqualTo(precision(name) * Math.abs(x));
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void anF16CacheRefusesWhatItCannotHold() {
        try (Arena arena = Arena.ofConfined()) {
            KvSide side = FloatFormat.F16.side(arena.allocate(FloatFormat.F16.bytes(1, 4)), Layout.ROW, 1, 4);
            assertThatThrownBy(() -> side.put(0, new float[] {1, 70000, 0, 0}, 0))
                    .isInstanceOf(LecternException.class)
                    .hasMessageContaining("--kv bf16");
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

    @Test
    void anUnknownFormatIsRefusedWithTheNames() {
        assertThatThrownBy(() -> KvFormats.named("f8")).hasMessageContaining("f32, f16, bf16");
    }
}
