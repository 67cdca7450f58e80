package dev.lectern.comm;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * How jobs end that do not end well, with every {@link Communicator}: one rank misbehaves, whatever the others do. {@code InProcessEndingsTest} runs them in
 * threads; {@link #main} runs one as the rank that a launcher made of this process.
 */
final class CommunicatorEndings {
    /**
     * A job that fails.
     *
     * @param kind of the error that whoever started the job gets; that of a fault of Lectern for any other exception
     * @param sentence a part of what it says
     */
    record Ending(String name, Kind kind, String sentence, Consumer<Communicator> work) {}

    private CommunicatorEndings() {}

    static List<Ending> all() {
        return List.of(
                new Ending("aRankThrows", Kind.INTERNAL, "the last rank's own words", communicator -> {
                    if (last(communicator)) {
                        CommunicatorLaws.sleep(200);
                        throw new IllegalStateException("the last rank's own words");
                    }
                    communicator.barrier();
                }),
                new Ending("aRankThrowsAnError", Kind.BAD_OPTION, "an option's sentence", communicator -> {
                    if (last(communicator)) {
                        throw new LecternException(Kind.BAD_OPTION, "an option's sentence");
                    }
                    communicator
                            .irecv(CommunicatorLaws.memory(5), communicator.size() - 1, 0)
                            .await();
                }),
                new Ending("aRankAborts", Kind.NO_MEMORY, "not enough", communicator -> {
                    if (communicator.rank() == 0) {
                        throw communicator.abort(new LecternException(Kind.NO_MEMORY, "not enough"));
                    }
                    communicator.barrier();
                }),
                new Ending(
                        "aMessageIsTooLong",
                        Kind.INTERNAL,
                        "expects 4 bytes",
                        communicator -> lengths(communicator, 5, 4)),
                new Ending(
                        "aMessageIsTooShort",
                        Kind.INTERNAL,
                        "expects 5 bytes",
                        communicator -> lengths(communicator, 4, 5)),
                new Ending("aLongMessageIsTooShort", Kind.INTERNAL, "expects 1000001 bytes", communicator -> {
                    lengths(communicator, 1_000_000, 1_000_001);
                }),
                new Ending("aRankIsWaitedForInVain", Kind.LOST_HOST, "waited", communicator -> {
                    if (last(communicator)) {
                        CommunicatorLaws.sleep(2_500);
                    } else {
                        communicator.patience(Duration.ofMillis(300));
                    }
                    communicator.barrier();
                }),
                new Ending("aRankIsAskedToStop", Kind.CANCELLED, "Stopped on request", communicator -> {
                    if (last(communicator)) {
                        CommunicatorLaws.sleep(200);
                        communicator.cancellation().cancel();
                    }
                    communicator.broadcast(CommunicatorLaws.memory(1), communicator.size() - 1);
                    communicator.barrier();
                }),
                new Ending(
                        "aMessageIsNeverAwaited",
                        Kind.INTERNAL,
                        "without having awaited 1 of its messages",
                        communicator -> {
                            Request unused = communicator.isend(
                                    CommunicatorLaws.memory(1), CommunicatorLaws.next(communicator), 0);
                            communicator
                                    .irecv(CommunicatorLaws.memory(1), CommunicatorLaws.previous(communicator), 0)
                                    .await();
                        }),
                new Ending("aSegmentIsFreedEarly", Kind.INTERNAL, "was freed", communicator -> {
                    Request received;
                    try (Arena arena = Arena.ofShared()) {
                        MemorySegment into = arena.allocate(100);
                        received = communicator.irecv(into, CommunicatorLaws.previous(communicator), 0);
                    }
                    CommunicatorLaws.sleep(100);
                    Request sent =
                            communicator.isend(CommunicatorLaws.memory(100), CommunicatorLaws.next(communicator), 0);
                    received.await();
                    sent.await();
                }));
    }

    private static boolean last(Communicator communicator) {
        return communicator.rank() == communicator.size() - 1;
    }

    private static void lengths(Communicator communicator, int sent, int expected) {
        if (communicator.rank() == 0) {
            communicator.isend(CommunicatorLaws.memory(sent), 1, 0).await();
        }
        if (communicator.rank() == 1) {
            communicator.irecv(CommunicatorLaws.memory(expected), 0, 0).await();
        }
        communicator.barrier();
    }

    /** Ends a launcher's job as the argument says; "all is well" is printed by a rank that gets to its end in spite of that. */
    public static void main(String[] arguments) {
        Launcher launcher = Hosts.launcher().orElseThrow(() -> new AssertionError("no launcher started this process"));
        String name = arguments[0];
        Cancellation cancellation = new Cancellation();
        launcher.run(cancellation, communicator -> {
            communicator.barrier();
            all().stream()
                    .filter(ending -> ending.name().equals(name))
                    .forEach(ending -> ending.work().accept(communicator));
            if (last(communicator)) {
                die(name);
            }
            communicator.barrier();
            return name;
        });
        System.out.println("all is well");
    }

    /** The ends of a process that nothing in it can still speak of. */
    private static void die(String name) {
        switch (name) {
            case "halt" -> Runtime.getRuntime().halt(3);
            case "kill" -> ProcessHandle.of(ProcessHandle.current().pid()).ifPresent(CommunicatorEndings::kill);
            case "hang" -> CommunicatorLaws.sleep(600_000);
            default -> {}
        }
    }

    private static void kill(ProcessHandle self) {
        try {
            new ProcessBuilder("kill", "-9", Long.toString(self.pid())).start().waitFor();
        } catch (java.io.IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
