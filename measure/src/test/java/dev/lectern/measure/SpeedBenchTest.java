package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.SessionOptions;
import dev.lectern.json.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SpeedBenchTest {
    private static final Path TINY = Path.of("../engine/src/test/resources/tiny");
    private static final ModelOptions STRETCHED =
            ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32");

    private static BenchModel model(String name) {
        return new BenchModel(name, TINY.resolve(name), Optional.empty());
    }

    private static SpeedOptions options() {
        return SpeedOptions.DEFAULT.withPromptTokens(20).withDecodeTokens(3).withRuns(2);
    }

    @Test
    void everyCombinationIsMeasuredAndTheProgressEndsAtTheTotal() {
        List<Long> done = new ArrayList<>();
        List<Long> totals = new ArrayList<>();
        SpeedResults results = SpeedBench.run(
                List.of(model("llama2"), model("qwen2")),
                STRETCHED,
                options()
                        .withDepths(List.of(300, 0, 300))
                        .withBatches(List.of(2, 1))
                        .withKvs(List.of("f16", "k=f32,v=bf16")),
                (now, total) -> {
                    done.add(now);
                    totals.add(total);
                },
                new Cancellation());
        assertThat(results.results())
                .extracting(r -> r.model() + " " + r.kv() + " " + r.batch() + " " + r.depth())
                .startsWith(
                        "llama2 f16 2 0",
                        "llama2 f16 2 300",
                        "llama2 f16 1 0",
                        "llama2 f16 1 300",
                        "llama2 k=f32,v=bf16 2 0")
                .endsWith("qwen2 k=f32,v=bf16 1 300")
                .hasSize(16);
        assertThat(results.results()).allSatisfy(result -> {
            assertThat(result.prefill().tokens()).isEqualTo(20L * result.batch());
            assertThat(result.decode().tokens()).isEqualTo(3L * result.batch());
            assertThat(result.decode().seconds()).hasSize(2).allMatch(seconds -> seconds > 0);
            assertThat(result.prefill().low())
                    .isLessThanOrEqualTo(result.prefill().tokensPerSecond());
            assertThat(result.bytesPerToken()).isPositive();
            assertThat(result.attention()).isEqualTo("dense");
        });
        assertThat(done).isSorted();
        assertThat(totals).containsOnly(totals.getFirst());
        assertThat(done.getLast()).isBetween(Math.round(0.99 * totals.getFirst()), totals.getFirst());
        assertThat(results.table())
                .contains("The median of 2 runs", "1 thread;", Machine.here().described())
                .doesNotContain("copying");
    }

    @Test
    void theObjectIsThatOfTheContract() {
        SpeedResults results = SpeedBench.run(
                List.of(model("llama2")),
                STRETCHED,
                options().withDepths(List.of(1500)).withFill(SpeedOptions.Fill.REPEAT),
                Progress.NONE,
                new Cancellation());
        Map<?, ?> json = (Map<?, ?>) Json.parse(results.toJson().getBytes(StandardCharsets.UTF_8));
        assertThat(json.keySet()).map(String::valueOf).containsExactly("results", "fill", "threads", "machine");
        assertThat(json.get("fill")).isEqualTo("repeat");
        Map<?, ?> only = (Map<?, ?>) ((List<?>) json.get("results")).getFirst();
        assertThat(only.keySet())
                .map(String::valueOf)
                .containsExactly(
                        "model",
                        "depth",
                        "kv",
                        "attention",
                        "batch",
                        "prefill",
                        "decode",
                        "bytesPerToken",
                        "bytesRead",
                        "index");
        assertThat(((Map<?, ?>) only.get("decode")).keySet())
                .map(String::valueOf)
                .containsExactly("tokens", "tokensPerSecond");
        assertThat(results.table()).contains("copying cached pages");
    }

    @Test
    void methodsOfAttentionAreMeasuredWithTheirIndexAndWhatTheyRead() {
        SpeedResults results = SpeedBench.run(
                List.of(model("llama2")),
                STRETCHED,
                options()
                        .withDepths(List.of(0, 1024, 2048))
                        .withAttentions(List.of("dense", "pps:budget=5%"))
                        .withFill(SpeedOptions.Fill.REPEAT)
                        .withProfile(true),
                Progress.NONE,
                new Cancellation());
        assertThat(results.results())
                .extracting(r -> r.attention().split(":")[0] + " " + r.depth())
                .containsExactly("dense 0", "dense 1024", "dense 2048", "pps 0", "pps 1024", "pps 2048");
        List<SpeedResult.Lookup> lookups =
                results.results().stream().map(r -> r.lookup().orElseThrow()).toList();
        assertThat(lookups.subList(0, 3))
                .extracting(SpeedResult.Lookup::index)
                .containsOnly(new SpeedResult.Index(0, 0));
        SpeedResult.Index shallow = lookups.get(4).index(),
                deep = lookups.get(5).index();
        assertThat(shallow.bytes()).isPositive();
        assertThat(deep.bytes()).isGreaterThan(shallow.bytes());
        // Dense attention reads every token before the one that is decoded: 2069, 2070 and 2071 of them, itself
        // included.
        assertThat(lookups.get(2).bytesRead() / lookups.get(1).bytesRead()).isEqualTo(2070.0 / 1046);
        assertThat(lookups.get(5).bytesRead()).isLessThan(lookups.get(2).bytesRead());
        assertThat(results.table()).contains("pps:budget=5%", "index bytes");
        // The step that makes what a method keeps is no part of the profile: two runs of three tokens are.
        assertThat(results.results())
                .allSatisfy(result -> assertThat(
                                result.profile().orElseThrow().decode().steps())
                        .isEqualTo(6));
        assertThat(results.profiles())
                .hasValueSatisfying(tables -> assertThat(tables).contains("llama2, depth 2048, f16, dense, batch 1"));
    }

    @Test
    void moreSequencesThanMemoryHoldsAreRefusedBeforeAnythingIsMeasured() {
        ModelOptions far = ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=1000000");
        assertThatThrownBy(() -> SpeedBench.run(
                        List.of(model("llama2")),
                        far,
                        options().withDepths(List.of(0, 50_000_000)).withBatches(List.of(1, 1000)),
                        (done, total) -> {
                            throw new AssertionError("it began");
                        },
                        new Cancellation()))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.NO_MEMORY))
                .hasMessageContaining("--batch 1")
                .hasMessageContaining("--depth");
    }

    @Test
    void aDepthOfCopiesTakesAsManyBytesAsOneThatIsRead() {
        try (Model model = Model.open(TINY.resolve("llama2"), STRETCHED)) {
            SessionOptions session = SessionOptions.DEFAULT.withContext(2000);
            int[] text = BenchText.tokens(model, 2000);
            Cancellation cancellation = new Cancellation();
            Work work = new Work(Progress.NONE);
            try (Sequences read = new Sequences(model, session, 2, cancellation);
                    Sequences repeated = new Sequences(model, session, 2, cancellation)) {
                read.fill(text, 1700, SpeedOptions.Fill.READ, work);
                repeated.fill(text, 500, SpeedOptions.Fill.REPEAT, work);
                repeated.fill(text, 1700, SpeedOptions.Fill.REPEAT, work);
                assertThat(repeated.length()).isEqualTo(read.length()).isEqualTo(1700);
                assertThat(repeated.bytes()).isEqualTo(read.bytes());
                repeated.decode(Arrays.copyOf(text, 5), work);
                read.decodeApart(Arrays.copyOf(text, 5), work);
                assertThat(repeated.length()).isEqualTo(read.length()).isEqualTo(1705);
            }
        }
    }

    @Test
    void theTextIsTheSameEverywhereAndLongEnough() {
        assertThat(BenchText.sentences(2))
                .isEqualTo(BenchText.sentences(3)
                        .substring(0, BenchText.sentences(2).length()))
                .matches("[A-Z][a-z ]+, .*\\. ");
        try (Model model = Model.open(TINY.resolve("qwen2"), STRETCHED)) {
            assertThat(BenchText.tokens(model, 0)).isEmpty();
            int[] few = BenchText.tokens(model, 100);
            assertThat(few).hasSize(100).isEqualTo(Arrays.copyOf(BenchText.tokens(model, 5000), 100));
        }
    }

    @Test
    void whatTheModelCannotHoldIsRefusedBeforeAnythingIsMeasured() {
        assertThatThrownBy(() -> SpeedBench.run(
                        List.of(model("llama2")),
                        STRETCHED,
                        options().withDepths(List.of(0, 5000)),
                        (done, total) -> {
                            throw new AssertionError("it began");
                        },
                        new Cancellation()))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.TOO_LONG))
                .hasMessageContaining("--depth 5000")
                .hasMessageContaining("5023")
                .hasMessageContaining("4096");
    }

    @Test
    void aStopEndsIt() {
        Cancellation cancellation = new Cancellation();
        assertThatThrownBy(() -> SpeedBench.run(
                        List.of(model("llama2")),
                        STRETCHED,
                        options().withDepths(List.of(2000)),
                        (done, total) -> cancellation.cancel(),
                        cancellation))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
    }

    @Test
    void optionsThatCannotBeAreRefused() {
        assertThatThrownBy(() -> options().withDepths(List.of(-1))).hasMessageContaining("--depth is -1");
        assertThatThrownBy(() -> options().withDepths(List.of())).hasMessageContaining("--depth is empty");
        assertThatThrownBy(() -> options().withBatches(List.of(0))).hasMessageContaining("--batch is 0");
        assertThatThrownBy(() -> options().withPromptTokens(0)).hasMessageContaining("--prompt-tokens");
        assertThatThrownBy(() -> options().withDecodeTokens(0)).hasMessageContaining("--decode-tokens");
        assertThatThrownBy(() -> options().withRuns(0)).hasMessageContaining("--runs");
    }
}
