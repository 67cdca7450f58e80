package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code ask --show-reading} prints, on a tiny model with random weights. */
class ShowReadingTest {
    private static final String QWEN2 = Run.tiny("qwen2-bf16.gguf");

    @TempDir
    Path home;

    private Path note;
    private String text = "";

    @BeforeEach
    void document() throws IOException {
        List<String> paragraphs = new ArrayList<>();
        for (String thing : List.of("lights", "cranes", "ferries", "pilots", "sheds")) {
            paragraphs.add("The harbour has some " + thing + ".\nOf all " + thing + " the last is the best.");
        }
        text = String.join("\n\n", paragraphs);
        note = Files.writeString(home.resolve("note.txt"), text + "\n");
    }

    private Run ask(List<String> documents, String... more) {
        List<String> arguments = new ArrayList<>(List.of("ask"));
        arguments.addAll(List.of(more));
        arguments.addAll(documents);
        arguments.addAll(List.of("--model", QWEN2, "--rope-scaling", "linear:factor=32", "--max-tokens", "6"));
        Run run = new Run(home).with(arguments.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        return run;
    }

    private Run ask(String... more) {
        return ask(List.of(note.toString(), "How many?"), more);
    }

    private static List<?> reading(Run run) {
        return (List<?>) run.json().get("reading");
    }

    private static Map<?, ?> map(Object value) {
        return (Map<?, ?>) value;
    }

    private void isPartOf(Object passage, Path document) {
        int from = ((Long) map(passage).get("from")).intValue(),
                to = ((Long) map(passage).get("to")).intValue();
        long line = 1 + text.substring(0, from).chars().filter(c -> c == '\n').count();
        assertThat(map(passage).get("text")).isEqualTo(text.substring(from, to));
        assertThat(map(passage).get("line")).isEqualTo(line);
        assertThat(map(passage).get("document")).isEqualTo(document.toString());
    }

    @Test
    void passagesStandBehindTheAnswerThatWouldBeGivenAnyway() {
        String alone = ask().out();
        String shown = ask("--show-reading").out();
        assertThat(shown).startsWith(alone);
        List<String> lines = shown.substring(alone.length()).lines().toList();
        assertThat(lines).hasSize(5).startsWith("", "What the answer read of the documents:");
        assertThat(lines.subList(2, 5))
                .allMatch(line -> line.matches(" *\\d+ %  .*note\\.txt, line \\d+: \"[^\\n]+\""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"dense", "window:window=8", "quest:budget=20%", "topk:budget=5"})
    void massesAddUpAndTextsAreThoseOfTheDocument(String attention) {
        List<?> passages = reading(ask("--show-reading=100", "--json", "--attention", attention));
        assertThat(passages).hasSizeBetween(2, 10);
        double all = 0, last = 100;
        for (Object passage : passages) {
            assertThat(map(passage).keySet())
                    .map(String::valueOf)
                    .containsExactly("document", "from", "to", "line", "mass", "text");
            isPartOf(passage, note);
            double mass = ((Number) map(passage).get("mass")).doubleValue();
            assertThat(mass).isBetween(0.0, last);
            last = mass;
            all += mass;
        }
        assertThat(all).isBetween(99.8, 100.2); // each is rounded
        assertThat(reading(ask("--show-reading=2", "--json", "--attention", attention)))
                .isEqualTo(passages.subList(0, 2));
    }

    @Test
    void aNameIsReadAsItsDocuments() throws IOException {
        Path other = Files.writeString(home.resolve("other.txt"), text);
        List<String> documents = List.of(note.toString(), other.toString());
        List<String> asked = new ArrayList<>(documents);
        asked.add("How many?");
        List<?> fresh = reading(ask(asked, "--show-reading=100", "--json", "--no-cache"));
        assertThat(fresh).isNotEmpty();
        for (Object passage : fresh) {
            isPartOf(passage, map(passage).get("document").equals(note.toString()) ? note : other);
        }
        assertThat(fresh)
                .map(passage -> String.valueOf(map(passage).get("document")))
                .contains(note.toString(), other.toString());
        List<String> read = new ArrayList<>(List.of("read"));
        read.addAll(documents);
        read.addAll(List.of("--as", "both", "--model", QWEN2, "--rope-scaling", "linear:factor=32"));
        assertThat(new Run(home).with(read.toArray(String[]::new)).exitCode()).isZero();
        Run kept = new Run(home).with("ask", "@both", "How many?", "--show-reading=100", "--json", "--max-tokens", "6");
        assertThat(kept.exitCode()).as(kept.out()).isZero();
        assertThat(reading(kept)).isEqualTo(fresh);
    }

    @Test
    void everyAnswerHasAReading() throws IOException {
        Path questions = Files.writeString(home.resolve("q.txt"), "How many?\nWhich one?\n");
        List<Map<?, ?>> lines = new ArrayList<>();
        ask(List.of(note.toString(), "--questions", questions.toString()), "--show-reading")
                .out()
                .lines()
                .forEach(line -> lines.add(map(Json.parse(line.getBytes(StandardCharsets.UTF_8)))));
        assertThat(lines).hasSize(2);
        assertThat(lines.get(0).get("reading")).isEqualTo(reading(ask("--show-reading", "--json")));
        assertThat(lines.get(1).get("reading"))
                .isEqualTo(reading(ask(List.of(note.toString(), "Which one?"), "--show-reading", "--json")));

        String[] drawn = {"--show-reading", "--json", "--temperature", "2", "--seed", "5"};
        List<?> alone = reading(ask(drawn));
        List<String> three = new ArrayList<>(List.of(drawn));
        three.addAll(List.of("-n", "3"));
        List<?> readings = reading(ask(three.toArray(String[]::new)));
        assertThat(readings).hasSize(3);
        assertThat(readings.getFirst()).isEqualTo(alone);
        assertThat(readings.get(1)).isNotEqualTo(alone);
        three.remove("--json");
        assertThat(ask(three.toArray(String[]::new)).out().split("What the answer read of the documents:"))
                .hasSize(4);
    }

    @Test
    void aNumberThatIsNoneIsRefused() {
        Run run = new Run(home).with("ask", note.toString(), "How many?", "--show-reading=0", "--model", QWEN2);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--show-reading is 0, but it takes 1 passage or more.");
        run = new Run(home)
                .with("ask", note.toString(), "How many?", "--show-reading", "--keep", "snapkv", "--model", QWEN2);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--show-reading cannot say where", "--keep snapkv", "ask with --keep all");
    }
}
