package dev.lectern.comm;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;

/**
 * What one of several ranks, which work on one text together, says to the others. A rank is a thread of this process or a process, perhaps
 * on another host. Messages are bytes of native memory and arrive as they were sent, so that every implementation gives the same bits; whoever
 * needs a sum gathers its terms and adds them in the order of ranks, because a sum in any other order is another sum.
 *
 * <p>Laws, for every implementation:
 * <ol>
 *   <li>A message is received by the receive of its sender and tag that was asked for first, and messages of one sender and tag in the order in
 *       which they were sent. Its length and the receive's are equal, or the job ends with a sentence.
 *   <li>Collective operations ({@link #broadcast}, the gathers, {@link #allToAll}, {@link #barrier}) are called by all ranks, in the same
 *       order, with lengths that agree.
 *   <li>A segment is native and not confined to a thread. It belongs to the message until that has been {@linkplain Request#await awaited}: what is
 *       sent is not written, what is received is not looked at, and neither is freed. A segment that is freed earlier ends the job,
 *       and so does a rank whose work ends before it has awaited all.
 *   <li>Every wait gives the processor away, ends within a second when the {@link #cancellation} asks, and lasts no longer than
 *       {@linkplain #patience allowed}.
 *   <li>A rank that fails ends the job: all others end at their next call here, or while they wait in one, and their {@link #cancellation} is
 *       set where they share the process. Whoever started the job learns of the first cause.
 *   <li>A communicator is used by one thread at a time.
 * </ol>
 *
 * <p>Every method throws {@link LecternException} of kind {@code CANCELLED} or {@code LOST_HOST} when the job ends as above, and
 * {@link IllegalArgumentException} for a rank, tag, segment or length that cannot be.
 */
public interface Communicator {
    /** Tags of messages are 0 … this one. */
    int MAX_TAG = 32_000;

    /** Which of the ranks this is: 0 … size − 1. */
    int rank();

    /** How many ranks there are; at least 1. */
    int size();

    /** How many of them share the memory of this machine, this one included. */
    int ranksHere();

    /**
     * Begins to send, and does not wait for the receiver. Any number of messages may be under way, to this rank itself too.
     *
     * @param data what is sent, 0 bytes or more
     * @param tag which kind of message, 0 … {@value #MAX_TAG}
     */
    Request isend(MemorySegment data, int to, int tag);

    /**
     * Begins to receive one message.
     *
     * @param into as long as the message, and writable
     */
    Request irecv(MemorySegment into, int from, int tag);

    /** Sends to one rank and receives from another (or the same) at once, and waits for both. The segments do not overlap. */
    void sendRecv(MemorySegment data, int to, MemorySegment into, int from, int tag);

    /**
     * Gives all ranks what {@code root} has.
     *
     * @param data read at the root, written elsewhere; as long everywhere
     */
    void broadcast(MemorySegment data, int root);

    /**
     * The same for a few numbers.
     *
     * @param numbers as many everywhere
     * @return those that {@code root} has
     */
    default int[] broadcast(int[] numbers, int root) {
        MemorySegment message = Arena.ofAuto().allocate((long) Integer.BYTES * numbers.length, Integer.BYTES);
        message.copyFrom(MemorySegment.ofArray(numbers));
        broadcast(message, root);
        return message.toArray(ValueLayout.JAVA_INT);
    }

    /**
     * Gives every rank the parts of all, in the order of ranks.
     *
     * @param mine this rank's part, as long as every other's; may be its place in {@code all}
     * @param all size × the length of a part
     */
    void allGather(MemorySegment mine, MemorySegment all);

    /**
     * The same for parts of different lengths.
     *
     * @param bytes the length of each rank's part; the same numbers at all ranks
     */
    void allGather(MemorySegment mine, MemorySegment all, long[] bytes);

    /**
     * Gives every rank the parts of those before it, in the order of ranks: rank 0 nothing, the last rank all but its own.
     *
     * @param mine this rank's part; the last rank's is not sent
     * @param earlier as long as the parts of the ranks before this one
     * @param bytes the length of each rank's part; the same numbers at all ranks
     */
    void prefixGather(MemorySegment mine, MemorySegment earlier, long[] bytes);

    /**
     * Gives each rank another part of what this one has.
     *
     * @param mine size parts of one length, for the ranks in their order
     * @param theirs as long as {@code mine}: the parts that the ranks have for this one, in their order
     */
    void allToAll(MemorySegment mine, MemorySegment theirs);

    /**
     * The same for parts of different lengths.
     *
     * @param toBytes the length of the part for each rank
     * @param fromBytes the length of the part from each rank: what its {@code toBytes} says for this one
     */
    void allToAll(MemorySegment mine, long[] toBytes, MemorySegment theirs, long[] fromBytes);

    /** Waits until all ranks are here. */
    void barrier();

    /**
     * Ends the job at all ranks.
     *
     * @param reason why: what whoever started the job is told, and with which exit code the job ends where it is several processes
     * @return never; declared so that {@code throw communicator.abort(...)} tells the compiler
     */
    LecternException abort(LecternException reason);

    /** What work of this rank looks at between calls here: set when whoever started the job asks for the stop, or when another rank failed. */
    Cancellation cancellation();

    /**
     * How long a single wait may last; 10 minutes at first. A wait that is longer ends the job: the rank that is waited for has probably
     * vanished in a way that nothing else notices. Ranks that wait for the next question have all the time: {@code ChronoUnit.FOREVER.getDuration()}.
     */
    void patience(Duration longest);

    /** How many bytes this rank began to receive so far. Collective operations count the messages that they are made of. */
    long bytesReceived();

    /** How many messages this rank began to send so far. */
    long messagesSent();
}
