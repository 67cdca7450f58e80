package dev.lectern.cli;

import dev.lectern.documents.Document;
import java.util.ArrayList;
import java.util.List;

/**
 * The words around documents and a question: as few as possible. The documents stand first and nothing before them varies, so
 * that another question finds them read. Asked twelve questions about a report of 3 900 tokens, the default model answered
 * nine where the question stood alone behind the text, and seven or eight where it was introduced, with "Question:", with
 * an instruction to answer from the document, or to quote it; a system text made no difference.
 */
final class Wording {
    private Wording() {}

    /** Each document with what follows it; where there are several, with its name. */
    static List<String> documents(List<Document> documents) {
        List<String> texts = new ArrayList<>();
        for (Document document : documents) {
            String heading = documents.size() == 1 ? "" : heading(document.name());
            texts.add(heading + document.text().strip() + "\n\n");
        }
        return texts;
    }

    /** What stands before one of several documents. */
    static String heading(String name) {
        return "Document \"" + name + "\":\n\n";
    }
}
