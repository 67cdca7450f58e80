package dev.lectern.measure;

import dev.lectern.LecternException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Results of {@link PeersBench} for people: a few lines, a section of a document. */
public final class PeersReport {
    private static final String SECTION = "bench peers";

    private PeersReport() {}

    /** Lines for a terminal. */
    public static String summary(PeersResult result) {
        StringBuilder text = new StringBuilder();
        text.append(described(result.setting())).append('\n');
        for (Comparison comparison : result.comparisons()) {
            text.append(String.format(
                    Locale.ROOT,
                    "  %-13s %9s beside %9s   %s   %s\n",
                    comparison.row().key(),
                    value(comparison, comparison.lectern()),
                    value(comparison, comparison.peer()),
                    ratio(comparison),
                    toReach(result, comparison)));
        }
        result.leftOut().forEach(sentence -> text.append("  ").append(sentence).append('\n'));
        if (result.busy()) {
            text.append(String.format(
                    Locale.ROOT,
                    "  the machine was busy: load %.1f on %d cores; measure again\n",
                    result.load(),
                    result.machine().cores()));
        }
        return text.toString();
    }

    private static String described(PeersResult.Setting setting) {
        return String.format(
                Locale.ROOT,
                "%s, %d %s, %d %s; Lectern %s beside llama.cpp (llama-cpp-python %s)",
                setting.model(),
                setting.threads(),
                setting.threads() == 1 ? "thread" : "threads",
                setting.pairs(),
                setting.pairs() == 1 ? "pair" : "pairs",
                setting.lectern(),
                setting.peer());
    }

    private static String value(Comparison comparison, List<Double> values) {
        double median = Statistics.of(values).median();
        return switch (comparison.row().unit()) {
            case TOKENS_PER_SECOND -> SpeedResults.digits(median) + " t/s";
            case SECONDS -> String.format(Locale.ROOT, "%.2f s", median);
            case BYTES -> String.format(Locale.ROOT, "%.0f MB", median / 1e6);
        };
    }

    private static String ratio(Comparison comparison) {
        Statistics ratio = comparison.ratio();
        return ratio.count() == 1
                ? String.format(Locale.ROOT, "%.2f", ratio.median())
                : String.format(Locale.ROOT, "%.2f (%.2f … %.2f)", ratio.median(), ratio.min(), ratio.max());
    }

    private static String toReach(PeersResult result, Comparison comparison) {
        if (comparison.target().isEmpty()) {
            return "–";
        }
        double target = comparison.target().getAsDouble();
        String wanted = comparison.row().unit() == PeerRow.Unit.BYTES
                ? String.format(Locale.ROOT, "at most %.0f MB more", target / 1e6)
                : String.format(Locale.ROOT, "%.1f", target);
        return wanted
                + result.reached(comparison)
                        .map(reached -> reached ? ": reached" : ": missed")
                        .orElse(": no telling on a busy machine");
    }

    /**
     * Writes all results of a folder into a document's section.
     *
     * @param document Markdown; see {@link Measurements}
     * @param folder where {@link PeersBench} kept results
     */
    public static void record(Path document, Path folder) {
        Map<String, PeersResult> results = results(folder);
        if (results.isEmpty()) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, folder + " has no result of lectern " + SECTION + " yet.");
        }
        Path base = document.toAbsolutePath().getParent();
        Path absolute = folder.toAbsolutePath();
        Path link = base == null ? absolute : base.relativize(absolute);
        String beside = link.toString().replace('\\', '/');
        new Measurements(document).replace(SECTION, markdown(results, beside.isEmpty() ? "" : beside + "/"));
    }

    /** By the names of their files, without endings. */
    private static Map<String, PeersResult> results(Path folder) {
        Map<String, PeersResult> results = new TreeMap<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, "peers-*.json")) {
            for (Path file : found) {
                String name = String.valueOf(file.getFileName()).replaceFirst("\\.json$", "");
                PeersResult.fromJson(Files.readAllBytes(file)).ifPresent(result -> results.put(name, result));
            }
            return results;
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, folder + " cannot be read (" + e.getMessage() + ").", e);
        }
    }

    /** @param link from the document to the folder of the results, with a slash at its end; empty where both are one */
    private static String markdown(Map<String, PeersResult> results, String link) {
        StringBuilder text = new StringBuilder();
        Set<String> machines = new LinkedHashSet<>();
        results.forEach((name, result) -> {
            PeersResult.Setting setting = result.setting();
            machines.add(result.machine().described());
            text.append(String.format(
                    Locale.ROOT,
                    """
                    **%s**, %s, %d-bit vectors, %d %s, %d %s; [%s](%s%s.json)%s%s

                    | work | Lectern | beside | ratio, median (least … most) | to reach |
                    | --- | --: | --: | --: | --- |
                    """,
                    setting.model(),
                    result.machine().cpu(),
                    result.machine().vectorBits(),
                    setting.threads(),
                    setting.threads() == 1 ? "thread" : "threads",
                    setting.pairs(),
                    setting.pairs() == 1 ? "pair" : "pairs",
                    result.provenance().date().toString().substring(0, 10),
                    link,
                    name,
                    result.provenance().isKnown()
                            ? ", commit " + result.provenance().shortCommit()
                            : "",
                    result.busy()
                            ? String.format(
                                    Locale.ROOT,
                                    "; the machine was busy, load %.1f on %d cores",
                                    result.load(),
                                    result.machine().cores())
                            : ""));
            for (Comparison comparison : result.comparisons()) {
                text.append(String.format(
                        "| %s | %s | %s | %s | %s |\n",
                        comparison.what(),
                        value(comparison, comparison.lectern()),
                        value(comparison, comparison.peer()),
                        ratio(comparison),
                        toReach(result, comparison)));
            }
            result.leftOut()
                    .forEach(sentence -> text.append('\n').append(sentence).append('\n'));
            text.append(String.format(
                    "\nLectern %s; llama-cpp-python %s, built for this machine (%s).\n\n",
                    setting.lectern(),
                    setting.peer(),
                    setting.peerSystem().replaceAll("\\s*\\|\\s*", ", ").replaceAll(",\\s*$", "")));
        });
        text.append("Measured on:\n");
        machines.forEach(machine -> text.append("\n* ").append(machine));
        text.append("\n\nThe commands:\n\n```\n");
        results.values().stream()
                .map(result -> result.provenance().command())
                .distinct()
                .forEach(command -> text.append(command).append('\n'));
        return text.append("```\n").toString();
    }
}
