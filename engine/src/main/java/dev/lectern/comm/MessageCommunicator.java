package dev.lectern.comm;

import dev.lectern.Cancellation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/**
 * A communicator for which an implementation only moves single messages. The collective operations are made of those, so that
 * they move the same bytes everywhere, may be longer than a library's counts, and wait as any other message does.
 *
 * <p>Gathers and exchanges send every part directly from the rank that has it to the one that needs it, all at once: with the few ranks that read
 * a text no byte passes a link twice. A broadcast goes along a binomial tree, a barrier by dissemination (Hensgen, Finkel and Manber,
 * "Two algorithms for barrier synchronization", 1988): log₂ size rounds, in which every rank tells one that is 1, 2, 4 … after it.
 */
public abstract class MessageCommunicator implements Communicator {
    /** Above every caller's tag, and below 32 767, to which MPI libraries may limit tags. */
    private static final int BROADCAST = MAX_TAG + 1;

    private static final int ALL_GATHER = MAX_TAG + 2;
    private static final int PREFIX_GATHER = MAX_TAG + 3;
    private static final int ALL_TO_ALL = MAX_TAG + 4;
    private static final int BARRIER = MAX_TAG + 5;

    private static final MemorySegment NOTHING = Arena.global().allocate(0);

    /** For the question whether a segment can be read by other threads than the present one. */
    private static final Thread ANOTHER = Thread.ofPlatform().unstarted(() -> {});

    private final int rank;
    private final int size;
    private final Cancellation cancellation;
    private long patienceNanos = Duration.ofMinutes(10).toNanos();
    private long bytesReceived;
    private long messagesSent;

    /** Messages that were not awaited. */
    private int underWay;

    protected MessageCommunicator(int rank, int size, Cancellation cancellation) {
        if (size < 1 || rank < 0 || rank >= size) {
            throw new IllegalArgumentException("rank " + rank + " of " + size);
        }
        this.rank = rank;
        this.size = size;
        this.cancellation = cancellation;
    }

    /** Begins to send a segment that has been checked. */
    protected abstract Request startSend(MemorySegment data, int to, int tag);

    /** Begins to receive into a segment that has been checked. */
    protected abstract Request startReceive(MemorySegment into, int from, int tag);

    /** How long a single wait may last. */
    protected final long patienceNanos() {
        return patienceNanos;
    }

    @Override
    public final int rank() {
        return rank;
    }

    @Override
    public final int size() {
        return size;
    }

    @Override
    public final Cancellation cancellation() {
        return cancellation;
    }

    @Override
    public final void patience(Duration longest) {
        if (longest.isNegative() || longest.isZero()) {
            throw new IllegalArgumentException("a patience of " + longest + ": it has to be longer than nothing");
        }
        // Duration.toNanos ends at 292 years.
        patienceNanos = longest.compareTo(Duration.ofDays(36_500)) > 0 ? Long.MAX_VALUE : longest.toNanos();
    }

    @Override
    public final long bytesReceived() {
        return bytesReceived;
    }

    @Override
    public final long messagesSent() {
        return messagesSent;
    }

    @Override
    public final Request isend(MemorySegment data, int to, int tag) {
        return send(data, to, checkTag(tag));
    }

    @Override
    public final Request irecv(MemorySegment into, int from, int tag) {
        return receive(into, from, checkTag(tag));
    }

    @Override
    public final void sendRecv(MemorySegment data, int to, MemorySegment into, int from, int tag) {
        sendAndReceive(data, to, into, from, checkTag(tag));
    }

    @Override
    public final void broadcast(MemorySegment data, int root) {
        checkRank(root);
        check(data);
        if (data.byteSize() == 0) {
            return;
        }
        // Ranks counted from the root: each gets the data from the one without its highest bit, and passes it to those
        // with one higher bit.
        int counted = Math.floorMod(rank - root, size);
        int bit = Integer.highestOneBit(counted);
        if (counted > 0) {
            receive(data, Math.floorMod(counted - bit + root, size), BROADCAST).await();
        }
        List<Request> sends = new ArrayList<>();
        for (long next = counted == 0 ? 1 : 2L * bit; counted + next < size; next *= 2) {
            sends.add(send(data, (int) Math.floorMod(counted + next + root, (long) size), BROADCAST));
        }
        sends.forEach(Request::await);
    }

    @Override
    public final void allGather(MemorySegment mine, MemorySegment all) {
        long[] bytes = new long[size];
        Arrays.fill(bytes, mine.byteSize());
        allGather(mine, all, bytes);
    }

    @Override
    public final void allGather(MemorySegment mine, MemorySegment all, long[] bytes) {
        checkPart(mine, bytes);
        List<MemorySegment> parts = parts(all, bytes);
        exchange(ALL_GATHER, to -> mine, parts::get);
    }

    @Override
    public final void prefixGather(MemorySegment mine, MemorySegment earlier, long[] bytes) {
        checkPart(mine, bytes);
        List<MemorySegment> parts = parts(earlier, Arrays.copyOf(bytes, rank));
        exchange(PREFIX_GATHER, to -> to > rank ? mine : NOTHING, from -> from < rank ? parts.get(from) : NOTHING);
    }

    @Override
    public final void allToAll(MemorySegment mine, MemorySegment theirs) {
        if (mine.byteSize() % size != 0 || theirs.byteSize() != mine.byteSize()) {
            throw new IllegalArgumentException(mine.byteSize() + " bytes for " + theirs.byteSize() + " between " + size
                    + " ranks: both are as long, and a part for each rank");
        }
        long[] bytes = new long[size];
        Arrays.fill(bytes, mine.byteSize() / size);
        allToAll(mine, bytes, theirs, bytes);
    }

