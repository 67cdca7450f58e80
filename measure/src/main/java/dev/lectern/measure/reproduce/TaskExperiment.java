package dev.lectern.measure.reproduce;

import dev.lectern.measure.BenchModel;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Suite;
import dev.lectern.measure.TaskEval;
import dev.lectern.measure.TaskOptions;
import dev.lectern.measure.TaskResults;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Tasks over long texts, each model at several lengths.
 *
 * @param title of the section
 * @param about what is said below it
 * @param suite the tasks
 * @param full what is measured of each model
 * @param quick what is measured to see that everything works
 */
record TaskExperiment(String title, String about, Suite suite, List<TaskPlan> full, List<TaskPlan> quick)
        implements Experiment {
    /** RULER-like tasks at the lengths that each model was made for. */
    static TaskExperiment ruler() {
        String small = MODELS.getFirst(), large = MODELS.getLast();
        return new TaskExperiment(
                "RULER-like tasks",
                "How well each model finds, follows and counts what stands in long texts, with exact attention over an f16 cache: what every other"
                        + " method is measured against. Scores are 0 to 100, in brackets the interval that they lie in with 95 per cent"
                        + " confidence (Wilson). Prose, words and documents are generated, so scores are not those of RULER's own data.",
                Suite.RULER,
                List.of(
                        new TaskPlan(small, 1024, 20),
                        new TaskPlan(small, 2048, 20),
                        new TaskPlan(small, 4096, 20),
                        new TaskPlan(small, 8192, 10),
                        new TaskPlan(large, 2048, 20),
                        new TaskPlan(large, 4096, 20),
                        new TaskPlan(large, 8192, 10),
                        new TaskPlan(large, 16384, 5, TaskPlan.HARD)),
                List.of(new TaskPlan(small, 1024, 1)));
    }

    /** InfiniteBench-like tasks. */
    static TaskExperiment infinite() {
        String small = MODELS.getFirst(), large = MODELS.getLast();
        return new TaskExperiment(
                "InfiniteBench-like tasks",
                "Numbers and keys in long texts, with exact attention over an f16 cache. Scores and intervals as above.",
                Suite.INFINITE,
                List.of(new TaskPlan(small, 2048, 20), new TaskPlan(large, 4096, 20)),
                List.of(new TaskPlan(small, 1024, 1)));
    }

    @Override
    public String name() {
        return suite.name();
    }

    @Override
    public List<Part> parts(boolean quick) {
        TaskOptions options = TaskOptions.DEFAULT.withSuite(suite);
        return (quick ? this.quick : full)
                .stream().map(plan -> plan.part(suite.name() + "-", options)).toList();
    }

    /** Samples of each task after which there is a result: it takes days to finish all, and a few of each tell more than all of some. */
    private static final List<Integer> ROUNDS = List.of(2, 5, 10);

    /** Asks a model a few samples of each task, then more, and keeps the result after each round. Asks nothing where there is a result of more samples. */
    static void ask(Room room, String name, String model, TaskOptions options) {
        int known = ResultFile.all(room.results(), name).stream()
                .filter(file -> file.name().equals(name))
                .mapToInt(TaskExperiment::samples)
                .findFirst()
                .orElse(0);
        if (known > options.samples()) {
            return;
        }
        List<Integer> rounds = Stream.concat(
                        ROUNDS.stream().filter(round -> round < options.samples() && round >= known),
                        Stream.of(options.samples()))
                .toList();
        BenchModel subject = room.model(model);
        for (int round : rounds) {
            TaskResults results = TaskEval.run(
                    subject,
                    room.options(),
                    options.withSamples(round),
                    room.results(),
                    room.progress(),
                    room.cancellation());
            results.writeCsv(room.results(), name);
            room.keep(name, results.toJson());
        }
    }

    /** Of each task. */
    static int samples(ResultFile file) {
        return file.get(
                json -> Math.toIntExact(json.objects("results").getFirst().whole("samples")));
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, suite.name() + "-");
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(Pages.heading(title, about));
        for (String model : Pages.models(files)) {
            TreeMap<Integer, ResultFile> lengths = new TreeMap<>();
            Pages.of(files, model).forEach(file -> lengths.put(length(file), file));
            text.append("\n**").append(model).append("**\n\n").append(table(lengths));
            text.append(Pages.figure(
                    TaskFigures.bars(lengths, title, model), results, link, suite.name() + "-" + model, title));
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    static int length(ResultFile file) {
        return file.get(
                json -> Math.toIntExact(json.objects("results").getFirst().whole("length")));
    }

    private String table(TreeMap<Integer, ResultFile> lengths) {
        StringBuilder text = new StringBuilder("| task |");
        StringBuilder line = new StringBuilder("| --- |");
        lengths.keySet().forEach(length -> {
            text.append(' ').append(length).append(" |");
            line.append(" --: |");
        });
        text.append('\n').append(line).append('\n');
        for (String task : suite.names()) {
            List<String> cells = new ArrayList<>();
            for (ResultFile file : lengths.values()) {
                cells.add(file.get(json -> json.objects("results").stream()
                        .filter(row -> row.text("task").equals(task))
                        .map(TaskExperiment::cell)
                        .findFirst()
                        .orElse("–")));
            }
            text.append("| ")
                    .append(task)
                    .append(" | ")
                    .append(String.join(" | ", cells))
                    .append(" |\n");
        }
        text.append("| mean |");
        for (ResultFile file : lengths.values()) {
            text.append(String.format(
                    Locale.ROOT,
                    " **%.1f** |",
                    file.<Double>get(json -> json.objects("means").getFirst().number("score"))));
        }
        text.append("\n| samples of each |");
        for (ResultFile file : lengths.values()) {
            text.append(String.format(Locale.ROOT, " %d |", samples(file)));
        }
        return text.append('\n').toString();
    }

    private static String cell(JsonFields row) {
        return String.format(
                Locale.ROOT, "%.1f (%.0f–%.0f)", row.number("score"), row.number("low"), row.number("high"));
    }

    /** How far a mean is from what it is compared with, and the interval of that; nothing for that itself. */
    static String paired(JsonFields mean) {
        if (!mean.has("paired")) {
            return "";
        }
        JsonFields paired = mean.object("paired");
        return String.format(
                Locale.ROOT,
                "%+.1f (%+.1f … %+.1f)",
                paired.number("difference"),
                paired.number("low"),
                paired.number("high"));
    }
}
