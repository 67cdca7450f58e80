package dev.lectern.comm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.IntToLongFunction;

/**
 * What every {@link Communicator} has to do, whatever moves its bytes: each law is run by all ranks of a job. {@code InProcessContractTest} runs them in
 * threads; {@link #main} runs them as the rank that a launcher made of this process.
 */
final class CommunicatorLaws {
    /** Nothing, one byte, odd lengths, and more than a library sends before the receiver asks. */
    private static final int[] LENGTHS = {0, 1, 7, 64, 4_097, 300_001};

    private CommunicatorLaws() {}

    /** The laws by name, in the order in which all ranks keep them. */
    static Map<String, Consumer<Communicator>> all() {
        Map<String, Consumer<Communicator>> laws = new LinkedHashMap<>();
        laws.put("ranksAreCountedFromZero", CommunicatorLaws::ranksAreCountedFromZero);
        laws.put("messagesOfEveryLengthArrive", CommunicatorLaws::messagesOfEveryLengthArrive);
        laws.put("messagesOfOneTagKeepTheirOrder", CommunicatorLaws::messagesOfOneTagKeepTheirOrder);
        laws.put("tagsAreReceivedInAnyOrder", CommunicatorLaws::tagsAreReceivedInAnyOrder);
        laws.put("severalMessagesAreUnderWay", CommunicatorLaws::severalMessagesAreUnderWay);
        laws.put("sendRecvTurnsARing", CommunicatorLaws::sendRecvTurnsARing);
        laws.put("longMessagesArrive", CommunicatorLaws::longMessagesArrive);
        laws.put("messagesMoveWhileRanksCompute", CommunicatorLaws::messagesMoveWhileRanksCompute);
        laws.put("broadcastGivesWhatTheRootHas", CommunicatorLaws::broadcastGivesWhatTheRootHas);
        laws.put("allGatherGivesAllParts", CommunicatorLaws::allGatherGivesAllParts);
        laws.put("allGatherTakesPartsOfAnyLength", CommunicatorLaws::allGatherTakesPartsOfAnyLength);
        laws.put("prefixGatherGivesEarlierParts", CommunicatorLaws::prefixGatherGivesEarlierParts);
        laws.put("allToAllExchangesParts", CommunicatorLaws::allToAllExchangesParts);
        laws.put("allToAllTakesPartsOfAnyLength", CommunicatorLaws::allToAllTakesPartsOfAnyLength);
        laws.put("nobodyLeavesABarrierEarly", CommunicatorLaws::nobodyLeavesABarrierEarly);
        laws.put("sumsAreTheSameBitsEverywhere", CommunicatorLaws::sumsAreTheSameBitsEverywhere);
        laws.put("bytesAndMessagesAreCounted", CommunicatorLaws::bytesAndMessagesAreCounted);
        laws.put("whatCannotBeIsRefused", CommunicatorLaws::whatCannotBeIsRefused);
        laws.put("operationsInAnyOrderDoWhatLoopsDo", CommunicatorLaws::operationsInAnyOrderDoWhatLoopsDo);
        laws.put("theJvmKeepsItsSignals", CommunicatorLaws::theJvmKeepsItsSignals);
        return laws;
    }

    /** Keeps all laws as one rank of a launcher's job, and says so on standard output. */
    public static void main(String[] arguments) {
        Launcher launcher = Hosts.launcher().orElseThrow(() -> new AssertionError("no launcher started this process"));
        Cancellation cancellation = new Cancellation();
        String said = launcher.run(cancellation, communicator -> {
            assertThat(communicator.size()).isEqualTo(Integer.parseInt(arguments[0]));
            assertThat(communicator.cancellation()).isSameAs(cancellation);
            all().forEach((name, law) -> {
                try {
                    law.accept(communicator);
                } catch (AssertionError failed) {
                    throw new AssertionError(name + ": " + failed.getMessage(), failed);
                }
            });
            return "rank " + communicator.rank() + " of " + communicator.size() + " kept " + all().size() + " laws";
        });
        System.out.println(said);
    }

