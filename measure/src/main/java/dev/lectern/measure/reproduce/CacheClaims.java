package dev.lectern.measure.reproduce;

import dev.lectern.SessionOptions;
import dev.lectern.measure.JsonFields;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What the result files say of the claims about the KV cache. */
final class CacheClaims {
    private static final int CLAIMED_TOKENS = 1000;
    private static final double CLAIMED_RATIO = 4.7, CLAIMED_SAVING = 2.5;

    /** A perplexity that is larger by no more than this is nearly as good: what is claimed says no number. */
    private static final double NEARLY = 0.05;

    private static final String INT4 = "hf-int4", INT2 = "hf-int2", CHL4 = "chl-4";

    private final Evidence evidence;

    CacheClaims(Evidence evidence) {
        this.evidence = evidence;
    }

    Claims.Series series() {
        return new Claims.Series(
                "The KV cache",
                List.of(
                        new Claims.Claim(
                                "1000 tokens of GPT-2 take 11.885 ± 0.272 s with the KV cache and 56.197 ± 1.855 s without it on a T4: 4.7 ×",
                                this::withoutTheCache),
                        new Claims.Claim(
                                "Llama-2-7B keeps 2 · 2 · 32 · 32 · 128 · 10 000 bytes ≈ 5 GB of keys and values for 10 000 tokens",
                                this::llamaBytes),
                        new Claims.Claim(
                                "absmax int8 turns [1.2, −0.5, −4.3, 1.2, −3.1, 0.8, 2.4, 5.4] into [28, −12, −101, 28, −73, 19, 56, 127]",
                                this::absmax),
                        new Claims.Claim(
                                "zero-point quantisation is X_Q = round(X/S) − Z with Z = round(−min/S)",
                                this::zeroPoint),
                        new Claims.Claim("an int4 cache is nearly as good as fp16, int2 is worse", this::fewBits),
                        new Claims.Claim("a quantised cache takes at least 2.5 × less memory", this::lessMemory)));
    }

    /** What is claimed is claimed for so many tokens; the ratio grows with them, so that fewer may show it and cannot refute it. */
    private Verdict withoutTheCache() {
        List<ResultFile> files = ResultFile.all(evidence.results(), "kv-cache-");
        if (files.isEmpty()) {
            return Verdict.NOT_YET;
        }
        List<JsonFields> found = files.stream()
                .map(file -> file.get(json -> json.objects("results").getFirst()))
                .toList();
        boolean asLong = found.stream().anyMatch(result -> result.whole("tokens") >= CLAIMED_TOKENS);
        List<String> measured = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        for (JsonFields result : found) {
            long tokens = result.whole("tokens");
            boolean same = result.flag("sameTokens");
            double ratio = result.number("ratio");
            if (!asLong || tokens >= CLAIMED_TOKENS) {
                cases.add(result.text("model") + " with " + tokens + " tokens", same && ratio >= CLAIMED_RATIO);
            }
            measured.add(String.format(
                    Locale.ROOT,
                    "%s: %d tokens, %s, %.1f × (%.1f s without the cache, %.1f s with it)",
                    result.text("model"),
                    tokens,
                    same ? "the same" : "not the same",
                    ratio,
                    result.object("withoutCache").number("mean"),
                    result.object("withCache").number("mean")));
        }
        boolean none = cases.word().equals(Verdict.REFUTED);
        return new Verdict(
                asLong ? cases.word() : none ? Verdict.NOT_YET.word() : Verdict.PARTLY,
                String.join("; ", measured)
                        + cases.which()
                        + (asLong ? "" : ". The claim's own " + CLAIMED_TOKENS + " tokens are not measured"),
                found.stream().map(result -> result.text("model")).distinct().collect(Collectors.joining(", ")),
                evidence.where("bench kv-cache", files));
    }

    private Verdict arithmetic(Function<JsonFields, Boolean> holds, Function<JsonFields, String> measured) {
        return evidence.one(ArithmeticExperiment.NAME)
                .map(file -> new Verdict(
                        file.get(holds) ? Verdict.REPRODUCED : Verdict.REFUTED,
                        file.get(measured),
                        "none needed",
                        evidence.where("eval reproduce " + ArithmeticExperiment.NAME, List.of(file))))
                .orElse(Verdict.NOT_YET);
    }

