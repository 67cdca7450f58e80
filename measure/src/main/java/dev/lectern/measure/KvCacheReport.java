package dev.lectern.measure;

import dev.lectern.LecternException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Results of {@link KvCacheBench} for people: a sentence, a table of numbers, a figure, a section of a document. */
public final class KvCacheReport {
    private static final String SECTION = "bench kv-cache";

    private KvCacheReport() {}

    /** A few lines for a terminal. */
    public static String summary(KvCacheResult result) {
        KvCacheResult.Setting setting = result.setting();
        return String.format(
                Locale.ROOT,
                "%s, %d tokens after a prompt of %d, %d %s each, %d %s, kv %s\n"
                        + "  with the KV cache     %s s  (%.1f tokens/s)\n"
                        + "  without               %s s  (%.1f tokens/s)\n"
                        + "  ratio                 %.1f (of CPU time: %s)\n"
                        + "  tokens                %s\n"
                        + "  machine               %s\n"
                        + "%s",
                setting.model(),
                setting.tokens(),
                setting.promptTokens(),
                result.withCache().runs(),
                result.withCache().runs() == 1 ? "run" : "runs",
                setting.threads(),
                setting.threads() == 1 ? "thread" : "threads",
                setting.kv(),
                result.withCache().wallClock().plusMinus(),
                setting.tokens() / result.withCache().wallClock().mean(),
                result.withoutCache().wallClock().plusMinus(),
                setting.tokens() / result.withoutCache().wallClock().mean(),
                result.ratio(),
                cpuRatio(result),
                tokens(result.agreement()),
                result.machine().described(),
                result.busy()
                        ? String.format(
                                Locale.ROOT,
                                "  the machine was busy  load %.1f on %d cores: the times are too long; measure again\n",
                                result.load(),
                                result.machine().cores())
                        : "");
    }

    private static String cpuRatio(KvCacheResult result) {
        return Double.isNaN(result.cpuRatio()) ? "unknown" : String.format(Locale.ROOT, "%.1f", result.cpuRatio());
    }

    private static String tokens(KvCacheResult.Agreement agreement) {
        return agreement.sameTokens()
                ? "the same"
                : "differ at " + agreement.positions().size() + " positions, each a tie within rounding";
    }

    /**
     * Writes the curve as CSV and as a figure (PNG and SVG) beside the result's JSON.
     *
     * @return the files; without the figure, and with a warning, where it cannot be drawn
     * @throws LecternException if the CSV cannot be written
     */
    public static List<Path> write(KvCacheResult result, Path folder) {
        Path csv = folder.resolve(result.name() + ".csv");
        AtomicFile.write(csv, csv(result.curve()).getBytes(StandardCharsets.UTF_8));
        List<Path> files = new ArrayList<>(List.of(csv));
        files.addAll(figure(result).draw(folder, result.name()));
        return files;
    }

    private static String csv(KvCacheResult.Curve curve) {
        StringBuilder csv = new StringBuilder("tokens,with_cache_seconds,without_cache_seconds\n");
        for (int i = 0; i < curve.tokens().size(); i++) {
            csv.append(String.format(
                    Locale.ROOT,
                    "%d,%.6f,%.6f\n",
                    curve.tokens().get(i),
                    curve.withCache().get(i),
                    curve.withoutCache().get(i)));
        }
        return csv.toString();
    }

    private static Figure figure(KvCacheResult result) {
        List<Double> x =
                result.curve().tokens().stream().map(Integer::doubleValue).toList();
        return new Lines(
                "Generating with and without the KV cache: " + result.setting().model(),
                Axis.fromZero("tokens generated"),
                Axis.fromZero("seconds since the beginning"),
                List.of(
                        new Lines.Line("without the cache", x, result.curve().withoutCache()),
                        new Lines.Line("with the cache", x, result.curve().withCache())));
    }

    /**
     * Writes all results of a folder into a document's section.
     *
     * @param document Markdown; see {@link Measurements}
     * @param folder where {@link KvCacheBench} kept results
     */
    public static void record(Path document, Path folder) {
        List<KvCacheResult> results = results(folder);
        if (results.isEmpty()) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, folder + " has no result of lectern " + SECTION + " yet.");
        }
        Path base = document.toAbsolutePath().getParent();
        Path absolute = folder.toAbsolutePath();
        Path link = base == null ? absolute : base.relativize(absolute);
        new Measurements(document)
                .replace(SECTION, markdown(results, link.toString().replace('\\', '/')));
    }

    private static List<KvCacheResult> results(Path folder) {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, "kv-cache-*.json")) {
            found.forEach(files::add);
            files.sort(null);
            List<KvCacheResult> results = new ArrayList<>();
            for (Path file : files) {
                KvCacheResult.fromJson(Files.readAllBytes(file)).ifPresent(results::add);
            }
            return results;
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, folder + " cannot be read (" + e.getMessage() + ").", e);
        }
    }

    /** @param link from the document to the folder of the results */
    private static String markdown(List<KvCacheResult> results, String link) {
        StringBuilder text = new StringBuilder("""
                | model | tokens | runs | threads | kv | with the cache, s | without, s | ratio | CPU time with, s | without, s | ratio | tokens | largest difference of logits | load | result |
                | --- | --: | --: | --: | --- | --: | --: | --: | --: | --: | --: | --- | --: | --: | --- |
                """);
        Set<String> machines = new LinkedHashSet<>();
        for (KvCacheResult result : results) {
            machines.add(result.machine().described());
            text.append(row(result, link));
        }
        text.append("\nMeasured on:\n");
        for (String machine : machines) {
            text.append("\n* ").append(machine);
        }
        text.append(
                "\n\nThe load is the system's over a minute, the bench's own threads included; on a busy machine the times are"
                        + " too long.");
        text.append("\n\nThe commands:\n\n```\n");
        for (KvCacheResult result : results) {
            text.append(result.provenance().command()).append('\n');
        }
        text.append("```\n");
        for (KvCacheResult result : results) {
            text.append(String.format(
                    "\n![Seconds over generated tokens, %s](%s/%s.png)\n",
                    result.setting().model(), link, result.name()));
        }
        return text.toString();
    }

    private static String row(KvCacheResult result, String link) {
        KvCacheResult.Setting setting = result.setting();
        return String.format(
                Locale.ROOT,
                "| %s | %d | %d | %d | %s | %s | %s | %.1f | %s | %s | %s | %s | %.1e | %s | [%s](%s/%s.json)%s |\n",
                setting.model(),
                setting.tokens(),
                result.withCache().runs(),
                setting.threads(),
                setting.kv(),
                result.withCache().wallClock().plusMinus(),
                result.withoutCache().wallClock().plusMinus(),
                result.ratio(),
                result.withCache().cpu().plusMinus(),
                result.withoutCache().cpu().plusMinus(),
                cpuRatio(result),
                tokens(result.agreement()),
                result.agreement().largest(),
                load(result),
                result.provenance().date().toString().substring(0, 10),
                link,
                result.name(),
                result.provenance().isKnown()
                        ? ", commit " + result.provenance().shortCommit()
                        : "");
    }

    private static String load(KvCacheResult result) {
        if (Double.isNaN(result.load())) {
            return "unknown";
        }
        return String.format(Locale.ROOT, result.busy() ? "%.1f: busy" : "%.1f", result.load());
    }
}