    private static void ranksAreCountedFromZero(Communicator communicator) {
        assertThat(communicator.rank()).isBetween(0, communicator.size() - 1);
        // Tests run on one machine.
        assertThat(communicator.ranksHere()).isEqualTo(communicator.size());
        MemorySegment mine = memory(8);
        mine.set(JAVA_LONG, 0, communicator.rank());
        MemorySegment all = memory(8L * communicator.size());
        communicator.allGather(mine, all);
        for (int rank = 0; rank < communicator.size(); rank++) {
            assertThat(all.getAtIndex(JAVA_LONG, rank)).isEqualTo(rank);
        }
    }

    private static void messagesOfEveryLengthArrive(Communicator communicator) {
        int me = communicator.rank();
        for (int length : LENGTHS) {
            List<Request> requests = new ArrayList<>();
            List<MemorySegment> received = new ArrayList<>();
            for (int other = 0; other < communicator.size(); other++) {
                MemorySegment into = memory(length);
                received.add(into);
                requests.add(communicator.irecv(into, other, 3));
                requests.add(communicator.isend(written(length, seed(me, other)), other, 3));
            }
            requests.forEach(Request::await);
            for (int other = 0; other < communicator.size(); other++) {
                assertWritten(received.get(other), seed(other, me));
            }
        }
    }

    private static void messagesOfOneTagKeepTheirOrder(Communicator communicator) {
        int messages = 40;
        List<Request> sent = new ArrayList<>();
        for (int i = 0; i < messages; i++) {
            // Short and long ones, which a library sends in different ways.
            sent.add(
                    communicator.isend(written(i % 3 == 0 ? 100_001 : 9, i), next(communicator), Communicator.MAX_TAG));
        }
        for (int i = 0; i < messages; i++) {
            MemorySegment into = memory(i % 3 == 0 ? 100_001 : 9);
            communicator
                    .irecv(into, previous(communicator), Communicator.MAX_TAG)
                    .await();
            assertWritten(into, i);
        }
        sent.forEach(Request::await);
    }

    private static void tagsAreReceivedInAnyOrder(Communicator communicator) {
        for (int length : LENGTHS) {
            List<Request> sent = new ArrayList<>();
            for (int tag = 0; tag < 5; tag++) {
                sent.add(communicator.isend(written(length, tag), next(communicator), tag));
            }
            for (int tag = 4; tag >= 0; tag--) {
                MemorySegment into = memory(length);
                communicator.irecv(into, previous(communicator), tag).await();
                assertWritten(into, tag);
            }
            sent.forEach(Request::await);
        }
    }

    private static void severalMessagesAreUnderWay(Communicator communicator) {
        for (int length : LENGTHS) {
            List<MemorySegment> received = List.of(memory(length), memory(length + 1), memory(length));
            List<Request> requests = new ArrayList<>();
            for (MemorySegment into : received) {
                requests.add(communicator.irecv(into, previous(communicator), 8));
            }
            for (int i = 0; i < received.size(); i++) {
                requests.add(communicator.isend(
                        written(received.get(i).byteSize(), seed(communicator.rank(), i)), next(communicator), 8));
            }
            // Awaited from the last to the first, and again.
            Collections.reverse(requests);
            requests.forEach(Request::await);
            requests.forEach(Request::await);
            for (int i = 0; i < received.size(); i++) {
                assertWritten(received.get(i), seed(previous(communicator), i));
            }
        }
    }

    private static void sendRecvTurnsARing(Communicator communicator) {
        int size = communicator.size();
        for (int length : LENGTHS) {
            MemorySegment have = written(length, communicator.rank());
            MemorySegment get = memory(length);
            for (int turn = 1; turn <= size; turn++) {
                communicator.sendRecv(have, next(communicator), get, previous(communicator), turn);
                assertWritten(get, Math.floorMod(communicator.rank() - turn, size));
                MemorySegment other = have;
                have = get;
                get = other;
            }
        }
    }

