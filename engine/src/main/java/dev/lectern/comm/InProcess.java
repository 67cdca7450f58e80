package dev.lectern.comm;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Ranks that are threads of this process. A message is copied once, from the sender's memory into the receiver's, by whichever of the two
 * comes second.
 */
public final class InProcess {
    private static final String FREED =
            "A segment was freed while a message with it was under way from rank %d to rank %d";

    /** How often a waiting thread looks whether it shall stop. */
    private static final long LOOK_MILLIS = 50;

    /** Guards everything below, and all inboxes and requests, but not the bytes of messages. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Rank[] ranks;

    /** What the ranks see: the caller's request to stop, and the first failure. */
    private final Cancellation cancellation = new Cancellation();

    private @Nullable Throwable failure;
    private int failedRank;

    private InProcess(int hosts) {
        ranks = new Rank[hosts];
        for (int i = 0; i < hosts; i++) {
            ranks[i] = new Rank(this, i);
        }
    }

    /**
     * Runs the same work as so many ranks, each a thread, and waits for all of them.
     *
     * @param hosts how many ranks, at least 1
     * @param cancellation ends the ranks when it is set; what they look at themselves is {@link Communicator#cancellation}
     * @return what each rank returned, in the order of ranks
     * @throws LecternException of kind {@code CANCELLED} if the stop was asked for, by {@code cancellation} or by an interrupt
     * @throws RuntimeException or an Error: the first that a rank threw or aborted with, after all have ended
     */
    public static <T> List<T> run(int hosts, Cancellation cancellation, RankWork<T> work) {
        if (hosts < 1) {
            throw new IllegalArgumentException(hosts + " ranks: at least 1 is needed");
        }
        InProcess world = new InProcess(hosts);
        @Nullable Object[] results = new Object[hosts];
        Thread[] threads = new Thread[hosts];
        for (int i = 0; i < hosts; i++) {
            int rank = i;
            threads[i] = Thread.ofPlatform()
                    .name("lectern-rank-" + i)
                    .daemon(true)
                    .start(() -> results[rank] = world.work(rank, work));
        }
        world.awaitAll(threads, cancellation);
        world.throwFailure();
        @SuppressWarnings("unchecked")
        List<T> all = (List<T>) Arrays.asList(results);
        return all;
    }

    private <T> @Nullable T work(int rank, RankWork<T> work) {
        try {
            T result = work.run(ranks[rank]);
            ranks[rank].checkAllAwaited();
            return result;
        } catch (RuntimeException | Error thrown) {
            fail(rank, thrown);
            return null;
        } finally {
            end(rank);
        }
    }

