package dev.lectern.text;

/**
 * Splits a streamed answer into what the model thought and what it says. Thinking is a block {@code <think>…</think>} at the
 * beginning of the answer; its tags may arrive in pieces. Newlines around the block's content and behind it belong to the
 * tags and are dropped; an answer without such a block passes unchanged.
 */
public final class ThinkingSplitter {
    private static final String OPEN = "<think>";
    private static final String CLOSE = "</think>";

    /** What a chunk of text added; either may be empty. */
    public record Split(String thinking, String answer) {}

    private enum State {
        BEFORE,
        OPENED,
        INSIDE,
        CLOSED,
        ANSWER
    }

    private final StringBuilder held = new StringBuilder();
    private State state;

    public ThinkingSplitter(Thinking thinking) {
        state = switch (thinking) {
            case NONE -> State.ANSWER;
            case POSSIBLE -> State.BEFORE;
            case OPENED -> State.OPENED;
        };
    }

    /** Whether a prompt ends inside of a block of thinking. */
    static boolean endsInside(String prompt) {
        return prompt.lastIndexOf(OPEN) > prompt.lastIndexOf(CLOSE);
    }

    /** Takes the next piece of the answer; what could be the beginning of a tag is held back. */
    public Split accept(String chunk) {
        held.append(chunk);
        StringBuilder thinking = new StringBuilder();
        StringBuilder answer = new StringBuilder();
        State previous;
        do {
            previous = state;
            step(thinking, answer);
        } while (state != previous);
        return new Split(thinking.toString(), answer.toString());
    }

    /** What was held back, now that nothing follows. */
    public Split finish() {
        String rest = held.toString();
        held.setLength(0);
        return switch (state) {
            case OPENED, INSIDE -> new Split(rest.stripTrailing(), "");
            case CLOSED -> new Split("", "");
            case BEFORE, ANSWER -> new Split("", rest);
        };
    }

    private void step(StringBuilder thinking, StringBuilder answer) {
        switch (state) {
            case BEFORE -> {
                int start = 0;
                while (start < held.length() && Character.isWhitespace(held.charAt(start))) {
                    start++;
                }
                String text = held.substring(start);
                if (text.startsWith(OPEN)) {
                    held.delete(0, start + OPEN.length());
                    state = State.OPENED;
                } else if (!OPEN.startsWith(text)) {
                    state = State.ANSWER;
                }
            }
            case OPENED -> {
                dropNewlines();
                if (!held.isEmpty()) {
                    state = State.INSIDE;
                }
            }
            case INSIDE -> {
                int close = held.indexOf(CLOSE);
                int end = close < 0 ? held.length() - partialClose() : close;
                while (end > 0 && held.charAt(end - 1) == '\n') {
                    end--;
                }
                thinking.append(held, 0, end);
                if (close < 0) {
                    held.delete(0, end);
                } else {
                    held.delete(0, close + CLOSE.length());
                    state = State.CLOSED;
                }
            }
            case CLOSED -> {
                dropNewlines();
                if (!held.isEmpty()) {
                    state = State.ANSWER;
                }
            }
            case ANSWER -> {
                answer.append(held);
                held.setLength(0);
            }
        }
    }

    private void dropNewlines() {
        int start = 0;
        while (start < held.length() && held.charAt(start) == '\n') {
            start++;
        }
        held.delete(0, start);
    }

    /** Length of the longest end of the held text that is a beginning of the closing tag. */
    private int partialClose() {
        int length = Math.min(held.length(), CLOSE.length() - 1);
        while (length > 0 && !CLOSE.startsWith(held.substring(held.length() - length))) {
            length--;
        }
        return length;
    }
}
