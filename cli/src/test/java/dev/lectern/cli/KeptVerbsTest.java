package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** read, ask @NAME and cache, on a tiny model with random weights. */
class KeptVerbsTest {
    private static final String MODEL = Run.tiny("qwen2-bf16.gguf");

    /** The tiny vocabulary spells most words letter by letter, so a document needs more than the 128 tokens of the model. */
    private static final String STRETCHED = "linear:factor=32";

    @TempDir
    Path home;

    private Path document;

    @BeforeEach
    void document() throws IOException {
        document = Files.writeString(
                home.resolve("Harbour Report.txt"), "The harbour has two lights and one crane. ".repeat(60));
    }

    private Run run(String... arguments) {
        return new Run(home).with(arguments);
    }

    private Run read(String... more) {
        List<String> arguments = new ArrayList<>(List.of("read", document.toString()));
        arguments.addAll(List.of("--model", MODEL, "--rope-scaling", STRETCHED));
        arguments.addAll(List.of(more));
        return run(arguments.toArray(String[]::new));
    }

    private Run ask(String what, String... more) {
        List<String> arguments = new ArrayList<>(List.of("ask", what, "How many?", "--max-tokens", "6"));
        if (!what.startsWith("@")) {
            arguments.addAll(List.of("--model", MODEL, "--rope-scaling", STRETCHED));
        }
        arguments.addAll(List.of(more));
        return run(arguments.toArray(String[]::new));
    }

    private static Map<?, ?> map(Object value) {
        return (Map<?, ?>) value;
    }

    private static Object in(Run run, String object, String member) {
        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        return map(run.json().get(object)).get(member);
    }

    @Test
    void whatWasReadIsAskedByItsNameAndByItsFile() {
        Run cold = ask(document.toString(), "--json", "--no-cache");
        assertThat(cold.json().containsKey("kept")).isFalse();
        assertThat(home.resolve("cache/kv")).doesNotExist();

        Run read = read("--json");
        assertThat(in(read, "kept", "outcome")).isEqualTo("miss");
        assertThat(((Number) in(read, "kept", "seconds")).doubleValue()).isPositive();
        assertThat(read.json().get("name")).isEqualTo("harbour-report");
        long tokens = (Long) read.json().get("tokens");
        assertThat(tokens).isGreaterThan(256);
        assertThat((Long) in(read, "written", "bytes")).isPositive();

        Run named = ask("@harbour-report", "--json");
        Run file = ask(document.toString(), "--json");
        for (Run run : List.of(named, file)) {
            assertThat(in(run, "kept", "outcome")).isEqualTo("hit");
            assertThat(in(run, "tokens", "cached")).isEqualTo(tokens);
            assertThat(run.json().get("answer")).isEqualTo(cold.json().get("answer"));
            assertThat(in(run, "tokens", "prompt"))
                    .isEqualTo(map(cold.json().get("tokens")).get("prompt"));
        }
        assertThat(in(read("--json"), "kept", "outcome")).isEqualTo("hit");
    }

    @Test
    void askFillsTheStoreAndSaysInALineWhatWasThere() {
        Run first = ask(document.toString());
        assertThat(first.exitCode()).as(first.err()).isZero();
        assertThat(first.err()).contains("kept: miss, 0 of ", "it was not kept before");
        Run second = ask(document.toString());
        assertThat(second.err()).contains("kept: hit, ");
        assertThat(second.out()).isEqualTo(first.out());
        Run other = ask(document.toString(), "--kv", "bf16");
        assertThat(other.err()).contains("kept: miss", "kept with --kv k=chl-8,v=chl-4, this is --kv bf16");
    }

    @Test
    void aLongerDocumentIsReadFromWhereItDiffers() throws IOException {
        ask(document.toString());
        Files.writeString(
                document, "The harbour has two lights and one crane. ".repeat(60) + "A third is planned. ".repeat(9));
        Run longer = ask(document.toString(), "--json");
        assertThat(in(longer, "kept", "outcome")).isEqualTo("partial");
        assertThat((Long) in(longer, "tokens", "cached")).isGreaterThan(512L);
        Run cold = ask(document.toString(), "--json", "--no-cache");
        assertThat(longer.json().get("answer")).isEqualTo(cold.json().get("answer"));
    }

    @Test
    void manyQuestionsAndManyAnswersShareWhatIsKept() throws IOException {
        read("--as", "r");
        Path questions = Files.writeString(home.resolve("q.txt"), "How many?\nWhich?\n");
        Run run = run("ask", "@r", "--questions", questions.toString(), "--max-tokens", "6");
        assertThat(run.exitCode()).as(run.err()).isZero();
        List<Map<?, ?>> lines = run.out()
                .lines()
                .<Map<?, ?>>map(line -> map(Json.parse(line.getBytes(StandardCharsets.UTF_8))))
                .toList();
        assertThat(lines).hasSize(2);
        for (Map<?, ?> line : lines) {
            assertThat((Long) map(line.get("tokens")).get("cached")).isGreaterThan(256);
        }
        assertThat(lines.getFirst().get("answer"))
                .isEqualTo(ask("@r", "--json").json().get("answer"));
        Run several = ask("@r", "--json", "-n", "3", "--temperature", "1");
        assertThat((List<?>) several.json().get("answers")).hasSize(3);
    }

