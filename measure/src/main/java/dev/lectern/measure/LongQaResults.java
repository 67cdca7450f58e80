package dev.lectern.measure;

import dev.lectern.measure.tasks.AnswerMetric;
import dev.lectern.measure.tasks.Question;
import dev.lectern.measure.tasks.QuestionFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.core.JsonGenerator;

/**
 * What {@link LongQaEval} found.
 *
 * @param length tokens of prompt and answer at most
 * @param answers in the order of the file
 */
public record LongQaResults(
        Evaluated evaluated, LongQaOptions options, QuestionFile file, int length, List<Answered> answers) {
    /**
     * An answer.
     *
     * @param tokens of the prompt
     * @param cut whether the text was too long, and lost its middle
     * @param text what the model said
     */
    public record Answered(Question question, int tokens, boolean cut, String text) {
        /** 0 to 1. */
        public double score(AnswerMetric metric) {
            return metric.score(text, question);
        }
    }

    /**
     * A metric over the questions of a data set.
     *
     * @param task the data set, or the file where none is named
     * @param scores of its questions, each 0 to 1
     */
    public record Row(String task, AnswerMetric metric, List<Double> scores) {
        public Row {
            scores = List.copyOf(scores);
        }

        /** Their mean, 0 to 100. */
        public double score() {
            return 100 * Statistics.of(scores).mean();
        }

        /** Where it lies with 95 per cent confidence, 0 to 1. */
        public Wilson interval() {
            return Wilson.of(Math.clamp(Statistics.of(scores).mean(), 0, 1), scores.size());
        }
    }

    public LongQaResults {
        answers = answers.stream()
                .sorted(Comparator.comparingInt(answer -> answer.question().line()))
                .toList();
    }

    private String task(Answered answer) {
        String dataset = answer.question().dataset();
        return dataset.isEmpty() ? file.name() : dataset;
    }

    /** Every metric of every data set. */
    public List<Row> rows() {
        Map<String, List<Answered>> byTask = new LinkedHashMap<>();
        for (Answered answer : answers) {
            byTask.computeIfAbsent(task(answer), task -> new ArrayList<>()).add(answer);
        }
        List<Row> rows = new ArrayList<>();
        byTask.forEach((task, ofTask) -> {
            for (AnswerMetric metric : AnswerMetric.values()) {
                rows.add(new Row(
                        task,
                        metric,
                        ofTask.stream().map(answer -> answer.score(metric)).toList()));
            }
        });
        return rows;
    }

    /** Questions about a text that was cut. */
    public int cut() {
        return (int) answers.stream().filter(Answered::cut).count();
    }

    /** Lines for a terminal. */
    public String table() {
        List<Row> rows = rows();
        int width = rows.stream().mapToInt(row -> row.task().length()).max().orElseThrow();
        String line = "%-" + Math.max("mean of data sets".length(), width) + "s %-11s %7s";
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, line, "data set", "metric", "score"))
                .append("   95 % interval, questions\n");
        for (Row row : rows) {
            Wilson interval = row.interval();
            text.append(
                    String.format(Locale.ROOT, line, row.task(), row.metric().label(), tenths(row.score())));
            text.append(String.format(
                    Locale.ROOT,
                    "   %.1f … %.1f, %d\n",
                    100 * interval.low(),
                    100 * interval.high(),
                    row.scores().size()));
        }
        if (rows.size() > AnswerMetric.values().length) {
            for (AnswerMetric metric : AnswerMetric.values()) {
                double mean = rows.stream()
                        .filter(row -> row.metric() == metric)
                        .mapToDouble(Row::score)
                        .average()
                        .orElseThrow();
                text.append(String.format(Locale.ROOT, line, "mean of data sets", metric.label(), tenths(mean)))
                        .append('\n');
            }
        }
        return text.append(described()).append('\n').toString();
    }

    private static String tenths(double score) {
        return String.format(Locale.ROOT, "%.1f", score);
    }

    private String described() {
        return String.format(
                Locale.ROOT,
                "%s, %d of %d questions about a text that was cut to fit %d tokens; %s, %s attention, %s cache, protocol %s; %s",
                file.name(),
                cut(),
                answers.size(),
                length,
                evaluated.model(),
                options.attention(),
                options.kv(),
                options.protocol(),
                evaluated.machine().described());
    }

    /** The object of {@code --json}. */
    public String toJson() {
        return evaluated.toJson(json -> rows().forEach(row -> write(json, row)), json -> {
            json.writeStringProperty("file", file.name());
            json.writeStringProperty("fileSha256", file.sha256());
            json.writeNumberProperty("cut", cut());
            json.writeNumberProperty("maxTokens", options.maxTokens());
        });
    }

    private void write(JsonGenerator json, Row row) {
        Wilson interval = row.interval();
        json.writeStartObject();
        json.writeStringProperty("metric", row.metric().label());
        json.writeStringProperty("method", options.attention());
        json.writeStringProperty("kv", options.kv());
        json.writeStringProperty("protocol", options.protocol().name());
        json.writeStringProperty("task", row.task());
        json.writeNumberProperty("length", length);
        json.writeNumberProperty("score", row.score());
        json.writeNumberProperty("low", 100 * interval.low());
        json.writeNumberProperty("high", 100 * interval.high());
        json.writeNumberProperty("samples", row.scores().size());
        json.writeEndObject();
    }

    /** Writes {@code longqa-FILE-MODEL.csv}, a line a question with its scores, each 0 to 100, and its answer. */
    public Path writeCsv(Path folder) {
        StringBuilder text = new StringBuilder("line,id,dataset,tokens,cut");
        for (AnswerMetric metric : AnswerMetric.values()) {
            text.append(',').append(metric.label());
        }
        text.append(",answer\n");
        for (Answered answer : answers) {
            Question question = answer.question();
            text.append(question.line())
                    .append(',')
                    .append(quoted(question.id()))
                    .append(',')
                    .append(quoted(question.dataset()))
                    .append(',')
                    .append(answer.tokens())
                    .append(',')
                    .append(answer.cut());
            for (AnswerMetric metric : AnswerMetric.values()) {
                text.append(String.format(Locale.ROOT, ",%.2f", 100 * answer.score(metric)));
            }
            text.append(',').append(quoted(answer.text())).append('\n');
        }
        String stem = file.name().endsWith(".jsonl")
                ? file.name().substring(0, file.name().length() - ".jsonl".length())
                : file.name();
        Path csv = folder.resolve("longqa-" + AtomicFile.plain(stem) + "-" + evaluated.model() + ".csv");
        AtomicFile.write(csv, text.toString().getBytes(StandardCharsets.UTF_8));
        return csv;
    }

    /** A field of RFC 4180. */
    private static String quoted(String field) {
        return '"' + field.replace("\"", "\"\"") + '"';
    }
}
