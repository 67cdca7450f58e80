package dev.lectern.model;

import dev.lectern.kernel.Blocks;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Elementwise;
import dev.lectern.kernel.Interleaved;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.MatMul;
import dev.lectern.kernel.MatMul.Product;
import dev.lectern.kernel.Matrix;
import dev.lectern.weights.Metadata;
import dev.lectern.weights.ModelFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.Set;

/**
 * GPT-2: learned positions, layer norms with bias, one projection for q, k and v, a GELU feed-forward, the embedding as head (Radford et
 * al., "Language Models are Unsupervised Multitask Learners", 2019).
 *
 * <p>Hugging Face stores its projections as {@code [inputs][outputs]}; these are transposed once, into f32 memory of the decoder's own.
 */
final class Gpt2 implements Decoder {
    static final Family FAMILY = new Family() {
        @Override
        public Set<String> architectures() {
            return Set.of("gpt2", "GPT2LMHeadModel");
        }

        @Override
        public Config config(Metadata m, boolean gguf) {
            int layers = m.integer(gguf ? "gpt2.block_count" : "n_layer", 1, 1 << 12);
            int hidden = m.integer(gguf ? "gpt2.embedding_length" : "n_embd", 1, 1 << 16);
            String headsKey = gguf ? "gpt2.attention.head_count" : "n_head";
            int heads = m.integer(headsKey, 1, hidden);
            if (hidden % heads != 0) {
                throw m.bad(headsKey, "is " + heads + ", which does not divide the hidden size " + hidden);
            }
            String feedForwardKey = gguf ? "gpt2.feed_forward_length" : "n_inner";
            int feedForward = m.has(feedForwardKey) ? m.integer(feedForwardKey, 1, 1 << 20) : 4 * hidden;
            if (!gguf && !m.string("activation_function", "gelu_new").equals("gelu_new")) {
                throw m.bad("activation_function", "is not gelu_new, the only one that GPT-2 is read with");
            }
            ConfigKeys.refuse(m, "scale_attn_by_inverse_layer_idx");
            int tokens = gguf ? m.textCount("tokenizer.ggml.tokens") : 0;
            int vocabulary = tokens > 0 ? tokens : m.integer(gguf ? "gpt2.vocab_size" : "vocab_size", 1, 1 << 24);
            String epsilonKey = gguf ? "gpt2.attention.layer_norm_epsilon" : "layer_norm_epsilon";
            double epsilon = m.number(epsilonKey, 1e-5);
            if (!(epsilon > 0 && epsilon < 1)) {
                throw m.bad(epsilonKey, "is " + epsilon + ", but it must lie between 0 and 1");
            }
            int context = m.integer(gguf ? "gpt2.context_length" : "n_positions", 1, 1 << 24);
            return new Config(
                    "gpt2",
                    layers,
                    hidden,
                    heads,
                    heads,
                    hidden / heads,
                    feedForward,
                    vocabulary,
                    (float) epsilon,
                    context,
                    Collections.nCopies(layers, 0),
                    RopeConfig.NONE);
        }

        @Override
        public Decoder open(ModelFile file, Config config) {
            return new Gpt2(file, config);
        }
    };

    /** A linear layer with bias. */
    private record Linear(Matrix weight, float[] bias) {} // [outputs][inputs], [outputs]

    private record Norm(float[] weight, float[] bias) {} // [hidden] each

    private record Layer(
            Norm attentionNorm,
            Linear query, // [hidden][hidden]
            Linear key,
            Linear value,
            Linear output,
            Norm feedForwardNorm,
            Linear up, // [feedForward][hidden]
            Linear down) {} // [hidden][feedForward]

    private final Arena arena = Arena.ofShared();
    private final Config config;
    private final Elementwise elementwise = Kernels.elementwise();
    private final boolean gguf;
    private final String prefix;
    private final Matrix embedding; // [vocabulary][hidden]
    private final Matrix positions; // [context][hidden]
    private final Layer[] layers;
    private final Norm outputNorm;
    private final Matrix vocabulary; // [vocabulary][hidden]

