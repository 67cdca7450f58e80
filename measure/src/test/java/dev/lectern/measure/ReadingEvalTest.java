package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReadingEvalTest {
    private static final BenchModel MODEL =
            new BenchModel("qwen2", Path.of("../engine/src/test/resources/tiny/qwen2"), Optional.empty());

    private static ReadingResult run(ReadingOptions options) {
        ModelOptions model = ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32");
        return ReadingEval.run(MODEL, model, options, Progress.NONE, new Cancellation());
    }

    @Test
    void everyMethodIsAskedAllSamplesOfTheThreeTasks() throws MalformedJsonException {
        ReadingResult result = run(new ReadingOptions(1500, 2, List.of("dense", "quest:budget=10%")));
        assertThat(result.rows()).extracting(ReadingResult.Row::attention).containsExactly("dense", "quest:budget=10%");
        assertThat(result.rows()).allMatch(row -> row.samples() == 6 && row.found() <= row.right());
        JsonFields json = JsonFields.of(Json.parse(result.toJson().getBytes(StandardCharsets.UTF_8)));
        assertThat(json.objects("results")).hasSize(2);
        assertThat(json.objects("results").getFirst().whole("length")).isEqualTo(1500);
        assertThat(json.text("command"))
                .isEqualTo("lectern eval reproduce --full reading --rope-scaling linear:factor=32");
    }

    @Test
    void onlyRightAnswersCount() {
        ReadingResult.Row row = new ReadingResult.Row("dense", 0, 0, 0);
        assertThat(row.plus(true, true).plus(true, false).plus(false, true))
                .isEqualTo(new ReadingResult.Row("dense", 3, 2, 1));
    }

    @Test
    void aLengthThatTheModelDoesNotHoldIsRefused() {
        assertThatThrownBy(() -> run(new ReadingOptions(100_000, 1, List.of("dense"))))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("100000");
    }
}
