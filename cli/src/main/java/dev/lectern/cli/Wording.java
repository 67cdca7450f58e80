package dev.lectern.cli;

import dev.lectern.documents.Document;
import java.util.ArrayList;
import java.util.List;

/**
 * The words around documents and a question. The documents stand first and nothing before them varies, so that another
 * question finds them read; what to do with them is said after them, where a small model still remembers it.
 */
final class Wording {
    /** What {@code --system} replaces. */
    static final String SYSTEM = "You are a careful reader who answers questions about documents.";

    private Wording() {}

    /** Each document with what introduces it. */
    static List<String> documents(List<Document> documents) {
        List<String> texts = new ArrayList<>();
        for (Document document : documents) {
            String name = documents.size() == 1 ? "Document" : "Document \"" + document.name() + "\"";
            texts.add(name + ":\n\n" + document.text().strip() + "\n\n");
        }
        return texts;
    }

    /** The question with its instruction. */
    static String question(String question, int documents) {
        return "Answer the following question from the " + (documents == 1 ? "document" : "documents")
                + " above, briefly and with the words that stand there. If the answer is not there, say so.\n\nQuestion: "
                + question.strip();
    }
}
