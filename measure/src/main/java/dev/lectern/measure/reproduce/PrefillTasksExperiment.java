package dev.lectern.measure.reproduce;

import dev.lectern.measure.JsonFields;
import dev.lectern.measure.TaskOptions;
import dev.lectern.prefill.Prefills;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What methods of reading that are not exact do to answers: RULER-like tasks, the question read exactly. */
record PrefillTasksExperiment() implements Experiment {
    static final String PREFIX = "prefill-tasks-";

    /** What methods of reading are called, with dense attention to what was read. */
    private static final String DENSE = "dense prefill=";

    static final String STAR = "star:hosts=4";
    static final String APB = "apb:hosts=8:anchor=paper:passing=paper:question=anchor:compressor=query";

    static final String MINFERENCE =
            Prefills.named("minference", Optional.empty()).name();

    static final List<String> METHODS = methods();

    private static final List<TaskPlan> PLANS = List.of(
            new TaskPlan(MODELS.getFirst(), 4096, 5),
            new TaskPlan(MODELS.getFirst(), 8192, 5),
            new TaskPlan(MODELS.getLast(), 8192, 5, TaskPlan.HARD),
            new TaskPlan(MODELS.getLast(), 16_384, 3, TaskPlan.HARD));

    private static final TaskPlan QUICK = new TaskPlan(MODELS.getFirst(), 1024, 1, List.of("niah_single_1", "vt"));

    private static List<String> methods() {
        List<String> methods = new ArrayList<>(List.of(STAR));
        for (String question : List.of("anchor", "apart")) {
            for (String compressor : List.of("query", "random", "recent")) {
                methods.add("apb:question=" + question + ":compressor=" + compressor);
            }
        }
        methods.addAll(List.of("minference", "xattention"));
        return List.copyOf(methods);
    }

    @Override
    public String name() {
        return "prefill-tasks";
    }

    @Override
    public List<Part> parts(boolean quick) {
        TaskOptions options = TaskOptions.DEFAULT.withPrefill(METHODS);
        return (quick ? List.of(QUICK) : PLANS)
                .stream().map(plan -> plan.part(PREFIX, options)).toList();
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, PREFIX);
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(
                Pages.heading(
                        "What a method of reading does to answers",
                        "RULER-like tasks over an f16 cache. The text is read by each method, with lengths of anchor and passed blocks as in APB's paper, the question then exactly, with attention to everything, and so is each token of the answer. *question* tells where APB has it: in the anchor, or nowhere (apart); *compressor* how the"
                                + " passed tokens are chosen: by the question's mean query, at random, or the last of a block. Scores are 0 to 100; *beside full* is the difference on the same samples, with its interval of 95 per cent (paired bootstrap); *counting* is the mean of the tasks that add up what stands all over a text, cwe and fwe, where they were asked."));
        files.forEach(file -> text.append(table(file)));
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    /** What came of a method of reading, as results call it; empty where it was not asked. */
    static Optional<JsonFields> of(ResultFile file, String prefill) {
        return file.get(json -> Pages.rows(json.objects("means"), "method", DENSE + prefill)).stream()
                .findFirst();
    }

    private static String table(ResultFile file) {
        List<JsonFields> rows = file.get(json -> json.objects("results"));
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "\n**%s, %d tokens**, %d samples of each task\n\n"
                        + "| method | mean | beside full | counting |\n| --- | --: | --: | --: |\n",
                file.model(),
                TaskExperiment.length(file),
                rows.getFirst().whole("samples")));
        for (JsonFields mean : file.get(json -> json.objects("means"))) {
            String method = mean.text("method");
            double counting = MethodTasksExperiment.mean(rows, method, "score", TaskPlan.AGGREGATING);
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %.1f | %s | %s |\n",
                    method.startsWith(DENSE)
                            ? method.substring(DENSE.length()).replace(":anchor=paper:passing=paper", "")
                            : "full",
                    mean.number("score"),
                    TaskExperiment.paired(mean),
                    Double.isNaN(counting) ? "–" : String.format(Locale.ROOT, "%.1f", counting)));
        }
        return text.toString();
    }
}
