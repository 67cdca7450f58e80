package dev.lectern.measure.reproduce;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.attention.DecodeAttentions;
import dev.lectern.measure.Evaluated;
import dev.lectern.measure.PrefillPlan;
import dev.lectern.measure.PrefillSpeed;
import dev.lectern.measure.Protocol;
import dev.lectern.measure.Provenance;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
     * @param low of the interval of its difference
     * @param width of it
     * @param bytes beside those of what it is compared with
     */
    private record Answers(String method, double low, double width, double bytes) {
        static Answers of(String method, double low, double bytes) {
            return new Answers(DecodeAttentions.named(method).name(), low, 2, bytes);
        }

        /** Both a loss and none are within the interval. */
        Answers open() {
            return new Answers(method, -8, 12, bytes);
        }

        static Answers read(String prefill, double low) {
            return new Answers("dense prefill=" + prefill, low, 2, 1);
        }

        String paired() {
            return object("difference", low + width / 2, "low", low, "high", low + width);
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
        answers(name, SMALL, 5, Answers.of(MethodTasksExperiment.TOP_K, 0, 0.5).open());
        assertThat(claim(10)).contains(PARTLY).doesNotContain("So in");
        attention(SMALL, 0.02, 0, 1);
        answers(name, SMALL, 5, Answers.of(MethodTasksExperiment.TOP_K, -1, 0.5));
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

    /**
     * A reading.
     *
     * @param counted operations, of which the slowest of several hosts has a quarter
     */
    private static PrefillSpeed.Row row(
            String prefill, int hosts, int tokens, double seconds, double counted, double attention, double forward) {
        PrefillSpeed.Parts parts = new PrefillSpeed.Parts(1, attention, 0, forward, 0.5);
        double most = hosts == 1 ? counted : counted / 4;
        return new PrefillSpeed.Row(
                new PrefillPlan.Asked(tokens, prefill, hosts, false),
                Optional.of(new PrefillSpeed.Speed(seconds, parts, 0, 0, counted, counted, most, 1)),
                "");
    }

    private static String apb(int hosts) {
        return PrefillTasksExperiment.APB.replace("hosts=8", "hosts=" + hosts);
    }

    private void speed(String model, int tokens, PrefillSpeed.Row... rows) throws IOException {
        PrefillPlan plan = PrefillPlan.DEFAULT.withLengths(List.of(tokens));
        Evaluated evaluated = new Evaluated(model, "", 1, Provenance.here("lectern"));
        List<PrefillSpeed.Row> all = new ArrayList<>(List.of(row("full", 1, tokens, 100, 1000, 50, 40)));
        all.addAll(List.of(rows));
        keep(
                "prefill-speed-" + model.replace(':', '-').replace('=', '-') + "-" + tokens,
                new PrefillSpeed(evaluated, plan, "", all).toJson());
    }

    private void read(int samples, Answers... methods) throws IOException {
        answers("prefill-tasks-smollm2-135m-4096", SMALL, samples, methods);
    }

    @Test
    void longTextsAreJudgedByWhatIsMeasuredAndWhatIsLost() throws IOException {
        int tokens = 131_072;
        speed(SMALL, tokens, row(apb(8), 8, tokens, 9, 500, 1, 1));
        assertThat(claim(18)).contains(NOT_YET, "What it does to scores is not measured");
        read(4, Answers.read(apb(8), 0));
        assertThat(claim(18)).contains(NOT_YET, "decide nothing: prefill-tasks-smollm2-135m-4096");
        read(5, Answers.read(apb(8), -1));
        assertThat(claim(18)).contains(REPRODUCED, "11.11 × on one machine, 2.00 × fewer operations counted; 8.0 ×");
        read(5, Answers.read(apb(8), -3));
        assertThat(claim(18)).contains(PARTLY, "not in the scores of smollm2-135m at 4096 tokens");
        speed(SMALL, tokens, row(apb(8), 8, tokens, 50, 500, 1, 1));
        assertThat(claim(18)).contains(REFUTED).doesNotContain("foretells");
        speed(SMALL, tokens, row(apb(8), 8, tokens, 50, 300, 1, 1));
        read(5, Answers.read(apb(8), -1));
        assertThat(claim(18)).contains(PARTLY, "Ten times is what counting foretells, and not measured");
        forget();
        speed(SMALL, 4096, row(apb(8), 8, 4096, 9, 500, 1, 1));
        read(5, Answers.read(apb(8), -1));
        assertThat(claim(18)).contains(PARTLY, "128K tokens are not measured");
    }

    private void besideStar(int tokens, double seconds, double counted) throws IOException {
        speed(
                SMALL,
                tokens,
                row(apb(8), 8, tokens, seconds, counted, 1, 1),
                row("star:hosts=8:anchor=again", 8, tokens, 80, 900, 1, 1));
    }

    @Test
    void starIsJudgedByAsManyBlocks() throws IOException {
        besideStar(524_288, 40, 600);
        assertThat(claim(19)).contains(NOT_YET);
        read(5, Answers.read(apb(8), 0), Answers.read("star:hosts=8", -5));
        assertThat(claim(19)).contains(REPRODUCED, "smollm2-135m at 4096 tokens: +5.0", "2.00 ×, 1.50 × fewer");
        besideStar(524_288, 60, 600);
        assertThat(claim(19)).contains(PARTLY, "not in the time of smollm2-135m at 524288 tokens");
        besideStar(524_288, 90, 1000);
        read(5, Answers.read(apb(8), -5), Answers.read("star:hosts=8", 0));
        assertThat(claim(19)).contains(REFUTED);
        forget();
        besideStar(524_288, 40, 600);
        read(5, Answers.read(apb(8), 0), Answers.read("star:hosts=4", -5));
        assertThat(claim(19)).contains(NOT_YET);
        read(5, Answers.read(apb(8), 0), Answers.read("star:hosts=8", -1));
        assertThat(claim(19)).contains(PARTLY, "smollm2-135m at 4096 tokens: +1.0, undecided");
        read(3, Answers.read(apb(8), 0), Answers.read("star:hosts=8", -5));
        assertThat(claim(19)).contains(NOT_YET);
        forget();
        besideStar(4096, 40, 600);
        read(5, Answers.read(apb(8), 0), Answers.read("star:hosts=8", -5));
        assertThat(claim(19)).contains(PARTLY, "512K tokens are not measured");
    }

    private void rivals(double ring, double ulysses, double star) throws IOException {
        speed(
                SMALL,
                4096,
                row(apb(8), 8, 4096, 50, 500, 1, 1),
                row("ring", 8, 4096, ring, 1000, 1, 1),
                row("ulysses", 8, 4096, ulysses, 1000, 1, 1),
                row("star:hosts=8:anchor=again", 8, 4096, star, 900, 1, 1));
    }

    @Test
    void rivalsAreJudgedByTimeAndScore() throws IOException {
        rivals(90, 90, 60);
        assertThat(claim(20)).contains(NOT_YET);
        read(5, Answers.read(PrefillTasksExperiment.CALIBRATED, -3));
        assertThat(claim(20)).contains(REPRODUCED);
        read(5, Answers.read(PrefillTasksExperiment.CALIBRATED, -1));
        assertThat(claim(20)).contains(PARTLY, "not in MInference's scores of smollm2-135m at 4096 tokens");
        rivals(40, 40, 40);
        assertThat(claim(20)).contains(REFUTED);
        read(3, Answers.read(PrefillTasksExperiment.CALIBRATED, -3));
        assertThat(claim(20)).contains(NOT_YET);
        read(5, Answers.read(PrefillTasksExperiment.CALIBRATED, -3));
        speed(SMALL, 4096, row(apb(8), 8, 4096, 50, 500, 1, 1), row("ring", 8, 4096, 90, 1000, 1, 1));
        assertThat(claim(20)).contains(PARTLY, "Not measured: ulysses, star:anchor=again");
    }

    private void parts(int tokens, double seconds, double attention, double forward) throws IOException {
        speed(
                SMALL,
                tokens,
                row(apb(8), 8, tokens, seconds, 500, attention, forward),
                row("star:hosts=8:anchor=again", 8, tokens, 80, 900, 30, 45));
    }

    @Test
    void partsAreJudgedBesideTheFullReadingToo() throws IOException {
        parts(4096, 50, 20, 39);
        assertThat(claim(21)).contains(NOT_YET);
        parts(8192, 40, 20, 39);
        assertThat(claim(21))
                .contains(REPRODUCED, "smollm2-135m: 2.00 × at 4096, 2.50 × at 8192")
                .contains("feed-forward 39.0 s of 40.0 s (Star 45.0 s), 25.0 % of all blocks' operations foretold")
                .doesNotContain("an eighth");
        parts(8192, 40, 20, 41);
        assertThat(claim(21))
                .contains(PARTLY, "So in 6 of 7 cases, not in feed-forward of smollm2-135m at 8192 tokens");
        parts(4096, 50, 60, 50);
        parts(8192, 60, 60, 50);
        assertThat(claim(21)).contains(REFUTED);
    }

    private void hosts(String model, double two, double four, double eight) throws IOException {
        speed(
                model,
                4096,
                row(apb(2), 2, 4096, two, 500, 1, 1),
                row(apb(4), 4, 4096, four, 500, 1, 1),
                row(apb(8), 8, 4096, eight, 500, 1, 1));
    }

    @Test
    void sizesAreJudgedByTimesAndShapesAreAsLargeAsTheirModels() throws IOException {
        hosts(SMALL, 60, 50, 40);
        hosts("smollm2-135m-shape:layers=2", 60, 50, 40);
        assertThat(claim(22))
                .contains(PARTLY, "Models of one size alone are measured with all of these hosts: smollm2-135m |");
        hosts("llama-3.2-1b-shape:layers=4", 60, 50, 40);
        assertThat(claim(22)).contains(REPRODUCED).doesNotContain("one size");
        hosts(SMALL, 110, 50, 40);
        assertThat(claim(22)).contains(PARTLY, "not in smollm2-135m at 4096 tokens with 2 hosts");
        hosts(SMALL, 110, 110, 110);
        hosts("smollm2-135m-shape:layers=2", 110, 110, 110);
        hosts("llama-3.2-1b-shape:layers=4", 110, 110, 110);
        assertThat(claim(22)).contains(REFUTED);
    }
}
