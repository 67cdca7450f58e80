package dev.lectern.documents;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The report that ships with Lectern can be read, and its questions can be checked. */
class ExampleDocumentTest {
    private static final Path EXAMPLES = Path.of("..", "examples");

    @Test
    void theReportHasItsSections() {
        Document report = Documents.read(EXAMPLES.resolve("harbour-report.md"));
        assertThat(report.marks()).hasSize(12);
        assertThat(report.headingsAt(report.text().indexOf("23 days")))
                .extracting(Mark::label)
                .containsExactly("Tarrowmouth Harbour: the year 2023", "5. Quays, locks and cranes");
    }

    @Test
    void everyQuestionHasAnAnswer() throws IOException {
        String answers = Files.readString(EXAMPLES.resolve("answers.md"));
        assertThat(Files.readAllLines(EXAMPLES.resolve("questions.txt")))
                .hasSize(8)
                .allSatisfy(question -> assertThat(answers).contains("| " + question + " |"));
    }
}
