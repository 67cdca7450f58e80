package dev.lectern.mpi;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import dev.lectern.comm.MessageCommunicator;
import dev.lectern.comm.Request;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The ranks of an MPI job. Nothing here calls a function of MPI that waits: such a call burns a core, cannot be stopped and knows no deadline. Messages
 * begin at once and are asked after, more and more seldom, until they are through.
 *
 * <p>MPI moves a long message only while somebody calls it. So a second thread asks after the messages that are under way while the ranks
 * compute. A lock lets one thread at a time call MPI (MPI_THREAD_SERIALIZED).
 */
final class MpiCommunicator extends MessageCommunicator {
    /** A message's length is an int for MPI; longer ones are sent in pieces of this length. */
    static final long PIECE_BYTES = 1 << 30;

    // Whoever waits asks without a pause for as long as a short message takes, gives the core away for as long as one
    // of
    // a megabyte takes, then sleeps. A thread that sleeps 50 µs between two questions burns a tenth of a core or two,
    // one
    // that sleeps a millisecond 4 hundredths; but a message that is arriving comes no faster than it is asked after, so
    // that the short sleeps go on for as long as one of its length takes over a slow network.
    private static final int SPINS = 200;
    private static final long YIELD_NANOS = 500_000;
    private static final long SHORT_SLEEP_NANOS = 50_000;
    private static final long SHORT_SLEEPS_NANOS = 500_000_000;
    private static final long SLOW_NANOS_PER_BYTE = 10;
    private static final long LONG_SLEEP_NANOS = 1_000_000;

    /** How often messages are asked after while the rank computes. */
    private static final long PROGRESS_NANOS = 250_000;

    /** How often it is looked whether there are any. */
    private static final long IDLE_NANOS = 2_000_000;

    private static final int ABORT_SECONDS = 5;
    private static final int FINISH_SECONDS = 60;

    private final MpiLibrary mpi;
    private final long pieceBytes;
    private final int ranksHere;

    /** Held during every call of MPI; guards the fields below. */
    private final ReentrantLock lock = new ReentrantLock();

    private final List<Message> underWay = new ArrayList<>();

    /** Memory for MPI's handles of messages. */
    private final Deque<MemorySegment> handles = new ArrayDeque<>();

    /** What the other thread met, for the rank to throw. */
    private @Nullable LecternException failure;

    private volatile boolean waiting;
    private volatile boolean ended;
    private final Thread progress =
            Thread.ofPlatform().name("lectern-mpi-progress").daemon(true).unstarted(this::progress);

    MpiCommunicator(MpiLibrary mpi, Cancellation cancellation, long pieceBytes, int ranksHere) {
        super(mpi.rank(), mpi.size(), cancellation);
        this.mpi = mpi;
        this.ranksHere = ranksHere;
        this.pieceBytes = pieceBytes;
        progress.start();
    }

    /** A piece of a message that MPI has not reported as through. */
    private record Piece(MemorySegment segment, MemorySegment handle) {}

    private final class Message implements Request {
        private final boolean received;
        private final MemorySegment segment;
        private final int peer;
        private final int tag;

        /** Holds the segments too, so that no collector frees what MPI still reads or writes. */
        private final Deque<Piece> pieces = new ArrayDeque<>();

        Message(boolean received, MemorySegment segment, int peer, int tag) {
            this.received = received;
            this.segment = segment;
            this.peer = peer;
            this.tag = tag;
        }

        @Override
        public void await() {
            MpiCommunicator.this.await(this);
        }
    }

    @Override
    public int ranksHere() {
        return ranksHere;
    }

    @Override
    protected Request startSend(MemorySegment data, int to, int tag) {
        return start(new Message(false, data, to, tag));
    }

    @Override
    protected Request startReceive(MemorySegment into, int from, int tag) {
        return start(new Message(true, into, from, tag));
    }

    private Message start(Message message) {
        lock.lock();
        try {
            check();
            underWay.add(message);
            long bytes = message.segment.byteSize();
            long offset = 0;
            do {
                MemorySegment part = message.segment.asSlice(offset, Math.min(pieceBytes, bytes - offset));
                MemorySegment handle = handles.isEmpty() ? Arena.global().allocate(8, 8) : handles.pop();
                if (message.received) {
                    mpi.irecv(part, message.peer, message.tag, handle);
                } else {
                    mpi.isend(part, message.peer, message.tag, handle);
                }
                message.pieces.add(new Piece(part, handle));
                offset += part.byteSize();
            } while (offset < bytes);
            return message;
        } finally {
            lock.unlock();
        }
    }

