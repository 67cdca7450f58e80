package dev.lectern.cli;

import dev.lectern.KeptDocument;
import dev.lectern.LecternException;
import dev.lectern.documents.Document;
import dev.lectern.documents.Documents;
import dev.lectern.documents.Mark;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The documents that arguments name. */
final class DocumentFiles {
    private static final String STANDARD_INPUT = "standard input";

    private DocumentFiles() {}

    /**
     * Reads them, in their order, and warns of pages without text.
     *
     * @param names paths, or {@code -} for standard input
     * @throws LecternException of kind {@code NOT_FOUND} or {@code BAD_DOCUMENT}
     */
    static List<Document> read(Surroundings surroundings, List<String> names) {
        Console console = surroundings.console();
        if (names.stream().filter("-"::equals).count() > 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "Standard input (-) can be read as one document only.");
        }
        List<Document> documents = new ArrayList<>();
        for (String name : names) {
            Document document = readOne(surroundings, name);
            List<Mark> unread = document.pagesWithoutText();
            if (!unread.isEmpty()) {
                console.warn(document.name() + ": " + unread.size() + (unread.size() == 1 ? " page has" : " pages have")
                        + " no text (blank, or scanned without a text layer; first page "
                        + unread.getFirst().label() + "): the model does not see what is on them.");
            }
            documents.add(document);
        }
        return documents;
    }

    /** What the documents of a reading are called. */
    static List<String> names(KeptDocument kept) {
        if (kept.sources().isEmpty()) {
            return List.of("@" + kept.name());
        }
        return kept.sources().stream()
                .map(name -> name.equals("-") ? STANDARD_INPUT : name)
                .toList();
    }

    private static Document readOne(Surroundings surroundings, String name) {
        Console console = surroundings.console();
        try (ProgressLine line = new ProgressLine(console, "extracting " + name, ProgressLine.Unit.PAGES, 0, -1)) {
            return name.equals("-")
                    ? Documents.read(console.in().stream(), STANDARD_INPUT, line, surroundings.cancellation())
                    : Documents.read(Path.of(name), line, surroundings.cancellation());
        } catch (InvalidPathException e) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, "\"" + name + "\" is not the path of a document.", e);
        }
    }
}