    @Test
    void aNameIsNotTakenForAnotherModelOrSystemText() {
        read("--as", "r", "--system", "Be brief.");
        assertThat(ask("@r").exitCode()).isZero();
        assertThat(ask("@r", "--system", "Be brief.").exitCode()).isZero();
        Run system = ask("@r", "--system", "Be long.");
        assertThat(system.exitCode()).isEqualTo(2);
        assertThat(system.err()).contains("--system: @r was read behind another text");
        Run model = ask("@r", "--model", Run.tiny("llama3-bf16.gguf"));
        assertThat(model.exitCode()).isEqualTo(2);
        assertThat(model.err()).contains("@r was read");
        Run unknown = ask("@report");
        assertThat(unknown.exitCode()).isEqualTo(2);
        assertThat(unknown.err()).contains("Nothing that was read is called @report; there are @r.");
        Run two = run("ask", "@r", document.toString(), "Why?");
        assertThat(two.exitCode()).isEqualTo(2);
        assertThat(two.err()).contains("stands alone");
        Run bad = read("--as", "Not A Name");
        assertThat(bad.exitCode()).isEqualTo(2);
        assertThat(bad.err()).contains("is not a name");
    }

    @Test
    void damageIsToldOfAndTheAnswerIsTheSame() throws IOException {
        read("--as", "r");
        Run before = ask("@r", "--json");
        Path page;
        try (Stream<Path> pages = Files.list(home.resolve("cache/kv/pages"))) {
            page = pages.sorted().findFirst().orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(page);
        bytes[bytes.length / 2] ^= 4;
        Files.write(page, bytes);
        Run after = ask("@r", "--json");
        assertThat(in(after, "kept", "outcome")).isEqualTo("miss");
        assertThat(in(after, "kept", "why")).isEqualTo("what was kept of it was damaged");
        assertThat(after.json().get("answer")).isEqualTo(before.json().get("answer"));
        assertThat(in(ask("@r", "--json"), "kept", "outcome")).isEqualTo("hit");

        bytes = Files.readAllBytes(page);
        Files.write(page, Arrays.copyOf(bytes, bytes.length - 5));
        Run verify = run("cache", "verify", "--json");
        assertThat((List<?>) verify.json().get("damaged")).hasSize(1);
        assertThat((List<?>) run("cache", "verify", "--json").json().get("damaged"))
                .isEmpty();
    }

    @Test
    void aStoreThatCannotBeWrittenStopsReadAndNotAsk() throws IOException {
        Files.createDirectories(home.resolve("cache"));
        Files.writeString(home.resolve("cache/kv"), "");
        Run asked = ask(document.toString());
        assertThat(asked.exitCode()).as(asked.err()).isZero();
        assertThat(asked.err()).contains("lectern: warning: ", "is not kept");
        Run read = read();
        assertThat(read.exitCode()).isNotZero();
        assertThat(read.err()).containsOnlyOnce("is not kept");
    }

    @Test
    void theStoreIsListedShownCollectedAndRemoved() {
        assertThat(run("cache", "list").out()).contains("0 B are kept in");
        read("--as", "r");
        ask(document.toString(), "--kv", "f32");
        Run list = run("cache", "list", "--json");
        assertThat((List<?>) list.json().get("readings")).hasSize(2);
        assertThat(run("cache", "list").out()).contains("@r", " f32 ");
        Run show = run("cache", "show", "@r", "--json");
        assertThat(show.json().get("sources")).isEqualTo(List.of(document.toString()));
        assertThat(show.json().get("missing")).isEqualTo(0L);
        assertThat(run("cache", "show", "r").out()).contains("fields: --kv = k=chl-8,v=chl-4");
        assertThat(run("cache", "show", "@s").exitCode()).isEqualTo(2);

        assertThat(run("cache", "remove", "@r").exitCode()).isZero();
        assertThat(run("cache", "remove", "@r").exitCode()).isEqualTo(2);
        assertThat(ask("@r").err()).contains("nothing has a name yet");
        Run gc = run("cache", "gc", "--max-bytes", "0", "--json");
        assertThat(gc.json().get("left")).isEqualTo(0L);
        assertThat((Long) gc.json().get("bytes")).isPositive();
        assertThat(run("cache", "gc", "--max-bytes", "-1").exitCode()).isEqualTo(2);
    }

    @Test
    void whatAMethodKeepsOfATextIsMadeOnce() {
        String[] sampling = {"--attention", "magicpig:dense=none:k=3:l=12"};
        read("--as", "r");
        Run first = ask("@r", sampling);
        assertThat(first.exitCode()).as(first.err()).isZero();
        assertThat(first.err())
                .contains(
                        "kept: hit",
                        "with keys in tiles",
                        "index: made, ",
                        "not kept before",
                        "of keys as they are stored");
        Run second = ask("@r", sampling);
        assertThat(second.err()).contains("kept: hit", "index: loaded, ", "of keys as they are stored");
        assertThat(second.out()).isEqualTo(first.out());
        assertThat(ask("@r").err()).doesNotContain("index:");
        Run show = run("cache", "show", "@r", "--json");
        assertThat(map(show.json().get("indexes")).keySet())
                .singleElement()
                .asString()
                .startsWith("magicpig:k=3:l=12");
        assertThat(run("cache", "show", "@r").out()).contains("indexes: magicpig:k=3:l=12");
        assertThat((List<?>) run("cache", "verify", "--json").json().get("damaged"))
                .isEmpty();
        run("cache", "remove", "@r");
        assertThat(in(read("--as", "r", "--json"), "index", "outcome")).isEqualTo("none");
        run("cache", "remove", "@r");

        // Read with the method, the tables are of the keys themselves, and there for the first question.
        Run read = run(
                "read",
                document.toString(),
                "--model",
                MODEL,
                "--rope-scaling",
                STRETCHED,
                "--as",
                "r",
                "--json",
                sampling[0],
                sampling[1]);
        assertThat(in(read, "index", "outcome")).isEqualTo("made");
        assertThat((Long) in(read, "index", "written")).isPositive();
        Run asked = ask("@r", "--json");
        assertThat(in(asked, "index", "outcome")).isEqualTo("loaded");
        assertThat((String) in(asked, "methods", "attention"))
                .startsWith("magicpig:k=3:l=12")
                .doesNotContain("keys=stored");
        Run cold = ask(document.toString(), "--json", "--no-cache", sampling[0], sampling[1]);
        assertThat(cold.json().get("answer")).isEqualTo(asked.json().get("answer"));
        assertThat(in(cold, "index", "outcome")).isEqualTo("made");
    }

    @Test
    void whatIsToStayIsChosenByEachQuestion() {
        Run read = read("--as", "r", "--keep", "snapkv:budget=40", "--attention", "quest:budget=32", "--json");
        assertThat((String) in(read, "methods", "retention")).startsWith("snapkv:budget=40");
        assertThat(in(read, "index", "outcome")).isEqualTo("none");
        assertThat(in(read, "index", "why")).isEqualTo("--keep drops tokens first");
        Run some = ask("@r", "--json");
        assertThat(in(some, "kept", "outcome")).isEqualTo("hit");
        assertThat((String) in(some, "methods", "retention")).startsWith("snapkv:budget=40");
        Run cold = ask(
                document.toString(),
                "--json",
                "--no-cache",
                "--keep",
                "snapkv:budget=40",
                "--attention",
                "quest:budget=32");
        assertThat(some.json().get("answer")).isEqualTo(cold.json().get("answer"));
        Run all = ask("@r", "--json", "--keep", "all");
        assertThat(in(all, "kept", "outcome")).isEqualTo("hit");
        assertThat(in(all, "methods", "retention")).isEqualTo("all");
        assertThat(in(all, "index", "outcome")).isEqualTo("made");
        Run shown = ask("@r", "--show-reading");
        assertThat(shown.exitCode()).isEqualTo(2);
        assertThat(shown.err()).contains("--keep snapkv:budget=40", "ask with --keep all");

        Run sums = read("--as", "s", "--keep", "h2o");
        assertThat(sums.exitCode()).isEqualTo(2);
        assertThat(sums.err()).contains("--keep h2o:", "not kept with it", "--keep snapkv or --keep all");
        assertThat(read("--as", "s", "--keep", "lru").err()).contains("no way to keep tokens called \"lru\"");
    }

    /** A template for content in parts, pictures among them, as SmolVLM has one. */
    private static final String OF_PARTS = "{% for message in messages %}{{ message['role'] | capitalize }}"
            + "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
            + "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}"
            + "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
            + "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

    @Test
    void aTemplateThatLeavesOutWhatItIsGivenIsRefused() throws IOException {
        Path model = Files.createDirectory(home.resolve("model"));
        try (Stream<Path> files = Files.list(Path.of(Run.tiny("llama3")))) {
            for (Path file : files.toList()) {
                Files.copy(file, model.resolve(file.getFileName().toString()));
            }
        }
        for (String template : List.of(OF_PARTS, "")) {
            Files.writeString(model.resolve("chat_template.jinja"), template);
            Run ask = run("ask", document.toString(), "How many?", "--model", model.toString());
            Run read = run("read", document.toString(), "--model", model.toString());
            Run chat = new Run(home).input("How many?\n").with("chat", "--model", model.toString());
            for (Run run : List.of(ask, read, chat)) {
                assertThat(run.err()).contains("chat_template.jinja: ", "no token of what the user says");
                assertThat(run.out()).isEmpty();
            }
            assertThat(List.of(ask.exitCode(), read.exitCode())).containsOnly(1);
        }
    }

    @Test
    void namesComeFromFiles() {
        assertThat(ReadCommand.nameOf("/a/Report 2024.final.PDF")).isEqualTo("report-2024.final");
        assertThat(ReadCommand.nameOf("-")).isEqualTo("standard-input");
        assertThat(ReadCommand.nameOf("Ä.txt")).isEqualTo("document");
        assertThat(ReadCommand.nameOf(".bashrc")).isEqualTo("bashrc");
    }
}
