package dev.lectern.hub;

import dev.lectern.LecternException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a user can write where a model is wanted. A catalogue name wins over a file of that name: {@code ./NAME} is the file. */
sealed interface ModelSpec {
    /** A name of the catalogue. */
    record Named(CatalogueEntry entry) implements ModelSpec {}

    /** A file or folder of the user. */
    record Local(Path path) implements ModelSpec {}

    /**
     * A repository of Hugging Face.
     *
     * @param file one GGUF file in it; absent: whatever single model it holds
     */
    record Remote(String owner, String repository, Optional<String> file) implements ModelSpec {
        /** {@code owner/repository}. */
        String name() {
            return owner + "/" + repository;
        }

        /** The folder below {@code models/} that holds everything pulled from this repository. */
        String folder() {
            return "hf--" + owner + "--" + repository;
        }

        @Override
        public String toString() {
            return "hf:" + name() + file.map(f -> ":" + f).orElse("");
        }
    }

    Pattern REMOTE = Pattern.compile("hf:([A-Za-z0-9][\\w.-]{0,95})/([A-Za-z0-9][\\w.-]{0,95})(?::(.+))?");

    /**
     * Understands what a user wrote.
     *
     * @throws LecternException of kind {@code NOT_FOUND} for a name that is nowhere, {@code BAD_OPTION} for no name at all
     */
    static ModelSpec parse(String spec, Catalogue catalogue) {
        if (spec.isBlank()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "No model is named: give a name of the catalogue, a path, or hf:OWNER/REPO[:FILE].");
        }
        if (spec.startsWith("hf:")) {
            return remote(spec);
        }
        Optional<CatalogueEntry> entry = catalogue.entry(spec);
        if (entry.isPresent()) {
            return new Named(entry.get());
        }
        try {
            Path path = Path.of(spec);
            boolean meantAsPath = spec.contains("/") || spec.contains("\\") || spec.endsWith(".gguf");
            if (meantAsPath || Files.exists(path)) {
                return new Local(path);
            }
        } catch (InvalidPathException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "\"" + FileNames.shown(spec) + "\" is neither the name of a model nor a path.",
                    e);
        }
        return new Named(catalogue.find(spec));
    }

    private static Remote remote(String spec) {
        Matcher matcher = REMOTE.matcher(spec);
        if (!matcher.matches()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "\"" + FileNames.shown(spec) + "\" is not of the form hf:OWNER/REPO or hf:OWNER/REPO:FILE.");
        }
        Optional<String> file = Optional.ofNullable(matcher.group(3));
        if (file.isPresent() && !(FileNames.isSafe(file.get()) && file.get().endsWith(".gguf"))) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "\"" + FileNames.shown(file.get()) + "\" in \"" + FileNames.shown(spec)
                            + "\" is not the path of a GGUF file in a repository. Leave it out to pull safetensors.");
        }
        return new Remote(matcher.group(1), matcher.group(2), file);
    }
}
