package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.GenerateOptions;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.TokenListener;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StepProfileTest {
    private static final Path TINY = Path.of("..", "engine", "src", "test", "resources", "tiny", "llama3");
    private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7};

    private static StepProfile recorded() {
        try (Model model = Model.open(TINY, ModelOptions.DEFAULT.withThreads(1));
                Session session = model.newSession(SessionOptions.DEFAULT);
                StepRecording recording = StepRecording.start()) {
            session.read(PROMPT, Progress.NONE, new Cancellation());
            session.generate(
                    GenerateOptions.DEFAULT.withMaxTokens(5).withIgnoreEnd(true),
                    TokenListener.NONE,
                    new Cancellation());
            StepProfile profile = recording.stop();
            session.read(PROMPT, Progress.NONE, new Cancellation()); // which nobody records
            return profile;
        }
    }

    @Test
    void prefillAndDecodeAreToldApartAndEveryPartTakesTime() {
        StepProfile profile = recorded();

        assertThat(profile.prefill().steps()).isOne();
        assertThat(profile.prefill().tokens()).isEqualTo(PROMPT.length);
        // The last token of an answer is not read.
        assertThat(profile.decode().steps()).isEqualTo(4);
        assertThat(profile.decode().tokens()).isEqualTo(4);
        for (StepProfile.Times times : new StepProfile.Times[] {profile.prefill(), profile.decode()}) {
            assertThat(times.parts())
                    .hasSize(10)
                    .allSatisfy((part, seconds) -> assertThat(seconds).as(part).isPositive());
            assertThat(times.other()).isNotNegative();
            assertThat(times.waiting()).isBetween(0.0, times.all());
        }
    }

    @Test
    void theSharesOfTheTableAndTheTimesOfTheObjectAddUp() {
        StepProfile profile = recorded();

        assertThat(profile.table())
                .contains("prefill, 7 tokens", "decode, 4 tokens", "attention", "vocabulary product", "100.0 %")
                .hasLineCount(15);
        Map<?, ?> decode = (Map<?, ?>) profile.object().get("decode");
        Map<?, ?> perToken = (Map<?, ?>) decode.get("millisecondsPerToken");
        double sum = perToken.entrySet().stream()
                .filter(entry ->
                        !entry.getKey().equals("all") && !entry.getKey().equals("waiting"))
                .mapToDouble(entry -> ((Number) entry.getValue()).doubleValue())
                .sum();
        // Each of the eleven is rounded to a thousandth.
        assertThat(sum).isCloseTo(((Number) perToken.get("all")).doubleValue(), within(0.006));
    }

    @Test
    void aRecordingWithoutStepsHasNoTimes() {
        StepRecording recording = StepRecording.start();

        StepProfile profile = recording.stop();

        assertThat(profile.prefill().steps()).isZero();
        assertThat(profile.prefill().all()).isZero();
        assertThat(profile.table()).contains("decode, 0 tokens").doesNotContain("NaN");
    }
}
