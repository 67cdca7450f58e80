"""Inverse frequencies of every RoPE scaling, as `transformers` computes them, for published and odd settings.

    python rope.py OUT.json      (OUT: engine/src/test/resources/rope.json)
"""

import argparse
import pathlib

import torch
import transformers
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from tiny_models import write_json_compact

# name, head size, base, max_position_embeddings, scaling, lengths (for dynamic)
CASES = [
    ("SmolLM2", 64, 100000.0, 8192, None, []),
    ("Yi", 128, 5000000.0, 4096, None, []),
    ("linear, factor 4", 128, 10000.0, 8192, {"rope_type": "linear", "factor": 4.0}, []),
    ("dynamic, factor 2", 128, 10000.0, 4096, {"rope_type": "dynamic", "factor": 2.0}, [100, 4096, 4097, 8192, 20000]),
    (
        "Llama 3.1 8B", 128, 500000.0, 131072,
        {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}, [],
    ),
    (
        "Llama 3.2 1B", 64, 500000.0, 131072,
        {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}, [],
    ),
    ("Qwen2.5, YaRN", 128, 1000000.0, 131072, {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}, []),
    ("Qwen2.5 0.5B, YaRN", 64, 1000000.0, 65536, {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32768}, []),
    (
        "YaRN, not truncated", 128, 10000.0, 65536,
        {"rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": 4096, "truncate": False}, [],
    ),
    (
        "YaRN, own betas and attention factor", 64, 10000.0, 16384,
        {
            "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096, "beta_fast": 16.0, "beta_slow": 2.0,
            "attention_factor": 1.05,
        }, [],
    ),
    (
        "YaRN, mscale over mscale_all_dim", 64, 10000.0, 163840,
        {
            "rope_type": "yarn", "factor": 40.0, "original_max_position_embeddings": 4096, "beta_fast": 32.0, "beta_slow": 1.0,
            "mscale": 1.0, "mscale_all_dim": 0.707,
        }, [],
    ),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out
    transformers.logging.set_verbosity_error()
    cases = []
    for name, head, base, context, scaling, lengths in CASES:
        parameters = {"rope_type": "default", "rope_theta": base, **(scaling or {})}
        config = LlamaConfig(
            hidden_size=head * 2, num_attention_heads=2, head_dim=head, max_position_embeddings=context, rope_parameters=parameters
        )
        for length in lengths or [None]:
            if scaling is None:
                inverse, factor = LlamaRotaryEmbedding.compute_default_rope_parameters(config)
            else:
                inverse, factor = ROPE_INIT_FUNCTIONS[scaling["rope_type"]](config, None, seq_len=length)
            case = {"name": name, "headDim": head, "theta": base, "maxPositionEmbeddings": context, "scaling": scaling or {}}
            if length is not None:
                case["length"] = length
            # Enough digits to give the float32 back exactly.
            cases.append({**case, "attentionFactor": float(factor), "inverseFrequencies": [float(f"{v:.9g}") for v in inverse.tolist()]})
            print(name, length, factor, inverse[:3].tolist(), inverse[-1].item())
    write_json_compact(
        out, {"made": {"script": "rope.py", "torch": torch.__version__, "transformers": transformers.__version__}, "cases": cases}
    )


if __name__ == "__main__":
    main()
