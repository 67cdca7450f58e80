package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FinishedSamplesTest {
    private static final FinishedSamples.Key KEY = new FinishedSamples.Key("abc", "attention=dense", "vt", 2048, 1, 0);
    private static final FinishedSamples.Finished SAMPLE =
            new FinishedSamples.Finished(0.25, 2000, "a \"quoted\" answer\nin two lines", 5e6, 0.02);

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void keepOne() {
        file = folder.resolve("new").resolve("samples.jsonl");
        try (FinishedSamples samples = new FinishedSamples(file)) {
            assertThat(samples.get(KEY)).isEmpty();
            samples.add(KEY, SAMPLE, Provenance.here("lectern eval"));
            assertThat(samples.get(KEY)).contains(SAMPLE);
        }
    }

    @Test
    void aFinishedSampleIsThereTheNextTime() {
        try (FinishedSamples samples = new FinishedSamples(file)) {
            assertThat(samples.get(KEY)).contains(SAMPLE);
        }
    }

    @Test
    void twoRunsDoNotWriteOneFile() {
        FinishedSamples first = new FinishedSamples(file);
        assertThatThrownBy(() -> new FinishedSamples(file))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("another run");
        first.close();
        aFinishedSampleIsThereTheNextTime();
    }

    @Test
    void nothingElseIsTakenForIt() {
        try (FinishedSamples samples = new FinishedSamples(file)) {
            assertThat(samples.get(new FinishedSamples.Key("abd", "attention=dense", "vt", 2048, 1, 0)))
                    .isEmpty();
            assertThat(samples.get(new FinishedSamples.Key("abc", "attention=dense;x", "vt", 2048, 1, 0)))
                    .isEmpty();
            assertThat(samples.get(new FinishedSamples.Key("abc", "attention=dense", "cwe", 2048, 1, 0)))
                    .isEmpty();
            assertThat(samples.get(new FinishedSamples.Key("abc", "attention=dense", "vt", 2047, 1, 0)))
                    .isEmpty();
            assertThat(samples.get(new FinishedSamples.Key("abc", "attention=dense", "vt", 2048, 2, 0)))
                    .isEmpty();
            assertThat(samples.get(new FinishedSamples.Key("abc", "attention=dense", "vt", 2048, 1, 1)))
                    .isEmpty();
        }
    }

    @Test
    void samplesOfOtherNumericsAreLeftAlone() throws IOException {
        String other = Files.readString(file).replace("\"numerics\":1", "\"numerics\":0");
        Files.writeString(file, other);
        try (FinishedSamples samples = new FinishedSamples(file)) {
            assertThat(samples.get(KEY)).isEmpty();
        }
        assertThat(file).hasContent(other);
    }

    @Test
    void aLineCutShortIsDroppedAndTheNextOneWhole() throws IOException {
        Files.writeString(file, "{\"numerics\":1,\"mod", StandardOpenOption.APPEND);
        FinishedSamples.Key next = new FinishedSamples.Key("abc", "attention=dense", "vt", 2048, 1, 1);
        try (FinishedSamples samples = new FinishedSamples(file)) {
            samples.add(next, SAMPLE, Provenance.here("lectern eval"));
        }
        try (FinishedSamples samples = new FinishedSamples(file)) {
            assertThat(samples.get(KEY)).contains(SAMPLE);
            assertThat(samples.get(next)).contains(SAMPLE);
        }
    }

    @Test
    void aLineThatIsSomethingElseIsNamed() throws IOException {
        Files.writeString(file, "gibberish\n", StandardOpenOption.APPEND);
        assertThatThrownBy(() -> new FinishedSamples(file))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("line 2")
                .hasMessageContaining("--out");
    }
}
