package dev.lectern.measure.reproduce;

import dev.lectern.measure.Figure;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Provenance;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What sections of a page have in common. */
final class Pages {
    private Pages() {}

    static String heading(String title, String about) {
        return "## " + title + "\n\n" + about + "\n";
    }

    /** The models that results are of, smaller ones first. */
    static List<String> models(List<ResultFile> files) {
        Set<String> models = new LinkedHashSet<>(Experiment.MODELS);
        Set<String> found = new LinkedHashSet<>();
        files.forEach(file -> found.add(file.model()));
        models.retainAll(found);
        models.addAll(found);
        return List.copyOf(models);
    }

    static List<ResultFile> of(List<ResultFile> files, String model) {
        return files.stream().filter(file -> file.model().equals(model)).toList();
    }

    /** The rows of which a member is a value. */
    static List<JsonFields> rows(List<JsonFields> rows, String member, String value) {
        return rows.stream().filter(row -> row.text(member).equals(value)).toList();
    }

    /** Draws a figure, where this machine can, and shows it. */
    static String figure(Figure figure, Path results, String link, String name, String title) {
        figure.draw(results, name);
        return "\n![" + title + "](" + link + "/" + name + ".png)\n";
    }

    /** A command, and the files that it wrote. */
    static String where(String command, List<ResultFile> files, String link) {
        return "`lectern " + command + "`; "
                + files.stream()
                        .map(file -> "[" + file.name() + "](" + link + "/" + file.name() + ".json)")
                        .collect(Collectors.joining(", "));
    }

    /** Longer commands, which name many methods, stand in the result files alone. */
    private static final int LONG_COMMAND = 240;

    /** What gave the results, where and when. */
    static String provenance(List<ResultFile> files, String link) {
        StringBuilder text = new StringBuilder("\nThe commands, and where they ran:\n\n");
        for (ResultFile file : files) {
            Provenance from = file.provenance();
            text.append("* `")
                    .append(
                            from.command().length() <= LONG_COMMAND
                                    ? from.command()
                                    : "lectern eval reproduce --full " + file.name())
                    .append("`: [")
                    .append(from.date().toString(), 0, 10);
            text.append("](").append(link).append('/').append(file.name()).append(".json), commit ");
            text.append(from.shortCommit()).append(", ");
            text.append(from.machine().cpu())
                    .append(", ")
                    .append(from.machine().vectorBits())
                    .append("-bit vectors");
            Optional<Long> seed =
                    file.get(json -> json.has("seed") ? Optional.of(json.whole("seed")) : Optional.empty());
            seed.ifPresent(number -> text.append(", seed ").append(number));
            text.append(earlier(file, from)).append('\n');
        }
        return text.toString();
    }

    /** Samples that other runs had finished, by other commits or on other machines. */
    private static String earlier(ResultFile file, Provenance from) {
        List<JsonFields> origins = file.get(json -> json.has("origins") ? json.objects("origins") : List.of());
        return origins.stream()
                .filter(of -> !of.text("commit").equals(from.commit())
                        || !of.text("machine").equals(from.machine().described()))
                .map(of -> String.format(
                        Locale.ROOT,
                        "; %d of its samples by commit %.10s on %s",
                        of.whole("samples"),
                        of.text("commit"),
                        of.text("machine").split(",", 2)[0]))
                .collect(Collectors.joining());
    }
}
