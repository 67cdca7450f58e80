package dev.lectern.measure.reproduce;

import dev.lectern.measure.AnswerDivergenceEval;
import dev.lectern.measure.AnswerDivergenceResult;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Protocol;
import dev.lectern.measure.TaskOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** How far methods of attention lead each model away from itself in answers about long texts, no layer read densely. */
record AnswerDivergenceExperiment() implements Experiment {
    static final String PREFIX = "answer-kld-";
    private static final int LENGTH = 4096;
    private static final int QUICK_LENGTH = 1024;
    private static final int SAMPLES = 4;

    /** A needle in prose, one among many that look like it, a question about documents, and variables. */
    private static final List<String> TASKS = List.of("niah_single_2", "niah_multikey_2", "qa_1", "vt");

    private static final List<String> METHODS = List.of(
            "dense",
            "window",
            "topk:budget=2%",
            "topk:budget=5%",
            "oracle-sampling:budget=2%",
            "oracle-sampling:budget=5%",
            "uniform:budget=5%",
            "quest:budget=10%:page=8",
            "loki:budget=10%",
            "magicpig:k=10:l=150:dense=none",
            "magicpig:k=8:l=75:dense=none",
            "pps:budget=2%",
            "pps:budget=5%",
            "pps:budget=10%",
            "pps:bits=2:budget=2%",
            "pps:bits=2:budget=5%",
            "pps:bits=2:budget=10%");

    private static final List<String> QUICK = List.of("dense", "topk:budget=2%", "pps:budget=5%");

    @Override
    public String name() {
        return "answer-kld";
    }

    @Override
    public List<Part> parts(boolean quick) {
        List<Part> parts = new ArrayList<>();
        for (String model : quick ? MODELS.subList(0, 1) : MODELS) {
            for (String task : quick ? TASKS.subList(0, 1) : TASKS) {
                TaskOptions options = TaskOptions.DEFAULT
                        .withLengths(List.of(quick ? QUICK_LENGTH : LENGTH))
                        .withTasks(List.of(task))
                        .withSamples(quick ? 1 : SAMPLES)
                        .withProtocols(List.of(Protocol.values()))
                        .withAttention(quick ? QUICK : METHODS);
                parts.add(new Part(PREFIX + model + "-" + task, (room, name) -> {
                    AnswerDivergenceResult result = AnswerDivergenceEval.run(
                            room.model(model), room.options(), options, room.progress(), room.cancellation());
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
        StringBuilder text = new StringBuilder(Pages.heading(
                "How far a method of attention leads answers away",
                "RULER-like prompts over an f16 cache, no layer read densely. After the prompt, and after each of the first 16 tokens of dense attention's answer, the Kullback–Leibler divergence (nats) of what a model expects by a"
                        + " method from what it expects by dense attention: means of each task, and of all. The question is read exactly (protocol A), or by the method too (B). Bytes are those of keys, values and index, beside dense"
                        + " attention's."));
        for (String model : Pages.models(files)) {
            List<JsonFields> rows = Pages.of(files, model).stream()
                    .flatMap(file -> file.get(json -> json.objects("results")).stream())
                    .toList();
            for (Protocol protocol : Protocol.values()) {
                text.append(table(model, protocol, Pages.rows(rows, "protocol", protocol.name())));
            }
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    private static String table(String model, Protocol protocol, List<JsonFields> rows) {
        List<String> tasks =
                rows.stream().map(row -> row.text("task")).distinct().toList();
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "\n**%s, %d tokens, protocol %s**, %d tokens compared in each task\n\n| method |",
                model,
                rows.getFirst().whole("length"),
                protocol,
                rows.getFirst().whole("samples")));
        tasks.forEach(task -> text.append(' ').append(task).append(" |"));
        text.append(" mean | same top-1 | tokens looked at | bytes |\n| --- |")
                .append(" --: |".repeat(tasks.size() + 4))
                .append('\n');
        Map<String, List<JsonFields>> methods = new LinkedHashMap<>();
        rows.forEach(row -> methods.computeIfAbsent(row.text("method"), m -> new ArrayList<>())
                .add(row));
        double dense = mean(Pages.rows(rows, "method", "dense"), row -> row.number("bytesRead"));
        methods.forEach((method, of) -> {
            text.append("| ").append(SparseExperiment.plain(method)).append(" |");
            for (String task : tasks) {
                text.append(Pages.rows(of, "task", task).stream()
                        .map(row -> String.format(Locale.ROOT, " %.2g |", row.number("meanKl")))
                        .findFirst()
                        .orElse(" – |"));
            }
            text.append(String.format(
                    Locale.ROOT,
                    " **%.2g** | %.1f %% | %.1f %% | %.1f %% |\n",
                    mean(of, row -> row.number("meanKl")),
                    100 * mean(of, row -> row.number("sameTop1")),
                    100 * mean(of, row -> row.number("density")),
                    100 * mean(of, row -> row.number("bytesRead")) / dense));
        });
        return text.toString();
    }

    private static double mean(List<JsonFields> rows, ToDoubleFunction<JsonFields> value) {
        return rows.stream().mapToDouble(value).average().orElse(Double.NaN);
    }
}
