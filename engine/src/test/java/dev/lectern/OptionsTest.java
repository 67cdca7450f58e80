package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.text.Thinking;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {
    private static void refused(String words, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.BAD_OPTION))
                .hasMessageContaining(words)
                .hasMessageEndingWith(".");
    }

    @ParameterizedTest
    @ValueSource(doubles = {-1, -1e-9, 101, Double.NaN, Double.POSITIVE_INFINITY})
    void temperaturesOutsideTheirRangeAreRefused(double temperature) {
        refused("--temperature is " + temperature, () -> new Sampling(temperature, 0, 1, 0, 1, 0));
    }

    @Test
    void everyNumberOfSamplingHasItsRange() {
        refused("--top-k is -1", () -> new Sampling(1, -1, 1, 0, 1, 0));
        for (double topP : new double[] {0, -0.1, 1.1, Double.NaN}) {
            refused("--top-p is " + topP, () -> new Sampling(1, 0, topP, 0, 1, 0));
        }
        for (double minP : new double[] {-0.1, 1, Double.NaN}) {
            refused("--min-p is " + minP, () -> new Sampling(1, 0, 1, minP, 1, 0));
        }
        for (double penalty : new double[] {0, -1, 101, Double.NaN}) {
            refused("--repeat-penalty is " + penalty, () -> new Sampling(1, 0, 1, 0, penalty, 0));
        }
        assertThat(new Sampling(100, Integer.MAX_VALUE, 1, 0.999, 100, Long.MIN_VALUE).isGreedy())
                .isFalse();
        assertThat(Sampling.GREEDY.withSeed(5).isGreedy()).isTrue();
        assertThat(Sampling.GREEDY.withSeed(5).seed()).isEqualTo(5);
    }

    @Test
    void answersAreAtLeastOneTokenLongAndStopTextsAreNotEmpty() {
        refused("--max-tokens is 0", () -> GenerateOptions.DEFAULT.withMaxTokens(0));
        refused("--max-tokens is -5", () -> GenerateOptions.DEFAULT.withMaxTokens(-5));
        refused("--stop", () -> GenerateOptions.DEFAULT.withStop(List.of("a", "")));
        List<String> stops = new ArrayList<>(List.of("a"));
        GenerateOptions options = GenerateOptions.DEFAULT
                .withStop(stops)
                .withMaxTokens(7)
                .withIgnoreEnd(true)
                .withThinking(Thinking.OPENED)
                .withSampling(Sampling.GREEDY.withSeed(3));
        stops.add("b");
        assertThat(options)
                .isEqualTo(new GenerateOptions(7, List.of("a"), Sampling.GREEDY.withSeed(3), true, Thinking.OPENED));
    }

    @Test
    void threadsHaveARange() {
        refused("--threads is -1", () -> ModelOptions.DEFAULT.withThreads(-1));
        refused("--threads is 1025", () -> ModelOptions.DEFAULT.withThreads(1025));
        assertThat(ModelOptions.DEFAULT.withRopeScaling("none").withThreads(3).ropeScaling())
                .contains("none");
    }

    @Test
    void sessionsRefuseWhatTheyCannotDoByName() {
        refused("--ctx is -1", () -> SessionOptions.DEFAULT.withContext(-1));
        try (Model model = Model.open(Path.of("src/test/resources/tiny/llama3"), ModelOptions.DEFAULT.withThreads(1))) {
            refused("there are f32, f16, bf16", () -> model.newSession(SessionOptions.DEFAULT.withKv("f8")));
            refused("one side only", () -> model.newSession(SessionOptions.DEFAULT.withKv("k=f16")));
            refused("no KV format \"\"", () -> model.newSession(SessionOptions.DEFAULT.withKv("k=f16,v=")));
            refused("no prefill method \"moon\"", () -> model.newSession(SessionOptions.DEFAULT.withPrefill("moon")));
            refused("here is none: ask it", () -> model.newSession(SessionOptions.DEFAULT.withPrefill("apb")));
            SessionOptions sums = SessionOptions.DEFAULT.withPrefill("star").withKeep("h2o");
            refused("leave one of the two out", () -> model.newSession(sums));
            refused("no attention method \"x\"", () -> model.newSession(SessionOptions.DEFAULT.withAttention("x")));
            refused("--ctx is 129", () -> model.newSession(SessionOptions.DEFAULT.withContext(129)));
            try (Session session = model.newSession(SessionOptions.DEFAULT.withKv("v=bf16,k=f32"))) {
                assertThat(session.methods())
                        .containsEntry("kv", "k=f32,v=bf16")
                        .containsEntry("prefill", "full")
                        .containsEntry("attention", "dense");
                refused("-n is 0", () -> {
                    session.read(new int[] {1}, Progress.NONE, new Cancellation());
                    session.generate(0, GenerateOptions.DEFAULT, TokenListener.NONE, new Cancellation());
                });
                for (int token : new int[] {-1, model.vocabulary(), Integer.MAX_VALUE}) {
                    refused(
                            "Token " + token,
                            () -> session.read(new int[] {1, token}, Progress.NONE, new Cancellation()));
                }
                assertThat(session.tokens()).containsExactly(1);
            }
        }
    }

    @Test
    void everyKindOfErrorHasAStableNameAndAnExitCode() {
        for (LecternException.Kind kind : LecternException.Kind.values()) {
            assertThat(kind.code()).matches("[a-z]+(-[a-z]+)*");
            assertThat(kind.exitCode()).isIn(1, 2, 130);
        }
    }
}