    private static void longMessagesArrive(Communicator communicator) {
        int length = 8_000_003;
        MemorySegment get = memory(length);
        communicator.sendRecv(written(length, communicator.rank()), next(communicator), get, previous(communicator), 0);
        assertWritten(get, previous(communicator));
    }

    /** Looks at what is received before it may, and sees that it comes although nobody waits for it. */
    private static void messagesMoveWhileRanksCompute(Communicator communicator) {
        int length = 8_000_003;
        MemorySegment get = memory(length);
        byte[] expected = bytes(length, previous(communicator));
        Request received = communicator.irecv(get, previous(communicator), 0);
        Request sent = communicator.isend(written(length, communicator.rank()), next(communicator), 0);
        long began = System.nanoTime();
        assertThat(expected[length - 1]).isNotZero();
        while (get.get(JAVA_BYTE, length - 1) != expected[length - 1]) {
            assertThat(System.nanoTime() - began)
                    .as("waiting for a message to move")
                    .isLessThan(20_000_000_000L);
            sleep(1);
        }
        received.await();
        sent.await();
        assertWritten(get, previous(communicator));
    }

    private static void broadcastGivesWhatTheRootHas(Communicator communicator) {
        for (int root = 0; root < communicator.size(); root++) {
            for (int length : LENGTHS) {
                MemorySegment data = communicator.rank() == root ? written(length, root) : memory(length);
                communicator.broadcast(data, root);
                assertWritten(data, root);
            }
        }
    }

    private static void allGatherGivesAllParts(Communicator communicator) {
        int size = communicator.size();
        for (int length : LENGTHS) {
            MemorySegment all = memory((long) size * length);
            communicator.allGather(written(length, communicator.rank()), all);
            assertParts(all, lengths(size, rank -> length), rank -> rank);

            MemorySegment place = memory((long) size * length);
            MemorySegment mine = place.asSlice((long) communicator.rank() * length, length);
            mine.copyFrom(written(length, communicator.rank()));
            communicator.allGather(mine, place);
            assertParts(place, lengths(size, rank -> length), rank -> rank);
        }
    }

    private static void allGatherTakesPartsOfAnyLength(Communicator communicator) {
        for (long[] bytes : unequal(communicator.size())) {
            MemorySegment all = memory(sum(bytes));
            communicator.allGather(written(bytes[communicator.rank()], communicator.rank()), all, bytes);
            assertParts(all, bytes, rank -> rank);
        }
    }

    private static void prefixGatherGivesEarlierParts(Communicator communicator) {
        for (long[] bytes : unequal(communicator.size())) {
            long[] before = Arrays.copyOf(bytes, communicator.rank());
            MemorySegment earlier = memory(sum(before));
            communicator.prefixGather(written(bytes[communicator.rank()], communicator.rank()), earlier, bytes);
            assertParts(earlier, before, rank -> rank);
        }
    }

    private static void allToAllExchangesParts(Communicator communicator) {
        int size = communicator.size();
        for (int length : LENGTHS) {
            long[] bytes = lengths(size, rank -> length);
            MemorySegment theirs = memory((long) size * length);
            communicator.allToAll(writtenParts(bytes, to -> seed(communicator.rank(), (int) to)), theirs);
            assertParts(theirs, bytes, from -> seed(from, communicator.rank()));
        }
    }

    private static void allToAllTakesPartsOfAnyLength(Communicator communicator) {
        int me = communicator.rank();
        for (long factor : new long[] {1, 13, 40_001}) {
            long[] to = lengths(communicator.size(), other -> factor * between(me, other));
            long[] from = lengths(communicator.size(), other -> factor * between(other, me));
            MemorySegment theirs = memory(sum(from));
            communicator.allToAll(writtenParts(to, other -> seed(me, (int) other)), to, theirs, from);
            assertParts(theirs, from, other -> seed(other, me));
        }
    }