    private Verdict llamaBytes() {
        double claimed = 2.0 * 2 * 32 * 32 * 128 * 10_000;
        // Pages are whole: 10 000 tokens take 40 of 256.
        return arithmetic(
                json -> Math.abs(json.number("llamaBytes") / claimed - 1) < 0.03,
                json -> String.format(
                        Locale.ROOT,
                        "`estimate` of its config.json, f16: %.2f GB in whole pages, the claim's product %.2f GB",
                        json.number("llamaBytes") / 1e9,
                        claimed / 1e9));
    }

    private Verdict absmax() {
        return arithmetic(
                json -> json.integers("codes").equals(List.of(28, -12, -101, 28, -73, 19, 56, 127)),
                json -> "the format int8: " + json.integers("codes"));
    }

    private Verdict zeroPoint() {
        return arithmetic(
                json -> json.whole("subtracted") == 8,
                json -> String.format(
                        Locale.ROOT,
                        "of the eight numbers, %d come back to within a step with the zero point subtracted as printed, %d with it added",
                        json.whole("subtracted"),
                        json.whole("added")));
    }

    private Verdict fewBits() {
        List<ResultFile> files = evidence.all(DivergenceExperiment.PREFIX);
        List<String> measured = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        for (ResultFile file : files) {
            String name = file.name().substring(DivergenceExperiment.PREFIX.length());
            double exact = file.get(json -> json.number("exactPerplexity"));
            Map<String, Double> more = new HashMap<>();
            for (JsonFields row : file.get(json -> json.objects("results"))) {
                String kv = row.text("kv");
                if (!List.of(INT4, INT2, CHL4).contains(kv)) {
                    continue;
                }
                more.put(kv, row.number("perplexity") / exact - 1);
                measured.add(String.format(
                        Locale.ROOT,
                        "%s, %s: KL %.2g, same top-1 %.1f %%, perplexity %+.1f %%",
                        name,
                        kv,
                        row.number("meanKl"),
                        100 * row.number("sameTop1"),
                        100 * more.get(kv)));
            }
            if (more.containsKey(INT4) && more.containsKey(INT2)) {
                cases.add(name, more.get(INT4) <= NEARLY && more.get(INT2) > more.get(INT4));
            }
        }
        if (cases.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return evidence.verdict(
                cases.word(),
                String.format(
                                Locale.ROOT,
                                "nearly as good being a perplexity at most %.0f %% above that of an exact cache: ",
                                100 * NEARLY)
                        + String.join("; ", measured)
                        + cases.which(),
                "eval kld",
                files);
    }

    private Verdict lessMemory() {
        List<ResultFile> files = evidence.all(FormatSpeedExperiment.PREFIX);
        List<String> measured = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        String usual = SessionOptions.DEFAULT.kv();
        for (String kv : List.of(INT4, usual, CHL4)) {
            String name = kv + (kv.equals(usual) ? " (the default)" : "");
            double least = Double.POSITIVE_INFINITY;
            for (ResultFile file : files) {
                List<JsonFields> rows = file.get(json -> json.objects("results"));
                long deepest =
                        rows.stream().mapToLong(row -> row.whole("depth")).max().orElse(0);
                double ratio = bytes(rows, "bf16", deepest) / bytes(rows, kv, deepest); // bf16 has as many as f16
                if (Double.isFinite(ratio)) {
                    least = Math.min(least, ratio);
                    measured.add(String.format(
                            Locale.ROOT, "%s, %s at %d tokens: %.2f ×", file.model(), name, deepest, ratio));
                }
            }
            if (Double.isFinite(least)) {
                cases.add(name, least >= CLAIMED_SAVING);
            }
        }
        if (cases.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return evidence.verdict(
                cases.word(),
                "bytes held, what is still exact included, against f16: " + String.join("; ", measured) + cases.which(),
                "eval reproduce --full kv-speed",
                files);
    }

    private static double bytes(List<JsonFields> rows, String kv, long depth) {
        return rows.stream()
                .filter(row -> row.text("kv").equals(kv) && row.whole("depth") == depth)
                .mapToDouble(row -> row.number("bytesPerToken"))
                .findFirst()
                .orElse(Double.NaN);
    }
}
