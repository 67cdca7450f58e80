package dev.lectern.model;

import dev.lectern.weights.Metadata;
import dev.lectern.weights.ModelFile;
import java.util.Set;

/** Qwen2 and Qwen2.5: {@link Llama} with a bias on q, k and v (Yang et al., "Qwen2 Technical Report", arXiv 2407.10671). */
final class Qwen2 extends Llama {
    static final Family FAMILY = new Family() {
        @Override
        public Set<String> architectures() {
            return Set.of("qwen2", "Qwen2ForCausalLM");
        }

        @Override
        public Config config(Metadata metadata, boolean gguf) {
            return ConfigKeys.read("qwen2", metadata, gguf, RopeConfig.Pairing.HALVES);
        }

        @Override
        public Decoder open(ModelFile file, Config config) {
            return new Qwen2(file, config);
        }
    };

    private final float[][] queryBias; // [layers][heads*headDim]
    private final float[][] keyBias; // [layers][kvHeads*headDim]
    private final float[][] valueBias; // [layers][kvHeads*headDim]

    private Qwen2(ModelFile file, Config config) {
        super(file, config);
        boolean gguf = file.format().equals("gguf");
        int queries = config.heads() * config.headDim(), kv = config.kvHeads() * config.headDim();
        queryBias = new float[config.layers()][];
        keyBias = new float[config.layers()][];
        valueBias = new float[config.layers()][];
        for (int l = 0; l < config.layers(); l++) {
            String p = prefix(gguf, l);
            queryBias[l] = file.vector(p + (gguf ? "attn_q.bias" : "self_attn.q_proj.bias"), queries);
            keyBias[l] = file.vector(p + (gguf ? "attn_k.bias" : "self_attn.k_proj.bias"), kv);
            valueBias[l] = file.vector(p + (gguf ? "attn_v.bias" : "self_attn.v_proj.bias"), kv);
        }
    }

    @Override
    void projected(int layer, State s) {
        s.eachRows(s.rows().count(), (from, to) -> {
            elementwise.addBias(s.q, queryBias[layer], from, to);
            elementwise.addBias(s.k, keyBias[layer], from, to);
            elementwise.addBias(s.v, valueBias[layer], from, to);
        });
    }
}
