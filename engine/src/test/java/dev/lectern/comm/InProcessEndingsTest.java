package dev.lectern.comm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/** {@link CommunicatorEndings} between threads, and what only threads can do. */
@Timeout(20)
final class InProcessEndingsTest {
    @TestFactory
    Stream<DynamicTest> oneRankEndsAll() {
        return CommunicatorEndings.all().stream()
                .flatMap(ending -> Stream.of(2, 4)
                        .map(hosts -> DynamicTest.dynamicTest(ending.name() + ", " + hosts + " ranks", () -> {
                            AtomicInteger ended = new AtomicInteger();
                            assertThatThrownBy(() -> InProcess.run(hosts, new Cancellation(), communicator -> {
                                        try {
                                            ending.work().accept(communicator);
                                            return 0;
                                        } finally {
                                            ended.incrementAndGet();
                                        }
                                    }))
                                    .hasMessageContaining(ending.sentence())
                                    .satisfies(
                                            thrown -> assertThat(kind(thrown)).isEqualTo(ending.kind()));
                            assertThat(ended).as("ranks that ended").hasValue(hosts);
                        })));
    }

    private static Kind kind(Throwable thrown) {
        return thrown instanceof LecternException told ? told.kind() : Kind.INTERNAL;
    }

    @Test
    void theOthersLearnWhoFailed() {
        AtomicReference<Throwable> other = new AtomicReference<>();
        assertThatThrownBy(() -> InProcess.run(2, new Cancellation(), communicator -> {
                    if (communicator.rank() == 1) {
                        throw new ArithmeticException("seven");
                    }
                    try {
                        communicator.barrier();
                    } catch (LecternException e) {
                        other.set(e);
                        throw e;
                    }
                    return 0;
                }))
                .isInstanceOf(ArithmeticException.class);
        assertThat(other.get()).hasMessage("Rank 1 of 2 failed: seven").hasCauseInstanceOf(ArithmeticException.class);
    }

    @Test
    void ranksThatComputeSeeThatAnotherFailed() {
        assertThatThrownBy(() -> InProcess.run(3, new Cancellation(), communicator -> {
                    if (communicator.rank() == 2) {
                        throw new ArithmeticException("seven");
                    }
                    while (true) {
                        communicator.cancellation().check();
                        Thread.onSpinWait();
                    }
                }))
                .hasMessage("seven");
    }

    @Test
    void aStopThatIsAskedForEndsRanksThatWait() {
        Cancellation cancellation = new Cancellation();
        Thread.ofVirtual().start(() -> {
            CommunicatorLaws.sleep(100);
            cancellation.cancel();
        });
        long began = System.nanoTime();
        assertThatThrownBy(() -> InProcess.run(2, cancellation, communicator -> {
                    communicator
                            .irecv(CommunicatorLaws.memory(1), CommunicatorLaws.next(communicator), 0)
                            .await();
                    return 0;
                }))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CANCELLED));
        assertThat(System.nanoTime() - began).isLessThan(1_100_000_000L);
    }

    @Test
    void anInterruptOfTheCallerEndsTheJob() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> InProcess.run(2, new Cancellation(), communicator -> {
                    communicator
                            .irecv(CommunicatorLaws.memory(1), CommunicatorLaws.next(communicator), 0)
                            .await();
                    return 0;
                }))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CANCELLED));
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void aRankThatReturnsEarlyIsNotWaitedFor() {
        assertThatThrownBy(() -> InProcess.run(2, new Cancellation(), communicator -> {
                    if (communicator.rank() == 0) {
                        communicator.irecv(CommunicatorLaws.memory(1), 1, 0).await();
                    }
                    return 0;
                }))
                .hasMessage("Rank 1 ended, while rank 0 waited for it");
    }

    @Test
    void resultsComeInTheOrderOfRanks() {
        assertThat(InProcess.run(5, new Cancellation(), communicator -> {
                    CommunicatorLaws.sleep(10L * (5 - communicator.rank()));
                    return "rank " + communicator.rank();
                }))
                .containsExactly("rank 0", "rank 1", "rank 2", "rank 3", "rank 4");
        assertThatThrownBy(() -> InProcess.run(0, new Cancellation(), Communicator::rank))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
