package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import dev.lectern.hub.Catalogue;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class LengthsTest {
    private static final Catalogue CATALOGUE = Catalogue.load();

    private static Lengths of(int holds, long prompt, int maxTokens, OptionalInt asked) {
        return Lengths.of("the-model", holds, prompt, maxTokens, asked, CATALOGUE);
    }

    @Test
    void theContextIsWhatPromptAndAnswerNeed() {
        // The last token of an answer is never read.
        assertThat(of(8192, 1000, 512, OptionalInt.empty())).isEqualTo(new Lengths(1511, 512));
        assertThat(of(8192, 1000, 512, OptionalInt.of(4096))).isEqualTo(new Lengths(4096, 512));
    }

    @Test
    void anAnswerThatDoesNotFitBecomesShorter() {
        assertThat(of(8192, 8000, 512, OptionalInt.empty())).isEqualTo(new Lengths(8192, 193));
        assertThat(of(8192, 8192, 512, OptionalInt.empty())).isEqualTo(new Lengths(8192, 1));
    }

    @Test
    void aPromptThatDoesNotFitIsRefusedWithBothNumbersAndWhoCouldHoldIt() {
        assertThatThrownBy(() -> of(8192, 10_000, 512, OptionalInt.empty()))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.TOO_LONG))
                .hasMessageContaining("10000")
                .hasMessageContaining("8192")
                .hasMessageContaining("the-model")
                .hasMessageContaining("qwen2.5-coder-0.5b (32768)")
                .hasMessageNotContaining("smollm2");
    }

    @Test
    void aPromptThatNoModelHoldsIsRefusedWithWhatElseCanBeDone() {
        assertThatThrownBy(() -> of(32_768, 1_000_000, 512, OptionalInt.empty()))
                .hasMessageContaining("1000000")
                .hasMessageContaining("no model of the catalogue")
                .hasMessageContaining("--rope-scaling");
    }

    @Test
    void whereOnlyTheOptionIsTooSmallTheOptionIsBlamed() {
        assertThatThrownBy(() -> of(8192, 5000, 512, OptionalInt.of(4096)))
                .hasMessageContaining("--ctx is 4096")
                .hasMessageContaining("5511");
    }
}