    /** How much one rank has for another: different in both directions, and nothing between some. */
    private static long between(int from, int to) {
        return (3L * from + 5L * to) % 4;
    }

    private static void nobodyLeavesABarrierEarly(Communicator communicator) {
        for (int late = 0; late < communicator.size(); late++) {
            if (communicator.rank() == late) {
                sleep(20);
            }
            MemorySegment came = memory(8);
            // The same clock for all, since all are on this machine.
            came.set(JAVA_LONG, 0, System.nanoTime());
            communicator.barrier();
            long left = System.nanoTime();
            MemorySegment all = memory(8L * communicator.size());
            communicator.allGather(came, all);
            for (int rank = 0; rank < communicator.size(); rank++) {
                assertThat(left - all.getAtIndex(JAVA_LONG, rank)).isPositive();
            }
        }
    }

    private static void sumsAreTheSameBitsEverywhere(Communicator communicator) {
        int size = communicator.size();
        int floats = 1_001;
        MemorySegment mine = memory(4L * floats);
        MemorySegment.copy(floats(communicator.rank(), floats), 0, mine, JAVA_FLOAT, 0, floats);
        MemorySegment all = memory(4L * floats * size);
        communicator.allGather(mine, all);
        MemorySegment sums = memory(4L * floats);
        for (int i = 0; i < floats; i++) {
            float sum = 0;
            float expected = 0;
            for (int rank = 0; rank < size; rank++) {
                sum += all.getAtIndex(JAVA_FLOAT, (long) rank * floats + i);
                expected += floats(rank, floats)[i];
            }
            assertThat(Float.floatToRawIntBits(sum)).isEqualTo(Float.floatToRawIntBits(expected));
            sums.setAtIndex(JAVA_FLOAT, i, sum);
        }
        MemorySegment everybodys = memory(4L * floats * size);
        communicator.allGather(sums, everybodys);
        for (int rank = 0; rank < size; rank++) {
            assertThat(everybodys.asSlice(4L * floats * rank, 4L * floats).mismatch(sums))
                    .isEqualTo(-1);
        }
    }

    private static float[] floats(int rank, int count) {
        Random random = new Random(rank);
        float[] floats = new float[count];
        for (int i = 0; i < count; i++) {
            floats[i] = random.nextFloat() * (1 << random.nextInt(20));
        }
        return floats;
    }

    private static void bytesAndMessagesAreCounted(Communicator communicator) {
        int size = communicator.size();
        int others = size - 1;
        long received = communicator.bytesReceived();
        long messages = communicator.messagesSent();

        communicator.allGather(memory(10), memory(10L * size));
        assertThat(communicator.bytesReceived() - received).isEqualTo(10L * others);
        assertThat(communicator.messagesSent() - messages).isEqualTo(others);

        communicator.prefixGather(memory(10), memory(10L * communicator.rank()), lengths(size, rank -> 10));
        assertThat(communicator.bytesReceived() - received).isEqualTo(10L * others + 10L * communicator.rank());

        messages = communicator.messagesSent();
        communicator.allGather(memory(0), memory(0));
        assertThat(communicator.messagesSent()).as("nothing is not sent").isEqualTo(messages);
    }

