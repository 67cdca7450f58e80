package dev.lectern;

import dev.lectern.comm.Communicator;
import dev.lectern.kept.Hash;
import dev.lectern.kernel.Kernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Hosts that are to get the same bits have to compute with the same. */
final class HostAgreement {
    private HostAgreement() {}

    /**
     * Compares what this host computes with what the first one does. Called by all.
     *
     * @param more on which results depend
     * @throws LecternException of kind {@code BAD_OPTION} if they differ
     */
    static void requireSameWork(Communicator hosts, SessionOptions options, List<String> more) {
        int question = options.question().hashCode();
        Hash mine = Hash.of(new int[] {Kernels.bitsInUse(), question}).then(options + "\n" + String.join("\n", more));
        require(
                hosts,
                mine,
                "has another model, other options, or vectors of another width (here " + Kernels.bitsInUse()
                        + " bits) than rank 0, so they would not compute the same: give all hosts the same file and"
                        + " command, and machines of one kind.");
    }

    /** The same for what was learned of the model, by files that lie on each host. */
    static void requireSameLearning(Communicator hosts, List<String> learned) {
        require(
                hosts,
                Hash.of(new int[0]).then(String.join("\n", learned)),
                "has learned something else of the model than rank 0, so they would not compute the same: give all"
                        + " hosts the same files.");
    }

    /** The same for what is read: each host makes tokens of a text by its own files. */
    static void requireSameTokens(Communicator hosts, int[] tokens) {
        require(
                hosts,
                Hash.of(tokens),
                "reads other tokens than rank 0: give all hosts the same text, and the same model with its tokenizer and"
                        + " chat template.");
    }

    /** The same for how answers are written. */
    static void requireSameAnswers(Communicator hosts, GenerateOptions options) {
        require(
                hosts,
                Hash.of(new int[0]).then(options.toString()),
                "is to answer with other options than rank 0: give all hosts the same command.");
    }

    private static void require(Communicator hosts, Hash hash, String otherwise) {
        byte[] mine = hash.bytes();
        MemorySegment part = Arena.ofAuto().allocate(mine.length),
                parts = Arena.ofAuto().allocate((long) mine.length * hosts.size());
        MemorySegment.copy(mine, 0, part, ValueLayout.JAVA_BYTE, 0, mine.length);
        hosts.allGather(part, parts);
        for (int host = 1; host < hosts.size(); host++) {
            if (parts.asSlice((long) host * mine.length, mine.length).mismatch(parts.asSlice(0, mine.length)) >= 0) {
                throw new LecternException(LecternException.Kind.BAD_OPTION, "Rank " + host + " " + otherwise);
            }
        }
    }

    /**
     * Has all hosts open what depends on the files and the memory of each, without a word among them: where one cannot, none does, and all are told why. Called by all.
     *
     * @throws LecternException of the kind that the first of those met that cannot
     */
    static Session together(Communicator hosts, Supplier<Session> opening) {
        Session opened;
        try {
            opened = opening.get();
        } catch (LecternException e) {
            told(hosts, said(e));
            throw e;
        }
        try {
            Optional<LecternException> failure = failure(hosts, Optional.empty());
            if (failure.isPresent()) {
                throw failure.get();
            }
            return opened;
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    /** A failure as hosts tell it to each other. */
    private static String said(LecternException failure) {
        return failure.kind().name() + "\n" + failure.getMessage();
    }

    /**
     * Why something could not be kept by all. Called by all.
     *
     * @param own why this host could not
     * @return that of the first that could not, the same for all
     */
    static Optional<LecternException> failure(Communicator hosts, Optional<LecternException> own) {
        return first(hosts, own.map(HostAgreement::said).orElse("")).map(first -> {
            String[] failure = first.sentence.split("\n", 2);
            return new LecternException(
                    LecternException.Kind.valueOf(failure[0]), "Rank " + first.host + ": " + failure[1]);
        });
    }

    /**
     * What every host can do. Called by all.
     *
     * @param hindrance why this one cannot, as half a sentence; empty if it can
     * @return why the first that cannot does not; empty if all can
     */
    static String hindrance(Communicator hosts, String hindrance) {
        return first(hosts, hindrance)
                .map(first -> "rank " + first.host + ": " + first.sentence)
                .orElse("");
    }

    /** What a host says. */
    private record Said(int host, String sentence) {}

    /** The first host that has something to say. */
    private static Optional<Said> first(Communicator hosts, String own) {
        List<String> all = told(hosts, own);
        return IntStream.range(0, all.size())
                .filter(host -> !all.get(host).isEmpty())
                .mapToObj(host -> new Said(host, all.get(host)))
                .findFirst();
    }

    /** What each host says. */
    private static List<String> told(Communicator hosts, String sentence) {
        byte[] mine = sentence.getBytes(StandardCharsets.UTF_8);
        MemorySegment length = Arena.ofAuto().allocate(Long.BYTES, Long.BYTES),
                lengths = Arena.ofAuto().allocate((long) Long.BYTES * hosts.size(), Long.BYTES);
        length.set(ValueLayout.JAVA_LONG, 0, mine.length);
        hosts.allGather(length, lengths);
        long[] bytes = lengths.toArray(ValueLayout.JAVA_LONG);
        MemorySegment part = Arena.ofAuto().allocate(mine.length);
        part.copyFrom(MemorySegment.ofArray(mine));
        MemorySegment parts = Arena.ofAuto().allocate(LongStream.of(bytes).sum());
        hosts.allGather(part, parts, bytes);
        List<String> sentences = new ArrayList<>();
        long at = 0;
        for (long count : bytes) {
            sentences.add(new String(parts.asSlice(at, count).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8));
            at += count;
        }
        return sentences;
    }
}
