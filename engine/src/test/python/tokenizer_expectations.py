"""Writes what Hugging Face tokenizers make of the lines of tokenizer_lines.py: tokenizer-NAME.json.gz.

    python tokenizer_expectations.py LINES.json.gz OUTPUT_FOLDER NAME=SOURCE...

SOURCE is a folder with tokenizer.json, or a GGUF file, which transformers converts. The conversion (transformers 5.23)
forgets two things that the models' own tokenizer.json have, so they are put back: SmolLM2 splits digits one by one before
anything else, Qwen2.5 composes characters (NFC).

Of each block of 50 lines the SHA-256 of the ids is kept (each line's ids as little-endian int32, then -1), and likewise of
the starts (the UTF-16 index in the line of the character that a token begins in); the ids of every 60th line in full; and
lines with added tokens in them, in full. Post-processing is off: nothing is added, offsets are not trimmed.
"""

import gzip
import hashlib
import json
import os
import random
import struct
import sys
import tempfile
import unicodedata

os.environ["HF_HUB_OFFLINE"] = "1"

import tokenizers
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers

BLOCK = 50
FULL = 60


def load(source):
    if not source.endswith(".gguf"):
        tokenizer = Tokenizer.from_file(os.path.join(source, "tokenizer.json"))
    else:
        from gguf import GGUFReader
        from transformers import AutoTokenizer

        folder, name = os.path.split(source)
        with tempfile.TemporaryDirectory() as temporary:
            AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(temporary)
            tokenizer = Tokenizer.from_file(os.path.join(temporary, "tokenizer.json"))
        kind = GGUFReader(source).fields["tokenizer.ggml.pre"].contents()
        if kind == "smollm":
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ])
        elif kind == "qwen2":
            tokenizer.normalizer = normalizers.NFC()
    spec = json.loads(tokenizer.to_str())
    spec["post_processor"] = None
    return Tokenizer.from_str(json.dumps(spec))


def starts(text, encoding):
    utf16 = [0]
    for c in text:
        utf16.append(utf16[-1] + (2 if ord(c) > 0xFFFF else 1))
    return [utf16[start] for start, _ in encoding.offsets]


def aligned(tokenizer, line, encoding):
    """Where composition changes the text, Hugging Face's alignment is a matter of taste; where the vocabulary has no token
    for a byte, its offsets slip by the bytes left out."""
    if not unicodedata.is_normalized("NFC", line):
        return False
    byte_level = isinstance(tokenizer.decoder, decoders.ByteLevel)
    return not byte_level or sum(map(len, encoding.tokens)) == len(line.encode())


def digest(rows):
    sha = hashlib.sha256()
    for row in rows:
        sha.update(struct.pack(f"<{len(row) + 1}i", *row, -1))
    return sha.hexdigest()[:16]


def added_lines(tokenizer, lines):
    generator = random.Random(7)
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    out = []
    for _ in range(150):
        text = ""
        for _ in range(generator.randint(1, 4)):
            text += generator.choice(added) + generator.choice(["", " ", "\n", "  ", generator.choice(lines)[:20]])
        if generator.random() < 0.3:
            text = generator.choice(["x", " ", "\n"]) + text[: -generator.randint(1, 3)]
        encoding = tokenizer.encode(text, add_special_tokens=False)
        out.append({"text": text, "ids": encoding.ids})
    return out


def main():
    lines_file, folder, *sources = sys.argv[1:]
    with gzip.open(lines_file) as file:
        lines = json.loads(file.read())
    for named in sources:
        name, source = named.split("=", 1)
        tokenizer = load(source)
        encodings = [tokenizer.encode(line, add_special_tokens=False) for line in lines]
        ids = [encoding.ids for encoding in encodings]
        begins = [starts(line, e) if aligned(tokenizer, line, e) else [] for line, e in zip(lines, encodings)]
        decoded = [tokenizer.decode(row, skip_special_tokens=True) for row in ids[::FULL]]
        result = {
            "tokenizers": tokenizers.__version__,
            "block": BLOCK,
            "ids": [digest(ids[i : i + BLOCK]) for i in range(0, len(ids), BLOCK)],
            "starts": [digest(begins[i : i + BLOCK]) for i in range(0, len(begins), BLOCK)],
            "every": FULL,
            "full": ids[::FULL],
            "decoded": decoded,
            "added": added_lines(tokenizer, lines),
        }
        data = json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()
        with open(os.path.join(folder, f"tokenizer-{name}.json.gz"), "wb") as out:
            out.write(gzip.compress(data, 9, mtime=0))
        if os.environ.get("LECTERN_ALL_IDS"):
            with open(os.path.join(os.environ["LECTERN_ALL_IDS"], name + ".json"), "w") as out:
                json.dump({"ids": ids, "starts": begins, "tokens": [e.tokens for e in encodings]}, out)
        print(name, len(lines), "lines,", sum(map(len, ids)), "tokens")


if __name__ == "__main__":
    main()
