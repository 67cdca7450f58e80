package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class TokenIndexTest {
    private static final int UNIT = 4;
    private static final int IN_BLOCK = 8;

    /** One byte a token in layer 0, two in layer 1. */
    private static TokenIndex index() {
        return new TokenIndex(2, layer -> (layer + 1L) * IN_BLOCK, UNIT, IN_BLOCK);
    }

    private static void grow(TokenIndex index, int layer, int end, int value) {
        int from = index.tokens(layer);
        index.own(layer, end);
        for (int token = from; token < end; token++) {
            index.block(layer, token / IN_BLOCK).set(ValueLayout.JAVA_BYTE, token % IN_BLOCK, (byte) value);
        }
        index.grown(layer, end);
    }

    private static int value(TokenIndex index, int layer, int token) {
        return index.block(layer, token / IN_BLOCK).get(ValueLayout.JAVA_BYTE, token % IN_BLOCK);
    }

    @Test
    void eachLayerGrowsByBlocksOfItsOwnSize() {
        try (TokenIndex index = index()) {
            grow(index, 0, 8, 1);
            assertThat(index.bytes()).isEqualTo(IN_BLOCK);
            grow(index, 1, 12, 1);
            assertThat(index.bytes()).isEqualTo(IN_BLOCK + 2 * 2 * IN_BLOCK);
            assertThat(index.tokens(0)).isEqualTo(8);
            assertThat(index.tokens(1)).isEqualTo(12);
        }
    }

    @Test
    void aCutForgetsWholeUnitsAndLetsBlocksGo() {
        try (TokenIndex index = index()) {
            grow(index, 0, 20, 1);
            grow(index, 1, 8, 1);
            index.truncate(15);
            assertThat(index.tokens(0)).isEqualTo(12);
            assertThat(index.tokens(1)).as("was shorter").isEqualTo(8);
            assertThat(index.bytes()).isEqualTo(2 * IN_BLOCK + 2 * IN_BLOCK);
            index.truncate(3);
            assertThat(index.bytes()).isZero();
        }
    }

    @Test
    void whatAForkWritesIsNotSeenByTheOther() throws Exception {
        try (TokenIndex index = index()) {
            grow(index, 0, 12, 1);
            try (var fork = (TokenIndex) index.fork()) {
                fork.truncate(8);
                grow(fork, 0, 12, 2);
                grow(index, 0, 16, 3);
                assertThat(value(index, 0, 11)).isEqualTo(1);
                assertThat(value(fork, 0, 11)).isEqualTo(2);
                fork.truncate(4);
                grow(fork, 0, 8, 4);
                assertThat(value(index, 0, 7)).isEqualTo(1);
                assertThat(value(fork, 0, 3)).as("copied before it is written").isEqualTo(1);
                assertThat(index.tokens(0)).isEqualTo(16);
                assertThat(fork.tokens(0)).isEqualTo(8);
            }
            assertThat(value(index, 0, 15))
                    .as("a fork that closes frees only its share")
                    .isEqualTo(3);
        }
    }
}