    private void awaitAll(Thread[] threads, Cancellation asked) {
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                if (asked.isCancelled() || interrupted) {
                    cancellation.cancel();
                }
                try {
                    thread.join(LOOK_MILLIS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void throwFailure() {
        Throwable first = failure;
        if (first instanceof Error error) {
            throw error;
        }
        if (first instanceof RuntimeException exception) {
            throw exception;
        }
    }

    /** Ends the job; the first to come says why. */
    private void fail(int rank, Throwable cause) {
        lock.lock();
        try {
            if (failure == null) {
                failure = cause;
                failedRank = rank;
            }
            cancellation.cancel();
            wakeAll();
        } finally {
            lock.unlock();
        }
    }

    private void end(int rank) {
        lock.lock();
        try {
            ranks[rank].ended = true;
            wakeAll();
        } finally {
            lock.unlock();
        }
    }

    private void wakeAll() {
        for (Rank rank : ranks) {
            rank.changed.signalAll();
        }
    }

    /** Throws if the job has ended; with the lock. */
    private void check() {
        Throwable first = failure;
        if (first != null) {
            throw new LecternException(
                    Kind.LOST_HOST,
                    "Rank " + failedRank + " of " + ranks.length + " failed: "
                            + Objects.requireNonNullElse(first.getMessage(), first.toString()),
                    first);
        }
        cancellation.check();
    }

    /** A message that one side has asked for; with the lock, but for the segment's bytes. */
    private static final class Message implements Request {
        private final Rank owner;
        private final MemorySegment segment;
        private final int peer;
        private final int tag;
        private boolean done;

        Message(Rank owner, MemorySegment segment, int peer, int tag) {
            this.owner = owner;
            this.segment = segment;
            this.peer = peer;
            this.tag = tag;
        }

        @Override
        public void await() {
            owner.await(this);
        }
    }

    private static final class Rank extends MessageCommunicator {
        private final InProcess world;
        private final Condition changed;

        /** What others have sent to this rank, and this rank has not asked for. */
        private final Deque<Message> sent = new ArrayDeque<>();

        /** What this rank has asked for, and nobody has sent. */
        private final Deque<Message> wanted = new ArrayDeque<>();

        private boolean ended;

        Rank(InProcess world, int rank) {
            super(rank, world.ranks.length, world.cancellation);
            this.world = world;
            changed = world.lock.newCondition();
        }

        @Override
        public int ranksHere() {
            return size();
        }

        @Override
        protected Request startSend(MemorySegment data, int to, int tag) {
            Message message = new Message(this, data, to, tag);
            Rank receiver = world.ranks[to];
            Message receive = match(message, receiver.wanted, receiver.sent);
            if (receive != null) {
                deliver(message, receive);
            }
            return message;
        }

        @Override
        protected Request startReceive(MemorySegment into, int from, int tag) {
            Message message = new Message(this, into, from, tag);
            Message send = match(message, sent, wanted);
            if (send != null) {
                deliver(send, message);
            }
            return message;
        }

        /** Takes the first counterpart out of those that wait for one, or puts the message where its counterpart will look. */
        private @Nullable Message match(Message message, Deque<Message> counterparts, Deque<Message> waiting) {
            world.lock.lock();
            try {
                world.check();
                for (Iterator<Message> each = counterparts.iterator(); each.hasNext(); ) {
                    Message other = each.next();
                    if (other.owner.rank() == message.peer && other.peer == rank() && other.tag == message.tag) {
                        each.remove();
                        return other;
                    }
                }
                waiting.add(message);
                return null;
            } finally {
                world.lock.unlock();
            }
        }

        private void deliver(Message send, Message receive) {
            if (send.segment.byteSize() != receive.segment.byteSize()) {
                throw abort(new LecternException(
                        Kind.INTERNAL,
                        "Rank " + send.peer + " expects " + receive.segment.byteSize() + " bytes from rank "
                                + receive.peer + " with tag " + send.tag + ", which sent " + send.segment.byteSize()));
            }
            try {
                receive.segment.copyFrom(send.segment);
            } catch (IllegalStateException freed) {
                throw abort(new LecternException(Kind.INTERNAL, FREED.formatted(receive.peer, send.peer), freed));
            }
            world.lock.lock();
            try {
                send.done = true;
                receive.done = true;
                send.owner.changed.signalAll();
                receive.owner.changed.signalAll();
            } finally {
                world.lock.unlock();
            }
        }

        private void await(Message message) {
            long began = System.nanoTime();
            world.lock.lock();
            try {
                while (!message.done) {
                    world.check();
                    long waited = System.nanoTime() - began;
                    if (waited > patienceNanos()) {
                        throw abort(new LecternException(
                                Kind.LOST_HOST,
                                "Rank " + rank() + " waited " + TimeUnit.NANOSECONDS.toSeconds(waited) + " s for rank "
                                        + message.peer));
                    }
                    if (world.ranks[message.peer].ended) {
                        throw abort(new LecternException(
                                Kind.INTERNAL,
                                "Rank " + message.peer + " ended, while rank " + rank() + " waited for it"));
                    }
                    long unused = changed.awaitNanos(TimeUnit.MILLISECONDS.toNanos(LOOK_MILLIS));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw abort(new LecternException(Kind.CANCELLED, "Rank " + rank() + " was interrupted.", e));
            } finally {
                world.lock.unlock();
            }
        }

        @Override
        public LecternException abort(LecternException reason) {
            world.fail(rank(), reason);
            throw reason;
        }
    }
}
