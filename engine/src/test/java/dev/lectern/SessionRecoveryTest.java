package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A session from which an answer or a reading was torn away is as it was. */
class SessionRecoveryTest {
    private static final GenerateOptions SAMPLED = GenerateOptions.DEFAULT
            .withMaxTokens(20)
            .withIgnoreEnd(true)
            .withSampling(new Sampling(1.1, 30, 0.9, 0.01, 1.2, 5));

    private final Model model =
            Model.open(Path.of("src/test/resources/tiny/llama3"), ModelOptions.DEFAULT.withThreads(2));
    private final Session session = model.newSession(SessionOptions.DEFAULT);
    private final Session untouched = model.newSession(SessionOptions.DEFAULT);

    private static int[] tokens(int n) {
        return new Random(n).ints(n, 0, 250).toArray();
    }

    @BeforeEach
    void readTheSame() {
        for (Session each : List.of(session, untouched)) {
            each.read(tokens(50), Progress.NONE, new Cancellation());
        }
    }

    @AfterEach
    void close() {
        session.close();
        untouched.close();
        model.close();
    }

    private static void assertSame(Session one, Session other) {
        assertThat(one.tokens()).isEqualTo(other.tokens());
        assertThat(bits(one.logits())).isEqualTo(bits(other.logits()));
        try (Session fork = one.fork();
                Session otherFork = other.fork()) {
            assertThat(fork.generate(4, SAMPLED, TokenListener.NONE, new Cancellation()))
                    .isEqualTo(otherFork.generate(4, SAMPLED, TokenListener.NONE, new Cancellation()));
            assertThat(bits(fork.logits())).isEqualTo(bits(otherFork.logits()));
        }
    }

    private static int[] bits(float[] x) {
        int[] bits = new int[x.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(x[i]));
        return bits;
    }

    private static void assertCancelled(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
    }

    @Test
    void anAnswerThatIsStoppedOnRequestLeavesTheSessionAsItWas() {
        for (int stopAt = 1; stopAt < 20; stopAt += 3) {
            Cancellation cancellation = new Cancellation();
            int[] told = {0};
            int last = stopAt;
            assertCancelled(() -> session.generate(
                    3,
                    SAMPLED,
                    (answer, token, text) -> {
                        if (++told[0] == last) {
                            cancellation.cancel();
                        }
                    },
                    cancellation));
            assertSame(session, untouched);
        }
    }

    @Test
    void aListenerThatFailsLeavesTheSessionAsItWas() {
        IllegalStateException failure = new IllegalStateException("the screen is gone");
        int[] told = {0};
        assertThatThrownBy(() -> session.generate(
                        SAMPLED,
                        (answer, token, text) -> {
                            if (++told[0] == 7) {
                                throw failure;
                            }
                        },
                        new Cancellation()))
                .isSameAs(failure);
        assertSame(session, untouched);
    }

    @Test
    void aReadingThatNeverBeganLeavesTheSessionAsItWas() {
        Cancellation cancelled = new Cancellation();
        cancelled.cancel();
        assertCancelled(() -> session.read(tokens(20), Progress.NONE, cancelled));
        assertCancelled(() -> session.score(tokens(20), Progress.NONE, cancelled));
        assertThatThrownBy(() -> session.read(tokens(79), Progress.NONE, new Cancellation()))
                .isInstanceOf(LecternException.class);
        assertSame(session, untouched);
    }

    @Test
    void aReadingThatFailsAfterItsFirstChunkHoldsThatChunk() {
        assertThatThrownBy(() -> session.score(
                        tokens(78),
                        (done, total) -> {
                            throw new IllegalStateException("at " + done);
                        },
                        new Cancellation()))
                .isInstanceOf(IllegalStateException.class);
        int read = session.length();
        assertThat(read).isBetween(51, 127);
        untouched.read(Arrays.copyOf(tokens(78), read - 50), Progress.NONE, new Cancellation());
        assertThat(session.tokens()).isEqualTo(untouched.tokens());
    }

    @Test
    void anAnswerFitsTheRestOfTheContextAndNoMore() {
        session.read(tokens(77), Progress.NONE, new Cancellation());
        assertThat(session.length()).isEqualTo(model.context() - 1);
        Answer two = session.generate(SAMPLED, TokenListener.NONE, new Cancellation());
        assertThat(two.tokens()).hasSize(2);
        Answer one = session.generate(SAMPLED, TokenListener.NONE, new Cancellation());
        assertThat(one.tokens()).hasSize(1);
        assertThat(session.length()).isEqualTo(model.context());
    }
}
