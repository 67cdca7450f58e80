package dev.lectern.generate;

import dev.lectern.text.Detokenizer;
import dev.lectern.text.Tokenizer;
import java.util.List;

/** The growing text of an answer: whole characters only, and nothing that may yet turn out to begin a stop text. */
final class AnswerText {
    private final Detokenizer detokenizer;
    private final List<String> stops;
    private final StringBuilder text = new StringBuilder();
    private int told;
    private boolean stopped;

    AnswerText(Tokenizer tokenizer, List<String> stops) {
        detokenizer = Detokenizer.ofContinuation(tokenizer);
        this.stops = stops;
    }

    /** Adds a token; returns what can be shown of the text so far and was not shown before. */
    String add(int token) {
        return grow(detokenizer.next(token));
    }

    /** The end of the answer; returns the rest of the text. */
    String finish() {
        if (stopped) {
            return "";
        }
        String rest = grow(detokenizer.finish());
        if (stopped) {
            return rest;
        }
        String held = text.substring(told);
        told = text.length();
        return rest + held;
    }

    /** Whether a stop text has come. */
    boolean isStopped() {
        return stopped;
    }

    String text() {
        return text.toString();
    }

    private String grow(String more) {
        int searchFrom = text.length();
        text.append(more);
        int end = -1;
        for (String stop : stops) {
            int found = text.indexOf(stop, Math.max(0, searchFrom - stop.length() + 1));
            if (found >= 0 && (end < 0 || found < end)) {
                end = found;
            }
        }
        if (end >= 0) {
            stopped = true;
            text.setLength(end);
        }
        int shown = stopped ? text.length() : text.length() - heldBack();
        if (shown <= told) {
            return "";
        }
        String news = text.substring(told, shown);
        told = shown;
        return news;
    }

    /** The length of the longest end of the text that begins a stop text. */
    private int heldBack() {
        int longest = 0;
        for (String stop : stops) {
            for (int n = Math.min(stop.length() - 1, text.length()); n > longest; n--) {
                if (text.substring(text.length() - n).equals(stop.substring(0, n))) {
                    longest = n;
                }
            }
        }
        return longest;
    }
}
