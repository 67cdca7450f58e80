package dev.lectern.generate;

import dev.lectern.text.Detokenizer;
import dev.lectern.text.Thinking;
import dev.lectern.text.ThinkingSplitter;
import dev.lectern.text.Tokenizer;
import java.util.List;

/**
 * The growing text of an answer: whole characters only, and nothing that may yet turn out to begin a stop text. Stop texts
 * count behind what is thought.
 */
final class AnswerText {
    private final Detokenizer detokenizer;
    private final List<String> stops;
    private final ThinkingSplitter splitter;
    private final StringBuilder text = new StringBuilder();
    private int answer = -1; // where it begins; −1 until that is known
    private int told;
    private boolean stopped;

    AnswerText(Tokenizer tokenizer, List<String> stops, Thinking thinking) {
        detokenizer = Detokenizer.ofContinuation(tokenizer);
        this.stops = stops;
        splitter = new ThinkingSplitter(thinking);
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
        if (!stopped) {
            rest += grow(splitter.finish());
        }
        return rest + tell(text.length());
    }

    /** Whether a stop text has come. */
    boolean isStopped() {
        return stopped;
    }

    String text() {
        return text.toString();
    }

    private String grow(String more) {
        text.append(more);
        return grow(splitter.accept(more));
    }

    /** @param more what has come to be known of the text; its answer, if any, is the end of the text */
    private String grow(ThinkingSplitter.Split more) {
        int searchFrom = text.length() - more.answer().length();
        if (answer < 0 && searchFrom < text.length()) {
            answer = searchFrom;
        }
        if (answer < 0) {
            // What is no thought may yet be the beginning of the answer.
            return more.thinking().isEmpty() ? "" : tell(text.length());
        }
        int end = -1;
        for (String stop : stops) {
            int found = text.indexOf(stop, Math.max(answer, searchFrom - stop.length() + 1));
            if (found >= 0 && (end < 0 || found < end)) {
                end = found;
            }
        }
        if (end >= 0) {
            stopped = true;
            text.setLength(end);
        }
        return tell(stopped ? text.length() : text.length() - heldBack());
    }

    private String tell(int end) {
        if (end <= told) {
            return "";
        }
        String news = text.substring(told, end);
        told = end;
        return news;
    }

    /** The length of the longest end of the answer that begins a stop text. */
    private int heldBack() {
        int longest = 0;
        for (String stop : stops) {
            for (int n = Math.min(stop.length() - 1, text.length() - answer); n > longest; n--) {
                if (text.substring(text.length() - n).equals(stop.substring(0, n))) {
                    longest = n;
                }
            }
        }
        return longest;
    }
}
