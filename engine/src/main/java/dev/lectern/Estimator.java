package dev.lectern;

import dev.lectern.attention.AttentionSums;
import dev.lectern.attention.DecodeAttention;
import dev.lectern.attention.DecodeAttentions;
import dev.lectern.attention.ExactAttention;
import dev.lectern.attention.Heads;
import dev.lectern.attention.Retention;
import dev.lectern.attention.Retentions;
import dev.lectern.kv.CacheSizes;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.QueryWindow;
import dev.lectern.model.Config;
import dev.lectern.model.Families;
import dev.lectern.model.State;
import dev.lectern.prefill.Forward;
import dev.lectern.prefill.Prefill;
import dev.lectern.prefill.Prefills;
import dev.lectern.weights.ModelFile;
import dev.lectern.weights.ModelFiles;
import java.nio.file.Path;
import java.util.List;

/** What sessions of a model would take; its weights need not be there, a config.json is enough. */
public final class Estimator implements AutoCloseable {
    private final ModelFile file;
    private final Config config;

    Estimator(ModelFile file, Config config) {
        this.file = file;
        this.config = config;
    }

    /**
     * Opens a model's description.
     *
     * @param path a GGUF file, a Hugging Face folder, or a config.json
     * @throws LecternException if it is not there, damaged or not supported
     */
    public static Estimator open(Path path, ModelOptions options) {
        ModelFile file = ModelFiles.open(path);
        try {
            return new Estimator(file, Model.scaled(Families.config(file), options));
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /** Tokens that a session can hold. */
    public int context() {
        return config.context();
    }

    /**
     * What one session would take.
     *
     * @throws LecternException of kind {@code NO_MEMORY} if it is more bytes than can be counted, {@code BAD_OPTION} if a method does not exist
     */
    public Estimate estimate(SessionOptions options) {
        return estimate(options, 1);
    }

    /** The most tokens for which a session fits into the memory that is available now, up to the model's context; 0 if not even the weights do. */
    public int longestThatFits(SessionOptions options) {
        // What a session takes grows with its context.
        int low = 0, high = context();
        while (low < high) {
            int middle = high - (high - low) / 2;
            if (estimate(options.withContext(middle)).fits()) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    Estimate estimate(SessionOptions options, int sessions) {
        long tokens = options.context() == 0 ? context() : options.context();
        try {
            return estimate(options, sessions, tokens);
        } catch (ArithmeticException e) {
            throw new LecternException(
                    LecternException.Kind.NO_MEMORY,
                    file.path() + ": a context of " + tokens
                            + " tokens of this model needs more bytes than can be counted: ask for a shorter --ctx.",
                    e);
        }
    }

    private Estimate estimate(SessionOptions options, int sessions, long tokens) {
        long weights = 0;
        for (ModelFile.Tensor tensor : file.tensors()) {
            weights = Math.addExact(weights, tensor.bytes());
        }
        DecodeAttention method = DecodeAttentions.named(options.attention());
        boolean sums = Retentions.named(options.keep()).stream().anyMatch(Retention::needsSums);
        long attention = 0, index = 0;
        for (int layer = 0; layer < config.layers(); layer++) {
            Heads heads = Forward.heads(config, layer);
            index = Math.addExact(index, method.readsAll(layer) ? 0 : method.indexBytes(heads, tokens));
            index = Math.addExact(index, sums ? AttentionSums.bytes(heads, tokens) : 0);
            long exact = ExactAttention.bytes(heads, sessions, tokens);
            attention = Math.max(attention, Math.addExact(exact, method.bytes(heads, sessions, tokens)));
        }
        List<LayerCache> layers = Model.layers(config, options);
        long kv = CacheSizes.bytes(layers, tokens), open = CacheSizes.readingBytes(layers, tokens) - kv;
        long queries = QueryWindow.bytes(config.layers(), config.heads(), config.headDim());
        long exactKeys = CacheSizes.exactKeyBytes(layers, method::wantsExactKeys, tokens);
        long beside = Math.addExact(Math.addExact(attention, exactKeys), Math.multiplyExact(queries, sessions));
        Prefill prefill = Prefills.named(options.prefill(), options.question());
        long step = State.bytes(config, prefill.rows(tokens), sessions);
        long choosing = prefill.scratch(Forward.heads(config, 0), tokens);
        long reading = Math.addExact(Math.addExact(prefill.bytes(layers, tokens), choosing), open);
        long scratch = Math.addExact(step, Math.addExact(beside, reading));
        return new Estimate(tokens, weights, kv, Math.multiplyExact(index, sessions), scratch, Memory.available());
    }

    @Override
    public void close() {
        file.close();
    }
}
