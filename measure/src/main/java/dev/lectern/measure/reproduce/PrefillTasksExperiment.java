package dev.lectern.measure.reproduce;

import dev.lectern.measure.BenchModel;
import dev.lectern.measure.HeadTraining;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.ModelCalibration;
import dev.lectern.measure.TaskOptions;
import dev.lectern.prefill.MInferenceSearch;
import dev.lectern.prefill.Prefills;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What methods of reading that are not exact do to answers: RULER-like tasks, the question read exactly. */
record PrefillTasksExperiment() implements Experiment {
    static final String PREFIX = "prefill-tasks-";

    /** What methods of reading are called, with dense attention to what was read. */
    private static final String DENSE = "dense prefill=";

    static final String STAR = "star:hosts=8";
    static final String APB = "apb:hosts=8:anchor=paper:passing=paper:question=anchor:compressor=query";

    /** MInference with a pattern for each head. */
    static final String CALIBRATED =
            Prefills.named("minference:calibrated=yes", Optional.empty()).name();

    static final List<String> METHODS = List.of(
            STAR,
            "apb:question=anchor:compressor=heads",
            "apb:question=anchor:compressor=query",
            "apb:question=anchor:compressor=random",
            "apb:question=apart:compressor=heads",
            "apb:question=apart:compressor=query",
            "apb:question=apart:compressor=random",
            "minference:calibrated=yes",
            "minference",
            "xattention");

    /** Of the larger model, of which a prompt is read for minutes, those that decide what is claimed. */
    private static final List<String> FEWER = METHODS.stream()
            .filter(method -> !method.equals("minference") && !method.startsWith("apb:question=apart:compressor=r"))
            .toList();

    private static final List<Asked> PLANS = List.of(
            new Asked(new TaskPlan(MODELS.getFirst(), 4096, 5), METHODS),
            new Asked(new TaskPlan(MODELS.getFirst(), 8192, 5), METHODS),
            new Asked(new TaskPlan(MODELS.getLast(), 8192, 5, TaskPlan.HARD), FEWER),
            new Asked(new TaskPlan(MODELS.getLast(), 16_384, 3, TaskPlan.HARD), FEWER));

    private static final TaskPlan QUICK = new TaskPlan(MODELS.getFirst(), 1024, 1, List.of("niah_single_1", "vt"));

    /** Tasks, and what reads them. */
    private record Asked(TaskPlan tasks, List<String> methods) {
        Part part() {
            Part part = tasks.part(PREFIX, TaskOptions.DEFAULT.withPrefill(methods));
            return new Part(part.name(), part.grows(), (room, name) -> {
                learn(room, tasks.model());
                part.measuring().run(room, name);
            });
        }
    }

    /** Has MInference search its patterns, and trains the heads that choose for APB, where that was not done yet. */
    private static void learn(Room room, String model) {
        BenchModel subject = room.model(model);
        ModelCalibration.requireLearned(
                subject, room.options(), MInferenceSearch.METHOD, room.progress(), room.cancellation());
        HeadTraining.requireTrained(
                subject, room.options(), HeadsExperiment.options(model), room.progress(), room.cancellation());
    }

    @Override
    public String name() {
        return "prefill-tasks";
    }

    @Override
    public List<Part> parts(boolean quick) {
        return quick
                ? List.of(QUICK.part(PREFIX, TaskOptions.DEFAULT.withPrefill(List.of(STAR, APB, "xattention"))))
                : PLANS.stream().map(Asked::part).toList();
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
                                + " passed tokens are chosen: by heads that were trained for it, by the question's mean query, or at random. Scores are 0 to 100; *beside full* is the difference on the same samples, with its interval of 95 per cent (paired bootstrap); *counting* is the mean of the tasks that add up what stands all over a text, cwe and fwe, where they were asked."));
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
