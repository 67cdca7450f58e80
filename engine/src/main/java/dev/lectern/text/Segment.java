package dev.lectern.text;

import org.jspecify.annotations.Nullable;

/**
 * A stretch of text as the tokenizer works on it, each character with the place of the given text that it came from.
 *
 * @param text without unpaired surrogates
 * @param base the place of the first character, where {@code places} is absent
 * @param inserted how many characters at the front come from nowhere (0 or 1), where {@code places} is absent
 * @param places for each character its place in the given text, where that is not one by one
 */
record Segment(String text, int base, int inserted, int @Nullable [] places) {
    static Segment of(String text, int from, int to) {
        return new Segment(text.substring(from, to), from, 0, null);
    }

    /** The place in the given text that a character came from. */
    int place(int index) {
        return places != null ? places[index] : base + Math.max(0, index - inserted);
    }

    /** The same with {@code ▁} for every space, and one more in front if asked for. */
    Segment withMarkedSpaces(boolean prefix) {
        Segment marked = new Segment(text.replace(' ', '▁'), base, inserted, places);
        return prefix ? marked.withInFront('▁') : marked;
    }

    /** The same with a character more, which comes from where the first one comes from. */
    Segment withInFront(char c) {
        if (places == null && inserted == 0) {
            return new Segment(c + text, base, 1, null);
        }
        int[] moved = new int[text.length() + 1];
        moved[0] = text.isEmpty() ? base : place(0);
        for (int i = 0; i < text.length(); i++) {
            moved[i + 1] = place(i);
        }
        return new Segment(c + text, base, 0, moved);
    }

    Segment part(int from, int to) {
        if (from == 0 && to == text.length()) {
            return this;
        }
        int[] moved = new int[to - from];
        for (int i = from; i < to; i++) {
            moved[i - from] = place(i);
        }
        return new Segment(text.substring(from, to), base, 0, moved);
    }
}
