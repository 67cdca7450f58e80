package dev.lectern.measure.reproduce;

import dev.lectern.measure.Axis;
import dev.lectern.measure.Figure;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Lines;
import dev.lectern.measure.PerplexityEval;
import dev.lectern.measure.PerplexityResult;
import dev.lectern.measure.TextOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How well each model foretells a text, by position. */
record PerplexityExperiment() implements Experiment {
    private static final String TITLE = "Perplexity by position";

    @Override
    public String name() {
        return "perplexity";
    }

    @Override
    public List<Part> parts(boolean quick) {
        List<Part> parts = new ArrayList<>();
        for (String model : quick ? MODELS.subList(0, 1) : MODELS) {
            parts.add(new Part("perplexity-" + model, (room, name) -> {
                TextOptions options = TextOptions.DEFAULT.withKv("f32").withTokens(quick ? 600 : 0);
                PerplexityResult result = PerplexityEval.run(
                        room.model(model),
                        room.options(),
                        options,
                        room.text(Room.REPORT),
                        room.progress(),
                        room.cancellation());
                result.writeCsv(room.results(), name);
                room.keep(name, result.toJson());
            }));
        }
        return parts;
    }

    /** Without what is left at the end, which would say more of chance than of the model. */
    private static List<JsonFields> whole(List<JsonFields> stretches) {
        long first = tokens(stretches.getFirst());
        return stretches.stream().filter(stretch -> tokens(stretch) == first).toList();
    }

    private static long tokens(JsonFields stretch) {
        return stretch.whole("to") - stretch.whole("from") + 1;
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, "perplexity-");
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(
                Pages.heading(
                        TITLE,
                        "The report `examples/harbour-report.md`, token by token through an f32 cache with exact attention, one window, first token not"
                                + " scored. A model that can use what stands far back foretells later stretches better.\n\n"
                                + "| model | tokens scored | perplexity | first stretch | last stretch |\n| --- | --: | --: | --: | --: |"));
        List<Lines.Line> lines = new ArrayList<>();
        for (String model : Pages.models(files)) {
            ResultFile file = Pages.of(files, model).getFirst();
            JsonFields row = file.get(json -> json.objects("results").getFirst());
            List<JsonFields> stretches = whole(file.get(json -> json.objects("stretches")));
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %.3f | %.2f | %.2f |\n",
                    model,
                    row.whole("samples"),
                    row.number("score"),
                    stretches.getFirst().number("perplexity"),
                    stretches.getLast().number("perplexity")));
            lines.add(new Lines.Line(
                    model,
                    stretches.stream()
                            .map(stretch -> (stretch.number("from") + stretch.number("to")) / 2)
                            .toList(),
                    stretches.stream()
                            .map(stretch -> stretch.number("perplexity"))
                            .toList()));
        }
        Figure figure = new Lines(
                TITLE,
                Axis.fromZero("position in the text, tokens"),
                Axis.fromZero("perplexity of a stretch of 256 tokens"),
                lines);
        text.append(Pages.figure(figure, results, link, "perplexity", TITLE));
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }
}
