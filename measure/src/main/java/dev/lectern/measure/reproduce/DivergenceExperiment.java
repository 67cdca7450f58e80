package dev.lectern.measure.reproduce;

import dev.lectern.measure.DivergenceEval;
import dev.lectern.measure.DivergenceResult;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.TextOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What the formats of the cache cost each model. */
record DivergenceExperiment() implements Experiment {
    private static final int TOKENS = 1000;
    private static final int QUICK_TOKENS = 100;

    @Override
    public String name() {
        return "kld";
    }

    @Override
    public List<Part> parts(boolean quick) {
        List<Part> parts = new ArrayList<>();
        for (String model : quick ? MODELS.subList(0, 1) : MODELS) {
            for (String kv : List.of("f32", "f16", "bf16")) {
                parts.add(new Part("kld-" + model + "-" + kv, (room, name) -> {
                    TextOptions options = TextOptions.DEFAULT.withKv(kv).withTokens(quick ? QUICK_TOKENS : TOKENS);
                    DivergenceResult result = DivergenceEval.run(
                            room.model(model),
                            room.options(),
                            options,
                            room.text(),
                            room.progress(),
                            room.cancellation());
                    result.writeCsv(room.results(), name);
                    room.keep(name, result.toJson());
                }));
            }
        }
        return parts;
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, "kld-");
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(Pages.heading(
                "What a format of the cache costs",
                "At each token of `examples/harbour-report.md`, the Kullback–Leibler divergence (nats) of what the model expects next from what it"
                        + " expects with an f32 cache, in the same run; then both go on greedily for 64 tokens.\n\n"
                        + "| model | cache | mean KL | 99th percentile | same top-1 | continuations differ from token |\n"
                        + "| --- | --- | --: | --: | --: | --: |"));
        for (String model : Pages.models(files)) {
            for (ResultFile file : Pages.of(files, model)) {
                JsonFields row = file.get(json -> json.objects("results").getFirst());
                double different = row.optionalNumber("firstDifferent");
                text.append(String.format(
                        Locale.ROOT,
                        "| %s | %s | %.1e | %.1e | %.2f %% | %s |\n",
                        model,
                        row.text("kv"),
                        row.number("meanKl"),
                        row.number("p99Kl"),
                        100 * row.number("sameTop1"),
                        Double.isNaN(different) ? "never" : String.format(Locale.ROOT, "%.0f", different)));
            }
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }
}
