package dev.lectern.measure;

/** A sequence of tokens in an engine whose speed is measured. */
interface Engine extends AutoCloseable {
    /** Tokens that it holds. */
    int length();

    /** Reads tokens after those, and computes the logits of the last; returns the seconds. */
    double read(int[] tokens, Work work);

    /** Reads tokens after those one by one, and computes the logits of each; returns the seconds. */
    double decode(int[] tokens, Work work);

    /** Forgets all tokens from {@code length} on. */
    void truncate(int length);

    @Override
    void close();
}
