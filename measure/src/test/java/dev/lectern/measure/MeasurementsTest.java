package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MeasurementsTest {
    @TempDir
    Path folder;

    @Test
    void aSectionIsReplacedAndEverythingElseStays() throws IOException {
        Path document = folder.resolve("measurements.md");
        Files.writeString(document, "# Measured\n\nProse.\n");
        Measurements measurements = new Measurements(document);
        measurements.replace("bench a", "| old |\n");
        measurements.replace("bench b", "| b |");
        Files.writeString(document, Files.readString(document) + "\nMore prose.\n");
        measurements.replace("bench a", "| new |\n");
        assertThat(document).hasContent("""
                        # Measured

                        Prose.

                        <!-- begin bench a (written by the command) -->
                        | new |
                        <!-- end bench a -->

                        <!-- begin bench b (written by the command) -->
                        | b |
                        <!-- end bench b -->

                        More prose.
                        """);
    }

    @Test
    void aDocumentThatIsNotThereIsMade() {
        Path document = folder.resolve("new/measurements.md");
        new Measurements(document).replace("bench a", "| a |");
        assertThat(document).content().startsWith("<!-- begin bench a").endsWith("<!-- end bench a -->\n");
    }

    @Test
    void halfASectionIsRefusedAndLeftAsItIs() throws IOException {
        Path document = folder.resolve("measurements.md");
        for (String damaged : new String[] {
            "<!-- end bench a -->\n",
            "<!-- begin bench a (written by the command) -->\n",
            "<!-- end bench a -->\n<!-- begin bench a (written by the command) -->\n",
            "<!-- begin bench a (written by the command) -->\n<!-- end bench a -->\n<!-- end bench a -->\n"
        }) {
            Files.writeString(document, damaged);
            assertThatThrownBy(() -> new Measurements(document).replace("bench a", "| a |"))
                    .as(damaged)
                    .isInstanceOfSatisfying(
                            LecternException.class,
                            e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.BAD_OPTION))
                    .hasMessageContaining("measurements.md");
            assertThat(document).hasContent(damaged);
        }
    }
}
