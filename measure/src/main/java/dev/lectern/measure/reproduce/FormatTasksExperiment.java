package dev.lectern.measure.reproduce;

import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Suite;
import dev.lectern.measure.TaskOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What the formats of the cache do to answers: the same tasks through each of them, text and question read through the cache. */
record FormatTasksExperiment() implements Experiment {
    private static final String PREFIX = "kv-tasks-";
    private static final List<Integer> DEPTHS = List.of(0, 25, 50, 75, 100);
    private static final int RULER_LENGTH = 1024;
    private static final int NEEDLE_LENGTH = 2048;

    @Override
    public String name() {
        return "kv-tasks";
    }

    @Override
    public List<Part> parts(boolean quick) {
        List<Part> parts = new ArrayList<>();
        // Those of the larger model take several times as long.
        for (String model : quick ? List.<String>of() : MODELS) {
            parts.add(part(model, Suite.RULER, RULER_LENGTH, model.equals(MODELS.getFirst()) ? 5 : 3));
            parts.add(part(model, Suite.needle(DEPTHS), NEEDLE_LENGTH, 1));
        }
        return parts;
    }

    private static Part part(String model, Suite suite, int length, int samples) {
        TaskOptions options = TaskOptions.DEFAULT
                .withSuite(suite)
                .withLengths(List.of(length))
                .withSamples(samples)
                .withKv(formats());
        return new Part(
                PREFIX + suite.name() + "-" + model,
                true,
                (room, name) -> TaskExperiment.ask(room, name, model, options));
    }

    /** f16 first: what the others are compared with. */
    private static List<String> formats() {
        List<String> formats = new ArrayList<>(DivergenceExperiment.FORMATS);
        formats.remove("f16");
        formats.addFirst("f16");
        return formats;
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, PREFIX);
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(Pages.heading(
                "What a format of the cache does to answers",
                "RULER-like tasks at " + RULER_LENGTH + " tokens, and a needle at " + DEPTHS.size() + " depths of "
                        + NEEDLE_LENGTH
                        + " tokens: mean scores, 0 to 100, and how far the tasks' mean is from that of the f16 cache on the same prompts, with its interval of 95 per cent."
                        + " Text and question are read through the format too.\n"));
        for (String model : Pages.models(files)) {
            text.append(table(model, Pages.of(files, model)));
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    private static String table(String model, List<ResultFile> files) {
        Map<String, String> tasks = new LinkedHashMap<>(), needles = new LinkedHashMap<>();
        long samples = 0;
        for (ResultFile file : files) {
            boolean ruler = file.get(json -> json.text("suite")).equals(Suite.RULER.name());
            for (JsonFields mean : file.get(json -> json.objects("means"))) {
                (ruler ? tasks : needles)
                        .put(mean.text("kv"), ruler ? score(mean) + " | " + TaskExperiment.paired(mean) : score(mean));
            }
            if (ruler) {
                samples = file.get(json -> json.objects("results").getFirst().whole("samples"));
            }
        }
        List<String> formats = new ArrayList<>(tasks.keySet());
        needles.keySet().stream().filter(format -> !tasks.containsKey(format)).forEach(formats::add);
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "\n**%s**, %d samples of each of the tasks, one of each needle\n\n| cache | RULER-like | beside f16 | needles |\n| --- | --: | --: | --: |\n",
                model,
                samples));
        for (String format : formats) {
            text.append("| ")
                    .append(format)
                    .append(" | ")
                    .append(tasks.getOrDefault(format, "– | –"))
                    .append(" | ")
                    .append(needles.getOrDefault(format, "–"))
                    .append(" |\n");
        }
        return text.toString();
    }

    private static String score(JsonFields mean) {
        return String.format(Locale.ROOT, "%.1f", mean.number("score"));
    }
}