    private static void whatCannotBeIsRefused(Communicator communicator) {
        int size = communicator.size();
        MemorySegment four = memory(4);
        assertRefused("native memory", () -> communicator.isend(MemorySegment.ofArray(new byte[4]), 0, 0));
        assertRefused("native memory", () -> communicator.irecv(MemorySegment.ofArray(new byte[4]), 0, 0));
        assertRefused("native memory", () -> communicator.broadcast(MemorySegment.ofArray(new byte[4]), 0));
        assertRefused("native memory", () -> {
            communicator.allGather(four, MemorySegment.ofArray(new byte[4 * size]));
        });
        try (Arena confined = Arena.ofConfined()) {
            assertRefused("Arena.ofShared()", () -> communicator.isend(confined.allocate(4), 0, 0));
        }
        assertRefused("read-only", () -> communicator.irecv(four.asReadOnly(), 0, 0));
        assertRefused("no rank", () -> communicator.isend(four, size, 0));
        assertRefused("no rank", () -> communicator.irecv(four, -1, 0));
        assertRefused("no rank", () -> communicator.broadcast(four, size));
        assertRefused("tag", () -> communicator.isend(four, 0, -1));
        assertRefused("tag", () -> communicator.irecv(four, 0, Communicator.MAX_TAG + 1));
        assertRefused("do not fill", () -> communicator.allGather(four, memory(4L * size + 1)));
        assertRefused("do not fit", () -> communicator.allGather(four, memory(4L * size - 1)));
        assertRefused("lengths of parts", () -> communicator.allGather(four, memory(4L * size), new long[size + 1]));
        assertRefused(
                "its length is given as",
                () -> communicator.allGather(four, memory(5L * size), lengths(size, rank -> 5)));
        assertRefused("do not fit", () -> {
            long[] bytes = lengths(size, rank -> rank == communicator.rank() ? 4 : Long.MAX_VALUE);
            bytes[0] = communicator.rank() == 0 ? 4 : -1;
            communicator.allGather(four, memory(size == 1 ? 3 : 4L * size), bytes);
        });
        assertRefused(
                "do not fill",
                () -> communicator.prefixGather(four, memory(4L * communicator.rank() + 1), lengths(size, rank -> 4)));
        assertRefused("a part for each rank", () -> communicator.allToAll(memory(size), memory(size + 1L)));
        assertRefused("for itself", () -> {
            communicator.allToAll(memory(size), lengths(size, to -> 1), memory(2L * size), lengths(size, from -> 2));
        });
        assertThatThrownBy(() -> communicator.patience(java.time.Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
        communicator.barrier();
    }

    private static void assertRefused(String why, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessageContaining(why);
    }

    /** All ranks draw the same operations, with lengths that are mostly short; a loop says what each has to give. */
    private static void operationsInAnyOrderDoWhatLoopsDo(Communicator communicator) {
        MemorySegment shared = memory(8);
        shared.set(JAVA_LONG, 0, System.nanoTime());
        communicator.broadcast(shared, 0);
        long seed = shared.get(JAVA_LONG, 0);
        Random random = new Random(seed);
        int size = communicator.size();
        int me = communicator.rank();
        try {
            for (int i = 0; i < 200; i++) {
                long[] bytes = lengths(size, rank -> random.nextInt(1 << random.nextInt(1, 18)));
                int other = random.nextInt(size);
                switch (random.nextInt(6)) {
                    case 0 -> {
                        MemorySegment data = me == other ? written(bytes[0], i) : memory(bytes[0]);
                        communicator.broadcast(data, other);
                        assertWritten(data, i);
                    }
                    case 1 -> {
                        MemorySegment all = memory(sum(bytes));
                        communicator.allGather(written(bytes[me], me + i), all, bytes);
                        int round = i;
                        assertParts(all, bytes, rank -> rank + round);
                    }
                    case 2 -> {
                        long[] before = Arrays.copyOf(bytes, me);
                        MemorySegment earlier = memory(sum(before));
                        communicator.prefixGather(written(bytes[me], me), earlier, bytes);
                        assertParts(earlier, before, rank -> rank);
                    }
                    case 3 -> {
                        MemorySegment theirs = memory(sum(lengths(size, rank -> bytes[me])));
                        communicator.allToAll(
                                writtenParts(bytes, to -> seed(me, (int) to)),
                                bytes,
                                theirs,
                                lengths(size, from -> bytes[me]));
                        assertParts(theirs, lengths(size, from -> bytes[me]), from -> seed(from, me));
                    }
                    case 4 -> {
                        MemorySegment got = memory(bytes[previous(communicator)]);
                        communicator.sendRecv(
                                written(bytes[me], seed(me, i)), next(communicator), got, previous(communicator), i);
                        assertWritten(got, seed(previous(communicator), i));
                    }
                    default -> communicator.barrier();
                }
            }
        } catch (AssertionError failed) {
            throw new AssertionError("seed " + seed + ": " + failed.getMessage(), failed);
        }
    }

    /** The JVM finds null pointers and the end of a stack by signals, which a library may want for itself. */
    private static void theJvmKeepsItsSignals(Communicator communicator) {
        int caught = 0;
        for (int i = 0; i < 30_000; i++) {
            try {
                caught += length(i % 3 == 0 ? null : new byte[0]);
            } catch (NullPointerException expected) {
                caught++;
            }
        }
        assertThat(caught).isEqualTo(10_000);
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> endless(0)).isInstanceOf(StackOverflowError.class);
        }
        communicator.barrier();
    }

