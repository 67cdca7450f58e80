package dev.lectern.measure;

/**
 * The sizes of a model of GPT-2's family.
 *
 * @param hidden a multiple of heads
 * @param vocabulary at least 257: a token for every byte, and the end of a text
 * @param context tokens
 */
record Gpt2Shape(int layers, int hidden, int heads, int vocabulary, int context) {
    /** The smallest that was published, with 124 million weights (Radford et al., 2019, table 2). */
    static final Gpt2Shape GPT2 = new Gpt2Shape(12, 768, 12, 50_257, 1024);

    /**
     * The same layers and heads, each query head with keys and values of its own, with places for 128K tokens and what follows them, and the least vocabulary: what a long text costs where heads share nothing.
     */
    static final Gpt2Shape LONG = new Gpt2Shape(12, 768, 12, 257, 132_096);

    Gpt2Shape {
        if (layers < 1 || heads < 1 || hidden < 1 || hidden % heads != 0 || vocabulary < 257 || context < 1) {
            throw new IllegalArgumentException("no model has these sizes: " + layers + " layers, hidden " + hidden
                    + ", " + heads + " heads, vocabulary " + vocabulary + ", context " + context);
        }
    }

    int feedForward() {
        return 4 * hidden;
    }
}
