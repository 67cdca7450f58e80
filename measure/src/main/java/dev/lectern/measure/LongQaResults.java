package dev.lectern.measure;

import dev.lectern.measure.tasks.AnswerMetric;
import dev.lectern.measure.tasks.Question;
import dev.lectern.measure.tasks.QuestionFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;

/**
 * What {@link LongQaEval} found.
 *
 * @param length tokens of prompt and answer at most
 * @param answers by the methods in their order; of each in the order of the file
 */
public record LongQaResults(
        Evaluated evaluated, LongQaOptions options, QuestionFile file, int length, List<Answered> answers) {
    private static final String MEAN = "mean of data sets";
    private static final String SUFFIX = ".jsonl";

    /**
     * An answer.
     *
     * @param tokens of the prompt
     * @param cut whether the text was too long, and lost its middle
     * @param text what the model said
     * @param bytesRead of keys and values for each token that attention saw
     * @param density the share of tokens that it looked at, 0 to 1
     */
    public record Answered(
            Question question, Method method, int tokens, boolean cut, String text, double bytesRead, double density) {
        /** 0 to 1. */
        public double score(AnswerMetric metric) {
            return metric.score(text, question);
        }
    }

    /**
     * A metric over the questions of a data set, by one method.
     *
     * @param task the data set, or the file where none is named
     * @param scores of its questions, each 0 to 1
     * @param bytesRead of keys and values for each token that attention saw
     * @param density the share of tokens that it looked at, 0 to 1
     */
    public record Row(
            String task, AnswerMetric metric, Method method, List<Double> scores, double bytesRead, double density) {
        public Row {
            scores = List.copyOf(scores);
        }

        static Row of(String task, AnswerMetric metric, Method method, List<Answered> answers) {
            return new Row(
                    task,
                    metric,
                    method,
                    answers.stream().map(answer -> answer.score(metric)).toList(),
                    answers.stream().mapToDouble(Answered::bytesRead).average().orElseThrow(),
                    answers.stream().mapToDouble(Answered::density).average().orElseThrow());
        }

        /** Their mean, 0 to 100. */
        public double score() {
            return 100 * Statistics.of(scores).mean();
        }

        /** Where it lies with 95 per cent confidence, 0 to 1. */
        public Wilson interval() {
            return Wilson.of(scores);
        }
    }

    public LongQaResults {
        answers = List.copyOf(answers);
    }

    /** Every metric of every data set, by the methods in their order. */
    public List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        for (Method method : options.methods()) {
            Map<String, List<Answered>> byTask = new LinkedHashMap<>();
            for (Answered answer : answers) {
                if (answer.method().equals(method)) {
                    String dataset = answer.question().dataset();
                    byTask.computeIfAbsent(dataset.isEmpty() ? file.name() : dataset, task -> new ArrayList<>())
                            .add(answer);
                }
            }
            byTask.forEach((task, some) -> {
                for (AnswerMetric metric : AnswerMetric.values()) {
                    rows.add(Row.of(task, metric, method, some));
                }
            });
        }
        return rows;
    }

    /** The method that others are compared with. */
    public Method first() {
        return options.methods().getFirst();
    }

    /** Questions about a text that was cut. */
    public int cut() {
        return (int) answers.stream()
                .filter(answer -> answer.method().equals(first()) && answer.cut())
                .count();
    }

    private int questions() {
        return answers.size() / options.methods().size();
    }

    /** How rows of a method compare with the same rows of the first; empty for the first itself. */
    private Optional<Paired> paired(List<Row> all, List<Row> some) {
        if (some.getFirst().method().equals(first())) {
            return Optional.empty();
        }
        List<List<Double>> others = new ArrayList<>();
        for (Row row : some) {
            for (Row other : all) {
                if (other.method().equals(first())
                        && other.task().equals(row.task())
                        && other.metric() == row.metric()) {
                    others.add(other.scores());
                }
            }
        }
        return Optional.of(Paired.of(some.stream().map(Row::scores).toList(), others));
    }

    /** Lines for a terminal. */
    public String table() {
        List<Row> rows = rows();
        int width = rows.stream().mapToInt(row -> row.task().length()).max().orElseThrow();
        String columns = "%-" + Math.max(MEAN.length(), width) + "s %-11s %7s";
        StringBuilder text = new StringBuilder();
        for (Method method : options.methods()) {
            if (options.methods().size() > 1) {
                text.append(method.described()).append('\n');
            }
            text.append(String.format(Locale.ROOT, columns, "data set", "metric", "score"))
                    .append("   95 % interval, questions\n");
            List<Row> some =
                    rows.stream().filter(row -> row.method().equals(method)).toList();
            for (Row row : some) {
                Wilson interval = row.interval();
                text.append(line(columns, row.task(), row.metric(), row.score()));
                text.append(String.format(
                        Locale.ROOT,
                        "   %.1f … %.1f, %d\n",
                        100 * interval.low(),
                        100 * interval.high(),
                        row.scores().size()));
            }
            for (AnswerMetric metric : AnswerMetric.values()) {
                text.append(overall(
                        columns,
                        rows,
                        some.stream().filter(row -> row.metric() == metric).toList()));
            }
            text.append('\n');
        }
        return text.append(described()).append('\n').toString();
    }

    /** The mean of several data sets, and how it compares with that of the first method. */
    private String overall(String columns, List<Row> all, List<Row> ofMetric) {
        AnswerMetric metric = ofMetric.getFirst().metric();
        StringBuilder text = new StringBuilder();
        if (ofMetric.size() > 1) {
            double mean = ofMetric.stream().mapToDouble(Row::score).average().orElseThrow();
            text.append(line(columns, MEAN, metric, mean)).append('\n');
        }
        paired(all, ofMetric)
                .ifPresent(paired -> text.append(
                        String.format(Locale.ROOT, "  %s %s\n", metric.label(), paired.described(first()))));
        return text.toString();
    }

    private static String line(String columns, String task, AnswerMetric metric, double score) {
        return String.format(Locale.ROOT, columns, task, metric.label(), String.format(Locale.ROOT, "%.1f", score));
    }

    /** One line that says what was measured. */
    public String described() {
        return String.format(
                Locale.ROOT,
                "%s, %d of %d questions about a text that was cut to fit %d tokens; %s, %s, protocol %s; %s",
                file.name(),
                cut(),
                questions(),
                length,
                evaluated.model(),
                String.join(
                        "; ", options.methods().stream().map(Method::described).toList()),
                options.protocol(),
                evaluated.machine().described());
    }

    /** The object of {@code --json}. */
    public String toJson() {
        List<Row> rows = rows();
        return evaluated.toJson(json -> rows.forEach(row -> write(json, rows, row)), json -> {
            json.writeStringProperty("file", file.name());
            json.writeStringProperty("fileSha256", file.sha256());
            json.writeNumberProperty("cut", cut());
            json.writeNumberProperty("maxTokens", options.maxTokens());
        });
    }

    private void write(JsonGenerator json, List<Row> all, Row row) {
        Wilson interval = row.interval();
        json.writeStartObject();
        json.writeStringProperty("metric", row.metric().label());
        json.writeStringProperty("method", row.method().attention());
        json.writeStringProperty("kv", row.method().kv());
        json.writeStringProperty("protocol", options.protocol().name());
        json.writeStringProperty("task", row.task());
        json.writeNumberProperty("length", length);
        json.writeNumberProperty("score", row.score());
        json.writeNumberProperty("low", 100 * interval.low());
        json.writeNumberProperty("high", 100 * interval.high());
        json.writeNumberProperty("samples", row.scores().size());
        json.writeNumberProperty("bytesRead", row.bytesRead());
        json.writeNumberProperty("density", row.density());
        paired(all, List.of(row)).ifPresent(paired -> paired.write(json));
        json.writeEndObject();
    }

    /** Writes {@code longqa-FILE-MODEL.csv}, a line a question and method with the scores, each 0 to 100, and the answer. */
    public Path writeCsv(Path folder) {
        StringBuilder text = new StringBuilder("line,id,dataset,method,kv,tokens,cut");
        for (AnswerMetric metric : AnswerMetric.values()) {
            text.append(',').append(metric.label());
        }
        text.append(",answer\n");
        for (Answered answer : answers) {
            Question question = answer.question();
            List<String> fields = new ArrayList<>(List.of(
                    Integer.toString(question.line()),
                    Csv.field(question.id()),
                    Csv.field(question.dataset()),
                    Csv.field(answer.method().attention()),
                    Csv.field(answer.method().kv()),
                    Integer.toString(answer.tokens()),
                    Boolean.toString(answer.cut())));
            for (AnswerMetric metric : AnswerMetric.values()) {
                fields.add(String.format(Locale.ROOT, "%.2f", 100 * answer.score(metric)));
            }
            fields.add(Csv.field(answer.text()));
            text.append(String.join(",", fields)).append('\n');
        }
        Path csv = folder.resolve(name() + ".csv");
        AtomicFile.write(csv, text.toString().getBytes(StandardCharsets.UTF_8));
        return csv;
    }

    /** What its files are called. */
    private String name() {
        String stem = file.name().endsWith(SUFFIX)
                ? file.name().substring(0, file.name().length() - SUFFIX.length())
                : file.name();
        return "longqa-" + AtomicFile.plain(stem) + "-" + evaluated.model();
    }

    /** Draws {@code longqa-FILE-MODEL.png} and {@code .svg}: bars of each metric, those of a data set and method in one colour. */
    public List<Path> writeFigure(Path folder) {
        Map<String, List<Bars.Bar>> bars = new LinkedHashMap<>();
        for (Row row : rows()) {
            String series = options.methods().size() == 1
                    ? row.task()
                    : row.task() + ", " + row.method().described();
            Wilson interval = row.interval();
            bars.computeIfAbsent(series, name -> new ArrayList<>())
                    .add(new Bars.Bar(row.score(), 100 * interval.low(), 100 * interval.high()));
        }
        return new Bars(
                        file.name() + ": " + evaluated.model(),
                        "score, and its interval of 95 %",
                        100,
                        Arrays.stream(AnswerMetric.values())
                                .map(AnswerMetric::label)
                                .toList(),
                        bars.entrySet().stream()
                                .map(one -> new Bars.Series(one.getKey(), one.getValue()))
                                .toList())
                .draw(folder, name());
    }
}
