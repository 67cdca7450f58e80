package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.LecternException;
import dev.lectern.json.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FailureTest {
    @TempDir
    Path home;

    @ParameterizedTest
    @EnumSource(LecternException.Kind.class)
    void everyKindHasItsObjectAndItsExitCode(LecternException.Kind kind) {
        Failure failure = Failure.of(new LecternException(kind, "A \"sentence\".\nAnd a line."));

        assertThat(failure.exitCode()).isEqualTo(kind.exitCode());
        assertThat(Json.parse(failure.json().getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(Map.of("error", Map.of("kind", kind.code(), "message", "A \"sentence\".\nAnd a line.")));
    }

    @Test
    void errorsOfTheJvmAreSentencesToo() {
        assertThat(Failure.of(new OutOfMemoryError("Java heap space")).message())
                .contains("LECTERN_JAVA_OPTS=-Xmx");
        assertThat(Failure.of(new OutOfMemoryError("Cannot reserve 5 bytes of direct buffer memory"))
                        .kind())
                .isEqualTo(LecternException.Kind.NO_MEMORY);
        assertThat(Failure.of(new StackOverflowError()).message()).contains("nested");
        assertThat(Failure.of(new IllegalStateException()).kind()).isEqualTo(LecternException.Kind.INTERNAL);
        assertThat(Failure.of(new IllegalStateException("x".repeat(100_000))).message())
                .hasSizeLessThan(3000);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "frobnicate",
                "ask",
                "ask onlyone",
                "ask --frobnicate a b",
                "ask a b --threads",
                "ask a b --threads 0",
                "ask a b --threads x",
                "ask a b --threads 5000",
                "ask a b --temperature -1",
                "ask a b --temperature NaN",
                "ask a b --top-p 2",
                "ask a b --max-tokens 0",
                "ask a b --ctx 0",
                "ask a b -n 0",
                "ask a b --thinking maybe",
                "ask a b --stop=",
                "ask - - why",
                "generate a b",
                "generate --model",
                "tokenize --model nosuchmodel x",
                "estimate --ctx -3",
                "inspect nowhere.gguf",
                "models --remove nosuchmodel",
                "pull nosuchmodel",
            })
    void aMistakeOfTheUserIsOneSentenceAndExitCodeTwo(String arguments) {
        Run run = new Run(home).with(arguments.isEmpty() ? new String[0] : arguments.split(" "));

        assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("lectern: ").hasLineCount(1).doesNotContain("Exception");
        assertThat(run.err().strip()).matches("(?s).*[.?]$");
    }

    @Test
    void underJsonAMistakeIsAnObject() {
        Run run = new Run(home).with("ask", "--json", "--frobnicate");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).isEmpty();
        assertThat(((Map<?, ?>) run.json().get("error")).get("kind")).isEqualTo("bad-option");
    }

    @Test
    void argumentsThatWereNotUtf8AreRefused() {
        Run run = new Run(home).with("tokenize", "gr\uFFFD\uFFFDn");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("Argument 2", "UTF-8");
    }

    @Test
    void helpIsNoMistake() {
        for (String verb : List.of(
                "ask",
                "chat",
                "generate",
                "pull",
                "models",
                "inspect",
                "estimate",
                "score",
                "analyze",
                "calibrate",
                "train-retaining-heads",
                "bench speed",
                "bench prefill",
                "eval ruler",
                "eval infinite",
                "eval needle",
                "eval longqa",
                "eval perplexity",
                "eval kld",
                "eval answer-kld",
                "eval attention",
                "eval reproduce")) {
            Run run = new Run(home).with((verb + " --help").split(" "));
            assertThat(run.exitCode()).isZero();
            assertThat(run.err()).as(verb).isEmpty();
            assertThat(run.out()).startsWith("Usage: lectern " + verb).doesNotContain("%%", "%n");
        }
        assertThat(new Run(home).with("--help").out()).contains("doctor", "Exit codes");
        assertThat(new Run(home).with("help", "ask").out()).contains("--max-tokens");
        assertThat(new Run(home).with("--version").out()).contains("lectern", "Java");
    }
}
