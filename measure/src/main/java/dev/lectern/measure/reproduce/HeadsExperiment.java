package dev.lectern.measure.reproduce;

import dev.lectern.measure.HeadOptions;
import dev.lectern.measure.HeadTraining;
import dev.lectern.measure.JsonFields;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How many of the tokens that answers look at most the heads find that are trained to choose them for APB. */
record HeadsExperiment() implements Experiment {
    private static final String PREFIX = "heads-";

    /** Of the larger model, which reads a quarter as fast. */
    private static final int FEWER = 60;

    @Override
    public String name() {
        return "heads";
    }

    /** How those of a model are trained. */
    static HeadOptions options(String model) {
        HeadOptions usual = HeadOptions.DEFAULT;
        return model.equals(MODELS.getFirst()) ? usual : usual.withTexts(FEWER);
    }

    @Override
    public List<Part> parts(boolean quick) {
        // A few texts teach nothing, and what they made would be used afterwards.
        return (quick ? List.<String>of() : MODELS)
                .stream()
                        .map(model -> new Part(
                                PREFIX + model,
                                (room, name) -> room.keep(
                                        name,
                                        HeadTraining.result(
                                                room.model(model),
                                                room.options(),
                                                options(model),
                                                "lectern eval reproduce --full " + name,
                                                room.progress(),
                                                room.cancellation()))))
                        .toList();
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, PREFIX);
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(Pages.heading(
                "What retaining heads find",
                "Heads trained by `lectern train-retaining-heads` from RULER-like prompts and their right answers, on prompts that they have not learned from: of the eighth of a text's tokens that its answer looked at most, the share"
                        + " that is in the eighth with the highest scores; mean of all layers and kv heads. *Query*: scores by the question's mean query, which needs no training. *Pooled*: neighbours have the score of the highest beside them, as"
                        + " `apb` passes tokens on. Chance finds 12.5 per cent."));
        text.append("\n| model | texts | heads | query | random | heads, pooled | query, pooled |\n"
                + "| --- | --: | --: | --: | --: | --: | --: |\n");
        for (ResultFile file : files) {
            JsonFields row = file.get(json -> json.objects("results").getLast());
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %.1f %% |\n",
                    file.model(),
                    file.get(json -> json.whole("texts")),
                    100 * row.number("heads"),
                    100 * row.number("query"),
                    100 * row.number("random"),
                    100 * row.number("headsPooled"),
                    100 * row.number("queryPooled")));
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }
}
