package dev.lectern.prefill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.LayerCache;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Copies of tokens that travel to another host. */
class ChosenTokensTest {
    private static final int DIM = 8;

    @ParameterizedTest
    @CsvSource({"f32, 1e30", "bf16, 1048576", "bf16, 9.313225746154785E-10", "f16, 1000", "int8, 1000"})
    void numbersArriveAsTheyWereHeld(String format, float number) {
        KvFormat kv = KvFormats.named(format).keys();
        List<LayerCache> layers = List.of(new LayerCache(1, DIM, 0, kv, kv));
        List<LayerCache> travelling = List.of(ChosenTokens.one(layers));
        float[] row = new float[DIM];
        Arrays.fill(row, number);
        try (KvCache cache = new KvCache(layers);
                ChosenTokens sent = new ChosenTokens(travelling, 1);
                ChosenTokens received = new ChosenTokens(travelling, 1)) {
            cache.reserve(1);
            cache.put(0, 0, row, 0, row, 0);
            cache.commit(1);
            sent.takeFirst(0, cache);
            MemorySegment message = Arena.ofAuto().allocate(sent.wireBytes(0, 1));
            sent.write(0, message, 0);
            received.read(0, message, 0);
            MemorySegment again = Arena.ofAuto().allocate(message.byteSize());
            received.write(0, again, 0);
            for (int i = 0; i < 2 * DIM; i++) {
                float arrived = message.byteSize() == 2L * DIM * Float.BYTES
                        ? again.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i)
                        : Float.float16ToFloat(again.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i));
                assertThat(arrived).isEqualTo(number);
            }
        }
    }
}
