package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class WorkersTest {
    private static final Cancellation NONE = new Cancellation();

    @Test
    void everyTaskRunsOnceAndItsResultIsSeenAfterTheLoop() {
        long seed = 42;
        var random = new Random(seed);
        for (int threads : new int[] {1, 2, 3, 5}) {
            try (var workers = new Workers(threads)) {
                int[] plain = new int[40];
                int[] expected = new int[40];
                for (int loop = 0; loop < 4000; loop++) {
                    int tasks = random.nextInt(plain.length + 1);
                    for (int i = 0; i < tasks; i++) {
                        expected[i] = expected[i] * 31 + loop;
                    }
                    int number = loop;
                    workers.run(tasks, NONE, (index, worker) -> plain[index] = plain[index] * 31 + number);
                    assertThat(plain)
                            .as("seed %d, %d threads, loop %d", seed, threads, loop)
                            .isEqualTo(expected);
                    if (loop % 1000 == 0) {
                        LockSupport.parkNanos(2_000_000); // long enough for the crew to fall asleep
                    }
                }
            }
        }
    }

    @Test
    void eachThreadHasItsOwnNumber() {
        try (var workers = new Workers(3)) {
            var inside = new AtomicIntegerArray(3);
            var all = new CountDownLatch(3);
            workers.run(3, NONE, (index, worker) -> {
                assertThat(inside.incrementAndGet(worker)).isEqualTo(1);
                all.countDown();
                await(all);
                inside.decrementAndGet(worker);
            });
            assertThat(all.getCount()).isZero();
            assertThat(workers.threads()).isEqualTo(3);
        }
    }

    @Test
    void theFirstExceptionOfATaskIsThrownAfterTheOthersHaveEnded() {
        try (var workers = new Workers(2)) {
            for (int round = 0; round < 200; round++) {
                var running = new AtomicInteger();
                assertThatThrownBy(() -> workers.run(50, NONE, (index, worker) -> {
                            running.incrementAndGet();
                            try {
                                if (index == 3) {
                                    throw new ArithmeticException("task three");
                                }
                            } finally {
                                running.decrementAndGet();
                            }
                        }))
                        .isInstanceOf(ArithmeticException.class)
                        .hasMessage("task three");
                assertThat(running).hasValue(0);
            }
            assertThatThrownBy(() -> workers.run(2, NONE, (index, worker) -> {
                        throw new StackOverflowError();
                    }))
                    .isInstanceOf(StackOverflowError.class);
            var done = new AtomicInteger();
            workers.run(10, NONE, (index, worker) -> done.incrementAndGet());
            assertThat(done).hasValue(10);
        }
    }

    @Test
    void afterACancellationNoFurtherTaskStarts() {
        for (int threads = 1; threads <= 2; threads++) {
            try (var workers = new Workers(threads)) {
                var cancellation = new Cancellation();
                var started = new AtomicInteger();
                assertThatThrownBy(() -> workers.run(1000, cancellation, (index, worker) -> {
                            started.incrementAndGet();
                            cancellation.cancel();
                        }))
                        .isInstanceOfSatisfying(
                                LecternException.class,
                                e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
                assertThat(started.get()).isBetween(1, threads);
            }
        }
    }

    @Test
    void aTaskCannotShareALoopWithTheWorkersThatRunIt() {
        try (var workers = new Workers(2)) {
            var both = new CountDownLatch(2);
            workers.run(2, NONE, (index, worker) -> {
                assertThatIllegalStateException().isThrownBy(() -> workers.run(1, NONE, (i, w) -> {}));
                assertThatIllegalStateException().isThrownBy(workers::close);
                both.countDown();
                await(both);
            });
        }
    }

    @Test
    void loopsOfSeveralCallersTakeTurns() throws InterruptedException {
        try (var workers = new Workers(2)) {
            var inside = new AtomicInteger();
            var total = new AtomicInteger();
            List<Thread> callers = new ArrayList<>();
            for (int c = 0; c < 4; c++) {
                callers.add(Thread.ofPlatform().start(() -> {
                    for (int loop = 0; loop < 300; loop++) {
                        workers.run(3, NONE, (index, worker) -> {
                            assertThat(inside.incrementAndGet()).isLessThanOrEqualTo(2);
                            total.incrementAndGet();
                            inside.decrementAndGet();
                        });
                    }
                }));
            }
            for (Thread caller : callers) {
                caller.join();
            }
            assertThat(total).hasValue(4 * 300 * 3);
        }
    }

    @Test
    void anInterruptedCallerStillGetsItsLoopAndKeepsTheInterrupt() {
        try (var workers = new Workers(2)) {
            var slow = new CountDownLatch(2);
            Thread.currentThread().interrupt();
            workers.run(2, NONE, (index, worker) -> {
                slow.countDown();
                if (worker == 1) {
                    LockSupport.parkNanos(3_000_000);
                }
            });
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void closingEndsTheThreadsAndClosingTwiceIsHarmless() {
        List<Thread> seen = new ArrayList<>();
        var workers = new Workers(3);
        var all = new CountDownLatch(3);
        workers.run(3, NONE, (index, worker) -> {
            synchronized (seen) {
                seen.add(Thread.currentThread());
            }
            all.countDown();
            await(all);
        });
        workers.close();
        workers.close();
        seen.remove(Thread.currentThread());
        assertThat(seen).hasSize(2).allMatch(Thread::isDaemon).noneMatch(Thread::isAlive);
        assertThatIllegalStateException().isThrownBy(() -> workers.run(1, NONE, (index, worker) -> {}));
    }

    @Test
    void aCrewNeedsAtLeastOneThread() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Workers(0));
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(Duration.ofSeconds(30).toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS))
                    .isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
