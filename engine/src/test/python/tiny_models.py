"""Writes the tiny random-weight models of every family, and what `transformers` computes with them.

    python tiny_models.py OUT          (OUT: engine/src/test/resources/tiny, made anew)

Each model is a Hugging Face folder. The weights are random but reproducible (numpy's Philox, seeded by the tensor's
name), large enough that attention is far from uniform. The reference is the folder as AutoModelForCausalLM loads it, in
float32, eager attention. A variant whose special feature made no difference would prove nothing: for each there is a
"sensitivity", the largest change of a logit when that feature is switched off, and it must be large.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

import tiny_tokenizers

SEED = 20_251
LENGTHS = [1, 7, 33, 64]
GREEDY = 16
FULL_UP_TO = 33
LAST = 4
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def llama(**changes):
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": 32,
        "intermediate_size": 64,
        "max_position_embeddings": 128,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_hidden_layers": 2,
        "rms_norm_eps": 1e-5,
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "vocab_size": 288,
    }
    config.update(changes)
    return config


def rope_variant(**changes):
    """A llama of two heads of 32, so that there are 16 frequencies to scale."""
    return llama(
        intermediate_size=32, head_dim=32, num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True, bos_token_id=1,
        eos_token_id=2, **changes,
    )


LLAMA3_SCALING = {
    "factor": 8.0,
    "high_freq_factor": 4.0,
    "low_freq_factor": 1.0,
    "original_max_position_embeddings": 32,
    "rope_type": "llama3",
}

# name: (family, tokenizer, dtype, config, what to change in the config to switch the special feature off)
MODELS = {
    "llama2": (
        "llama", "llama2", "F16",
        llama(num_attention_heads=2, num_key_value_heads=2, vocab_size=320),
        None,
    ),
    "llama3": (
        "llama", "llama3", "BF16",
        llama(head_dim=16, rope_theta=500000.0, bos_token_id=283, eos_token_id=[284, 287], rope_scaling=LLAMA3_SCALING),
        {"rope_scaling": None},
    ),
    "yi": (
        "llama", "yi", "F16",
        llama(head_dim=16, rope_theta=5000000.0, rms_norm_eps=0.02, eos_token_id=2, vocab_size=320),
        {"rope_theta": 10000.0},
    ),
    "mqa": (
        "llama", "smollm", "F16",
        llama(head_dim=16, num_key_value_heads=1, bos_token_id=1, eos_token_id=2),
        None,
    ),
    "smollm2": (
        "llama", "smollm", "F16",
        llama(
            hidden_size=36, head_dim=16, num_attention_heads=9, num_key_value_heads=3, rope_theta=100000.0, tie_word_embeddings=True,
            bos_token_id=1, eos_token_id=2,
        ),
        None,
    ),
    "mistral": (
        "mistral", "mistral", "BF16",
        llama(
            architectures=["MistralForCausalLM"], model_type="mistral", head_dim=16, rope_theta=1000000.0, sliding_window=None, vocab_size=320,
            tie_word_embeddings=True,
        ),
        None,
    ),
    "mistral-window": (
        "mistral", "mistral", "BF16",
        llama(
            architectures=["MistralForCausalLM"], model_type="mistral", head_dim=16, rope_theta=1000000.0, sliding_window=16,
            vocab_size=320, tie_word_embeddings=True,
        ),
        {"sliding_window": None},
    ),
    "qwen2": (
        "qwen2", "qwen2", "BF16",
        {
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "attention_dropout": 0.0, "bos_token_id": 280,
            "eos_token_id": 282, "hidden_act": "silu", "hidden_size": 64, "initializer_range": 0.02, "intermediate_size": 64,
            "max_position_embeddings": 128, "max_window_layers": 2, "num_attention_heads": 4, "num_hidden_layers": 2,
            "num_key_value_heads": 2, "rms_norm_eps": 0.01, "rope_theta": 1000000.0, "sliding_window": 16,
            "tie_word_embeddings": True, "use_cache": True, "use_sliding_window": False, "vocab_size": 288,
        },
        {"rms_norm_eps": 1e-6},
    ),
    "qwen2-window": (
        "qwen2", "qwen2", "F16",
        {
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "attention_dropout": 0.0, "bos_token_id": 280,
            "eos_token_id": 282, "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02, "intermediate_size": 48,
            "max_position_embeddings": 128, "max_window_layers": 1, "num_attention_heads": 2, "num_hidden_layers": 3,
            "num_key_value_heads": 1, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "sliding_window": 12,
            "tie_word_embeddings": True, "use_cache": True, "use_sliding_window": True, "vocab_size": 288,
        },
        {"use_sliding_window": False},
    ),
    "qwen3": (
        "qwen3", "qwen2", "F16",
        {
            "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "attention_bias": False, "attention_dropout": 0.0,
            "bos_token_id": 280, "eos_token_id": 282, "head_dim": 32, "hidden_act": "silu", "hidden_size": 32,
            "initializer_range": 0.02, "intermediate_size": 64, "max_position_embeddings": 128, "max_window_layers": 2,
            "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2, "rms_norm_eps": 0.005, "rope_scaling": None,
            "rope_theta": 1000000, "sliding_window": None, "tie_word_embeddings": True, "use_cache": True,
            "use_sliding_window": False, "vocab_size": 288,
        },
        {"rms_norm_eps": 1e-6},
    ),
    "gpt2": (
        "gpt2", "gpt2", "F32",
        {
            "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new", "attn_pdrop": 0.1,
            "bos_token_id": 287, "embd_pdrop": 0.1, "eos_token_id": 287, "initializer_range": 0.02, "layer_norm_epsilon": 0.01,
            "n_ctx": 80, "n_embd": 32, "n_head": 2, "n_layer": 2, "n_positions": 80, "resid_pdrop": 0.1, "vocab_size": 288,
        },
        {"layer_norm_epsilon": 1e-5},
    ),
    "rope-linear": (
        "llama", "smollm", "F16",
        rope_variant(rope_scaling={"type": "linear", "factor": 4.0}),
        {"rope_scaling": None},
    ),
    "rope-dynamic": (
        "llama", "smollm", "F16",
        rope_variant(max_position_embeddings=32, rope_scaling={"rope_type": "dynamic", "factor": 4.0}),
        {"rope_scaling": None},
    ),
    "rope-yarn": (
        "llama", "smollm", "F16",
        rope_variant(rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}),
        {"rope_scaling": None},
    ),
    # The newer spelling of config.json: rope_parameters, dtype.
    "rope-yarn-options": (
        "llama", "smollm", "F16",
        {
            **{k: v for k, v in rope_variant().items() if k not in ("rope_scaling", "rope_theta")},
            "rope_parameters": {
                "rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 32,
                "attention_factor": 1.2, "beta_fast": 4.0, "beta_slow": 0.5, "truncate": False,
            },
        },
        {"rope_parameters": {
            "rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 32,
            "attention_factor": 1.2, "beta_fast": 4.0, "beta_slow": 0.5, "truncate": True,
        }},
    ),
}


def generator(*words):
    digest = hashlib.sha256(("/".join([str(SEED), *words])).encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "little")))


def random_weight(model, name, shape):
    """Values of one tensor; `shape` as in the state dict."""
    normal = generator(model, name).standard_normal(shape)
    if "norm" in name or ".ln_" in name:
        return (1 + 0.25 * normal if name.endswith("weight") else 0.3 * normal).astype(np.float32)
    if name.endswith("bias"):
        # Qwen's real key biases are large; so are these.
        return ((1.0 if "k_proj" in name else 0.25) * normal).astype(np.float32)
    if "wpe" in name:
        return (0.5 * normal).astype(np.float32)
    if "embed_tokens" in name or "wte" in name:
        # A tied head would repeat the last token for ever if the embedding outweighed what the layers add to it.
        return (0.25 * normal).astype(np.float32)
    fan_in = shape[0] if ".c_" in name else shape[1]  # GPT-2 keeps its matrices transposed (Conv1D)
    scale = 3.0 if "lm_head" in name else 1.5 if "q_proj" in name or "k_proj" in name or "c_attn" in name else 1.2
    return (scale / np.sqrt(fan_in) * normal).astype(np.float32)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=False) + "\n", encoding="utf-8")


def write_folder(out, name):
    family, tokenizer_kind, dtype, config, _ = MODELS[name]
    folder = out / name
    folder.mkdir(parents=True)
    config = dict(config)
    spelling = "dtype" if "rope_parameters" in config else "torch_dtype"
    config[spelling] = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[dtype]
    write_json(folder / "config.json", config)
    tokenizer, tokenizer_config = tiny_tokenizers.make(tokenizer_kind)
    write_json(folder / "tokenizer_config.json", tokenizer_config)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n", encoding="utf-8")
    write_json(
        folder / "generation_config.json",
        {"bos_token_id": config.get("bos_token_id"), "eos_token_id": config.get("eos_token_id"), "do_sample": False},
    )
    blank = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    tied = blank.config.tie_word_embeddings
    tensors = {}
    for key, value in blank.state_dict().items():
        if tied and key == "lm_head.weight":
            continue
        tensors[key] = torch.from_numpy(random_weight(name, key, tuple(value.shape))).to(DTYPES[dtype])
    if family == "gpt2":
        # As the published gpt2 file has it: no "transformer." in front, and the causal masks stored as tensors.
        tensors = {key.removeprefix("transformer."): value for key, value in tensors.items()}
        for layer in range(config["n_layer"]):
            tensors[f"h.{layer}.attn.bias"] = torch.tril(torch.ones(80, 80)).view(1, 1, 80, 80)
    if name == "llama2":
        # In two files with an index.
        names = list(tensors)
        half = len(names) // 2
        index = {"metadata": {"total_size": sum(t.numel() * t.element_size() for t in tensors.values())}, "weight_map": {}}
        for i, part in enumerate([names[:half], names[half:]]):
            file = f"model-{i + 1:05d}-of-00002.safetensors"
            save_file({n: tensors[n].contiguous() for n in part}, folder / file, metadata={"format": "pt"})
            index["weight_map"].update({n: file for n in part})
        write_json(folder / "model.safetensors.index.json", index)
    else:
        save_file({k: t.contiguous() for k, t in tensors.items()}, folder / "model.safetensors", metadata={"format": "pt"})


def load(folder, changes=None, **arguments):
    """A fresh model: dynamic RoPE scaling keeps a state between calls, so nothing is ever reused."""
    if changes is not None:
        config = json.loads((folder / "config.json").read_text())
        config.update(changes)
        arguments["config"] = AutoConfig.for_model(**config)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", **arguments)
    return model.eval()


@torch.no_grad()
def logits(model, ids):
    """[tokens][vocabulary], without a cache."""
    return model(torch.tensor([ids]), use_cache=False).logits[0]


@torch.no_grad()
def greedy(model, ids, count=GREEDY, cached=False):
    """The most likely tokens after ids, and the smallest lead of a chosen token over the second. No end token stops it."""
    ids, chosen, margin, cache = list(ids), [], float("inf"), None
    step = ids
    for _ in range(count):
        if cached:
            result = model(torch.tensor([step]), past_key_values=cache, use_cache=True)
            cache, row = result.past_key_values, result.logits[0, -1]
        else:
            row = logits(model, ids)[-1]
        top = torch.topk(row, 2)
        margin = min(margin, float(top.values[0] - top.values[1]))
        chosen.append(int(top.indices[0]))
        ids.append(chosen[-1])
        step = [chosen[-1]]
    return chosen, margin


def prompts(name, vocabulary, fresh):
    """Random prompts of the four lengths, redrawn until no step of the greedy continuation is close, nor all steps alike."""
    for length in LENGTHS:
        for attempt in range(200):
            draw = generator(name, "prompt", str(length), str(attempt))
            ids = [int(i) for i in draw.integers(0, vocabulary, length)]
            chosen, margin = greedy(fresh(), ids)
            if margin > 0.02 and len(set(chosen)) > 3:
                break
        else:
            raise RuntimeError(f"{name}: no prompt of {length} tokens without a near tie")
        yield ids, chosen, margin


def fix_base(model, length):
    """Dynamic RoPE scaling as for a sequence of `length` tokens, for good."""
    rotary = model.model.rotary_emb
    rotary.inv_freq = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS["dynamic"](model.config, None, seq_len=length)[0]
    rotary.rope_type = "fixed"
    return model


class Rows:
    """One file of logits."""

    def __init__(self, path):
        self.path, self.bytes = path, bytearray()

    def add(self, matrix, first):
        place = {"first": first, "rows": len(matrix) - first, "offset": len(self.bytes)}
        self.bytes += matrix[first:].numpy().astype("<f4").tobytes()
        return place

    def write(self):
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_bytes(bytes(self.bytes))


def describe_prompts(name, rows, fresh, known=None, full_up_to=FULL_UP_TO):
    """Reference entries: those of `known` (ids) or newly drawn."""
    found = []
    drawn = prompts(name, fresh().config.vocab_size, fresh) if known is None else [
        (ids, *greedy(fresh(), ids)) for ids in known
    ]
    for ids, chosen, margin in drawn:
        matrix = logits(fresh(), ids)
        first = 0 if len(ids) <= full_up_to else len(ids) - LAST
        entry = {"ids": ids, "logits": rows.add(matrix, first), "greedy": chosen, "margin": round(margin, 5)}
        cached, _ = greedy(fresh(), ids, cached=True)
        if cached != chosen:
            if name != "rope-dynamic":
                raise RuntimeError(f"{name}: the cache changes the continuation")
        if name == "rope-dynamic":
            entry["greedyCached"] = cached
        found.append(entry)
    return found


def reference(out, name):
    family, tokenizer_kind, dtype, config, off = MODELS[name]
    folder = out / name
    rows = Rows(out / "logits" / f"{name}.bin")
    found = describe_prompts(name, rows, lambda: load(folder))
    entry = {
        "name": name,
        "path": name,
        "family": family,
        "tokenizer": tokenizer_kind,
        "type": dtype,
        "vocabulary": config["vocab_size"],
        "logits": f"logits/{name}.bin",
        "sameLogits": [],
        "prompts": found,
        "encodings": tiny_tokenizers.encodings(tiny_tokenizers.make(tokenizer_kind)[0]),
    }
    longest = found[-1]["ids"]
    if off is not None:
        change = (logits(load(folder), longest)[-LAST:] - logits(load(folder, off), longest)[-LAST:]).abs().max()
        entry["sensitivity"] = {"without": off, "largestChange": round(float(change), 4)}
        assert change > 0.02, (name, change)
    if name == "rope-dynamic":
        length = max(LENGTHS) + GREEDY
        fixed = describe_prompts(name, rows, lambda: fix_base(load(folder), length), [p["ids"] for p in found])
        for prompt in fixed:
            assert prompt.pop("greedyCached") == prompt["greedy"]
        entry["fixedLength"] = {"length": length, "prompts": fixed}
    rows.write()
    return entry


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out
    torch.set_num_threads(2)
    transformers.logging.set_verbosity_error()
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    print(f"seed {SEED}, torch {torch.__version__}, transformers {transformers.__version__}")
    models = []
    for name in MODELS:
        write_folder(out, name)
        models.append(reference(out, name))
        print(name, [p["margin"] for p in models[-1]["prompts"]], models[-1].get("sensitivity", {}).get("largestChange"))
        sys.stdout.flush()
    import tiny_gguf

    models += tiny_gguf.write_all(out, models)
    write_json_compact(
        out / "references.json",
        {
            "made": {
                "script": "tiny_models.py", "seed": SEED, "torch": torch.__version__, "transformers": transformers.__version__,
                "numpy": np.__version__, "gguf": tiny_gguf.VERSION,
            },
            "models": models,
        },
    )


def write_json_compact(path, value):
    """Indented, but a list of numbers stays on one line."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+((?:-?[\d.e-]+,\s+)*-?[\d.e-]+)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m.group(1)) + "]", text)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
