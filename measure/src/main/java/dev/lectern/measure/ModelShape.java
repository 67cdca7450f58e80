package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.kernel.ElementType;
import dev.lectern.options.NamedOptions;
import java.util.List;
import java.util.Optional;

/**
 * The sizes of a model that is made on the spot.
 *
 * @param weights of its matrices: {@code F32}, or {@code Q8_0}, whose rows are then multiples of 32
 * @param hidden a multiple of heads
 * @param kvHeads a divisor of heads, and as many in GPT-2's family
 * @param vocabulary at least 257: a token for every byte, and the end of a text
 * @param context tokens
 */
record ModelShape(
        Family family,
        ElementType weights,
        int layers,
        int hidden,
        int heads,
        int kvHeads,
        int feedForward,
        int vocabulary,
        int context) {
    /** What a layer consists of. */
    enum Family {
        /** Learned positions, norms and projections with biases, no gate. */
        GPT2,
        /** Rotated positions, RMS norms, a gate, no biases. */
        LLAMA
    }

    /** A token for every byte, and the end of a text. */
    private static final int BYTES = 257;

    /** 128K tokens and what follows them. */
    private static final int LONG = 132_096;

    /** The smallest that was published, with 124 million weights (Radford et al., 2019, table 2). */
    static final ModelShape GPT2 = new ModelShape(Family.GPT2, ElementType.F32, 12, 768, 12, 12, 3072, 50_257, 1024);

    private static final String SMOLLM2_NAME = "smollm2-135m-shape";
    private static final String LLAMA_NAME = "llama-3.2-1b-shape";

    /** What {@link #named} knows, for texts. */
    static final List<String> NAMES = List.of(BenchModel.GPT2_SHAPE, BenchModel.MHA_SHAPE, SMOLLM2_NAME, LLAMA_NAME);

    ModelShape {
        if (layers < 1
                || heads < 1
                || kvHeads < 1
                || hidden < 1
                || feedForward < 1
                || hidden % heads != 0
                || heads % kvHeads != 0
                || (family == Family.GPT2 && kvHeads != heads)
                || vocabulary < BYTES
                || context < 1) {
            throw new IllegalArgumentException("no model has these sizes: " + layers + " layers, hidden " + hidden
                    + ", " + heads + " heads, " + kvHeads + " of keys, feed-forward " + feedForward + ", vocabulary "
                    + vocabulary + ", context " + context);
        }
        if (weights != ElementType.F32
                && (weights != ElementType.Q8_0
                        || hidden % weights.blockElements() != 0
                        || feedForward % weights.blockElements() != 0)) {
            throw new IllegalArgumentException(
                    "weights are " + weights + ", but F32 is written, or Q8_0 in whole blocks");
        }
    }

    /**
     * Finds a shape. The published sizes, but the least vocabulary and 132 096 places where a name does not stand for the whole model:
     * of what a long text costs, neither is a part.
     *
     * @param spec a name of {@link #NAMES}, and how many of its layers: {@code llama-3.2-1b-shape:layers=4}
     * @return empty if it is no name of a shape
     * @throws LecternException of kind {@code BAD_OPTION} if it is one with other options, or more layers than it has
     */
    static Optional<ModelShape> named(String spec) {
        if (NAMES.stream().noneMatch(name -> spec.equals(name) || spec.startsWith(name + ":"))) {
            return Optional.empty();
        }
        NamedOptions options = new NamedOptions("Model", spec);
        ModelShape whole = switch (options.name()) {
            case BenchModel.GPT2_SHAPE -> GPT2;
            // GPT-2's layers: what a long text costs where each query head has keys and values of its own.
            case BenchModel.MHA_SHAPE ->
                new ModelShape(Family.GPT2, ElementType.F32, 12, 768, 12, 12, 3072, BYTES, LONG);
            case SMOLLM2_NAME -> new ModelShape(Family.LLAMA, ElementType.Q8_0, 30, 576, 9, 3, 1536, BYTES, LONG);
            case LLAMA_NAME -> new ModelShape(Family.LLAMA, ElementType.Q8_0, 16, 2048, 32, 8, 8192, BYTES, LONG);
            default -> throw new IllegalStateException("no sizes of " + options.name());
        };
        int layers = options.whole("layers", whole.layers, 1, whole.layers);
        options.finish();
        return Optional.of(whole.withLayers(layers));
    }

    private ModelShape withLayers(int layers) {
        return new ModelShape(family, weights, layers, hidden, heads, kvHeads, feedForward, vocabulary, context);
    }

    int headDim() {
        return hidden / heads;
    }
}
