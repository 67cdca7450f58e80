package dev.lectern.measure.reproduce;

import dev.lectern.measure.FormatSpeed;
import dev.lectern.measure.JsonFields;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How fast tokens are decoded over each format of the cache. Timed: it wants an idle machine. */
record FormatSpeedExperiment() implements Experiment {
    static final String PREFIX = "kv-speed-";

    private static final List<Integer> DEPTHS = List.of(2048, 7936);
    private static final int TOKENS = 32;

    @Override
    public String name() {
        return "kv-speed";
    }

    @Override
    public List<Part> parts(boolean quick) {
        // Times of a busy machine, which a quick look may be taken on, say nothing.
        return (quick ? List.<String>of() : MODELS)
                .stream()
                        .map(model -> new Part(
                                PREFIX + model,
                                (room, name) -> room.keep(
                                        name,
                                        FormatSpeed.run(
                                                        room.model(model),
                                                        room.options(),
                                                        room.lectern(),
                                                        formats(),
                                                        DEPTHS,
                                                        TOKENS,
                                                        room.progress(),
                                                        room.cancellation())
                                                .toJson())))
                        .toList();
    }

    /** All but what they are compared with. */
    private static List<String> formats() {
        return DivergenceExperiment.FORMATS.stream()
                .filter(format -> !format.equals("f16"))
                .toList();
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, PREFIX);
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(Pages.heading(
                "How fast tokens are decoded over each format",
                "Tokens decoded one by one at a depth that copies of read pages fill, each format in a process of its own, between two with an f16 cache: tokens per second beside the mean of these"
                        + " two. Above 1 the format is faster than f16.\n"));
        for (ResultFile file : files) {
            text.append(String.format(
                    Locale.ROOT,
                    "\n**%s**\n\n| cache | depth | bytes per token | tokens/s | beside f16 |\n| --- | --: | --: | --: | --: |\n",
                    file.model()));
            for (JsonFields row : file.get(json -> json.objects("results"))) {
                text.append(String.format(
                        Locale.ROOT,
                        "| %s | %d | %.0f | %.1f | %.2f × |\n",
                        row.text("kv"),
                        row.whole("depth"),
                        row.number("bytesPerToken"),
                        row.number("tokensPerSecond"),
                        row.number("ratioToF16")));
            }
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }
}
