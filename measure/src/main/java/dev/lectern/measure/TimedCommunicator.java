package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.comm.Communicator;
import dev.lectern.comm.Request;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Another communicator that also tells how long its rank was in it: copying, and waiting for ranks that have not come as far. It can stand for a slower one, in which every wait for others takes longer by a fixed time. */
final class TimedCommunicator implements Communicator {
    private final Communicator other;
    private final long latency; // nanoseconds
    private long nanos;

    /** @param latency that a wait takes longer; zero for none */
    TimedCommunicator(Communicator other, Duration latency) {
        this.other = other;
        this.latency = latency.toNanos();
    }

    double seconds() {
        return nanos / 1e9;
    }

    private void time(Runnable call) {
        long began = System.nanoTime();
        try {
            call.run();
        } finally {
            nanos += System.nanoTime() - began;
        }
    }

    /** A call that waits for what another rank says. */
    private void await(Runnable call) {
        time(() -> {
            call.run();
            for (long end = System.nanoTime() + latency, left = latency; left > 0; left = end - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
        });
    }

    @Override
    public int rank() {
        return other.rank();
    }

    @Override
    public int size() {
        return other.size();
    }

    @Override
    public int ranksHere() {
        return other.ranksHere();
    }

    @Override
    public Request isend(MemorySegment data, int to, int tag) {
        long began = System.nanoTime();
        Request request = other.isend(data, to, tag);
        nanos += System.nanoTime() - began;
        return () -> time(request::await);
    }

    @Override
    public Request irecv(MemorySegment into, int from, int tag) {
        long began = System.nanoTime();
        Request request = other.irecv(into, from, tag);
        nanos += System.nanoTime() - began;
        return () -> await(request::await);
    }

    @Override
    public void sendRecv(MemorySegment data, int to, MemorySegment into, int from, int tag) {
        await(() -> other.sendRecv(data, to, into, from, tag));
    }

    @Override
    public void broadcast(MemorySegment data, int root) {
        await(() -> other.broadcast(data, root));
    }

    @Override
    public void allGather(MemorySegment mine, MemorySegment all) {
        await(() -> other.allGather(mine, all));
    }

    @Override
    public void allGather(MemorySegment mine, MemorySegment all, long[] bytes) {
        await(() -> other.allGather(mine, all, bytes));
    }

    @Override
    public void prefixGather(MemorySegment mine, MemorySegment earlier, long[] bytes) {
        await(() -> other.prefixGather(mine, earlier, bytes));
    }

    @Override
    public void allToAll(MemorySegment mine, MemorySegment theirs) {
        await(() -> other.allToAll(mine, theirs));
    }

    @Override
    public void allToAll(MemorySegment mine, long[] toBytes, MemorySegment theirs, long[] fromBytes) {
        await(() -> other.allToAll(mine, toBytes, theirs, fromBytes));
    }

    @Override
    public void barrier() {
        await(other::barrier);
    }

    @Override
    public LecternException abort(LecternException reason) {
        return other.abort(reason);
    }

    @Override
    public Cancellation cancellation() {
        return other.cancellation();
    }

    @Override
    public void patience(Duration longest) {
        other.patience(longest);
    }

    @Override
    public long bytesReceived() {
        return other.bytesReceived();
    }

    @Override
    public long messagesSent() {
        return other.messagesSent();
    }
}
