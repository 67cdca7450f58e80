"""What `transformers` computes for a real model, read from its GGUF file and dequantised to float32.

    python golden.py MODEL.gguf NAME OUT      (OUT: engine/src/test/resources/golden, which holds mixed.txt and long.txt)

Writes OUT/NAME.json, OUT/NAME-rows.bin.gz and OUT/NAME-logprobs.bin; README.md says what they hold.
"""

import argparse
import gzip
import hashlib
import json
import os
import pathlib
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import gguf
import numpy as np
import torch
import transformers
from tokenizers import normalizers, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

from tiny_models import write_json_compact

CHUNK = 512
GREEDY = 64
MARGIN = 0.02

PROMPTS = [
    "The capital of France is",
    "Once upon a time, in a village by the sea, there lived",
    "def fibonacci(n):\n",
    "Water boils at 100 degrees Celsius because",
    "The three primary colors are",
    "Photosynthesis is the process by which",
    "import java.util.List;\n\npublic class Main {\n",
    "1, 1, 2, 3, 5, 8, 13,",
    "Dear Sir or Madam,\n\n",
    "To make a good cup of tea, you should",
    "The first law of thermodynamics states that",
    "SELECT name, age FROM",
    "In the beginning",
    "The difference between a list and a tuple in Python is",
    "My favourite season is autumn because",
    "A prime number is",
    "# Shopping list\n\n-",
    "The moon goes round the earth in",
]


def tokenizer_of(path):
    """The tokenizer of a GGUF file, with what transformers' GGUF reader forgets: SmolLM's digits that stand alone, Qwen2's NFC."""
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    pre = gguf.GGUFReader(path).fields["tokenizer.ggml.pre"].contents()
    if pre == "smollm":
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
        )
    elif pre == "qwen2":
        tokenizer.backend_tokenizer.normalizer = normalizers.NFC()
    else:
        raise ValueError(f"{path}: what does pre-tokenizer {pre} forget?")
    return tokenizer


def cache_for(model):
    return transformers.DynamicCache(config=model.config)


@torch.no_grad()
def rows_of(model, ids, chunk=CHUNK):
    """Logits [tokens][vocabulary] of a text, piece by piece, so that long texts fit."""
    cache = cache_for(model)
    for start in range(0, len(ids), chunk):
        part = torch.tensor([ids[start : start + chunk]])
        yield start, model(part, past_key_values=cache, use_cache=True).logits[0]


@torch.no_grad()
def greedy(model, ids):
    cache, step, chosen, margins = cache_for(model), ids, [], []
    for _ in range(GREEDY):
        row = model(torch.tensor([step]), past_key_values=cache, use_cache=True).logits[0, -1]
        top = torch.topk(row, 2)
        margins.append(float(top.values[0] - top.values[1]))
        chosen.append(int(top.indices[0]))
        step = chosen[-1:]
        if min(margins) <= MARGIN:
            break
    return chosen, min(margins)


