package dev.lectern.measure;

/**
 * How a model keeps what it has read, and looks things up in it, and from which token on it does.
 *
 * @param kv the format of keys and values
 * @param attention what a new token looks at, with its options
 * @param protocol which tokens are new
 */
public record Method(String kv, String attention, Protocol protocol) {
    /** What tables call it. */
    public String described() {
        return attention + ", " + kv + (protocol == Protocol.A ? "" : ", protocol " + protocol);
    }
}
