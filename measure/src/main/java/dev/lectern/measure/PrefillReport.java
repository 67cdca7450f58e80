package dev.lectern.measure;

import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What {@link PrefillSpeed} found, for people and in files. */
public final class PrefillReport {
    private PrefillReport() {}

    private static String name(String model) {
        return "prefill-" + AtomicFile.plain(model);
    }

    /** Writes {@code prefill-MODEL.json} and {@code prefill-MODEL.csv}. */
    public static List<Path> write(PrefillSpeed result, Path folder) {
        String name = name(result.evaluated().model());
        Path file = folder.resolve(name + ".json");
        AtomicFile.write(file, (result.toJson() + "\n").getBytes(StandardCharsets.UTF_8));
        return List.of(file, writeCsv(result, folder, name));
    }

    /** What such a file of a model tells; nothing where it is missing, or is something else. */
    public static Optional<PrefillSpeed> read(Path folder, String model) {
        try {
            byte[] bytes = Files.readAllBytes(folder.resolve(name(model) + ".json"));
            return Optional.of(PrefillSpeed.read(JsonFields.of(Json.parse(bytes))));
        } catch (IOException | MalformedJsonException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Writes {@code NAME.csv}, a line for each row. */
    public static Path writeCsv(PrefillSpeed result, Path folder, String name) {
        List<String> lines = new ArrayList<>();
        lines.add(
                "length,prefill,hosts,ranks,tokensPerSecond,seconds,speedUp,foretold,countedOperations,operations,mostOperations,"
                        + "projections,attention,communication,feedForward,rest,bytesReceived,messages,leftOut");
        for (PrefillSpeed.Row row : result.rows()) {
            String numbers = row.speed()
                    .map(speed -> String.format(
                            Locale.ROOT,
                            "%.4f,%.4f,%.4f,%.4f,%.6g,%.6g,%.6g,%.4f,%.4f,%.4f,%.4f,%.4f,%d,%d,",
                            row.asked().tokens() / speed.seconds(),
                            speed.seconds(),
                            result.speedUp(row),
                            speed.foretold(),
                            speed.counted(),
                            speed.operations(),
                            speed.most(),
                            speed.parts().projections(),
                            speed.parts().attention(),
                            speed.parts().communication(),
                            speed.parts().feedForward(),
                            speed.parts().rest(),
                            speed.bytesReceived(),
                            speed.messages()))
                    .orElse(",,,,,,,,,,,,,," + Csv.field(row.leftOut()));
            lines.add(String.format(
                    Locale.ROOT,
                    "%d,%s,%d,%b,%s",
                    row.asked().tokens(),
                    Csv.field(row.asked().prefill()),
                    row.asked().hosts(),
                    row.asked().ranks(),
                    numbers));
        }
        Path file = folder.resolve(name + ".csv");
        AtomicFile.write(file, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
        return file;
    }

    /** A table for a terminal. */
    public static String table(PrefillSpeed result) {
        int wide = result.rows().stream()
                .mapToInt(row -> row.asked().prefill().length())
                .reduce("prefill".length(), Math::max);
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%8s %-" + wide + "s %5s %9s %7s %8s %9s %11s %9s %8s %8s %7s %9s\n",
                "tokens",
                "prefill",
                "hosts",
                "tokens/s",
                "x full",
                "foretold",
                "TFLOP",
                "projections",
                "attention",
                "commun.",
                "FFN",
                "rest",
                "received"));
        for (PrefillSpeed.Row row : result.rows()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%8d %-" + wide + "s %5d %s\n",
                    row.asked().tokens(),
                    row.asked().prefill(),
                    row.asked().hosts(),
                    row.speed().map(speed -> cells(result, row, speed)).orElse("n/a: " + row.leftOut())));
        }
        text.append(String.format(
                Locale.ROOT,
                "%s, %s%s; %d %s; %s\n",
                result.evaluated().model(),
                result.plan().kv(),
                result.scaling().isEmpty() ? "" : ", positions scaled " + result.scaling(),
                result.evaluated().threads(),
                result.evaluated().threads() == 1 ? "thread" : "threads",
                result.evaluated().machine().described()));
        String hosts = switch (result.plan().ranks()) {
            case FEW ->
                "Hosts of ring and ulysses are ranks of this process with a share of the threads each; star's and"
                        + " apb's are blocks read one after another with all threads.";
            case THREADS -> "Hosts are ranks of this process with a share of the threads each.";
            case PROCESSES -> "Hosts are processes; what is read on one host, the first reads alone.";
        };
        String latency = result.plan().latency() == 0
                ? ""
                : " Every wait for another rank takes " + result.plan().latency() + " ms longer.";
        return text.append(hosts)
                .append(latency)
                .append("\nParts are seconds of the mean host. Foretold: the ratio to full if time were operations.\n")
                .toString();
    }

    private static String cells(PrefillSpeed result, PrefillSpeed.Row row, PrefillSpeed.Speed speed) {
        PrefillSpeed.Parts parts = speed.parts();
        return String.format(
                Locale.ROOT,
                "%9.1f %7.2f %8s %9s %11.2f %9.2f %8.2f %8.2f %7.2f %6.1f MB",
                row.asked().tokens() / speed.seconds(),
                result.speedUp(row),
                known(speed.foretold()),
                known(speed.counted() / 1e12),
                parts.projections(),
                parts.attention(),
                parts.communication(),
                parts.feedForward(),
                parts.rest(),
                speed.bytesReceived() / 1e6);
    }

    private static String known(double number) {
        return Double.isNaN(number) ? "-" : String.format(Locale.ROOT, "%.2f", number);
    }
}
