package dev.lectern.measure.reproduce;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.attention.DecodeAttentions;
import dev.lectern.measure.Protocol;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of each claim by results that are made up. */
class ClaimsTest {
    private static final String SMALL = "smollm2-135m", LARGE = "qwen2.5-coder-0.5b";
    private static final String REPRODUCED = "| reproduced |",
            PARTLY = "| partly |",
            REFUTED = "| refuted |",
            NOT_YET = "| not yet |";

    @TempDir
    Path results;

    private String claim(int number) {
        return Claims.tables(results, "results")
                .lines()
                .filter(line -> line.startsWith("| " + number + " |"))
                .findFirst()
                .orElseThrow();
    }

    private void keep(String name, String json) throws IOException {
        Files.writeString(results.resolve(name + ".json"), json);
    }

    private void forget() throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(results)) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
    }

    /** A JSON object of names and values; texts that begin with a bracket are values as they are. */
    private static String object(Object... members) {
        List<String> written = new ArrayList<>();
        for (int i = 0; i < members.length; i += 2) {
            String value = String.valueOf(members[i + 1]);
            boolean text = members[i + 1] instanceof String && !value.startsWith("{") && !value.startsWith("[");
            written.add("\"" + members[i] + "\":" + (text ? "\"" + value + "\"" : value));
        }
        return "{" + String.join(",", written) + "}";
    }

    private void cache(String model, int tokens, boolean same, double ratio) throws IOException {
        String seconds = object("mean", 4.0);
        String row = object(
                "model",
                model,
                "tokens",
                tokens,
                "sameTokens",
                same,
                "ratio",
                ratio,
                "withoutCache",
                seconds,
                "withCache",
                seconds);
        keep("kv-cache-" + model + "-" + tokens, object("results", List.of(row)));
    }

    @Test
    void aRatioOfTheCacheIsJudgedByAsManyTokensAsAreClaimed() throws IOException {
        cache("gpt2-shape", 200, true, 3);
        assertThat(claim(1)).contains(NOT_YET, "The claim's own 1000 tokens are not measured");
        cache("gpt2-shape", 200, true, 9);
        assertThat(claim(1)).contains(PARTLY, "The claim's own 1000 tokens are not measured");
        cache("gpt2-shape", 1000, true, 4.8);
        assertThat(claim(1)).contains(REPRODUCED).doesNotContain("not measured");
        cache(SMALL, 1000, false, 20);
        assertThat(claim(1))
                .contains(PARTLY, "So in 1 of 2 cases, not in smollm2-135m with 1000 tokens")
                .doesNotContain("not measured");
        cache("gpt2-shape", 1000, true, 4.6);
        assertThat(claim(1)).contains(REFUTED).doesNotContain("not measured");
    }

    private void arithmetic(long bytes, String codes, int subtracted) throws IOException {
        keep("kv-arithmetic", object("llamaBytes", bytes, "codes", codes, "added", 8, "subtracted", subtracted));
    }

    @Test
    void arithmeticIsSoOrNot() throws IOException {
        arithmetic(5_368_709_120L, "[28,-12,-101,28,-73,19,56,127]", 8);
        assertThat(Stream.of(2, 3, 4).map(this::claim)).allMatch(line -> line.contains(REPRODUCED));
        arithmetic(10_737_418_240L, "[28,-12,-101,28,-73,19,56,128]", 1);
        assertThat(Stream.of(2, 3, 4).map(this::claim)).allMatch(line -> line.contains(REFUTED));
    }

    private void divergence(String name, String model, double int4, double int2) throws IOException {
        List<String> rows = Stream.of("hf-int4", "hf-int2", "chl-4")
                .map(kv -> object(
                        "kv",
                        kv,
                        "meanKl",
                        0.1,
                        "sameTop1",
                        0.9,
                        "perplexity",
                        kv.equals("hf-int4") ? int4 : kv.equals("hf-int2") ? int2 : 10))
                .toList();
        keep(name, object("model", model, "exactPerplexity", 10.0, "results", rows));
    }

    @Test
    void fourBitsAreJudgedByPerplexityOfEachText() throws IOException {
        divergence("kld-smollm2-135m-prose", SMALL, 10.4, 40);
        assertThat(claim(5)).contains(REPRODUCED, "perplexity +4.0 %").doesNotContain("cases", "offsets");
        divergence("kld-qwen2.5-coder-0.5b-prose", LARGE, 16, 90);
        assertThat(claim(5))
                .contains(
                        PARTLY,
                        "So in 1 of 2 cases, not in qwen2.5-coder-0.5b-prose",
                        "| smollm2-135m, qwen2.5-coder-0.5b |");
        divergence("kld-smollm2-135m-prose", SMALL, 10.4, 10.2);
        assertThat(claim(5)).contains(REFUTED);
    }

    private void formats(String model, double int4, double usual, double chl4) throws IOException {
        List<String> rows = Stream.of("bf16", "hf-int4", "k=chl-8,v=chl-4", "chl-4")
                .map(kv -> object(
                        "kv",
                        kv,
                        "depth",
                        4096,
                        "bytesPerToken",
                        kv.equals("bf16")
                                ? 1000.0
                                : 1000 / (kv.equals("hf-int4") ? int4 : kv.equals("chl-4") ? chl4 : usual)))
                .toList();
        keep("kv-speed-" + model, object("model", model, "results", rows));
    }

    @Test
    void memoryIsJudgedByFormat() throws IOException {
        formats(SMALL, 3.5, 2.6, 3.3);
        assertThat(claim(6)).contains(REPRODUCED, "hf-int4 at 4096 tokens: 3.50 ×");
        formats(LARGE, 3.5, 2.4, 3.3);
        assertThat(claim(6)).contains(PARTLY, "So in 2 of 3 cases, not in k=chl-8,v=chl-4 (the default)");
        formats(LARGE, 2.2, 2.4, 2.3);
        assertThat(claim(6)).contains(REFUTED);
    }

    private void geometry(String model, double share) throws IOException {
        String cosines = object("above", share, "within", share, "median", 0.9, "min", 0.1);
        keep(
                "analyze-" + model,
                object(
                        "model",
                        model,
                        "all",
                        object("sinkKey", cosines, "sinkValue", cosines, "meanKey", cosines, "meanToSink", cosines)));
    }

    @Test
    void observationsAreJudgedByTheirShare() throws IOException {
        geometry(SMALL, 0.995);
        assertThat(Stream.of(7, 8, 9).map(this::claim)).allMatch(line -> line.contains(REPRODUCED));
        geometry(LARGE, 0);
        assertThat(Stream.of(7, 8, 9).map(this::claim)).allMatch(line -> line.contains(PARTLY));
        geometry(SMALL, 0.005);
        assertThat(Stream.of(7, 8, 9).map(this::claim)).allMatch(line -> line.contains(REFUTED));
    }

    private void attention(String model, double error, double fourTimes, double ofMeans) throws IOException {
        String method = "topk:budget=2%:sinks=4:window=64";
        String row = object("method", method, "score", error, "massKept", 0.8);
        String ratio = object("of", method, "larger", 0.6, "fourTimes", fourTimes, "mean", ofMeans);
        keep("attention-" + model, object("model", model, "results", List.of(row), "ratios", List.of(ratio)));
    }

    /**
     * How a method answered.
     *
     * @param low of the interval of its difference, which is 2 points wide
     * @param bytes beside those of what it is compared with
     */
    private record Answers(String method, double low, double bytes) {
        static Answers of(String method, double low, double bytes) {
            return new Answers(DecodeAttentions.named(method).name(), low, bytes);
        }

        static Answers read(String prefill, double low) {
            return new Answers("dense prefill=" + prefill, low, 1);
        }

        String paired() {
            return object("difference", low + 1, "low", low, "high", low + 2);
        }
    }

    private void answers(String name, String model, int samples, Answers... methods) throws IOException {
        List<String> rows = new ArrayList<>(), means = new ArrayList<>();
        for (Protocol protocol : Protocol.values()) {
            for (String task : List.of("cwe", "fwe", "vt")) {
                rows.add(row(protocol, samples, task, "dense", 50, 1, ""));
                for (Answers of : methods) {
                    rows.add(row(protocol, samples, task, of.method, 51 + of.low, of.bytes, of.paired()));
                }
            }
            for (Answers of : methods) {
                means.add(object(
                        "method", of.method, "protocol", protocol.name(), "score", 51 + of.low, "paired", of.paired()));
            }
        }
        keep(name, object("model", model, "results", rows, "means", means));
    }

    private static String row(
            Protocol protocol, int samples, String task, String method, double score, double bytes, String paired) {
        String row = object(
                "task",
                task,
                "method",
                method,
                "protocol",
                protocol.name(),
                "length",
                4096,
                "score",
                score,
                "samples",
                samples,
                "bytesRead",
                1000 * bytes);
        return paired.isEmpty() ? row : row.substring(0, row.length() - 1) + ",\"paired\":" + paired + "}";
    }

    @Test
    void topKIsJudgedByItsErrorsAndByTheTasksThatItHurts() throws IOException {
        attention(SMALL, 0.13, 0, 1);
        assertThat(claim(10)).contains(PARTLY, "What it does to the tasks is not measured");
        String name = "methods-smollm2-135m-4096";
        answers(name, SMALL, 5, Answers.of(MethodTasksExperiment.TOP_K, -4, 0.5));
        assertThat(claim(10)).contains(REPRODUCED, "smollm2-135m-4096, protocol A: 47.0 against 50.0");
        answers(name, SMALL, 5, Answers.of(MethodTasksExperiment.TOP_K, -1, 0.5));
        assertThat(claim(10))
                .contains(PARTLY, "So in 1 of 7 cases, only in the error of smollm2-135m at 2 % of the tokens");
        attention(SMALL, 0.02, 0, 1);
        assertThat(claim(10)).contains(REFUTED);
        answers(name, SMALL, 4, Answers.of(MethodTasksExperiment.TOP_K, -4, 0.5));
        assertThat(claim(10))
                .contains(REFUTED, "Fewer than 5 samples of each task decide nothing: methods-smollm2-135m-4096");
        attention(SMALL, 0.13, 0, 1);
        assertThat(claim(10)).contains(PARTLY);
    }

    @Test
    void samplingIsJudgedByItsMeansAndThenBySingleQueries() throws IOException {
        attention(SMALL, 0.1, 0.02, 4.2);
        assertThat(claim(11)).contains(REPRODUCED, "at any budget: of the means at most 4.20 ×");
        attention(LARGE, 0.1, 0, 1.2);
        assertThat(claim(11)).contains(PARTLY, "not in qwen2.5-coder-0.5b");
        attention(SMALL, 0.1, 0.02, 1.2);
        assertThat(claim(11)).contains(PARTLY, "So of single queries, and of no mean");
        attention(SMALL, 0.1, 0, 1.2);
        assertThat(claim(11)).contains(REFUTED);
    }

    /** Densities that come to shares of the tokens between sinks and window. */
    private void sparse(String name, String model, int length, double share150, double share170, double own)
            throws IOException {
        String magicPig = "magicpig:k=10:l=%d:centre=yes:projection=%s:correct=yes";
        List<String> rows = List.of(
                sparse(magicPig.formatted(150, "shared"), length, share150, 0.2),
                sparse(magicPig.formatted(170, "shared"), length, share170, 0.2),
                sparse(magicPig.formatted(150, "head"), length, share150, own));
        keep("sparse-" + name, object("model", model, "results", rows));
    }

    private static String sparse(String method, int length, double percent, double error) {
        double density = (68 + percent / 100 * (length - 68)) / length;
        return object("method", method, "length", length, "density", density, "score", error);
    }

    @Test
    void sharesOfKeysAreJudgedByModelAndTables() throws IOException {
        sparse(SMALL, SMALL, 4000, 2.1, 2.6, 0.2);
        assertThat(claim(12)).contains(REPRODUCED, "smollm2-135m, 4000 tokens: K=10, L=150: 2.1 %; K=10, L=170: 2.6 %");
        sparse("smollm2-135m-vt-8192", SMALL, 8100, 3.9, 3.2, 0.2);
        assertThat(claim(12))
                .contains(PARTLY, "smollm2-135m, 4000 to 8100 tokens", "not in smollm2-135m, K=10, L=150")
                .doesNotContain("16K");
        sparse(SMALL, SMALL, 4000, 3.9, 5, 0.2);
        assertThat(claim(12)).contains(REFUTED);
    }

    @Test
    void oneProjectionIsJudgedByModel() throws IOException {
        sparse(SMALL, SMALL, 4000, 2, 2.5, 0.199);
        assertThat(claim(13)).contains(REPRODUCED);
        sparse(LARGE, LARGE, 4000, 2, 2.5, 0.1);
        assertThat(claim(13)).contains(PARTLY, "not in qwen2.5-coder-0.5b");
        sparse(SMALL, SMALL, 4000, 2, 2.5, 0.1);
        assertThat(claim(13)).contains(REFUTED);
    }

    private void besideQuest(int length, int samples, double pig, double pigBytes, double quest) throws IOException {
        answers(
                "methods-smollm2-135m-" + length,
                SMALL,
                samples,
                Answers.of(MethodTasksExperiment.MAGIC_PIG, pig, pigBytes),
                Answers.of(MethodTasksExperiment.QUEST, quest, 0.2));
    }

    @Test
    void magicPigIsJudgedAtAnEqualBudget() throws IOException {
        besideQuest(4096, 5, 0, 0.21, -5);
        assertThat(claim(14)).contains(REPRODUCED, "protocol A: 51.0 against 46.0 (21 % and 20 %)");
        besideQuest(8192, 5, -5, 0.21, 0);
        assertThat(claim(14))
                .contains(
                        PARTLY,
                        "So in 2 of 4 cases, not in smollm2-135m-8192, protocol A; smollm2-135m-8192, protocol B");
        besideQuest(4096, 5, -5, 0.19, 0);
        assertThat(claim(14)).contains(REFUTED);
        forget();
        besideQuest(4096, 5, 0, 0.3, -5);
        assertThat(claim(14))
                .contains(PARTLY, "(30 % and 20 %, not equal)", "Not at an equal budget: 2, MagicPIG better in 2");
        besideQuest(4096, 5, -1, 0.3, 0);
        assertThat(claim(14)).contains(NOT_YET, "Not at an equal budget: 2, MagicPIG better in 0");
        besideQuest(4096, 5, 1, 0.2, 0);
        assertThat(claim(14)).contains(NOT_YET, "With equal bytes undecided: 2");
        besideQuest(8192, 5, 0, 0.2, -5);
        assertThat(claim(14)).contains(PARTLY, "With equal bytes undecided: 2");
        besideQuest(8192, 3, 0, 0.2, -5);
        assertThat(claim(14)).contains(NOT_YET, "decide nothing: methods-smollm2-135m-8192");
    }

    private void divergesInAnswers(String model, double bytes, double same) throws IOException {
        List<String> rows = Stream.of("dense", "magicpig:k=10:l=150:dense=none", "pps:budget=5%:bits=1")
                .map(method -> object(
                        "method",
                        method,
                        "length",
                        2048,
                        "bytesRead",
                        method.equals("dense") ? 1000.0 : bytes,
                        "meanKl",
                        0.1,
                        "sameTop1",
                        same))
                .toList();
        keep("answer-kld-" + model + "-vt", object("model", model, "results", rows));
    }

    @Test
    void trafficIsJudgedByModel() throws IOException {
        divergesInAnswers(SMALL, 90, 0.995);
        assertThat(claim(16)).contains(REPRODUCED, "prompts of 2048 tokens", "smollm2-135m, magicpig: 11.1 × fewer");
        divergesInAnswers(LARGE, 90, 0.95);
        assertThat(claim(16)).contains(PARTLY, "not in qwen2.5-coder-0.5b");
        divergesInAnswers(SMALL, 200, 0.995);
        assertThat(claim(16)).contains(REFUTED);
    }
}