    @Override
    public final void allToAll(MemorySegment mine, long[] toBytes, MemorySegment theirs, long[] fromBytes) {
        checkCount(toBytes);
        checkCount(fromBytes);
        if (toBytes[rank] != fromBytes[rank]) {
            throw new IllegalArgumentException(
                    "rank " + rank + " has " + toBytes[rank] + " bytes for itself and expects " + fromBytes[rank]);
        }
        exchange(ALL_TO_ALL, parts(mine, toBytes)::get, parts(theirs, fromBytes)::get);
    }

    @Override
    public final void barrier() {
        for (long ahead = 1; ahead < size; ahead *= 2) {
            int to = (int) ((rank + ahead) % size);
            int from = (int) Math.floorMod(rank - ahead, (long) size);
            sendAndReceive(NOTHING, to, NOTHING, from, BARRIER);
        }
    }

    /** Sends and receives a part for every other rank, copies this rank's own, and waits for all. Parts of no bytes are not sent. */
    private void exchange(int tag, IntFunction<MemorySegment> to, IntFunction<MemorySegment> from) {
        List<Request> requests = new ArrayList<>(2 * size);
        for (int distance = 1; distance < size; distance++) {
            int other = Math.floorMod(rank - distance, size);
            if (from.apply(other).byteSize() > 0) {
                requests.add(receive(from.apply(other), other, tag));
            }
        }
        // Each begins with the next rank, so that not all send to rank 0 first.
        for (int distance = 1; distance < size; distance++) {
            int other = (int) (((long) rank + distance) % size);
            if (to.apply(other).byteSize() > 0) {
                requests.add(send(to.apply(other), other, tag));
            }
        }
        from.apply(rank).copyFrom(to.apply(rank));
        requests.forEach(Request::await);
    }

    private void sendAndReceive(MemorySegment data, int to, MemorySegment into, int from, int tag) {
        Request received = receive(into, from, tag);
        Request sent = send(data, to, tag);
        sent.await();
        received.await();
    }

    private Request send(MemorySegment data, int to, int tag) {
        checkRank(to);
        check(data);
        Request request = new Counted(startSend(data, to, tag));
        messagesSent++;
        return request;
    }

    private Request receive(MemorySegment into, int from, int tag) {
        checkRank(from);
        check(into);
        if (into.isReadOnly()) {
            throw new IllegalArgumentException("nothing can be received into a segment that is read-only");
        }
        Request request = new Counted(startReceive(into, from, tag));
        bytesReceived += into.byteSize();
        return request;
    }

    /** Knows whether it was awaited. */
    private final class Counted implements Request {
        private final Request request;
        private boolean awaited;

        Counted(Request request) {
            this.request = request;
            underWay++;
        }

        @Override
        public void await() {
            request.await();
            if (!awaited) {
                awaited = true;
                underWay--;
            }
        }
    }

    /**
     * For the end of a rank's work.
     *
     * @throws IllegalStateException if there are messages that were never awaited
     */
    protected final void checkAllAwaited() {
        if (underWay != 0) {
            throw new IllegalStateException(
                    "rank " + rank + " ended without having awaited " + underWay + " of its messages");
        }
    }

    private static void check(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException(
                    "a message is native memory: the garbage collector moves arrays while they are on their way");
        }
        if (!segment.isAccessibleBy(ANOTHER)) {
            throw new IllegalArgumentException(
                    "a message is memory that any thread may use: take it from Arena.ofShared(), ofAuto() or global()");
        }
    }

    private void checkRank(int other) {
        if (other < 0 || other >= size) {
            throw new IllegalArgumentException("there is no rank " + other + " among " + size);
        }
    }

    private static int checkTag(int tag) {
        if (tag < 0 || tag > MAX_TAG) {
            throw new IllegalArgumentException("a tag of " + tag + ": tags are 0 to " + MAX_TAG);
        }
        return tag;
    }

    private void checkCount(long[] bytes) {
        if (bytes.length != size) {
            throw new IllegalArgumentException(bytes.length + " lengths of parts for " + size + " ranks");
        }
    }

    private void checkPart(MemorySegment mine, long[] bytes) {
        checkCount(bytes);
        check(mine);
        if (bytes[rank] != mine.byteSize()) {
            throw new IllegalArgumentException("the part of rank " + rank + " has " + mine.byteSize()
                    + " bytes, its length is given as " + bytes[rank]);
        }
    }

    /** Cuts a segment into parts of these lengths, which fill it. */
    private static List<MemorySegment> parts(MemorySegment whole, long[] bytes) {
        check(whole);
        List<MemorySegment> parts = new ArrayList<>(bytes.length);
        long offset = 0;
        for (long length : bytes) {
            if (length < 0 || length > whole.byteSize() - offset) {
                throw new IllegalArgumentException(
                        "parts of " + Arrays.toString(bytes) + " bytes do not fit into " + whole.byteSize());
            }
            parts.add(whole.asSlice(offset, length));
            offset += length;
        }
        if (offset != whole.byteSize()) {
            throw new IllegalArgumentException(
                    "parts of " + Arrays.toString(bytes) + " bytes do not fill " + whole.byteSize());
        }
        return parts;
    }
}
