package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.measure.PrefillCost.Anchor;
import dev.lectern.measure.PrefillCost.Share;
import dev.lectern.prefill.PaperLengths;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against ratios that were computed apart from this, in Python, for three models' shapes with the paper's lengths. */
class PrefillCostTest {
    private static final PrefillCost SMOLLM2 = new PrefillCost(30, 576, 576, 64, 192, 1536, 3);
    private static final PrefillCost LLAMA_8B = new PrefillCost(32, 4096, 4096, 128, 1024, 14336, 3);

    /** Two digits behind the point are what the tables have. */
    private static final double ROUNDING = 0.00501;

    private static PrefillCost cost(String model) {
        return model.equals("smollm2") ? SMOLLM2 : LLAMA_8B;
    }

    private static List<Share> star(int tokens, int hosts, Anchor computed) {
        return PrefillCost.blocks(tokens, hosts, (double) tokens / hosts, 0, computed);
    }

    private static List<Share> apb(int tokens, int hosts, Anchor computed) {
        PaperLengths lengths = PaperLengths.of(tokens);
        return PrefillCost.blocks(tokens, hosts, lengths.anchor(), lengths.passing(), computed);
    }

    /** Full attention's work over all that a method does, on one machine. */
    @ParameterizedTest
    @CsvSource({
        "smollm2,   8192, 2, 0.74, 1.00, 1.32, 1.32",
        "smollm2,   8192, 8, 0.94, 1.60, 1.45, 1.65",
        "smollm2,  32768, 4, 1.04, 1.46, 2.15, 2.21",
        "smollm2,  32768, 8, 1.48, 2.24, 2.26, 2.46",
        "smollm2, 524288, 8, 2.13, 2.85, 3.66, 3.69",
        "llama,    32768, 8, 0.75, 1.33, 1.15, 1.34",
        "llama,   131072, 4, 0.92, 1.36, 1.78, 1.84",
        "llama,   524288, 8, 1.71, 2.47, 2.93, 3.02"
    })
    void onOneMachineTheSumCounts(
            String model, int tokens, int hosts, double star, double starOnce, double apb, double apbOnce) {
        PrefillCost cost = cost(model);
        double full = cost.sum(PrefillCost.full(tokens));
        assertThat(full / cost.sum(star(tokens, hosts, Anchor.AGAIN))).isCloseTo(star, within(ROUNDING));
        assertThat(full / cost.sum(star(tokens, hosts, Anchor.TEXT))).isCloseTo(starOnce, within(ROUNDING));
        assertThat(full / cost.sum(apb(tokens, hosts, Anchor.AGAIN))).isCloseTo(apb, within(ROUNDING));
        assertThat(full / cost.sum(apb(tokens, hosts, Anchor.ONCE))).isCloseTo(apbOnce, within(ROUNDING));
    }

    /** Full attention's work on one host over that of the host that has most to do. */
    @ParameterizedTest
    @CsvSource({
        "smollm2,   8192, 8, 5.33,  7.00, 10.36, 12.11",
        "smollm2,  32768, 8, 4.61, 10.86, 14.65, 16.00",
        "smollm2, 131072, 4, 2.33,  3.83,  9.05,  9.24",
        "llama,   131072, 8, 4.93,  8.57, 12.20, 13.85",
        "llama,   524288, 2, 1.38,  1.00,  3.30,  3.32"
    })
    void onSeveralHostsTheSlowestCounts(
            String model, int tokens, int hosts, double contiguous, double star, double apb, double apbOnce) {
        PrefillCost cost = cost(model);
        double full = cost.sum(PrefillCost.full(tokens));
        assertThat(full / cost.most(PrefillCost.contiguous(tokens, hosts))).isCloseTo(contiguous, within(ROUNDING));
        assertThat(full / cost.most(PrefillCost.balanced(tokens, hosts))).isCloseTo(hosts, within(1e-9));
        assertThat(full / cost.most(star(tokens, hosts, Anchor.AGAIN))).isCloseTo(star, within(ROUNDING));
        assertThat(full / cost.most(apb(tokens, hosts, Anchor.AGAIN))).isCloseTo(apb, within(ROUNDING));
        assertThat(full / cost.most(apb(tokens, hosts, Anchor.ONCE))).isCloseTo(apbOnce, within(ROUNDING));
    }

    @Test
    void operationsOfAWholeModel() {
        assertThat(SMOLLM2.sum(PrefillCost.full(8192)) / 1e12).isCloseTo(4.06, within(ROUNDING));
        assertThat(SMOLLM2.sum(PrefillCost.full(32768)) / 1e12).isCloseTo(44.07, within(ROUNDING));
        assertThat(LLAMA_8B.sum(PrefillCost.full(32768)) / 1e12).isCloseTo(739, within(0.501));
        assertThat(SMOLLM2.sum(PrefillCost.contiguous(8192, 4)))
                .isCloseTo(SMOLLM2.sum(PrefillCost.full(8192)), within(1e3));
    }

    @Test
    void shapesAreThoseOfTheFile() {
        assertThat(PrefillCost.of(Path.of("../engine/src/test/resources/tiny/qwen2"))
                        .matrices())
                .isEqualTo(3);
        assertThat(PrefillCost.of(Path.of("../engine/src/test/resources/tiny/gpt2"))
                        .matrices())
                .isEqualTo(2);
    }

    @Test
    void oneBlockIsTheWholeText() {
        for (Anchor computed : Anchor.values()) {
            assertThat(PrefillCost.blocks(1000, 1, 100, 50, computed)).isEqualTo(PrefillCost.full(1000));
        }
    }
}
