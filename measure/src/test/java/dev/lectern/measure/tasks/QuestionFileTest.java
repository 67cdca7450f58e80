package dev.lectern.measure.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuestionFileTest {
    private static final String GOOD = "{\"context\":\"A text.\",\"input\":\"Why?\",\"answers\":[\"so\"]}";

    @TempDir
    Path folder;

    private QuestionFile read(String text) throws IOException {
        return read(text.getBytes(StandardCharsets.UTF_8));
    }

    private QuestionFile read(byte[] bytes) throws IOException {
        return QuestionFile.read(Files.write(folder.resolve("q.jsonl"), bytes), 10_000);
    }

    private void refused(String line, String... fragments) {
        assertThatThrownBy(() -> read(GOOD + "\n\n" + line + "\n" + GOOD + "\n"))
                .as(line)
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.BAD_DOCUMENT))
                .hasMessageContaining("q.jsonl, line 3: ")
                .hasMessageContainingAll(fragments);
    }

    @Test
    void theMembersOfLongBenchAreRead() throws IOException {
        QuestionFile file = read("\uFEFF" + """
                {"input":"Who?","context":"Ann met Bo.","answers":["Ann","Miss Ann"],"length":3,"dataset":"met","language":"en","all_classes":null,"_id":"7f"}
                \r
                {"input":"What?","context":"Ann met Bo.","answers":["Person"],"all_classes":["Person","City"],"more":{"a":[1,{}]}}""");
        assertThat(file.name()).isEqualTo("q.jsonl");
        assertThat(file.sha256()).hasSize(64);
        assertThat(file.questions())
                .containsExactly(
                        new Question(
                                1,
                                "7f",
                                "met",
                                "Ann met Bo.",
                                "Who?",
                                List.of("Ann", "Miss Ann"),
                                List.of(),
                                List.of()),
                        new Question(
                                3,
                                "3",
                                "",
                                "Ann met Bo.",
                                "What?",
                                List.of("Person"),
                                List.of(),
                                List.of("Person", "City")));
        assertThat(file.questions().get(1).context())
                .isSameAs(file.questions().getFirst().context());
    }

    @Test
    void theMembersOfInfiniteBenchAreRead() throws IOException {
        List<Question> questions = read("""
                {"id":0,"context":"c","input":"i","answer":["Bo"],"options":["Ann","Bo"]}
                {"id":1,"context":"c","input":"i","answer":"12","options":[]}
                {"id":2,"context":"c","input":"","answer":-4.5}
                """).questions();
        assertThat(questions).extracting(Question::id).containsExactly("0", "1", "2");
        assertThat(questions)
                .extracting(Question::answers)
                .containsExactly(List.of("Bo"), List.of("12"), List.of("-4.5"));
        assertThat(questions).extracting(Question::isChoice).containsExactly(true, false, false);
        assertThat(questions.getFirst().right()).containsExactly(1);
    }

    @Test
    void theMembersOfLongBenchV2AreRead() throws IOException {
        Question question = read("""
                {"_id":"x","question":"Who?","choice_A":"Ann","choice_C":"Cy","choice_B":"Bo","choice_D":"Di","answer":"C","context":"c","length":"short"}""").questions().getFirst();
        assertThat(question.input()).isEqualTo("Who?");
        assertThat(question.options()).containsExactly("Ann", "Bo", "Cy", "Di");
        assertThat(question.right()).containsExactly(2);
    }

    @Test
    void aBadLineIsNamedWithWhatIsWrong() {
        refused("gibberish", "JSON", "column");
        refused("{\"context\":\"c\"", "JSON");
        refused("[1]", "begins with {");
        refused(GOOD + GOOD, "something follows");
        refused("{\"input\":\"i\",\"answers\":[\"a\"]}", "\"context\" is missing");
        refused("{\"context\":null,\"input\":\"i\",\"answers\":[\"a\"]}", "\"context\" is missing");
        refused("{\"context\":\"c\",\"answers\":[\"a\"]}", "\"input\" or \"question\" is missing");
        refused("{\"context\":\"c\",\"input\":\"i\"}", "\"answers\" or \"answer\" is missing");
        refused("{\"context\":\"c\",\"input\":\"i\",\"answers\":[]}", "no right answer");
        refused("{\"context\":\"c\",\"input\":\"i\",\"answers\":[\" \"]}", "a right answer is empty");
        refused("{\"context\":\" \",\"input\":\"i\",\"answers\":[\"a\"]}", "\"context\" is empty");
        refused("{\"context\":3,\"input\":\"i\",\"answers\":[\"a\"]}", "\"context\" is no text");
        refused("{\"context\":\"c\",\"input\":\"i\",\"answers\":[[\"a\"]]}", "\"answers\" is no text");
        refused("{\"context\":\"c\",\"input\":\"i\",\"answers\":{\"a\":1}}", "\"answers\" is no text");
        refused("{\"context\":\"c\",\"context\":\"d\",\"input\":\"i\",\"answers\":[\"a\"]}", "context");
        refused("{\"context\":\"\\ud800\",\"input\":\"i\",\"answers\":[\"a\"]}", "surrogate");
        refused(
                "{\"context\":\"c\",\"input\":\"i\",\"answers\":[\"x\"],\"options\":[\"a\",\"b\"]}",
                "none of the options");
        refused(
                "{\"context\":\"c\",\"input\":\"i\",\"answer\":\"A\",\"choice_A\":\"a\",\"choice_C\":\"c\"}",
                "\"choice_B\"");
        refused("{\"x\":" + "[".repeat(2000) + "]".repeat(2000) + "}", "JSON");
        refused("{\"context\":\"" + "x".repeat(10_000) + "\",\"input\":\"i\",\"answers\":[\"a\"]}", "10000 bytes");
    }

    @Test
    void bytesThatAreNotUtf8AreRefusedWithTheirPlace() {
        byte[] bytes = (GOOD + "\n" + GOOD).getBytes(StandardCharsets.UTF_8);
        bytes[GOOD.length() + 1 + 13] = (byte) 0xE4;
        assertThatThrownBy(() -> read(bytes)).hasMessageContainingAll("line 2", "UTF-8", "byte 13", "iconv");
    }

    @Test
    void aFileWithoutQuestionsIsRefused() {
        assertThatThrownBy(() -> read("")).hasMessageContaining("no question");
        assertThatThrownBy(() -> read("\n \r\n")).hasMessageContaining("no question");
        assertThatThrownBy(() -> QuestionFile.read(folder.resolve("none.jsonl")))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.NOT_FOUND));
        assertThatThrownBy(() -> QuestionFile.read(folder)).hasMessageContaining("cannot be read");
    }

    @Test
    void damagedFilesNeverCrashTheReader() throws IOException {
        byte[] whole = (GOOD
                        + "\n{\"id\":1,\"context\":\"c é\",\"input\":\"i\",\"answer\":\"B\",\"options\":[\"a\",\"b\"]}\n")
                .getBytes(StandardCharsets.UTF_8);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 2000; i++) {
            byte[] damaged = whole.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            try {
                read(damaged);
            } catch (LecternException e) {
                assertThat(e.kind()).as("seed " + seed).isEqualTo(LecternException.Kind.BAD_DOCUMENT);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }
}
