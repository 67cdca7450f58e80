package dev.lectern.measure;

/**
 * How a model keeps what it has read, and looks things up in it.
 *
 * @param kv the format of keys and values
 * @param attention what a new token looks at, with its options
 */
public record Method(String kv, String attention) {
    /** What tables call it. */
    public String described() {
        return attention + ", " + kv;
    }
}
