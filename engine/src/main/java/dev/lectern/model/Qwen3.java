package dev.lectern.model;

import dev.lectern.weights.Metadata;
import dev.lectern.weights.ModelFile;
import java.util.Set;

/** Qwen3, dense: {@link Llama} with an RMS norm over each head of q and k (Yang et al., "Qwen3 Technical Report", arXiv 2505.09388). */
final class Qwen3 extends Llama {
    static final Family FAMILY = new Family() {
        @Override
        public Set<String> architectures() {
            return Set.of("qwen3", "Qwen3ForCausalLM");
        }

        @Override
        public Config config(Metadata metadata, boolean gguf) {
            ConfigKeys.refuse(metadata, "attention_bias");
            return ConfigKeys.read("qwen3", metadata, gguf, RopeConfig.Pairing.HALVES);
        }

        @Override
        public Decoder open(ModelFile file, Config config) {
            return new Qwen3(file, config);
        }
    };

    private final float[][] queryNorm; // [layers][headDim]
    private final float[][] keyNorm; // [layers][headDim]

    private Qwen3(ModelFile file, Config config) {
        super(file, config);
        boolean gguf = file.format().equals("gguf");
        queryNorm = new float[config.layers()][];
        keyNorm = new float[config.layers()][];
        for (int l = 0; l < config.layers(); l++) {
            String p = prefix(gguf, l);
            queryNorm[l] = file.vector(p + (gguf ? "attn_q_norm.weight" : "self_attn.q_norm.weight"), config.headDim());
            keyNorm[l] = file.vector(p + (gguf ? "attn_k_norm.weight" : "self_attn.k_norm.weight"), config.headDim());
        }
    }

    @Override
    void projected(int layer, State s) {
        int heads = config.heads(), kvHeads = config.kvHeads();
        s.eachRows(s.rows().count(), (from, to) -> {
            elementwise.rmsNorm(s.q, s.q, queryNorm[layer], config.epsilon(), from * heads, to * heads);
            elementwise.rmsNorm(s.k, s.k, keyNorm[layer], config.epsilon(), from * kvHeads, to * kvHeads);
        });
    }
}
