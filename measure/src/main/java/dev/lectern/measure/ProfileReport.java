package dev.lectern.measure;

import dev.lectern.measure.StepProfile.Times;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** Where the time of {@link SpeedBench}'s steps went, as sections of a document: one for each model. */
public final class ProfileReport {
    private ProfileReport() {}

    /** Renews the sections of the models that were profiled. */
    public static void record(SpeedResults results, Path document) {
        Map<String, List<SpeedResult>> byModel = results.results().stream()
                .filter(result -> result.profile().isPresent())
                .collect(Collectors.groupingBy(SpeedResult::model, LinkedHashMap::new, Collectors.toList()));
        byModel.forEach((model, own) -> new Measurements(document)
                .replace("bench speed --profile --model " + model, section(model, own, results)));
    }

    private static String section(String model, List<SpeedResult> own, SpeedResults results) {
        Map<String, Times> columns = new LinkedHashMap<>();
        for (SpeedResult result : own) {
            result.profile().ifPresent(profile -> columns.put("prefill " + place(result), profile.prefill()));
        }
        for (SpeedResult result : own) {
            result.profile().ifPresent(profile -> columns.put("decode " + place(result), profile.decode()));
        }
        StringBuilder text = new StringBuilder();
        text.append("| ").append(model);
        columns.keySet().forEach(column -> text.append(" | ").append(column));
        text.append(" |\n| ---").append(" | --:".repeat(columns.size())).append(" |\n");
        StepProfile.rows().forEach((words, seconds) -> {
            text.append("| ").append(words.strip());
            columns.values().forEach(times -> text.append(" | ").append(cell(times, seconds)));
            text.append(" |\n");
        });
        text.append("\nMilliseconds per token (share); ")
                .append(results.threads())
                .append(results.threads() == 1 ? " thread; " : " threads; ")
                .append(results.machine().described())
                .append(". The command:\n\n```\nlectern bench speed --profile --model ")
                .append(model)
                .append(" --depth ")
                .append(own.stream()
                        .map(result -> Integer.toString(result.depth()))
                        .distinct()
                        .collect(Collectors.joining(",")));
        if (results.fill() != SpeedOptions.DEFAULT.fill()) {
            text.append(" --fill ").append(results.fill().name().toLowerCase(Locale.ROOT));
        }
        return text.append(" --record ARCHITECTURE.md\n```\n").toString();
    }

    private static String place(SpeedResult result) {
        String place = "at " + result.depth();
        place += result.batch() == 1 ? "" : ", batch " + result.batch();
        place += result.kv().equals("f16") ? "" : ", " + result.kv();
        return result.attention().equals("dense") ? place : place + ", " + result.attention();
    }

    private static String cell(Times times, ToDoubleFunction<Times> seconds) {
        if (times.steps() == 0) {
            return "";
        }
        double part = seconds.applyAsDouble(times);
        return String.format(
                Locale.ROOT, "%.3f (%.0f %%)", 1e3 * part / times.tokens(), 100 * part / Math.max(1e-12, times.all()));
    }
}
