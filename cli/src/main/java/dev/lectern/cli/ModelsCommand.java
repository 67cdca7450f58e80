package dev.lectern.cli;

import dev.lectern.hub.CatalogueEntry;
import dev.lectern.hub.Hub;
import dev.lectern.hub.Installed;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern models}. */
@Command(
        name = "models",
        customSynopsis = "lectern models [OPTIONS]",
        description = {"List the models that can be had by name, and those that are on this machine.", ""},
        footer = {
            "",
            "Examples:",
            "  lectern models",
            "  lectern models --remove smollm2-135m",
            "",
            "The object of --json: models [{name, description, bytes, licence, context, here, default, path, sha256}]"
                    + " (licence, context and description of catalogue models only), folder; with --remove: removed, bytes."
        })
final class ModelsCommand implements Verb {
    @Option(names = "--remove", paramLabel = "NAME", description = "Delete a model from the cache folder.")
    @Nullable
    String remove;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Hub hub = surroundings.hub();
        Console console = surroundings.console();
        if (remove != null) {
            long bytes = hub.remove(remove);
            console.printLine(
                    output.json
                            ? JsonText.of(Map.of("removed", remove, "bytes", bytes))
                            : "Removed " + remove + ": " + Units.bytes(bytes) + " are free again.");
            return;
        }
        List<Map<String, Object>> models = models(hub);
        if (output.json) {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("models", models);
            object.put("folder", hub.cacheFolder());
            console.printLine(JsonText.of(object));
            return;
        }
        StringBuilder text = new StringBuilder();
        for (Map<String, Object> model : models) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-20s %9s  %-8s %s%n",
                    model.get("name"),
                    Units.bytes(((Number) model.getOrDefault("bytes", 0)).doubleValue()),
                    Boolean.TRUE.equals(model.get("here")) ? "here" : "to pull",
                    model.containsKey("licence")
                            ? "context " + model.get("context") + ", " + model.get("licence")
                                    + (Boolean.TRUE.equals(model.get("default")) ? ", the default" : "")
                            : model.get("path")));
            if (model.containsKey("description")) {
                text.append("    ").append(model.get("description")).append('\n');
            }
        }
        text.append("\nModels are kept in ").append(hub.cacheFolder()).append(".\n");
        console.print(text.toString());
    }

    /** Those of the catalogue, then the others that are here. */
    static List<Map<String, Object>> models(Hub hub) {
        List<Installed> others = new ArrayList<>(hub.installed());
        List<Map<String, Object>> models = new ArrayList<>();
        for (CatalogueEntry entry : hub.catalogue().entries()) {
            Map<String, Object> model = new LinkedHashMap<>();
            model.put("name", entry.name());
            model.put("description", entry.description());
            model.put("bytes", entry.bytes());
            model.put("licence", entry.licence());
            model.put("context", entry.context());
            model.put("default", entry.equals(hub.catalogue().defaultModel()));
            model.put("here", hub.resolve(entry.name()).isPresent());
            model.put("path", hub.resolve(entry.name()));
            model.put("sha256", entry.sha256());
            models.add(model);
            others.removeIf(installed -> installed.record().name().equals(entry.name()));
        }
        for (Installed installed : others) {
            models.add(installed(installed));
        }
        return models;
    }

    /** A model that is here. */
    static Map<String, Object> installed(Installed installed) {
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("name", installed.record().name());
        model.put("bytes", installed.record().bytes());
        model.put("here", true);
        model.put("path", installed.path());
        model.put("sha256", installed.record().sha256());
        return model;
    }
}
