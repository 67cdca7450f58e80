package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReferenceTest {
    private static Reference of(float... logits) {
        Reference reference = new Reference(1, 1e-4);
        reference.add(logits);
        return reference;
    }

    @Test
    void theReferenceIsTheLikeliestTokenAndOfEqualsTheFirst() {
        assertThat(of(1, 7, 3, 7, -9, 2, 2, 2, 2, 2, 2).token(0)).isEqualTo(1);
    }

    @Test
    void roundingIsNoDifference() {
        Reference reference = of(1, 10, 3);
        reference.compare(0, 1, new float[] {1, 10.0005f, 3});
        KvCacheResult.Agreement agreement = reference.agreement(Optional.empty());
        assertThat(agreement.sameTokens()).isTrue();
        assertThat(agreement.largest()).isBetween(4e-5, 6e-5);
    }

    @Test
    void aTieMayBeBrokenEitherWayAndIsReported() {
        Reference reference = of(1, 10, 9.9999f);
        reference.compare(0, 2, new float[] {1, 10, 10.0001f});
        KvCacheResult.Agreement agreement =
                reference.agreement(Optional.of(new KvCacheResult.Agreement(List.of(7), 0, 1e-4)));
        assertThat(agreement.sameTokens()).isFalse();
        assertThat(agreement.positions()).containsExactly(0, 7);
    }

    @Test
    void moreThanRoundingIsRefused() {
        // The same token, another logit; another token; one that was no candidate; not a number.
        refuses(of(1, 10, 3), 1, new float[] {1, 10.1f, 3});
        refuses(of(1, 10, 9.99f), 2, new float[] {1, 10, 10.001f});
        refuses(of(1, 10, 9, 9, 9, 9, 9, 9, 9, 9), 0, new float[] {10.0001f, 10, 9, 9, 9, 9, 9, 9, 9, 9});
        refuses(of(1, 10, 3), 1, new float[] {1, Float.NaN, 3});
        assertThatCode(() -> of(1, 10, 3).compare(0, 1, new float[] {1, 10, 3})).doesNotThrowAnyException();
    }

    private static void refuses(Reference reference, int token, float[] logits) {
        assertThatThrownBy(() -> reference.compare(0, token, logits))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("rounding");
    }
}