    /** Throws if the rank shall stop, or if MPI would touch memory that has been freed; before every call of MPI. */
    private void check() {
        if (failure != null) {
            throw failure;
        }
        cancellation().check();
        for (Message message : underWay) {
            if (!message.segment.scope().isAlive()) {
                throw new LecternException(
                        Kind.INTERNAL,
                        "A segment was freed while a message with it was under way "
                                + (message.received ? "from rank " : "to rank ") + message.peer);
            }
        }
    }

    private void await(Message message) {
        waiting = true;
        try {
            long began = System.nanoTime();
            for (int asked = 0; !isThrough(message); asked++) {
                long waited = System.nanoTime() - began;
                if (waited > patienceNanos()) {
                    throw new LecternException(
                            Kind.LOST_HOST,
                            "waited " + TimeUnit.NANOSECONDS.toSeconds(waited) + " s for rank " + message.peer
                                    + ". It has probably vanished, or works longer than it is waited for");
                }
                if (Thread.currentThread().isInterrupted()) {
                    throw new LecternException(Kind.CANCELLED, "Rank " + rank() + " was interrupted.");
                }
                pause(asked, waited, message.segment.byteSize());
            }
        } finally {
            waiting = false;
        }
    }

    private static void pause(int asked, long waited, long bytes) {
        if (asked < SPINS) {
            Thread.onSpinWait();
        } else if (waited < YIELD_NANOS) {
            Thread.yield();
        } else {
            boolean maybeArriving = waited < SHORT_SLEEPS_NANOS + bytes * SLOW_NANOS_PER_BYTE;
            LockSupport.parkNanos(maybeArriving ? SHORT_SLEEP_NANOS : LONG_SLEEP_NANOS);
        }
    }

    private boolean isThrough(Message message) {
        lock.lock();
        try {
            if (!message.pieces.isEmpty()) {
                check();
                ask(message);
            }
            return message.pieces.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** Asks MPI after the pieces of a message; with the lock. */
    private void ask(Message message) {
        while (true) {
            Piece piece = message.pieces.peek();
            if (piece == null) {
                underWay.remove(message);
                return;
            }
            boolean through;
            try {
                through = mpi.test(piece.handle());
            } catch (MpiLibrary.TooLongException e) {
                throw wrongLength(message, "more", e);
            }
            if (!through) {
                return;
            }
            if (message.received && mpi.received() != piece.segment().byteSize()) {
                throw wrongLength(message, Long.toString(mpi.received()), null);
            }
            message.pieces.remove();
            handles.push(piece.handle());
        }
    }

    private LecternException wrongLength(Message message, String sent, @Nullable Throwable cause) {
        return new LecternException(
                Kind.INTERNAL,
                "Rank " + rank() + " expects " + message.segment.byteSize() + " bytes from rank " + message.peer
                        + " with tag " + message.tag + ", which sent " + sent,
                cause);
    }

    private void progress() {
        while (!ended) {
            boolean idle = true;
            if (!waiting && lock.tryLock()) {
                try {
                    idle = ended || underWay.isEmpty();
                    if (!idle) {
                        check();
                        ask(underWay.getFirst());
                    }
                } catch (LecternException e) {
                    failure = e;
                    return;
                } finally {
                    lock.unlock();
                }
            }
            LockSupport.parkNanos(idle ? IDLE_NANOS : PROGRESS_NANOS);
        }
    }

    /** Ends MPI after all ranks have done their work; on the thread that began it. */
    void finish() {
        checkAllAwaited();
        barrier();
        ended = true;
        lock.lock();
        try (var _ = new LastResort(FINISH_SECONDS, 1, "MPI did not come to an end within " + FINISH_SECONDS + " s")) {
            mpi.finish();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public LecternException abort(LecternException reason) {
        throw end(reason, reason.kind().exitCode());
    }

    /** Says why, and ends the processes of all ranks. */
    Error end(Throwable reason, int exitCode) {
        String sentence = reason instanceof LecternException ? reason.getMessage() : stackTrace(reason);
        System.out.flush();
        System.err.println("lectern: rank " + rank() + " of " + size() + ": " + sentence);
        System.err.flush();
        try (var _ = new LastResort(ABORT_SECONDS, exitCode, "the other ranks may not have heard of it")) {
            // Another thread holds it for the microseconds of a question, unless it hangs.
            Thread.interrupted(); // which would end the wait below at once
            boolean alone = lock.tryLock(1, TimeUnit.SECONDS);
            if (alone) {
                mpi.abort(exitCode);
            }
        } catch (InterruptedException | LecternException e) {
            System.err.println("lectern: the other ranks may not have heard of it: " + e);
        }
        Runtime.getRuntime().halt(exitCode);
        return new AssertionError("a process that was halted", reason);
    }

    private static String stackTrace(Throwable thrown) {
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString();
    }
}