    private Gpt2(ModelFile file, Config config) {
        this.config = config;
        gguf = file.format().equals("gguf");
        prefix = gguf ? "" : file.has("transformer.wte.weight") ? "transformer." : "";
        int hidden = config.hidden();
        try {
            String tokens = gguf ? "token_embd.weight" : prefix + "wte.weight";
            embedding = file.table(tokens, config.vocabulary(), hidden);
            positions = file.table(gguf ? "position_embd.weight" : prefix + "wpe.weight", config.context(), hidden);
            outputNorm = norm(file, gguf ? "output_norm" : prefix + "ln_f");
            String head = gguf && file.has("output.weight") ? "output.weight" : tokens;
            vocabulary = file.matrix(head, config.vocabulary(), hidden);
            layers = new Layer[config.layers()];
            for (int l = 0; l < layers.length; l++) {
                layers[l] = layer(file, gguf ? "blk." + l + "." : prefix + "h." + l + ".");
            }
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    private Layer layer(ModelFile file, String p) {
        int hidden = config.hidden(), wide = config.feedForward();
        Linear qkv = linear(file, p + (gguf ? "attn_qkv" : "attn.c_attn"), 3 * hidden, hidden);
        if (hidden % Interleaved.ROWS != 0 && qkv.weight().isInterleaved()) {
            // Three matrices in one, whose borders are within groups of rows.
            qkv = new Linear(file.table(p + "attn_qkv.weight", 3 * hidden, hidden), qkv.bias());
        }
        return new Layer(
                norm(file, p + (gguf ? "attn_norm" : "ln_1")),
                part(qkv, 0),
                part(qkv, 1),
                part(qkv, 2),
                linear(file, p + (gguf ? "attn_output" : "attn.c_proj"), hidden, hidden),
                norm(file, p + (gguf ? "ffn_norm" : "ln_2")),
                linear(file, p + (gguf ? "ffn_up" : "mlp.c_fc"), wide, hidden),
                linear(file, p + (gguf ? "ffn_down" : "mlp.c_proj"), hidden, wide));
    }

    private Norm norm(ModelFile file, String name) {
        return new Norm(file.vector(name + ".weight", config.hidden()), file.vector(name + ".bias", config.hidden()));
    }

    private Linear linear(ModelFile file, String name, int outputs, int inputs) {
        Matrix weight = gguf
                ? file.matrix(name + ".weight", outputs, inputs)
                : transposed(file.table(name + ".weight", inputs, outputs));
        return new Linear(weight, file.vector(name + ".bias", outputs));
    }

    private Linear part(Linear all, int which) {
        int hidden = config.hidden();
        float[] bias = new float[hidden];
        System.arraycopy(all.bias(), which * hidden, bias, 0, hidden);
        return new Linear(all.weight().rows(which * hidden, hidden), bias);
    }

    private Matrix transposed(Matrix m) {
        MemorySegment segment = arena.allocate(Math.multiplyExact(4L * m.rows(), m.columns()), 64);
        float[] row = new float[m.columns()];
        for (int i = 0; i < m.rows(); i++) {
            Blocks.decode(m, i, 0, m.columns(), row, 0);
            for (int o = 0; o < m.columns(); o++) {
                segment.setAtIndex(ValueLayout.JAVA_FLOAT, (long) o * m.rows() + i, row[o]);
            }
        }
        return new Matrix(segment, ElementType.F32, m.columns(), m.rows());
    }

    @Override
    public Config config() {
        return config;
    }

    @Override
    public void embed(State s, int[] tokens) {
        int hidden = config.hidden();
        for (int row = 0; row < tokens.length; row++) {
            Blocks.decode(embedding, tokens[row], 0, hidden, s.hidden, row * hidden);
            Blocks.decode(positions, s.positions[row], 0, hidden, s.out, row * hidden);
            elementwise.add(s.hidden, s.out, row * hidden, (row + 1) * hidden);
        }
    }

    @Override
    public void layer(int layer, State s, LayerAttention attention) {
        Layer w = layers[layer];
        normed(s, s.hidden, s.rows().count(), w.attentionNorm());
        s.lap(Part.NORMS);
        multiply(
                s,
                s.normed,
                new Product(w.query().weight(), s.q),
                new Product(w.key().weight(), s.k),
                new Product(w.value().weight(), s.v));
        addBias(s, s.q, w.query().bias());
        addBias(s, s.k, w.key().bias());
        addBias(s, s.v, w.value().bias());
        s.lap(Part.QUERY_KEY_VALUE);
        attention.attend(layer, s.q, s.k, s.v, s.positions, s.attended);
        multiply(s, s.attended, new Product(w.output().weight(), s.out));
        s.lap(Part.OUTPUT);
        addResidual(s, w.output().bias());

        normed(s, s.hidden, s.rows().count(), w.feedForwardNorm());
        s.lap(Part.NORMS);
        multiply(s, s.normed, new Product(w.up().weight(), s.up));
        addBias(s, s.up, w.up().bias());
        s.lap(Part.UP);
        int width = config.feedForward();
        s.eachRows(s.rows().count(), (from, to) -> elementwise.gelu(s.up, from * width, to * width));
        s.lap(Part.ACTIVATION);
        multiply(s, s.up, new Product(w.down().weight(), s.out));
        s.lap(Part.DOWN);
        addResidual(s, w.down().bias());
    }

    @Override
    public void logits(State s, int[] wanted, MatMul.Rows rows) {
        s.gatherHidden(wanted);
        normed(s, s.normed, wanted.length, outputNorm);
        s.multiply(rows, s.normed, new Product(vocabulary, s.logits));
    }

    private void normed(State s, float[] x, int rows, Norm norm) {
        s.eachRows(
                rows,
                (from, to) ->
                        elementwise.layerNorm(s.normed, x, norm.weight(), norm.bias(), config.epsilon(), from, to));
    }

    private void addBias(State s, float[] x, float[] bias) {
        s.eachRows(s.rows().count(), (from, to) -> elementwise.addBias(x, bias, from, to));
    }

    private void addResidual(State s, float[] bias) {
        addBias(s, s.out, bias);
        int n = config.hidden();
        s.eachRows(s.rows().count(), (from, to) -> elementwise.add(s.hidden, s.out, from * n, to * n));
    }

    private void multiply(State s, float[] x, Product... products) {
        s.multiply(s.rows(), x, products);
    }

    @Override
    public void close() {
        arena.close();
    }
}
