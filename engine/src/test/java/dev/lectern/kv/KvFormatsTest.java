package dev.lectern.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.kernel.CodePlanes;
import dev.lectern.kv.KvFormat.Layout;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class KvFormatsTest {
    @Test
    void anUnknownFormatIsRefusedWithTheNames() {
        assertThatThrownBy(() -> KvFormats.named("f8")).hasMessageContaining("f32, f16, bf16, int8");
        assertThatThrownBy(() -> KvFormats.named("k=f16")).hasMessageContaining("one side only");
        for (String twice :
                List.of("f16,int8", "k=f16,int8", "f16,k=int8", "k=f16,k=bf16,v=f16", "v=f16,v=f16,k=f16")) {
            assertThatThrownBy(() -> KvFormats.named(twice))
                    .as(twice)
                    .hasMessageContaining("more than one format for the same side");
        }
        assertThatThrownBy(() -> KvFormats.named("int8:group=32")).hasMessageContaining("it takes sinks, window");
        assertThatThrownBy(() -> KvFormats.named("kivi-4:group=48")).hasMessageContaining("power of two");
        assertThatThrownBy(() -> KvFormats.named("hf-int4:group=40")).hasMessageContaining("multiple of 16");
    }

    @Test
    void groupsAlongTokensAreRefusedForHfWithTheReason() {
        assertThatThrownBy(() -> KvFormats.named("hf-int4:axis=-1"))
                .hasMessageContaining("lie across two heads")
                .hasMessageContaining("kivi-4");
        assertThat(KvFormats.named("hf-int4:axis=0").name()).isEqualTo("hf-int4");
    }

    @Test
    void headsThatAreNotWholeGroupsAreRefused() {
        KvFormats hf = KvFormats.named("hf-int4");
        assertThatThrownBy(() -> new LayerCache(1, 80, 0, hf.keys(), hf.values()))
                .hasMessageContaining("80 channels")
                .hasMessageContaining("hf-int4:group=16");
        assertThatThrownBy(() -> new LayerCache(1, 100, 0, hf.keys(), hf.values()))
                .hasMessageContaining("100 channels")
                .hasMessageContaining("int8 or chl-4");
    }

    @Test
    void namesSayWhatDiffersFromTheUsual() {
        for (String name : List.of(
                "k=chl-8,v=chl-4",
                "chl-4:sinks=0",
                "chl-4:window=0",
                "hf-int4:group=32:residual=64:sinks=4",
                "kivi-2:residual=64")) {
            assertThat(KvFormats.named(name).name()).isEqualTo(name);
        }
        assertThat(KvFormats.named("k=f16,v=f16").name()).isEqualTo("f16");
    }

    @Test
    void layersCanHaveFormatsOfTheirOwn() {
        List<KvFormats> formats = KvFormats.ofLayers("chl-4", "first=k=f16,v=int8,last=f32,2=bf16", 5);
        assertThat(formats.stream().map(KvFormats::name))
                .containsExactly("k=f16,v=int8", "chl-4", "bf16", "chl-4", "f32");
        assertThat(KvFormats.described(formats.stream()
                        .map(f -> new LayerCache(1, 64, 0, f.keys(), f.values()))
                        .toList()))
                .isEqualTo("chl-4; 0=k=f16,v=int8; 2=bf16; 4=f32");
        for (String wrong : List.of("5=f16", "-1=f16", "f16", "middle=f16", "v=f16", ",")) {
            assertThatThrownBy(() -> KvFormats.ofLayers("chl-4", wrong, 5)).hasMessageContaining("--kv-layers");
        }
    }

    /** The worked example of "Unlocking Longer Generation with Key-Value Cache Quantization". */
    @Test
    void theExampleOfTheArticleIsRoundedAsItSays() {
        float[] x = {1.2f, -.5f, -4.3f, 1.2f, -3.1f, .8f, 2.4f, 5.4f};
        int[] codes = {28, -12, -101, 28, -73, 19, 56, 127};
        try (Arena arena = Arena.ofConfined()) {
            KvFormat int8 = KvFormats.named("int8").keys();
            SideShape shape = Pages.shape(Layout.ROW, 1, x.length);
            float[][] rows = new float[Page.TOKENS][];
            Arrays.fill(rows, x);
            float[] read = Pages.read(Pages.closed(int8, shape, rows, arena), shape, 0)[0];
            float scale = Float.float16ToFloat(Float.floatToFloat16(5.4f / 127));
            for (int i = 0; i < x.length; i++) {
                assertThat(read[i]).isEqualTo(codes[i] * scale);
            }
        }
    }

    /** The article prints {@code X_Q = round(X/S) − Z} with {@code Z = round(−min/S)}: only with a plus do codes start at 0 and turn back. */
    @Test
    void theZeroPointOfTheArticleHasToBeAdded() {
        double min = -4.3, max = 5.4, scale = (max - min) / 255;
        long zero = Math.round(-min / scale);
        for (double x : new double[] {min, -.5, 1.2, max}) {
            long added = Math.round(x / scale) + zero, subtracted = Math.round(x / scale) - zero;
            assertThat(added).isBetween(0L, 255L);
            assertThat((added - zero) * scale).isCloseTo(x, within(scale));
            assertThat((subtracted - zero) * scale).isNotCloseTo(x, within(scale));
        }
    }

    /** Each level is the mean of the normal numbers that are nearest to it, to the digits that are written down. */
    @Test
    void levelsAreThoseOfLloydAndMax() {
        for (CodePlanes planes : CodePlanes.values()) {
            if (planes.bits() == 8) {
                continue;
            }
            LloydMax quantiser = LloydMax.of(planes);
            int n = 1 << planes.bits();
            double[] weight = new double[n], sum = new double[n];
            double step = 1e-4;
            for (double x = -9; x < 9; x += step) {
                double density = Math.exp(-x * x / 2);
                int code = quantiser.code((float) x);
                weight[code] += density;
                sum[code] += density * x;
            }
            for (int i = 0; i < n; i++) {
                assertThat((double) quantiser.levels()[i]).isCloseTo(sum[i] / weight[i], within(2e-4));
                assertThat(quantiser.code(quantiser.levels()[i])).isEqualTo(i);
            }
        }
    }
}
