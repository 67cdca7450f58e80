package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.comm.Communicator;
import dev.lectern.comm.Request;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** Another communicator that also tells how long its rank was in it: copying, and waiting for ranks that have not come as far. */
final class TimedCommunicator implements Communicator {
    private final Communicator other;
    private long nanos;

    TimedCommunicator(Communicator other) {
        this.other = other;
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

    private Request timed(Request request) {
        return () -> time(request::await);
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
    public Request isend(MemorySegment data, int to, int tag) {
        long began = System.nanoTime();
        Request request = other.isend(data, to, tag);
        nanos += System.nanoTime() - began;
        return timed(request);
    }

    @Override
    public Request irecv(MemorySegment into, int from, int tag) {
        long began = System.nanoTime();
        Request request = other.irecv(into, from, tag);
        nanos += System.nanoTime() - began;
        return timed(request);
    }

    @Override
    public void sendRecv(MemorySegment data, int to, MemorySegment into, int from, int tag) {
        time(() -> other.sendRecv(data, to, into, from, tag));
    }

    @Override
    public void broadcast(MemorySegment data, int root) {
        time(() -> other.broadcast(data, root));
    }

    @Override
    public void allGather(MemorySegment mine, MemorySegment all) {
        time(() -> other.allGather(mine, all));
    }

    @Override
    public void allGather(MemorySegment mine, MemorySegment all, long[] bytes) {
        time(() -> other.allGather(mine, all, bytes));
    }

    @Override
    public void prefixGather(MemorySegment mine, MemorySegment earlier, long[] bytes) {
        time(() -> other.prefixGather(mine, earlier, bytes));
    }

    @Override
    public void allToAll(MemorySegment mine, MemorySegment theirs) {
        time(() -> other.allToAll(mine, theirs));
    }

    @Override
    public void allToAll(MemorySegment mine, long[] toBytes, MemorySegment theirs, long[] fromBytes) {
        time(() -> other.allToAll(mine, toBytes, theirs, fromBytes));
    }

    @Override
    public void barrier() {
        time(other::barrier);
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
    public long bytesSent() {
        return other.bytesSent();
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