def digits(values, places=6):
    return [round(float(v), places) for v in values]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("name")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--row-positions", type=int, nargs="*", default=[255], help="positions of mixed.txt whose whole rows are kept")
    arguments = parser.parse_args()
    out, name = arguments.out, arguments.name
    torch.set_num_threads(2)
    transformers.logging.set_verbosity_error()
    started = time.time()
    digest = hashlib.sha256(arguments.model.read_bytes()).hexdigest()
    print(f"{arguments.model.name} {digest}, torch {torch.__version__}, transformers {transformers.__version__}, nothing random")
    model = AutoModelForCausalLM.from_pretrained(
        arguments.model.parent, gguf_file=arguments.model.name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    tokenizer = tokenizer_of(arguments.model)

    def encode(text):
        return tokenizer.encode(text, add_special_tokens=False)

    vocabulary = model.config.vocab_size
    print(f"loaded in {time.time() - started:.0f} s")

    ids = encode("The capital of France is")
    row = next(rows_of(model, ids))[1][-1]
    paris = {"text": "The capital of France is", "ids": ids, "top1": int(row.argmax()), "top1Logit": round(float(row.max()), 5)}
    print("The capital of France is", repr(tokenizer.decode([paris["top1"]])), paris["top1Logit"])
    assert tokenizer.decode([paris["top1"]]) == " Paris"

    # The text of about 500 tokens, in one pass.
    text = (out / "mixed.txt").read_text(encoding="utf-8")
    ids = encode(text)
    with torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    samples = [int(i) for i in np.unique(np.concatenate([[0, 1, 10, 100], np.linspace(200, vocabulary - 1, 12).astype(int)]))]
    top = torch.topk(logits, 2, dim=-1)
    normaliser = torch.logsumexp(logits.double(), -1)
    following = [float(logits[i, ids[i + 1]].double() - normaliser[i]) for i in range(len(ids) - 1)]
    margins = top.values[:, 0] - top.values[:, 1]
    # How far two orders of the same sums differ is the noise of the reference.
    chunked = torch.cat([rows for _, rows in rows_of(model, ids, 50)])
    noise = float((chunked - logits).abs().max())
    print(f"mixed.txt: {len(ids)} tokens, smallest margin of top-1 {float(margins.min()):.5f}, pieces of 50 differ by {noise:.2g}")
    close = [(i, round(float(margins[i]), 5), tokenizer.decode(ids[max(0, i - 8) : i + 1])) for i in range(len(ids)) if margins[i] < 0.01]
    print(f"closest calls: {close}")
    assert decode_equals(tokenizer, ids, text)
    rows = logits[arguments.row_positions].numpy().astype("<f4")
    with gzip.GzipFile(out / f"{name}-rows.bin.gz", "wb", 9, mtime=0) as file:
        file.write(rows.tobytes())
    golden = {
        "made": {
            "script": "golden.py", "torch": torch.__version__, "transformers": transformers.__version__, "numpy": np.__version__,
            "model": arguments.model.name, "sha256": digest,
        },
        "vocabulary": vocabulary,
        "paris": paris,
        "text": {
            "file": "mixed.txt",
            "ids": ids,
            "top1": [int(i) for i in top.indices[:, 0]],
            "top1Logit": digits(top.values[:, 0], 5),
            "margin": digits(margins, 5),
            "logSumExp": digits(normaliser, 5),
            "nextLogProb": digits(following),
            "sampleIds": samples,
            "samples": [digits(logits[i, samples], 5) for i in range(len(ids))],
            "piecesDiffer": noise,
        },
        "rows": {"file": f"{name}-rows.bin.gz", "positions": arguments.row_positions},
    }
    del logits, chunked

    # Greedy continuations; those without a near tie are kept.
    golden["greedy"] = []
    for prompt in PROMPTS:
        ids = encode(prompt)
        chosen, margin = greedy(model, ids)
        print(f"{prompt!r}: margin {margin:.4f}{'' if margin > MARGIN else ' (not used)'}", flush=True)
        if margin > MARGIN:
            golden["greedy"].append(
                {"prompt": prompt, "ids": ids, "tokens": chosen, "text": tokenizer.decode(chosen), "margin": round(margin, 5)}
            )
        if len(golden["greedy"]) == 5:
            break

    # Perplexity of the long text: one window, no BOS, first token unscored.
    text = (out / "long.txt").read_text(encoding="utf-8")
    ids = encode(text)
    assert decode_equals(tokenizer, ids, text)
    scores = []
    for start, rows in rows_of(model, ids):
        rows = rows.double()
        targets = torch.tensor(ids[start + 1 : start + 1 + len(rows)])
        rows = rows[: len(targets)]
        scores.append(rows.gather(1, targets[:, None])[:, 0] - torch.logsumexp(rows, -1))
        print(f"long.txt: {start + len(rows)} of {len(ids) - 1} tokens, {time.time() - started:.0f} s", flush=True)
    scores = torch.cat(scores)
    assert len(scores) == len(ids) - 1
    (out / f"{name}-logprobs.bin").write_bytes(scores.numpy().astype("<f4").tobytes())
    golden["perplexity"] = {
        "file": "long.txt",
        "ids": ids,
        "count": len(scores),
        "sum": float(scores.sum()),
        "perplexity": float(torch.exp(-scores.mean())),
        "logProbs": f"{name}-logprobs.bin",
    }
    print(f"perplexity {golden['perplexity']['perplexity']:.6f} of {len(scores)} tokens, {time.time() - started:.0f} s")
    write_json_compact(out / f"{name}.json", golden)


def decode_equals(tokenizer, ids, text):
    return tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text


if __name__ == "__main__":
    main()
