package dev.lectern.cli;

import dev.lectern.comm.Communicator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Texts that the first rank has read, for all others. */
final class HostTexts {
    private HostTexts() {}

    /**
     * Gives all ranks the first one's texts. Called by all.
     *
     * @param texts of the first rank; of others anything
     */
    static List<String> told(Communicator hosts, List<String> texts) {
        long[] lengths = numbers(hosts, new long[] {texts.size()});
        List<byte[]> own = new ArrayList<>();
        long[] bytes = new long[(int) lengths[0]];
        if (hosts.rank() == 0) {
            texts.forEach(text -> own.add(text.getBytes(StandardCharsets.UTF_8)));
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = own.get(i).length;
            }
        }
        bytes = numbers(hosts, bytes);
        List<String> told = new ArrayList<>();
        for (int i = 0; i < bytes.length; i++) {
            MemorySegment text = Arena.ofAuto().allocate(bytes[i]);
            if (hosts.rank() == 0) {
                text.copyFrom(MemorySegment.ofArray(own.get(i)));
            }
            hosts.broadcast(text, 0);
            told.add(new String(text.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8));
        }
        return told;
    }

    /** Gives all ranks the first one's choice. Called by all. */
    static boolean told(Communicator hosts, boolean choice) {
        return numbers(hosts, new long[] {choice ? 1 : 0})[0] == 1;
    }

    private static long[] numbers(Communicator hosts, long[] numbers) {
        MemorySegment message = Arena.ofAuto().allocate((long) Long.BYTES * numbers.length, Long.BYTES);
        message.copyFrom(MemorySegment.ofArray(numbers));
        hosts.broadcast(message, 0);
        return message.toArray(ValueLayout.JAVA_LONG);
    }
}
