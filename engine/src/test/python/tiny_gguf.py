"""GGUF twins of the tiny models: the same weights under llama.cpp's names and conventions, whole and quantised.

Conventions, as llama.cpp's converter has them: `llama` has the rows of Q and K permuted, so that a RoPE pair stands side
by side; `qwen2`, `qwen3` are left as they are; `gpt2` has its Conv1D matrices transposed; one-dimensional tensors stay F32;
llama 3's RoPE scaling is a tensor of divisors, rope_freqs.weight; a tied head is absent.

A twin whose types hold the folder's weights exactly shares the folder's logits. A quantised twin has logits of its own,
computed from the dequantised weights.
"""

import importlib.metadata
import json
import math
import re

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM

import kquants
import tiny_models

VERSION = importlib.metadata.version("gguf")

LLAMA_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
GPT2_NAMES = {
    "wte": "token_embd",
    "wpe": "position_embd",
    "ln_f": "output_norm",
    "ln_1": "attn_norm",
    "ln_2": "ffn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
LAYER = re.compile(r"(?:model\.layers|h)\.(\d+)\.(.+)")


def gguf_name(name):
    stem, suffix = name.rsplit(".", 1)
    layer = LAYER.fullmatch(stem)
    if layer:
        part = {**LLAMA_NAMES, **GPT2_NAMES}[layer.group(2)]
        return f"blk.{layer.group(1)}.{part}.{suffix}"
    return f"{ {**LLAMA_NAMES, **GPT2_NAMES}[stem] }.{suffix}"


def permute(rows, heads):
    """Half-split rotation pairs (i, i + d/2) to neighbours (2i, 2i + 1), head by head."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def unpermute(rows, heads):
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def heads_of(name, config):
    return config["num_attention_heads"] if "q_proj" in name else config["num_key_value_heads"]


def weights_of(folder):
    """All tensors of a folder as float32, by their names there; GPT-2's stored masks are left out."""
    tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            for name in opened.keys():
                if not name.endswith(".attn.bias"):
                    tensors[name] = opened.get_tensor(name).to(torch.float32).numpy()
    return tensors


def to_gguf(name, weight, family, config):
    if family in ("llama", "mistral") and ("q_proj" in name or "k_proj" in name):
        return permute(weight, heads_of(name, config))
    if family == "gpt2" and ".c_" in name and weight.ndim == 2:
        return weight.T
    return weight


def rope_divisors(config):
    """What llama 3's scaling divides each frequency by."""
    scaling, dim = config["rope_scaling"], config["head_dim"]
    old = scaling["original_max_position_embeddings"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    divisors = []
    for i in range(0, dim, 2):
        wave = 2 * math.pi * config["rope_theta"] ** (i / dim)
        if wave < old / high:
            divisors.append(1.0)
        elif wave > old / low:
            divisors.append(scaling["factor"])
        else:
            smooth = (old / wave - low) / (high - low)
            divisors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
    return np.array(divisors, dtype=np.float32)


def add_metadata(writer, folder, family, config, tokenizer_kind):
    gpt2 = family == "gpt2"
    heads = config["n_head" if gpt2 else "num_attention_heads"]
    hidden = config["n_embd" if gpt2 else "hidden_size"]
    writer.add_name("tiny " + folder.name)
    writer.add_context_length(config["n_positions" if gpt2 else "max_position_embeddings"])
    writer.add_embedding_length(hidden)
    writer.add_block_count(config["n_layer" if gpt2 else "num_hidden_layers"])
    writer.add_feed_forward_length(4 * hidden if gpt2 else config["intermediate_size"])
    writer.add_head_count(heads)
    if gpt2:
        writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    else:
        head_dim = config.get("head_dim", hidden // heads)
        writer.add_head_count_kv(config["num_key_value_heads"])
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
        writer.add_rope_freq_base(float(config["rope_theta"]))
        writer.add_vocab_size(config["vocab_size"])
        if head_dim * heads != hidden:
            writer.add_key_length(head_dim)
            writer.add_value_length(head_dim)
        if family == "llama":
            writer.add_rope_dimension_count(head_dim)
        scaling = config.get("rope_scaling") or {}
        kind = scaling.get("rope_type", scaling.get("type"))
        if kind in ("linear", "yarn"):
            writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
            writer.add_rope_scaling_factor(scaling["factor"])
            if kind == "yarn":
                writer.add_rope_scaling_orig_ctx_len(scaling["original_max_position_embeddings"])
    add_tokenizer(writer, folder, config, tokenizer_kind)


PRE = {"llama3": "llama-bpe", "qwen2": "qwen2", "smollm": "smollm", "gpt2": "gpt-2"}


def add_tokenizer(writer, folder, config, kind):
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    added = {a["content"]: a["id"] for a in tokenizer["added_tokens"]}
    vocabulary = {**tokenizer["model"]["vocab"], **added}
    written = {i: piece for piece, i in vocabulary.items()}
    tokens, types, scores = [], [], []
    pieces = kind in ("llama2", "yi", "mistral")
    merged = 0
    for i in range(config["vocab_size"]):
        token = written.get(i)
        if token is None:
            tokens.append(f"[PAD{i}]")
            types.append(gguf.TokenType.UNUSED)
            scores.append(-1000.0)
            continue
        tokens.append(token)
        score = 0.0
        if pieces and token == "<unk>":
            types.append(gguf.TokenType.UNKNOWN)
        elif token in added:
            types.append(gguf.TokenType.CONTROL)
        elif pieces and re.fullmatch(r"<0x[0-9A-F]{2}>", token):
            types.append(gguf.TokenType.BYTE)
        else:
            types.append(gguf.TokenType.NORMAL)
            score = float(-merged)
            merged += 1
        scores.append(score)
    writer.add_tokenizer_model("llama" if pieces else "gpt2")
    writer.add_tokenizer_pre("default" if pieces else PRE[kind])
    writer.add_token_list(tokens)
    if pieces:
        writer.add_token_scores(scores)
    writer.add_token_types(types)
    if not pieces:
        writer.add_token_merges(tokenizer["model"]["merges"])
    for key, add in (
        ("bos_token", writer.add_bos_token_id),
        ("eos_token", writer.add_eos_token_id),
        ("unk_token", writer.add_unk_token_id),
        ("pad_token", writer.add_pad_token_id),
    ):
        if settings.get(key):
            add(vocabulary[settings[key]])
    bos = tokenizer["post_processor"].get("type") == "TemplateProcessing" and bool(tokenizer["post_processor"]["special_tokens"])
    writer.add_add_bos_token(bos)
    if pieces:
        writer.add_add_eos_token(False)
        writer.add_add_space_prefix(kind != "yi")
    if "chat_template" in settings:
        writer.add_chat_template(settings["chat_template"])


def encode(weight, kind):
    """The stored form of a matrix and the float32 values that it stands for."""
    if kind == Type.F32:
        return weight, weight
    if kind == Type.F16:
        half = weight.astype(np.float16)
        return half, half.astype(np.float32)
    stored = kquants.quantize(weight, kind) if kind in kquants.KINDS else gguf.quantize(weight, kind)
    return stored, gguf.dequantize(stored, kind)


def write(out, name, file, choose, shards=1):
    """Writes a twin; `choose` names the type of a matrix. Returns the weights it stands for, in the folder's names and order."""
    family, tokenizer_kind, _, _, _ = SOURCES[name]
    folder = out / name
    config = json.loads((folder / "config.json").read_text())
    weights = weights_of(folder)
    stored, meant = [], {}
    kinds = set()
    for key, weight in weights.items():
        rows = np.ascontiguousarray(to_gguf(key, weight, family, config))
        kind = Type.F32 if rows.ndim == 1 or "wpe" in key else choose(gguf_name(key))
        kinds.add(kind.name)
        coded, values = encode(rows, kind)
        stored.append((gguf_name(key), coded, kind))
        if family == "llama" and ("q_proj" in key or "k_proj" in key):
            values = unpermute(values, heads_of(key, config))
        elif family == "gpt2" and ".c_" in key and weight.ndim == 2:
            values = values.T
        meant[key] = np.ascontiguousarray(values)
    if (config.get("rope_scaling") or {}).get("rope_type") == "llama3":
        stored.insert(0, ("rope_freqs.weight", rope_divisors(config), Type.F32))
    path = out / file
    writer = gguf.GGUFWriter(path, "llama" if family == "mistral" else family, split_max_tensors=-(-len(stored) // shards) if shards > 1 else 0)
    add_metadata(writer, folder, family, config, tokenizer_kind)
    for tensor, coded, kind in stored:
        writer.add_tensor(tensor, coded, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    read_back([path] if shards == 1 else sorted(out.glob(path.stem + "-*-of-*.gguf")), stored)
    return meant, weights, sorted(kinds)


def read_back(files, stored):
    """What stands in the files is what was to be written, each tensor once."""
    found = {}
    for file in files:
        for tensor in gguf.GGUFReader(file).tensors:
            assert tensor.name not in found, tensor.name
            found[tensor.name] = (tensor.tensor_type, tensor.data.tobytes())
    assert len(found) == len(stored)
    for name, coded, kind in stored:
        assert found[name] == (kind, coded.tobytes()), (files, name)


def through_transformers(out, file, config):
    """The file as transformers reads GGUF itself. The configuration is given: its GGUF reader leaves out some of it."""
    model = AutoModelForCausalLM.from_pretrained(
        out, gguf_file=file, config=config, dtype=torch.float32, attn_implementation="eager"
    )
    return model.eval()


def from_weights(out, name, meant):
    """The folder's model with other weights."""
    model = tiny_models.load(out / name)
    state = {k: torch.from_numpy(v) for k, v in meant.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    return model


SOURCES = dict(tiny_models.MODELS)
SOURCES["kquants"] = (
    "llama", "smollm", "F32",
    tiny_models.llama(
        hidden_size=256, intermediate_size=256, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=1, rope_theta=100000.0,
        tie_word_embeddings=True, bos_token_id=1, eos_token_id=2,
    ),
    None,
)


def kquant_mix(name):
    """Every K type, in the places where "Q4_K_M" files have the better ones."""
    if name == "token_embd.weight" or "attn_v" in name or "ffn_down" in name:
        return Type.Q6_K
    if "attn_output" in name or "ffn_gate" in name:
        return Type.Q5_K
    return Type.Q4_K


def all_types(name):
    """A different type for each kind of matrix."""
    part = name.split(".")[-2]
    return {
        "token_embd": Type.F16, "output": Type.Q8_0, "attn_q": Type.Q4_1, "attn_k": Type.Q5_0, "attn_v": Type.Q5_1,
        "attn_output": Type.F32, "ffn_gate": Type.BF16, "ffn_up": Type.Q4_0, "ffn_down": Type.Q8_0,
    }[part]


def write_all(out, models):
    """Every twin; adds the exact ones to the models' entries, returns the entries of the quantised ones."""
    by_name = {m["name"]: m for m in models}
    for name, file, kind, shards in [
        ("llama2", "llama2-f32.gguf", Type.F32, 1),
        ("llama3", "llama3-bf16.gguf", Type.BF16, 1),
        ("yi", "yi-f16.gguf", Type.F16, 2),
        ("qwen2", "qwen2-bf16.gguf", Type.BF16, 1),
        ("qwen3", "qwen3-f16.gguf", Type.F16, 1),
        ("gpt2", "gpt2-f32.gguf", Type.F32, 1),
        ("rope-linear", "rope-linear-f16.gguf", Type.F16, 1),
        ("rope-yarn", "rope-yarn-f16.gguf", Type.F16, 1),
    ]:
        meant, weights, kinds = write(out, name, file, lambda tensor: kind, shards)
        for key in weights:
            assert np.array_equal(weights[key], meant[key]), (file, key)
        first = file if shards == 1 else file.replace(".gguf", f"-00001-of-{shards:05d}.gguf")
        by_name[name]["sameLogits"].append(first)
        check(out, first, name, by_name[name], None if shards > 1 else meant)
    added = []
    for name, file, choose, shards in [
        ("llama2", "llama2-q8_0.gguf", lambda tensor: Type.Q8_0, 1),
        ("llama2", "llama2-q4_0.gguf", lambda tensor: Type.Q4_0, 1),
        ("llama2", "llama2-q4_1.gguf", lambda tensor: Type.Q4_1, 2),
        ("llama2", "llama2-q5_0.gguf", lambda tensor: Type.Q5_0, 1),
        ("llama2", "llama2-q5_1.gguf", lambda tensor: Type.Q5_1, 1),
        ("llama2", "llama2-all-types.gguf", all_types, 1),
        ("kquants", "llama-k.gguf", kquant_mix, 1),
    ]:
        own = name not in by_name
        if own:
            tiny_models.MODELS[name] = SOURCES[name]
            tiny_models.write_folder(out, name)
        meant, weights, kinds = write(out, name, file, choose, shards)
        first = file if shards == 1 else file.replace(".gguf", f"-00001-of-{shards:05d}.gguf")
        title = file.removesuffix(".gguf")
        rows = tiny_models.Rows(out / "logits" / f"{title}.bin")
        entry = {
            "name": title,
            "path": first,
            "family": "llama",
            "tokenizer": SOURCES[name][1],
            "type": "+".join(kinds),
            "vocabulary": SOURCES[name][3]["vocab_size"],
            "logits": f"logits/{title}.bin",
            "sameLogits": [],
            "prompts": tiny_models.describe_prompts(title, rows, lambda: from_weights(out, name, meant), full_up_to=7),
            "encodings": tiny_models.tiny_tokenizers.encodings(tiny_models.tiny_tokenizers.make(SOURCES[name][1])[0]),
        }
        error = max(float(np.abs(weights[k] - meant[k]).max() / np.abs(weights[k]).max()) for k in weights)
        entry["largestWeightError"] = round(error, 5)
        rows.write()
        check(out, first, name, entry, None if shards > 1 else meant)
        print(title, [p["margin"] for p in entry["prompts"]], "largest relative error of a weight", entry["largestWeightError"])
        added.append(entry)
        if own:
            tiny_models.shutil.rmtree(out / name)
    return added


def check(out, file, name, entry, meant):
    """Reads the twin back with transformers' own GGUF reader (it knows no shards) and compares logits; returns nothing or fails."""
    if meant is None:
        return
    config = AutoConfig.from_pretrained(out / name)
    model = through_transformers(out, file, config)
    worst = 0.0
    for prompt in entry["prompts"]:
        place = prompt["logits"]
        expected = np.fromfile(
            out / entry["logits"], dtype="<f4", count=place["rows"] * entry["vocabulary"], offset=place["offset"]
        ).reshape(place["rows"], -1)
        fresh = tiny_models.logits(model, prompt["ids"]).numpy()[place["first"] :]
        worst = max(worst, float(np.abs(fresh - expected).max()))
    print(f"{file}: transformers' GGUF reader gives the same logits to {worst:.2g}")
    assert worst < 1e-4, (file, worst)
