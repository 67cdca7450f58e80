package dev.lectern;

import dev.lectern.attention.Dense;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.LayerCache;
import dev.lectern.model.Config;
import dev.lectern.model.Decoder;
import dev.lectern.model.Families;
import dev.lectern.prefill.Forward;
import dev.lectern.prefill.Full;
import dev.lectern.prefill.Prefill;
import dev.lectern.prefill.Sequence;
import dev.lectern.prefill.Slice;
import dev.lectern.text.Tokenizers;
import dev.lectern.weights.ModelFile;
import dev.lectern.weights.ModelFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A model below the public API, for tests that take steps of their own or want the logits of every token. */
public final class BareModel implements AutoCloseable {
    private final ModelFile file;
    private final Decoder decoder;
    private final Workers workers;
    private final Forward forward;

    public BareModel(Path path, int threads) {
        file = ModelFiles.open(path);
        decoder = Families.open(file, Families.config(file));
        workers = new Workers(threads);
        forward = new Forward(decoder, workers);
    }

    public Config config() {
        return decoder.config();
    }

    public int[] tokenize(String text) {
        return Tokenizers.fromMetadata(file.metadata()).encode(text, false).ids();
    }

    public Forward forward() {
        return forward;
    }

    /** An empty sequence with keys and values of one format, its rotation that of the model's whole context. */
    public Sequence sequence(KvFormat format) {
        Config config = config();
        List<LayerCache> layers = new ArrayList<>();
        for (int window : config.windows()) {
            layers.add(new LayerCache(config.kvHeads(), config.headDim(), window, format, format));
        }
        return new Sequence(new KvCache(layers), config.rope().forLength(config.context()), new Dense());
    }

    /** Reads tokens in chunks and hands out the logits after each. */
    public void read(Sequence sequence, int[] tokens, int chunk, Prefill.LogitSink sink) {
        new Full(chunk).read(forward, sequence, tokens, Slice.Logits.ALL, sink, Progress.NONE, new Cancellation());
    }

    @Override
    public void close() {
        workers.close();
        decoder.close();
        file.close();
    }
}
