package dev.lectern.model;

/** The parts of a step that are timed apart, in the order in which a layer goes through them. */
public enum Part {
    /** Looking up the tokens, and what comes before the first layer. */
    EMBEDDING,
    /** Both norms of a layer, with the addition to the residual stream before them. */
    NORMS,
    /** The products that make q, k and v, with biases and norms of these. */
    QUERY_KEY_VALUE,
    /** Rotating q and k, and storing k and v. */
    ROTATING,
    ATTENTION,
    /** The product after attention. */
    OUTPUT,
    /** The product that widens; of a gated feed-forward, both. */
    UP,
    /** SiLU or GELU. */
    ACTIVATION,
    /** The product that narrows again. */
    DOWN,
    /** The last norm, the product with the vocabulary, and the check that all are numbers. */
    LOGITS
}
