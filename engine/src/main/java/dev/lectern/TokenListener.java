package dev.lectern;

/** Told of an answer while it grows. Called from the generating thread, between two steps. */
@FunctionalInterface
public interface TokenListener {
    /** Listens to nothing. */
    TokenListener NONE = (answer, token, text) -> {};

    /**
     * @param answer which answer of a batch, from 0
     * @param token the new token, or −1 for text that was held back until the end
     * @param text what became readable with it: whole characters, maybe none
     */
    void accept(int answer, int token, String text);
}
