package dev.lectern.measure.reproduce;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
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
}
