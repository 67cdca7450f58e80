package dev.lectern.hub;

import dev.lectern.LecternException;
import dev.lectern.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The models that can be had by name, read from the resource {@code catalogue.json}. */
public final class Catalogue {
    private final List<CatalogueEntry> entries;
    private final CatalogueEntry defaultModel;

    private Catalogue(List<CatalogueEntry> entries, CatalogueEntry defaultModel) {
        this.entries = List.copyOf(entries);
        this.defaultModel = defaultModel;
    }

    /** The catalogue that comes with this version of Lectern. */
    public static Catalogue load() {
        try (InputStream in = Catalogue.class.getResourceAsStream("catalogue.json")) {
            if (in == null) {
                throw new IllegalStateException("The resource catalogue.json is missing: this build is not complete.");
            }
            return parse(in.readAllBytes());
        } catch (IOException e) {
            throw new IllegalStateException("The resource catalogue.json cannot be read.", e);
        }
    }

    /** Reads a catalogue written like {@code catalogue.json}. */
    static Catalogue parse(byte[] json) {
        JsonFields root = JsonFields.of(Json.parse(json));
        List<CatalogueEntry> entries = new ArrayList<>();
        for (JsonFields model : root.list("models")) {
            entries.add(entry(model));
        }
        String name = root.text("default");
        CatalogueEntry chosen = entries.stream()
                .filter(entry -> entry.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("The default model " + name + " is not in the catalogue."));
        return new Catalogue(entries, chosen);
    }

    private static CatalogueEntry entry(JsonFields model) {
        List<Source> sources = new ArrayList<>();
        for (JsonFields source : model.list("sources")) {
            sources.add(source(source));
        }
        return new CatalogueEntry(
                model.text("name"),
                model.text("description"),
                model.text("file"),
                model.number("bytes"),
                model.text("sha256"),
                model.text("licence"),
                Math.toIntExact(model.number("context")),
                model.number("parameters"),
                sources);
    }

    private static Source source(JsonFields source) {
        String kind = source.text("kind");
        return switch (kind) {
            case "hugging-face" ->
                new Source.HuggingFaceFile(source.text("repository"), source.text("revision"), source.text("file"));
            case "packages" -> {
                List<Source.Part> parts = new ArrayList<>();
                for (JsonFields part : source.list("parts")) {
                    parts.add(new Source.Part(part.text("requirement"), part.text("file"), part.number("bytes")));
                }
                yield new Source.Packages(parts);
            }
            default -> throw new IllegalArgumentException("No source is of the kind " + kind + ".");
        };
    }

    /** All models, the default first. */
    public List<CatalogueEntry> entries() {
        return entries;
    }

    /** The model that is used when none is named. */
    public CatalogueEntry defaultModel() {
        return defaultModel;
    }

    /** The model of exactly that name. */
    public Optional<CatalogueEntry> entry(String name) {
        return entries.stream().filter(entry -> entry.name().equals(name)).findFirst();
    }

    /**
     * The model of that name.
     *
     * @throws LecternException of kind {@code NOT_FOUND} with the name that was probably meant
     */
    public CatalogueEntry find(String name) {
        return entry(name).orElseThrow(() -> new LecternException(LecternException.Kind.NOT_FOUND, unknown(name)));
    }

    /** The models that can hold a text of that many tokens, the smallest file first: what a refusal may recommend. */
    public List<CatalogueEntry> holding(long tokens) {
        return entries.stream()
                .filter(entry -> entry.context() >= tokens)
                .sorted((a, b) -> Long.compare(a.bytes(), b.bytes()))
                .toList();
    }

    /** The name that was probably meant by one that is not in the catalogue. */
    public Optional<String> suggestion(String name) {
        String typed = name.substring(0, Math.min(name.length(), 100)).toLowerCase(Locale.ROOT);
        String best = "";
        int distance = Integer.MAX_VALUE;
        for (CatalogueEntry entry : entries) {
            boolean partOf = typed.length() >= 3 && (entry.name().contains(typed) || typed.contains(entry.name()));
            int[] toBeginnings = distances(typed, entry.name());
            // "smolm" is close to the beginning of a name, though far from the whole.
            boolean almostBegins =
                    typed.length() >= 4 && Arrays.stream(toBeginnings).min().orElseThrow() <= 1;
            int d = partOf ? 0 : almostBegins ? 1 : toBeginnings[entry.name().length()];
            if (d < distance && d <= Math.max(2, entry.name().length() / 3)) {
                distance = d;
                best = entry.name();
            }
        }
        return Optional.of(best).filter(found -> !found.isEmpty());
    }

    private String unknown(String name) {
        String shown = FileNames.shown(name);
        String names = entries.stream().map(CatalogueEntry::name).collect(Collectors.joining(", "));
        return "There is no model \"" + shown + "\""
                + suggestion(name)
                        .map(meant -> "; did you mean " + meant + "? ")
                        .orElse(". ")
                + "A model is a name of the catalogue (" + names
                + "), the path of a GGUF file or of a folder with safetensors, or hf:OWNER/REPO[:FILE].";
    }

    /** Levenshtein's distance (the fewest letters to insert, delete or change) from a to the first 0, 1, … letters of b. */
    private static int[] distances(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int changed = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row;
    }

    @Override
    public String toString() {
        return entries.stream().map(CatalogueEntry::name).collect(Collectors.joining(", ", "Catalogue[", "]"));
    }
}
