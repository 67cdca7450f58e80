package dev.lectern.measure.reproduce;

import dev.lectern.measure.JsonFields;
import dev.lectern.measure.ReadingEval;
import dev.lectern.measure.ReadingOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Whether the passages that {@code ask --show-reading} names are those that an answer comes from. */
record ReadingExperiment() implements Experiment {
    private static final String PREFIX = "reading-";
    private static final List<String> METHODS = List.of("dense", "quest:budget=10%", "topk:budget=2%");

    @Override
    public String name() {
        return "reading";
    }

    @Override
    public List<Part> parts(boolean quick) {
        String small = MODELS.getFirst(), large = MODELS.getLast();
        return quick
                ? List.of(part(small, 1024, 1))
                : List.of(part(small, 1024, 10), part(small, 2048, 5), part(large, 2048, 2));
    }

    private static Part part(String model, int length, int samples) {
        return new Part(PREFIX + model + "-" + length, (room, name) -> {
            ReadingOptions options = new ReadingOptions(length, samples, METHODS);
            room.keep(
                    name,
                    ReadingEval.run(room.model(model), room.options(), options, room.progress(), room.cancellation())
                            .toJson());
        });
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, PREFIX);
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(Pages.heading(
                "What an answer is said to have read",
                "Texts with one needle (`niah_single_1` to `_3`, of which as many of each), asked for it as `ask` does. Of the samples that are answered rightly: in how many the passage that `ask --show-reading`"
                        + " names first holds the needle."));
        text.append(
                "\n| model | tokens | attention | samples | right | needle named |\n| --- | --: | --- | --: | --: | --: |\n");
        for (String model : Pages.models(files)) {
            for (ResultFile file : Pages.of(files, model)) {
                for (JsonFields row : file.get(json -> json.objects("results"))) {
                    long right = row.whole("right");
                    text.append(String.format(
                            Locale.ROOT,
                            "| %s | %d | %s | %d | %d | %s |\n",
                            model,
                            row.whole("length"),
                            row.text("method"),
                            row.whole("samples"),
                            right,
                            right == 0
                                    ? "–"
                                    : String.format(
                                            Locale.ROOT,
                                            "%d (%.0f %%)",
                                            row.whole("found"),
                                            100.0 * row.whole("found") / right)));
                }
            }
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }
}
