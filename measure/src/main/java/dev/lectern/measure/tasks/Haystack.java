package dev.lectern.measure.tasks;

import java.util.List;

/** Prose that has nothing to do with what is hidden in it. */
public interface Haystack {
    /** What results call it. */
    String name();

    /**
     * The first sentences of the text, from its beginning again where it ends too soon.
     *
     * @param seed which text, if there are many
     * @param words how many in all; the last sentence may be cut short
     */
    List<String> sentences(long seed, int words);
}
