package dev.lectern.text;

import org.jspecify.annotations.Nullable;

/**
 * Words tokenised lately. A fixed number of places, where a new word displaces an old one; entries never change, so that
 * threads may read and write without locks: at worst a word is tokenised again.
 */
final class WordCache {
    /** Longer words are rare and not worth their memory. */
    static final int LONGEST_WORD = 24;

    private static final int PLACES = 1 << 14;

    /**
     * @param word as pre-tokenized
     * @param ids its tokens
     * @param starts where each begins in the word
     */
    record Entry(String word, int[] ids, int[] starts) {}

    private final @Nullable Entry[] entries = new Entry[PLACES];

    @Nullable
    Entry find(String text, int from, int to) {
        Entry entry = entries[place(text, from, to)];
        boolean same = entry != null && entry.word().length() == to - from && text.startsWith(entry.word(), from);
        return same ? entry : null;
    }

    void keep(Entry entry) {
        entries[place(entry.word(), 0, entry.word().length())] = entry;
    }

    private static int place(String text, int from, int to) {
        int hash = 0;
        for (int i = from; i < to; i++) {
            hash = 31 * hash + text.charAt(i);
        }
        return (hash ^ hash >>> 15) & (PLACES - 1);
    }
}
