package dev.lectern.measure.reproduce;

import dev.lectern.attention.DecodeAttentions;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Protocol;
import dev.lectern.measure.TaskOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What the methods of attention that read less than everything do to answers: RULER-like tasks, all methods from one reading of each prompt. */
record MethodTasksExperiment() implements Experiment {
    static final String PREFIX = "methods-";

    static final String DENSE = "dense";
    static final String TOP_K = "topk:budget=2%";
    static final String QUEST = "quest:budget=10%:page=8";
    static final String MAGIC_PIG = "magicpig:k=10:l=150:dense=none";

    /** dense first: what the others are compared with. */
    private static final List<String> METHODS = List.of(
            DENSE,
            "window",
            TOP_K,
            QUEST,
            "loki:budget=10%",
            "magicpig:k=10:l=150",
            MAGIC_PIG,
            "pps:budget=5%",
            "pps:bits=2:budget=5%");

    /** Ways to drop tokens, with dense attention to what stays: a share of the tokens that lets them be set beside the others. */
    private static final List<String> KEEP = List.of("snapkv:budget=20%", "h2o:budget=20%");

    private static final List<TaskPlan> PLANS = List.of(
            new TaskPlan(MODELS.getFirst(), 2048, 20),
            new TaskPlan(MODELS.getFirst(), 4096, 20),
            new TaskPlan(MODELS.getLast(), 4096, 20),
            new TaskPlan(MODELS.getLast(), 8192, 10),
            new TaskPlan(MODELS.getLast(), 16384, 5, TaskPlan.HARD));

    @Override
    public String name() {
        return "methods";
    }

    @Override
    public List<Part> parts(boolean quick) {
        TaskOptions options = TaskOptions.DEFAULT
                .withProtocols(List.of(Protocol.values()))
                .withAttention(METHODS)
                .withKeep(KEEP);
        return (quick ? List.<TaskPlan>of() : PLANS)
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
                        "What a method of attention does to answers",
                        "RULER-like tasks over an f16 cache. A prompt is read once, exactly, and every method goes on from that reading: with the answer (protocol A), or with question and answer (B); *keep* drops all but some tokens before the first of these. Scores are 0 to 100; *beside dense* is the"
                                + " difference on the same samples, with its interval of 95 per cent (paired bootstrap); *counting* is the mean of the tasks that add up what stands all over a text, cwe and fwe; bytes are those of keys, values and index, beside dense attention's."));
        for (ResultFile file : files) {
            for (Protocol protocol : Protocol.values()) {
                text.append(table(file, protocol));
            }
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    /**
     * What came of a method.
     *
     * @param score the mean of all tasks, 0 to 100
     * @param counting the mean of those that add things up
     * @param bytes read beside what dense attention reads
     */
    record Of(double score, double counting, double bytes) {}

    /** What sentences call a file's results by a protocol. */
    static String named(ResultFile file, Protocol protocol) {
        return file.name().substring(PREFIX.length()) + ", protocol " + protocol;
    }

    /**
     * The rows of a method.
     *
     * @param list that has them
     * @param method as it is asked for
     */
    static List<JsonFields> rows(ResultFile file, String list, Protocol protocol, String method) {
        return file.get(json -> Pages.rows(
                Pages.rows(json.objects(list), "protocol", protocol.name()),
                "method",
                DecodeAttentions.named(method).name()));
    }

    /** @param method as it is asked for */
    static Of of(ResultFile file, Protocol protocol, String method) {
        List<JsonFields> rows = file.get(json -> Pages.rows(json.objects("results"), "protocol", protocol.name()));
        String name = DecodeAttentions.named(method).name();
        return new Of(
                mean(rows, name, "score", List.of()),
                mean(rows, name, "score", TaskPlan.AGGREGATING),
                mean(rows, name, "bytesRead", List.of()) / mean(rows, METHODS.getFirst(), "bytesRead", List.of()));
    }

    private static String table(ResultFile file, Protocol protocol) {
        List<JsonFields> rows = file.get(json -> Pages.rows(json.objects("results"), "protocol", protocol.name()));
        List<JsonFields> means = file.get(json -> Pages.rows(json.objects("means"), "protocol", protocol.name()));
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "\n**%s, %d tokens, protocol %s**, %d samples of each task\n\n"
                        + "| method | mean | beside dense | counting | tokens looked at | bytes |\n| --- | --: | --: | --: | --: | --: |\n",
                file.model(),
                rows.getFirst().whole("length"),
                protocol,
                rows.getFirst().whole("samples")));
        double dense = mean(rows, means.getFirst().text("method"), "bytesRead", List.of());
        for (JsonFields mean : means) {
            String method = mean.text("method");
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %.1f | %s | %.1f | %.1f %% | %.1f %% |\n",
                    SparseExperiment.plain(method),
                    mean.number("score"),
                    TaskExperiment.paired(mean),
                    mean(rows, method, "score", TaskPlan.AGGREGATING),
                    100 * mean(rows, method, "density", List.of()),
                    100 * mean(rows, method, "bytesRead", List.of()) / dense));
        }
        return text.toString();
    }

    /** Of a method's tasks, or of some of them. */
    static double mean(List<JsonFields> rows, String method, String member, List<String> tasks) {
        return rows.stream()
                .filter(row ->
                        row.text("method").equals(method) && (tasks.isEmpty() || tasks.contains(row.text("task"))))
                .mapToDouble(row -> row.number(member))
                .average()
                .orElse(Double.NaN);
    }
}
