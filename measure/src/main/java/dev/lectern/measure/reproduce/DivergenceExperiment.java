package dev.lectern.measure.reproduce;

import dev.lectern.measure.Axis;
import dev.lectern.measure.DivergenceEval;
import dev.lectern.measure.DivergenceOptions;
import dev.lectern.measure.DivergenceResult;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Lines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What the formats of the cache cost each model, on two texts. */
record DivergenceExperiment() implements Experiment {
    static final String PREFIX = "kld-";

    /** All that there are, from the largest. */
    static final List<String> FORMATS = List.of(
            "f32",
            "f16",
            "bf16",
            "chl-8",
            "int8",
            "hf-int8",
            "k=chl-8,v=chl-4",
            "chl-6",
            "chl-5",
            "kivi-4",
            "kivi-4:sinks=4",
            "hf-int4",
            "chl-4",
            "chl-3",
            "kivi-2",
            "hf-int2",
            "chl-2");

    /** Those of the article's figure, and ours beside them. */
    private static final List<String> DRAWN = List.of("f16", "hf-int4", "hf-int2", "chl-4", "chl-2");

    private static final List<String> QUICK = List.of("f16", "int8", "chl-4");
    private static final int QUICK_TOKENS = 600;

    /**
     * What is read.
     *
     * @param name that results have
     * @param tokens of it that count: no more than the model with fewer of them finds in it
     */
    private record Text(String name, String example, int tokens) {}

    private static final List<Text> TEXTS =
            List.of(new Text("prose", Room.REPORT, 1536), new Text("code", Room.PROGRAM, 1300));

    @Override
    public String name() {
        return "kld";
    }

    @Override
    public List<Part> parts(boolean quick) {
        List<Part> parts = new ArrayList<>();
        for (String model : quick ? MODELS.subList(0, 1) : MODELS) {
            for (Text text : quick ? TEXTS.subList(0, 1) : TEXTS) {
                parts.add(new Part(PREFIX + model + "-" + text.name(), (room, name) -> {
                    DivergenceOptions options = DivergenceOptions.DEFAULT
                            .withKvs(quick ? QUICK : FORMATS)
                            .withTokens(quick ? QUICK_TOKENS : text.tokens());
                    DivergenceResult result = DivergenceEval.run(
                            room.model(model),
                            room.options(),
                            options,
                            room.text(text.example()),
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
        List<ResultFile> files = ResultFile.all(results, PREFIX);
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(
                Pages.heading(
                        "What a format of the cache costs",
                        "At each token of a text, the Kullback–Leibler divergence (nats) of what the model expects next from what it expects with"
                                + " an f32 cache, in the same run, every token through the cache as in an answer; then both go on"
                                + " greedily for 64 tokens. Bytes are those that the cache holds at the end, what is still exact included."));
        for (ResultFile file : files) {
            List<JsonFields> rows = file.get(json -> json.objects("results"));
            double exact = file.get(json -> json.number("exactPerplexity"));
            text.append(String.format(
                    Locale.ROOT,
                    "\n**%s, %s**, %d tokens, perplexity %.3f\n\n"
                            + "| cache | bytes per token | mean KL | 99th percentile | same top-1 | perplexity | continuations differ from token |\n"
                            + "| --- | --: | --: | --: | --: | --: | --: |\n",
                    file.model(),
                    file.name().substring((PREFIX + file.model() + "-").length()),
                    rows.getFirst().whole("length"),
                    exact));
            // Files that do not say how many tokens were compared are of texts that left room for all.
            String same = file.get(json -> json.has("continued") && json.whole("continued") == 0) ? "–" : "never";
            for (JsonFields row : rows) {
                double different = row.optionalNumber("firstDifferent");
                text.append(String.format(
                        Locale.ROOT,
                        "| %s | %.0f | %.1e | %.1e | %.1f %% | %+.2f %% | %s |\n",
                        row.text("kv"),
                        row.number("bytesPerToken"),
                        row.number("meanKl"),
                        row.number("p99Kl"),
                        100 * row.number("sameTop1"),
                        100 * (row.number("perplexity") / exact - 1),
                        Double.isNaN(different) ? same : String.format(Locale.ROOT, "%.0f", different)));
            }
            text.append(figure(file, rows, results, link));
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    /** The article's figure: perplexity against length. */
    private static String figure(ResultFile file, List<JsonFields> rows, Path results, String link) {
        List<JsonFields> stretches = file.get(json -> json.objects("stretches"));
        List<Lines.Line> lines = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            if (DRAWN.contains(rows.get(i).text("kv"))) {
                int column = i;
                lines.add(new Lines.Line(
                        rows.get(i).text("kv"),
                        stretches.stream()
                                .map(s -> (s.number("from") + s.number("to")) / 2)
                                .toList(),
                        stretches.stream()
                                .map(s -> s.numbers("perplexities").get(column))
                                .toList()));
            }
        }
        String title = "Perplexity against length: " + file.name().substring(PREFIX.length());
        return Pages.figure(
                new Lines(
                        title,
                        Axis.fromZero("position in the text, tokens"),
                        Axis.logarithmic("perplexity of a stretch of 256 tokens"),
                        lines),
                results,
                link,
                file.name(),
                title);
    }
}
