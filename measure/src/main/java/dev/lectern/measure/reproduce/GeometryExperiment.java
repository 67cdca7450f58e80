package dev.lectern.measure.reproduce;

import dev.lectern.measure.GeometryEval;
import dev.lectern.measure.GeometryOptions;
import dev.lectern.measure.GeometryReport;
import dev.lectern.measure.GeometryResult;
import dev.lectern.measure.JsonFields;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The observations that MagicPIG rests on. */
record GeometryExperiment() implements Experiment {
    static final String PREFIX = "analyze-";

    @Override
    public String name() {
        return "analyze";
    }

    @Override
    public List<Part> parts(boolean quick) {
        List<Part> parts = new ArrayList<>();
        for (String model : quick ? MODELS.subList(0, 1) : MODELS) {
            parts.add(new Part(PREFIX + model, (room, name) -> {
                GeometryOptions options =
                        quick ? GeometryOptions.DEFAULT.withTokens(256).withInputs(4) : GeometryOptions.DEFAULT;
                GeometryResult result = GeometryEval.run(
                        room.model(model), room.options(), options, List.of(), room.progress(), room.cancellation());
                room.keep(name, GeometryReport.toJson(result));
                GeometryReport.write(result, room.results());
            }));
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
                        "Where keys and values lie",
                        "Cosines between inputs of generated prose that begin with different tokens, over all layers and kv heads, after RoPE, and beside"
                                + " them what is published. What is said of one layer is in the CSV files and the figures.\n\n"
                                + "| model | cosine of | min | 5 % | median | as published | published |\n| --- | --- | --: | --: | --: | --: | --- |"));
        for (String model : Pages.models(files)) {
            ResultFile file = Pages.of(files, model).getFirst();
            text.append(row(file, "the first token's keys", "sinkKey", "above", "above 0.99"));
            text.append(row(file, "the first token's values", "sinkValue", "above", "above 0.99"));
            text.append(row(file, "mean keys", "meanKey", "above", "above 0.9"));
            text.append(row(file, "the mean key and the first token's", "meanToSink", "within", "−0.9 to −0.8"));
        }
        for (String model : Pages.models(files)) {
            ResultFile file = Pages.of(files, model).getFirst();
            text.append("\n**").append(model).append("**: length of keys over that of values, median of all layers ");
            text.append(String.format(Locale.ROOT, "%.1f; by layer", all(file).number("keyToValue")));
            for (JsonFields layer : file.get(json -> json.objects("results"))) {
                text.append(String.format(Locale.ROOT, " %.1f", layer.number("keyToValue")));
            }
            text.append(".\n\n![Cosines of keys and values by layer, ")
                    .append(model)
                    .append("](")
                    .append(link)
                    .append('/')
                    .append(file.name())
                    .append(".png)\n");
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    static JsonFields all(ResultFile file) {
        return file.get(json -> json.object("all"));
    }

    private static String row(ResultFile file, String what, String member, String share, String published) {
        JsonFields cosines = all(file).object(member);
        return String.format(
                Locale.ROOT,
                "| %s | %s | %.3f | %.3f | %.3f | %.0f %% | %s |\n",
                file.model(),
                what,
                cosines.number("min"),
                cosines.number("p5"),
                cosines.number("median"),
                100 * cosines.number(share),
                published);
    }
}
