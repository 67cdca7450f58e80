package dev.lectern.measure;

import dev.lectern.LecternException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/**
 * Has the JDK's flight recorder note the steps of all models of this program, from its start on. Nothing but {@code dev.lectern.Step} events is
 * recorded, so that steps take as long as without.
 */
public final class StepRecording implements AutoCloseable {
    private static final String EVENT = "dev.lectern.Step";

    private final Recording recording = new Recording();
    private final List<Instant[]> leftOut = new ArrayList<>();

    private StepRecording() {}

    /**
     * Begins.
     *
     * @throws LecternException of kind {@code INTERNAL} if this Java has no flight recorder, or no folder for temporary files
     */
    @SuppressWarnings("MustBeClosedChecker") // whoever started it closes it
    public static StepRecording start() {
        try {
            StepRecording started = new StepRecording();
            started.recording.enable(EVENT).withoutStackTrace();
            started.recording.start();
            return started;
        } catch (IllegalStateException | UncheckedIOException e) {
            throw failed(e);
        }
    }

    /** Has steps between two moments not count. */
    void leaveOut(Instant from, Instant to) {
        leftOut.add(new Instant[] {from, to});
    }

    /** By the middle of a step, because the recorder's clock is not quite that of others. */
    private boolean counts(RecordedEvent step) {
        Instant middle = step.getStartTime().plus(step.getDuration().dividedBy(2));
        return leftOut.stream().noneMatch(span -> middle.isAfter(span[0]) && middle.isBefore(span[1]));
    }

    /** Ends, and tells where the time of the steps went. */
    public StepProfile stop() {
        try {
            recording.stop();
            Path file = Files.createTempFile("lectern-steps", ".jfr");
            try {
                recording.dump(file);
                return StepProfile.of(RecordingFile.readAllEvents(file).stream()
                        .filter(this::counts)
                        .toList());
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw failed(e);
        } finally {
            recording.close();
        }
    }

    private static LecternException failed(Exception e) {
        return new LecternException(
                LecternException.Kind.INTERNAL,
                "The flight recorder of this Java does not work (" + e.getMessage()
                        + "): leave --profile out, or use a JDK that has the module jdk.jfr and a folder for temporary files.",
                e);
    }

    @Override
    public void close() {
        recording.close();
    }
}
