package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.json.Json;
import dev.lectern.kernel.ElementType;
import dev.lectern.measure.GgufHeader;
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

/** Every verb on tiny models with random weights: what is printed where, in which shape, with which exit code. */
class VerbsTest {
    private static final String QWEN2 = Run.tiny("qwen2-bf16.gguf");
    private static final String LLAMA3 = Run.tiny("llama3-bf16.gguf");

    /** The tiny vocabularies spell most words letter by letter, so a question needs more than the 128 tokens of the models. */
    private static final String STRETCHED = "linear:factor=32";

    @TempDir
    Path home;

    private Path document;

    @BeforeEach
    void document() throws IOException {
        document = Files.writeString(home.resolve("note.txt"), "The harbour has two lights and one crane.\n");
    }

    private Run run(String... arguments) {
        return new Run(home).with(arguments);
    }

    private static Map<?, ?> map(Object value) {
        return (Map<?, ?>) value;
    }

    private String[] ask(String... more) {
        List<String> arguments = new ArrayList<>(List.of("ask", document.toString()));
        arguments.addAll(List.of(more));
        arguments.addAll(List.of("--model", QWEN2, "--rope-scaling", STRETCHED, "--max-tokens", "6"));
        return arguments.toArray(String[]::new);
    }

    @Test
    void askPrintsTheAnswerAloneAndOneLineOfStatisticsBeside() {
        Run run = run(ask("How many lights?"));

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).endsWith("\n");
        assertThat(run.err()).hasLineCount(2).startsWith("kept: miss, ").contains("tokens/s", "wrote", "cache");
    }

    @Test
    void askHasTheObjectOfTheContract() {
        Run run = run(ask("How many lights?", "--json", "--threads", "1", "--kv", "k=f32,v=bf16"));

        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.err()).isEmpty();
        Map<?, ?> json = run.json();
        assertThat(json.get("answer")).isInstanceOf(String.class);
        assertThat(json.get("finishReason")).isIn("stop", "length");
        assertThat(map(json.get("model")).keySet()).map(String::valueOf).containsExactly("name", "sha256", "context");
        assertThat(map(json.get("model")).get("sha256")).isNull();
        assertThat(map(json.get("model")).get("context")).isEqualTo(128L * 32);
        assertThat(map(json.get("tokens")).keySet())
                .map(String::valueOf)
                .containsExactly("prompt", "cached", "generated");
        assertThat(map(json.get("seconds")).keySet())
                .map(String::valueOf)
                .containsExactly("load", "prefill", "firstToken", "decode", "total");
        assertThat(map(json.get("bytes")).keySet())
                .map(String::valueOf)
                .containsExactly("weights", "kv", "index", "peakRss");
        assertThat(json.get("methods"))
                .isEqualTo(Map.of("prefill", "full", "attention", "dense", "kv", "k=f32,v=bf16", "retention", "all"));
        assertThat(json.get("threads")).isEqualTo(1L);
        assertThat(json.get("vectorBits")).isInstanceOf(Long.class);
    }

    @Test
    void theFirstOfSeveralAnswersIsTheOneThatComesAlone() {
        Run alone = run(ask("How many?", "--json", "--temperature", "0.9", "--seed", "11"));
        Run three = run(ask("How many?", "--json", "--temperature", "0.9", "--seed", "11", "-n", "3"));

        assertThat(three.exitCode()).as(three.out()).isZero();
        List<?> answers = (List<?>) three.json().get("answers");
        assertThat(answers).hasSize(3);
        assertThat(answers.getFirst()).isEqualTo(alone.json().get("answer"));
        assertThat(three.json().get("answer")).isEqualTo(alone.json().get("answer"));
        assertThat((List<?>) three.json().get("finishReason")).hasSize(3);
    }

    @Test
    void manyQuestionsReadTheDocumentOnceAndAnswerAsAlone() throws IOException {
        Path questions = Files.writeString(home.resolve("q.txt"), "How many lights?\n\n  Which crane?  \nWhy?\n");
        Run run = run(ask("--questions", questions.toString()));

        assertThat(run.exitCode()).as(run.err()).isZero();
        List<Map<?, ?>> lines = new ArrayList<>();
        run.out().lines().forEach(line -> lines.add(map(Json.parse(line.getBytes(StandardCharsets.UTF_8)))));
        assertThat(lines).hasSize(3);
        assertThat(lines.get(1).get("question")).isEqualTo("Which crane?");
        assertThat(map(lines.get(0).get("tokens")).get("cached")).isEqualTo(0L);
        assertThat((Long) map(lines.get(1).get("tokens")).get("cached")).isGreaterThan(20);
        assertThat(map(lines.get(2).get("tokens")).get("cached"))
                .isEqualTo(map(lines.get(1).get("tokens")).get("cached"));
        for (Map<?, ?> line : lines) {
            Run alone = run(ask(String.valueOf(line.get("question")), "--json"));
            assertThat(line.get("answer")).isEqualTo(alone.json().get("answer"));
            assertThat(map(line.get("tokens")).get("prompt"))
                    .isEqualTo(map(alone.json().get("tokens")).get("prompt"));
        }
    }

    @Test
    void aDocumentOrAQuestionCanComeFromStandardInput() {
        String[] fromInput = ask("How many lights?", "--json");
        fromInput[1] = "-";
        Run piped = new Run(home)
                .input("The harbour has two lights and one crane.\n")
                .with(fromInput);
        assertThat(piped.exitCode()).as(piped.out()).isZero();
        assertThat(piped.json().get("answer"))
                .isEqualTo(run(ask("How many lights?", "--json")).json().get("answer"));

        Run question = new Run(home).input("How many lights?\n").with(ask("--json"));
        assertThat(question.exitCode()).as(question.out()).isZero();
        assertThat(question.json().get("answer")).isEqualTo(piped.json().get("answer"));
    }

    @Test
    void aByteOrderMarkIsNoPartOfAQuestion() throws IOException {
        String mark = "\uFEFF";
        List<Object> asked = new ArrayList<>();
        for (String before : List.of("", mark)) {
            Path questions = Files.writeString(home.resolve("q.txt"), before + "How many lights?\n");
            Run file = run(ask("--questions", questions.toString()));
            assertThat(file.exitCode()).as(file.err()).isZero();
            asked.add(List.of(file.json().get("question"), file.json().get("answer"), prompt(file)));
            Run piped = new Run(home).input(before + "How many lights?\n").with(ask("--json"));
            asked.add(List.of("How many lights?", piped.json().get("answer"), prompt(piped)));
        }
        assertThat(asked).containsOnly(asked.getFirst());

        String[] chat = {"chat", "--model", QWEN2, "--rope-scaling", STRETCHED, "--max-tokens", "4"};
        assertThat(new Run(home).input(mark + "Hello\n").with(chat).out())
                .isEqualTo(new Run(home).input("Hello\n").with(chat).out());
    }

    /** Tokens of the prompt, which a question with a mark has more of. */
    private static Object prompt(Run run) {
        return map(run.json().get("tokens")).get("prompt");
    }

    @Test
    void aPromptThatIsTooLongIsRefusedBeforeReading() throws IOException {
        Files.writeString(document, "All work and no play. ".repeat(1000));
        Run run = run(ask("Why?", "--json"));

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(map(run.json().get("error")).get("kind")).isEqualTo("too-long");
        assertThat(String.valueOf(map(run.json().get("error")).get("message")))
                .contains("4096", "qwen2.5-coder-0.5b (32768)")
                .containsPattern("has \\d{5} tokens");
    }

    @Test
    void anAnswerWithLittleRoomIsShorterAndThatIsSaid() {
        Run run = run("generate", "--model", LLAMA3, "--json", "--max-tokens", "500", "a b c");

        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.err()).hasLineCount(1).startsWith("lectern: warning: ").contains("500");
    }

    @Test
    void documentsThatCannotBeReadAreRefused() throws IOException {
        Files.writeString(document, "");
        assertThat(run(ask("Why?", "--json")).json().toString()).contains("bad-document", "empty");
        Files.write(document, new byte[] {0, 1, 2, 3, (byte) 0xFF, 0, 0, 9});
        assertThat(run(ask("Why?")).exitCode()).isEqualTo(2);
        Files.delete(document);
        Run missing = run(ask("Why?", "--json"));
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(map(missing.json().get("error")).get("kind")).isEqualTo("not-found");
    }

    @Test
    void aModelWithoutASwitchForThinkingRefusesIt() {
        Run run = run(ask("Why?", "--thinking", "off", "--json"));

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).contains("--thinking", "no such switch");
    }

    @Test
    void generateBeginsWithTheTokenThatTheModelWants() {
        Run llama = run("generate", "--model", LLAMA3, "--json", "--max-tokens", "3", "Hello");
        Run qwen = run("generate", "--model", QWEN2, "--json", "--max-tokens", "3", "Hello");
        long llamaTokens = ((List<?>) run("tokenize", "--model", LLAMA3, "--json", "Hello")
                        .json()
                        .get("tokens"))
                .size();
        long qwenTokens = ((List<?>) run("tokenize", "--model", QWEN2, "--json", "Hello")
                        .json()
                        .get("tokens"))
                .size();

        assertThat(map(llama.json().get("tokens")).get("prompt")).isEqualTo(llamaTokens + 1);
        assertThat(map(qwen.json().get("tokens")).get("prompt")).isEqualTo(qwenTokens);
    }

    @Test
    void generateReadsAnArgumentAFileOrStandardInput() {
        String expected = run(
                        "generate",
                        "--model",
                        QWEN2,
                        "--max-tokens",
                        "5",
                        "The harbour has two lights and one crane.\n")
                .out();

        assertThat(run("generate", "--model", QWEN2, "--max-tokens", "5", "--text", document.toString())
                        .out())
                .isEqualTo(expected);
        assertThat(new Run(home)
                        .input("The harbour has two lights and one crane.\n")
                        .with("generate", "--model", QWEN2, "--max-tokens", "5")
                        .out())
                .isEqualTo(expected);
        Run empty = run("generate", "--model", QWEN2, "");
        assertThat(empty.exitCode()).isEqualTo(2);
        assertThat(empty.err()).contains("prompt is empty");
    }

    @Test
    void textThatIsNotUtf8IsRefusedWithThePlace() {
        Run run = new Run(home).input(new byte[] {'a', 'b', (byte) 0xE4, 'c'}).with("tokenize", "--model", QWEN2);

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("standard input", "byte 2", "iconv");
    }

    @Test
    void specialTokensAreTextUnlessAskedFor() {
        Map<?, ?> plain =
                run("tokenize", "--model", QWEN2, "--json", "<|im_end|>").json();
        Map<?, ?> special = run("tokenize", "--model", QWEN2, "--json", "--special", "<|im_end|>")
                .json();

        assertThat((Long) plain.get("count")).isGreaterThan(1);
        assertThat(special.get("count")).isEqualTo(1L);
        assertThat(special.get("tokens")).isEqualTo(List.of(282L));
        assertThat(run("tokenize", "--model", QWEN2, "--special", "<|im_end|>").out())
                .isEqualTo("282\n");
    }

    @Test
    void scoreHasOneEntryForEachToken() {
        Map<?, ?> score = run("score", "--model", QWEN2, "--json", "Two lights").json();

        List<?> tokens = (List<?>) score.get("tokens"), logProbs = (List<?>) score.get("logProbs");
        assertThat(logProbs).hasSameSizeAs(tokens);
        assertThat((List<?>) score.get("top1")).hasSameSizeAs(tokens);
        assertThat(logProbs.getFirst()).isNull();
        assertThat(logProbs.subList(1, logProbs.size())).allMatch(p -> (Double) p < 0);
        assertThat(run("score", "--model", QWEN2, "Two lights").out()).contains("perplexity");
        assertThat(run("score", "--model", QWEN2, "").exitCode()).isEqualTo(2);
    }

    @Test
    void aTextWithoutAnyTokenIsNotScored() throws IOException {
        Path model = Files.createDirectory(home.resolve("model"));
        try (Stream<Path> files = Files.list(Path.of(Run.tiny("qwen2")))) {
            for (Path file : files.toList()) {
                Files.copy(file, model.resolve(file.getFileName()));
            }
        }
        // U+0101 is how vocabularies of bytes write the byte 1.
        Path tokenizer = model.resolve("tokenizer.json");
        Files.writeString(tokenizer, Files.readString(tokenizer).replace("\"\u0101\"", "\"\u0101\u0101\""));
        Run run = new Run(home).input("\1\1\1").with("score", "--model", model.toString(), "--json");

        assertThat(run.exitCode()).as(run.out()).isEqualTo(2);
        assertThat(run.out()).contains("bad-document", "no token", "nothing to score");
    }

    @Test
    void inspectShowsEverything() {
        Map<?, ?> json = run("inspect", QWEN2, "--json").json();

        assertThat(json.get("format")).isEqualTo("gguf");
        assertThat(json.get("architecture")).isEqualTo("qwen2");
        assertThat(map(json.get("metadata")).get("qwen2.context_length")).isEqualTo(128L);
        assertThat(map(((List<?>) json.get("tensors")).getFirst()).keySet())
                .map(String::valueOf)
                .containsExactly("name", "type", "shape", "bytes");
        assertThat(run("inspect", "--model", Run.tiny("qwen3")).out()).contains("safetensors", "Qwen3ForCausalLM");
    }

    @Test
    void namesInAModelFileCannotSteerATerminal() throws IOException {
        String steering = "\u001b]0;x\u0007\u009b2J\u202e" + "x".repeat(5000);
        GgufHeader header = new GgufHeader();
        header.text("general.architecture", steering);
        header.text(steering, steering);
        header.tensor(steering, ElementType.F32, 1);
        header.tensor("short", ElementType.F32, 1);
        String model = home.resolve("steering.gguf").toString();
        Files.write(Path.of(model), Arrays.copyOf(header.bytes(), header.bytes().length + 64));

        Run inspect = run("inspect", model);
        assertThat(inspect.exitCode()).as(inspect.err()).isZero();
        assertThat(inspect.out()).contains("architecture  \\u001b]0;x\\u0007\\u009b2J\\u202exx", "  short  ");
        assertThat(inspect.out().lines()).allMatch(line -> line.length() < 400);
        Run ask = run("ask", document.toString(), "What?", "--model", model);
        assertThat(ask.exitCode()).isEqualTo(1);
        assertThat(ask.err()).contains("the architecture \"\\u001b]0;").hasSizeLessThan(1000);
        for (String said : List.of(inspect.out(), inspect.err(), ask.out(), ask.err())) {
            assertThat(said.chars()).noneMatch(c -> (c != '\n' && Character.isISOControl(c)) || c == 0x202e);
        }
    }

    @Test
    void aModelIsNamedOnce() {
        for (String verb : List.of("pull", "inspect", "estimate")) {
            Run run = run(verb, QWEN2, "--model", LLAMA3);
            assertThat(run.exitCode()).as(verb).isEqualTo(2);
            assertThat(run.err())
                    .contains("The model is named twice, as MODEL (" + QWEN2 + ") and by --model (" + LLAMA3
                            + "): leave one out.");
        }
        // A setting is for all verbs, and an argument goes before it.
        Run set = new Run(home).variable("LECTERN_MODEL", LLAMA3).with("inspect", QWEN2, "--json");
        assertThat(set.json().get("architecture")).isEqualTo("qwen2");
        Run alone = new Run(home).variable("LECTERN_MODEL", LLAMA3).with("inspect", "--json");
        assertThat(alone.json().get("architecture")).isEqualTo("llama");
    }

    @Test
    void aRecordingTakesNothingThatSaysHowOneIsMade() throws IOException {
        Path folder = home.resolve("results");
        String text = Files.writeString(document, "The harbour has two lights and one crane. ".repeat(20))
                .toString();
        Run recorded = run(
                "eval",
                "attention",
                "--model",
                QWEN2,
                "--rope-scaling",
                STRETCHED,
                "--text",
                text,
                "--layers",
                "0",
                "--budget",
                "50%",
                "--json",
                "--out",
                folder.toString());
        assertThat(recorded.exitCode()).as(recorded.err()).isZero();
        assertThat(String.valueOf(recorded.json().get("command")))
                .contains(" --text FILE --layers 0 --rope-scaling " + STRETCHED + " --kv f32");
        String recording;
        try (Stream<Path> files = Files.list(folder)) {
            recording = files.map(Path::toString)
                    .filter(name -> name.endsWith(".safetensors"))
                    .findFirst()
                    .orElseThrow();
        }
        String[] judge = {"eval", "attention", "--recording", recording, "--budget", "50%", "--out", folder.toString()};
        assertThat(new Run(home).variable("LECTERN_MODEL", LLAMA3).with(judge).exitCode())
                .isZero();
        for (List<String> more : List.of(
                List.of("--model", QWEN2),
                List.of("--text", text),
                List.of("--tokens", "9"),
                List.of("--layers", "0"),
                List.of("--rope-scaling", STRETCHED))) {
            Run run = run(Stream.concat(Stream.of(judge), more.stream()).toArray(String[]::new));
            assertThat(run.exitCode()).as(more.getFirst()).isEqualTo(2);
            assertThat(run.err())
                    .contains("--recording is of a model that has read a text already, so " + more.getFirst()
                            + " would change nothing: leave it out, or record anew without --recording.");
        }
    }

    @Test
    void estimateNeedsNoMoreThanAConfig() {
        Run run = run("estimate", "--ctx", "64", "--json", Run.tiny("qwen3/config.json"));

        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.json().get("tokens")).isEqualTo(64L);
        assertThat(run.json().get("fits")).isEqualTo(true);
        assertThat(map(run.json().get("bytes")).keySet())
                .map(String::valueOf)
                .containsExactly("weights", "kv", "index", "scratch", "total", "available");
        assertThat(map(run.json().get("bytes")).get("index")).isEqualTo(0L);
        assertThat(run("estimate", QWEN2).out())
                .contains("It fits", "available")
                .doesNotContain("index");
        assertThat(run("estimate", "--attention", "quest", QWEN2).out()).contains("index");
        assertThat(run("estimate", "--ctx", "4096", QWEN2).err()).contains("--rope-scaling");
    }

    @Test
    void profileSaysWhereTheTimeWent() {
        Run run = run("generate", "--model", QWEN2, "--max-tokens", "3", "--profile", "Hello");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).contains("where the time went", "decode, 2 tokens", "attention");

        Map<?, ?> json = run("generate", "--model", QWEN2, "--max-tokens", "3", "--profile", "--json", "Hello")
                .json();
        Map<?, ?> decode = map(map(json.get("profile")).get("decode"));
        assertThat(decode.get("tokens")).isEqualTo(2L);
        assertThat(map(decode.get("millisecondsPerToken")).get("all")).isInstanceOf(Number.class);
        assertThat(run("generate", "--model", QWEN2, "--max-tokens", "3", "--json", "Hello")
                        .json()
                        .containsKey("profile"))
                .isFalse();
    }

    @Test
    void benchSpeedRecordsWhereTheTimeWent() throws IOException {
        Path page = home.resolve("page.md");
        String[] bench = {
            "bench",
            "speed",
            "--model",
            QWEN2,
            "--depth",
            "0,8",
            "--prompt-tokens",
            "8",
            "--decode-tokens",
            "3",
            "--runs",
            "1"
        };
        Run mistake = new Run(home).with(with(bench, "--record", page.toString()));
        assertThat(mistake.err()).contains("--profile").hasLineCount(1);

        Run run = new Run(home).with(with(bench, "--profile", "--record", page.toString()));

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("where the time went", "prefill, 8 tokens", "decode, 3 tokens");
        assertThat(Files.readString(page))
                .contains("prefill at 0 | prefill at 8 | decode at 0 | decode at 8", "| attention |", "--depth 0,8");
    }

    private static String[] with(String[] arguments, String... more) {
        return Stream.concat(Stream.of(arguments), Stream.of(more)).toArray(String[]::new);
    }

    @Test
    void modelsListsTheCatalogue() {
        Map<?, ?> json = run("models", "--json").json();

        Map<?, ?> first = map(((List<?>) json.get("models")).getFirst());
        assertThat(first.get("name")).isEqualTo("qwen2.5-coder-0.5b");
        assertThat(first.get("here")).isEqualTo(false);
        assertThat(run("models").out()).contains("smollm2-135m", "Apache-2.0", "to pull");
    }

    @Test
    void doctorSaysWhatItFinds() {
        Map<?, ?> json = new Run(home)
                .variable("LECTERN_THREAD", "4")
                .variable("LECTERN_MPI", "none")
                .with("doctor", "--json")
                .json();

        assertThat(json.keySet())
                .map(String::valueOf)
                .contains("java", "vectorBits", "threads", "memory", "models", "warnings");
        assertThat(json.get("warnings").toString())
                .contains("LECTERN_THREAD ", "lectern pull")
                .doesNotContain("LECTERN_MPI");
    }

    @Test
    void doctorMeasuresThePeakOnRequest() {
        Run run = run("doctor", "--json", "--peak");
        assertThat(run.exitCode()).as(run.err()).isZero();
        Map<?, ?> peak = map(run.json().get("peak"));
        assertThat(peak.keySet())
                .map(String::valueOf)
                .containsExactly("flops", "flopsOfAll", "bytesPerSecond", "bytesPerSecondOfAll", "threads");
        assertThat((Double) peak.get("flops")).isPositive();
        assertThat((Double) peak.get("bytesPerSecondOfAll")).isPositive();
    }

    @Test
    void chatThroughAPipeAnswersEachLineAndKeepsWhatItRead() {
        Run run = new Run(home)
                .input("Hello\n\n/help\nAgain\n/reset\n/frobnicate\nHello\n/exit\nnever\n")
                .with("chat", "--model", QWEN2, "--rope-scaling", STRETCHED, "--max-tokens", "4");

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err())
                .contains("/system TEXT", "There is no command /frobnicate", "A new conversation.", "known ones")
                .doesNotContain("never");
        assertThat(run.err().lines().filter(line -> line.startsWith("read "))).hasSize(3);
    }

    @Test
    void chatWithoutATemplateIsRefused() {
        Run run = new Run(home).input("Hello\n").with("chat", "--model", Run.tiny("gpt2-f32.gguf"));

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("no chat template").hasLineCount(1);
    }

    @Test
    void chatThroughAPipeEndsWithTheCodeOfTheTurnThatFailed() {
        Run run = new Run(home)
                .input("a ".repeat(5000) + "\nHello\n")
                .with("chat", "--model", QWEN2, "--rope-scaling", STRETCHED, "--max-tokens", "4");

        assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
        assertThat(run.err()).contains("/reset begins a new conversation.").endsWith("what was wrong is said above.\n");
        assertThat(run.err().lines().filter(line -> line.startsWith("read "))).hasSize(1);
    }

    @Test
    void aTerminalSeesABarThatIsTakenAwayAgain() throws InterruptedException {
        Run run = new Run(home).terminals(new Console.Terminals(false, false, true));
        try (ProgressLine line =
                new ProgressLine(run.surroundings().console(), "reading", ProgressLine.Unit.TOKENS, 0, 100)) {
            line.report(40, 100);
            Thread.sleep(1200);
        }

        assertThat(run.err())
                .contains("\rreading █", " 40 %", "40/100 tokens", "tokens/s", "left")
                .endsWith("\r\u001b[K");
    }

    @Test
    void benchSpeedHasTheObjectOfTheContract() {
        Run run = run(
                "bench",
                "speed",
                "--json",
                "--model",
                QWEN2,
                "--rope-scaling",
                STRETCHED,
                "--depth",
                "0,600",
                "--batch",
                "2",
                "--kv",
                "k=f32,v=f16",
                "--prompt-tokens",
                "10",
                "--decode-tokens",
                "2",
                "--fill",
                "repeat",
                "--runs",
                "1",
                "--threads",
                "1");

        assertThat(run.exitCode()).as(run.err()).isZero();
        List<?> results = (List<?>) run.json().get("results");
        assertThat(results).hasSize(2);
        Map<?, ?> deep = map(results.get(1));
        assertThat(deep.get("depth")).isEqualTo(600L);
        assertThat(deep.get("batch")).isEqualTo(2L);
        assertThat(deep.get("kv")).isEqualTo("k=f32,v=f16");
        assertThat(map(deep.get("prefill")).get("tokens")).isEqualTo(20L);
        assertThat((Double) map(deep.get("decode")).get("tokensPerSecond")).isPositive();
        assertThat((Double) deep.get("bytesRead")).isPositive();
        assertThat(map(deep.get("index")).get("bytes")).isEqualTo(0L);
    }

    @Test
    void benchSpeedRefusesWhatCannotBe() {
        assertThat(run("bench", "speed", "--depth", "5,x").exitCode()).isEqualTo(2);
        assertThat(run("bench", "speed", "--fill", "magic").exitCode()).isEqualTo(2);
        Run method = run(
                "bench",
                "speed",
                "--model",
                QWEN2,
                "--prompt-tokens",
                "9",
                "--decode-tokens",
                "2",
                "--attention",
                "dense",
                "--attention",
                "magic");
        assertThat(method.exitCode()).isEqualTo(2);
        assertThat(method.err()).contains("magic", "magicpig");
        Run deep = run("bench", "speed", "--model", QWEN2, "--depth", "128");
        assertThat(deep.exitCode()).isEqualTo(2);
        assertThat(deep.err()).contains("--depth 128", "holds 128", "--rope-scaling");
    }

    @Test
    void benchPeersComparesWithWhateverPythonIsGiven() throws IOException {
        Path python = Files.writeString(home.resolve("python"), """
                #!/bin/sh
                while IFS= read -r line; do
                    case $line in
                        *'"do":"open"'*) echo '{"version":"9.9","system":"none","seconds":0.1}' ;;
                        *) echo '{"seconds":0.5,"token":7,"bytes":1000000}' ;;
                    esac
                done
                """);
        assertThat(python.toFile().setExecutable(true)).isTrue();
        Path folder = home.resolve("results");
        Path document = home.resolve("measurements.md");
        Run run = run(
                "bench",
                "peers",
                "--json",
                "--model",
                QWEN2,
                "--python",
                python.toString(),
                "--rows",
                "decode,first-token",
                "--pairs",
                "1",
                "--prompt-tokens",
                "10",
                "--decode-tokens",
                "2",
                "--threads",
                "1",
                "--out",
                folder.toString(),
                "--record",
                document.toString());

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat((List<?>) run.json().get("results")).hasSize(2);
        List<?> ratios = (List<?>) run.json().get("ratios");
        assertThat(ratios).hasSize(2);
        assertThat(map(ratios.get(1)).get("row")).isEqualTo("first-token");
        assertThat(folder)
                .isDirectoryContaining(path ->
                        path.toString().endsWith("-bit-prompt-tokens-10-decode-tokens-2-decode-first-token.json"));
        assertThat(document).content().contains("begin bench peers", "first token of a fresh process");
        assertThat(run("bench", "peers", "--rows", "speed").err()).contains("--rows", "prefill-deep");
    }

    @Test
    void benchPrefillMeasuresMethodsOfReading(@TempDir Path folder) {
        Run run = run(
                "bench",
                "prefill",
                "--json",
                "--model",
                QWEN2,
                "--length",
                "600",
                "--prefill",
                "ring",
                "--prefill",
                "apb:question=apart:compressor=recent",
                "--hosts",
                "2",
                "--kv",
                "f32",
                "--threads",
                "1",
                "--out",
                folder.toString());

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        List<?> results = (List<?>) run.json().get("results");
        assertThat(results).hasSize(3);
        assertThat(map(results.get(1)).get("prefill")).isEqualTo("ring:layout=zigzag");
        assertThat(map(map(results.get(2)).get("parts")).keySet())
                .map(String::valueOf)
                .containsExactly("projections", "attention", "communication", "feedForward", "rest");
        assertThat(folder.resolve("prefill-qwen2-bf16.gguf.csv")).exists();
        String[] again = {"bench", "prefill", "--model", QWEN2, "--length", "600", "--out", folder.toString()};
        assertThat(run(again).out()).contains("tokens/s", "star:hosts=4");
        assertThat(run("bench", "prefill", "--hosts", "0").err()).contains("--hosts is 0");
    }

    @Test
    void evalPerplexityAndKldGoThroughAText() {
        Path folder = home.resolve("results");
        String text = "The ferry left at noon, and nobody saw it come back.";
        Run perplexity = run(
                "eval", "perplexity", "--json", "--model", QWEN2, "--out", folder.toString(), "--tokens", "20", text);
        assertThat(perplexity.exitCode()).as(perplexity.err()).isZero();
        Map<?, ?> foretold = map(((List<?>) perplexity.json().get("results")).getFirst());
        assertThat(foretold.get("metric")).isEqualTo("perplexity");
        assertThat((Double) foretold.get("score")).isGreaterThan(1);
        assertThat(foretold.get("samples")).isEqualTo(19L);
        Run kld = run(
                "eval",
                "kld",
                "--json",
                "--model",
                QWEN2,
                "--out",
                folder.toString(),
                "--kv",
                "bf16",
                "--tokens",
                "20",
                text);
        assertThat(kld.exitCode()).as(kld.err()).isZero();
        Map<?, ?> diverged = map(((List<?>) kld.json().get("results")).getFirst());
        assertThat((Double) diverged.get("meanKl")).isBetween(0.0, 0.1);
        assertThat((Double) diverged.get("sameTop1")).isBetween(0.5, 1.0);
        for (String name : List.of("perplexity", "kld")) {
            assertThat(folder)
                    .isDirectoryContaining("glob:**/" + name + "-*.csv")
                    .isDirectoryContaining("glob:**/" + name + "-*.png")
                    .isDirectoryContaining("glob:**/" + name + "-*.svg");
        }
        assertThat(run("eval", "perplexity", "--model", QWEN2, "a").err()).contains("2 are needed");
    }

    @Test
    void evalRulerAsksAndKeepsWhatIsFinished() {
        Path folder = home.resolve("results");
        String[] ruler = {
            "eval",
            "ruler",
            "--json",
            "--model",
            QWEN2,
            "--rope-scaling",
            "linear:factor=32",
            "--length",
            "1500",
            "--tasks",
            "niah_single_1,vt",
            "--samples",
            "1",
            "--threads",
            "1",
            "--out",
            folder.toString()
        };
        Run first = run(ruler);
        assertThat(first.exitCode()).as(first.err()).isZero();
        List<?> results = (List<?>) first.json().get("results");
        assertThat(results).hasSize(2);
        assertThat(map(results.getFirst()).get("task")).isEqualTo("niah_single_1");
        assertThat(map(results.getFirst()).get("low")).isEqualTo(0.0);
        assertThat(run(ruler).json().get("results")).isEqualTo(results);
        assertThat(folder)
                .isDirectoryContaining("glob:**/ruler-*.jsonl")
                .isDirectoryContaining("glob:**/ruler-*.csv")
                .isDirectoryContaining("glob:**/ruler-*.png");
        assertThat(run("eval", "ruler", "--tasks", "niah").err()).contains("niah_single_1", "qa_2");
        assertThat(run("eval", "attention", "--task", "nope").err())
                .contains("\"nope\"", "niah_single_1")
                .doesNotContain("--tasks");
        Run negative = run("eval", "attention", "--model", QWEN2, "--tokens", "-5", "--text", document.toString());
        assertThat(negative.exitCode()).isEqualTo(2);
        assertThat(negative.err()).contains("--tokens is -5");
        assertThat(run("eval", "ruler", "--keep", "all").err()).contains("--keep all");
        Run tooLong = run("eval", "ruler", "--model", QWEN2, "--length", "4096", "--out", folder.toString());
        assertThat(tooLong.exitCode()).isEqualTo(2);
        assertThat(tooLong.err()).contains("--length 4096", "holds", "128");
    }

    @Test
    void evalLongQaAsksTheQuestionsOfAFile() throws IOException {
        Path questions = home.resolve("Two Lights.jsonl");
        Files.writeString(questions, """
                {"context":"The harbour has two lights.","input":"How many lights?","answers":["two"],"dataset":"free","_id":"a"}
                {"context":"The harbour has two lights.","input":"How many?","answer":["two"],"options":["one","two"],"dataset":"chosen"}
                """);
        Path folder = home.resolve("results");
        String[] longqa = {
            "eval",
            "longqa",
            questions.toString(),
            "--json",
            "--model",
            QWEN2,
            "--rope-scaling",
            STRETCHED,
            "--max-tokens",
            "3",
            "--protocol",
            "B",
            "--threads",
            "1",
            "--out",
            folder.toString()
        };
        Run first = run(longqa);
        assertThat(first.exitCode()).as(first.err()).isZero();
        List<?> results = (List<?>) first.json().get("results");
        assertThat(results).hasSize(8);
        assertThat(map(results.getFirst()).keySet())
                .map(String::valueOf)
                .containsExactly(
                        "metric",
                        "method",
                        "kv",
                        "protocol",
                        "task",
                        "length",
                        "score",
                        "low",
                        "high",
                        "samples",
                        "bytesRead",
                        "density");
        assertThat(map(results.getFirst()).get("metric")).isEqualTo("f1");
        assertThat(map(results.get(7)).get("task")).isEqualTo("chosen");
        assertThat(map(results.get(7)).get("length")).isEqualTo(128L * 32);
        assertThat(first.json().get("cut")).isEqualTo(0L);
        assertThat(first.json().get("file")).isEqualTo("Two Lights.jsonl");
        assertThat(run(longqa).json().get("results")).isEqualTo(results);
        assertThat(folder)
                .isDirectoryContaining("glob:**/longqa-*.jsonl")
                .isDirectoryContaining("glob:**/longqa-two-lights-*.csv");
        Files.writeString(questions, "{\"context\":\"c\",\"input\":\"i\"}\n");
        Run bad = run(longqa);
        assertThat(bad.exitCode()).isEqualTo(2);
        assertThat(bad.json().toString()).contains("bad-document", "line 1", "answers");
        assertThat(run("eval", "longqa", "none.jsonl").err()).contains("none.jsonl", "no such file");
    }

    @Test
    void analyzeComparesInputsAndWritesAFigure() throws IOException {
        Path folder = home.resolve("results");
        String[] analyze = {
            "analyze",
            "--json",
            "--model",
            LLAMA3,
            "--rope-scaling",
            STRETCHED,
            "--tokens",
            "40",
            "--inputs",
            "3",
            "--threads",
            "1",
            "--out",
            folder.toString()
        };
        Run generated = run(analyze);
        assertThat(generated.exitCode()).as(generated.err()).isZero();
        Map<?, ?> json = generated.json();
        Map<?, ?> layer = map(((List<?>) json.get("results")).getFirst());
        assertThat(layer.keySet())
                .map(String::valueOf)
                .containsExactly(
                        "layer",
                        "sinkKey",
                        "sinkValue",
                        "meanKey",
                        "meanKeyBeforeRope",
                        "meanToSink",
                        "meanToSinkBeforeRope",
                        "keyToValue",
                        "sinkValueToMedian");
        assertThat((Double) map(layer.get("sinkKey")).get("median")).isBetween(-1.0, 1.0);
        assertThat(json.get("skippedPairs")).isEqualTo(0L);
        assertThat(json.get("generated")).isEqualTo(true);
        assertThat(folder)
                .isDirectoryContaining("glob:**/analyze-*.csv")
                .isDirectoryContaining("glob:**/analyze-*.png")
                .isDirectoryContaining("glob:**/analyze-*.svg");

        Files.writeString(document, "The harbour has two lights and one crane. ".repeat(20));
        Run ofText = run(with(analyze, "--text", document.toString()));
        assertThat(ofText.exitCode()).as(ofText.err()).isZero();
        assertThat(ofText.json().get("inputs")).isEqualTo(3L);
        assertThat(ofText.json().get("generated")).isEqualTo(false);

        Path figure = folder.resolve("analyze-llama3-bf16.gguf.png");
        Files.createDirectories(folder.resolve(figure.getFileName() + ".part")); // where it is to be written
        List<String> warnings = new ArrayList<>();
        WarningLines.to(warnings::add);
        Run undrawn = run(analyze);
        assertThat(undrawn.exitCode()).as(undrawn.err()).isZero();
        assertThat(undrawn.json().get("results")).isEqualTo(json.get("results"));
        assertThat(warnings).singleElement().asString().startsWith(figure + " cannot be written");

        Run tooLong = run("analyze", "--model", LLAMA3, "--tokens", "200");
        assertThat(tooLong.exitCode()).isEqualTo(2);
        assertThat(tooLong.err()).contains("--tokens is 200", "holds 128");
        assertThat(run("analyze", "--inputs", "1").err()).contains("--inputs is 1");
    }

    @Test
    void calibrateKeepsWhatAMethodLearnsAndAnswersUseIt() throws IOException {
        String calibrated = "loki:budget=5%:dims=0.5:calibrated=yes";
        Run missing = run(ask("How many lights?", "--json", "--attention", calibrated));
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.json().toString()).contains("not-found", "lectern calibrate loki");

        Path text =
                Files.writeString(home.resolve("text.txt"), "The harbour has two lights and one crane. ".repeat(40));
        String[] calibrate = {
            "calibrate",
            "loki",
            "--text",
            text.toString(),
            "--text",
            document.toString(),
            "--model",
            QWEN2,
            "--rope-scaling",
            STRETCHED,
            "--threads",
            "1"
        };
        Run run = run(with(calibrate, "--json"));
        assertThat(run.exitCode()).as(run.out()).isZero();
        Map<?, ?> json = run.json();
        assertThat(json.keySet())
                .map(String::valueOf)
                .containsExactly("method", "model", "file", "bytes", "tokens", "seconds");
        assertThat((Long) json.get("tokens")).isGreaterThan(512);
        assertThat(Path.of((String) json.get("file"))).isRegularFile();
        assertThat(run(calibrate).out()).contains("loki has learned from", "--attention loki:calibrated=yes");

        Run answer = run(ask("How many lights?", "--json", "--attention", calibrated));
        assertThat(answer.exitCode()).as(answer.out()).isZero();
        assertThat(map(answer.json().get("methods")).get("attention"))
                .isEqualTo("loki:budget=5%:dims=0.5:calibrated=yes:sinks=4:window=64");
        assertThat(run("calibrate", "quest", "--text", text.toString(), "--model", QWEN2)
                        .err())
                .contains("there are loki, minference");
        assertThat(run("calibrate", "loki", "--tokens", "-1").err()).contains("--tokens is -1");
        assertThat(run("calibrate", "loki", "--length", "900").err()).contains("name a --task");
        assertThat(run("calibrate", "loki", "--task", "vt", "--text", text.toString())
                        .err())
                .contains("leave --text and --tokens out");
    }

    @Test
    void retainingHeadsAreTrainedKeptAndAsked() throws IOException {
        Files.writeString(document, "The harbour has two lights and one crane. ".repeat(60));
        String heads = "apb:hosts=2:compressor=heads";
        Run missing = run(ask("How many lights?", "--json", "--prefill", heads));
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.json().toString()).contains("not-found", "lectern train-retaining-heads");

        Path text = Files.writeString(home.resolve("text.txt"), "A tide comes in, and a tide goes out. ".repeat(200));
        String[] train = {
            "train-retaining-heads",
            "--text",
            text.toString(),
            "--tokens",
            "512",
            "--hidden",
            "8",
            "--epochs",
            "2",
            "--model",
            QWEN2,
            "--rope-scaling",
            STRETCHED,
            "--threads",
            "1"
        };
        Run run = run(with(train, "--json"));
        assertThat(run.exitCode()).as(run.out()).isZero();
        Map<?, ?> json = run.json();
        assertThat(json.keySet())
                .map(String::valueOf)
                .containsExactly(
                        "model",
                        "file",
                        "bytes",
                        "texts",
                        "heldOut",
                        "tokens",
                        "learned",
                        "firstLoss",
                        "lastLoss",
                        "recall",
                        "layers",
                        "seconds");
        assertThat(Path.of((String) json.get("file"))).isRegularFile();
        assertThat(map(json.get("recall")).keySet()).hasSize(5);
        assertThat(run(train).out()).contains("mean", "--prefill apb:compressor=heads");

        Run answer = run(ask("How many lights?", "--json", "--prefill", heads));
        assertThat(answer.exitCode()).as(answer.out()).isZero();
        assertThat(run("train-retaining-heads", "--hidden", "0").err()).contains("--hidden is 0");
    }

    @Test
    void aBoundOnTheErrorIsToldOf() throws IOException {
        Files.writeString(document, "The harbour has two lights and one crane. ".repeat(40));
        Run run = run(ask("How many lights?", "--json", "--attention", "pps:budget=2%:error=0.1"));
        assertThat(run.exitCode()).as(run.out()).isZero();
        Map<?, ?> bounded = map(run.json().get("bounded"));
        assertThat(bounded.keySet()).map(String::valueOf).containsExactly("choices", "enlarged", "dense", "meanError");
        assertThat((Long) bounded.get("choices")).isPositive();
        assertThat((Double) bounded.get("meanError")).isLessThanOrEqualTo(0.1);
        assertThat(run(ask("How many lights?", "--json")).json().containsKey("bounded"))
                .isFalse();
    }
}
