package dev.lectern.cli;

import dev.lectern.measure.StepProfile;
import dev.lectern.measure.StepRecording;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whether it is told where the time of the model's steps went. */
final class ProfileChoice {
    @Option(
            names = "--profile",
            description = {
                "Say at the end where the time went: for each part of a layer the",
                "milliseconds per token, for prefill and decode apart."
            })
    boolean profile;

    /** A recording that may not be wanted. */
    static final class Running implements AutoCloseable {
        private final @Nullable StepRecording recording;

        private Running(@Nullable StepRecording recording) {
            this.recording = recording;
        }

        /** Ends it; empty if there was none. */
        Optional<StepProfile> stop() {
            return Optional.ofNullable(recording).map(StepRecording::stop);
        }

        @Override
        public void close() {
            if (recording != null) {
                recording.close();
            }
        }
    }

    /** Records from now on, if that is wanted. */
    Running start() {
        return new Running(profile ? StepRecording.start() : null);
    }
}
