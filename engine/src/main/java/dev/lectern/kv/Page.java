package dev.lectern.kv;

/**
 * The keys and values of {@value #TOKENS} consecutive tokens in one layer.
 *
 * @param keys rotated where the model rotates
 */
public record Page(KvSide keys, KvSide values) {
    /** Tokens in a page. */
    public static final int TOKENS = 256;
}