    private static int length(byte[] bytes) {
        return bytes.length;
    }

    private static int endless(int depth) {
        return depth < 0 ? depth : endless(depth + 1) + depth;
    }

    static int next(Communicator communicator) {
        return (communicator.rank() + 1) % communicator.size();
    }

    static int previous(Communicator communicator) {
        return Math.floorMod(communicator.rank() - 1, communicator.size());
    }

    static MemorySegment memory(long bytes) {
        return Arena.ofAuto().allocate(bytes);
    }

    static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static long[] lengths(int size, IntToLongFunction length) {
        long[] bytes = new long[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = length.applyAsLong(i);
        }
        return bytes;
    }

    /** Lengths of parts: nothing at all, something at one rank alone, and different everywhere. */
    private static List<long[]> unequal(int size) {
        return List.of(
                new long[size],
                lengths(size, rank -> rank == 0 ? 11 : 0),
                lengths(size, rank -> rank == size - 1 ? 11 : 0),
                lengths(size, rank -> (rank * 3 + 1) % 4),
                lengths(size, rank -> 100_003L * ((rank + 1) % 3)));
    }

    private static long sum(long[] bytes) {
        long sum = 0;
        for (long length : bytes) {
            sum += length;
        }
        return sum;
    }

    private static long seed(int from, int to) {
        return 1_000L * from + to;
    }

    /** Bytes that are others for every seed and place. */
    private static byte[] bytes(long length, long seed) {
        byte[] bytes = new byte[Math.toIntExact(length)];
        long state = seed * 0x9E3779B97F4A7C15L + 1;
        for (int i = 0; i < bytes.length; i++) {
            state += 0xD1B54A32D192ED03L;
            bytes[i] = (byte) (state >>> 40);
        }
        return bytes;
    }

    private static MemorySegment written(long length, long seed) {
        return memory(length).copyFrom(MemorySegment.ofArray(bytes(length, seed)));
    }

    private static MemorySegment writtenParts(long[] bytes, java.util.function.LongUnaryOperator seed) {
        MemorySegment all = memory(sum(bytes));
        long offset = 0;
        for (int part = 0; part < bytes.length; part++) {
            MemorySegment.copy(written(bytes[part], seed.applyAsLong(part)), 0, all, offset, bytes[part]);
            offset += bytes[part];
        }
        return all;
    }

    private static void assertParts(MemorySegment all, long[] bytes, IntToLongFunction seed) {
        assertThat(all.byteSize()).isEqualTo(sum(bytes));
        long offset = 0;
        for (int part = 0; part < bytes.length; part++) {
            assertWritten(all.asSlice(offset, bytes[part]), seed.applyAsLong(part));
            offset += bytes[part];
        }
    }

    private static void assertWritten(MemorySegment segment, long seed) {
        long wrong = segment.mismatch(MemorySegment.ofArray(bytes(segment.byteSize(), seed)));
        if (wrong != -1) {
            throw new AssertionError("byte " + wrong + " of " + segment.byteSize() + " is not that of seed " + seed);
        }
    }
}
