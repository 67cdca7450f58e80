"""Writes small tokenizers of every supported make, with what Hugging Face tokenizers 0.23 does with some texts.

    python tokenizer_variants.py ../resources/dev/lectern/text/tokenizer-variants.json.gz

Each entry: the tokenizer.json, and for each text the ids, their decoding, and the ids with special tokens unrecognised.
"""

import gzip
import itertools
import json
import random
import sys

from tokenizers import Tokenizer

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
TEXTS = ["", " ", "abba cab", "  aab  ba\n\n ca", "a<x>b", "<x><y> ab <z>", "c <x>  a", "ab <y>\n\nba", "a<z>b <z> c<z>", "<z>", "1234 ab12", "añb e\u0301a é", "a▁b▁▁c ▁a", "q", "qq ñq", "▁", "<s>ab</s>", " <s> a", "'Sa 's'T a'll", "日本 a😀b", "a\u00a0\u00a0b", "x_<z>", "\u3000<y>\u2003a", "aaaaaaaaaaabbbbbbbbbbb"]


def byte_characters():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    table = {b: chr(b) for b in printable}
    table.update({b: chr(256 + i) for i, b in enumerate(rest)})
    return table


def merges_of(generator, vocabulary, symbols, count):
    merges = []
    tokens = list(symbols)
    while len(merges) < count:
        left, right = generator.choice(tokens), generator.choice(tokens)
        if len(left + right) <= 6 and [left, right] not in merges:
            if left + right not in vocabulary:
                vocabulary[left + right] = len(vocabulary)
                tokens.append(left + right)
            merges.append([left, right])
    return merges


def added(vocabulary):
    make = lambda content, **flags: {"id": vocabulary.setdefault(content, len(vocabulary)), "content": content, "single_word": False, "lstrip": False,
                                     "rstrip": False, "normalized": False, "special": True, **flags}
    return [make("<s>"), make("</s>"), make("<x>", lstrip=True), make("<y>", rstrip=True, special=False), make("<z>", single_word=True, special=False),
            make("é<", normalized=True, special=False), make("ab <", normalized=True, lstrip=True, special=False)]


def byte_level(generator, pre_tokenizer, nfc, ignore_merges, gaps):
    table = byte_characters()
    vocabulary = {}
    for b in range(256):
        if not (gaps and b in (0x71, 0x5F)):
            vocabulary[table[b]] = len(vocabulary)
    merges = merges_of(generator, vocabulary, [*"abc12Ġ'", table[10], "Ã", "©"], 60)
    if ignore_merges:
        vocabulary["cab"] = vocabulary.get("cab", len(vocabulary))
    model_vocabulary = dict(vocabulary)
    tokens = added(vocabulary)
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, "normalizer": {"type": "NFC"} if nfc else None,
            "pre_tokenizer": pre_tokenizer, "post_processor": None,
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "ignore_merges": ignore_merges, "vocab": model_vocabulary, "merges": merges}}


def pieces(generator, normalizer, pre_tokenizer, decoder, fallback, fuse):
    vocabulary = {"<unk>": 0}
    if fallback:
        for b in range(256):
            vocabulary[f"<0x{b:02X}>"] = len(vocabulary)
    for c in "▁abc12e'\né<>xyz":
        vocabulary[c] = len(vocabulary)
    merges = merges_of(generator, vocabulary, "▁abc12", 80)
    model_vocabulary = dict(vocabulary)
    tokens = added(vocabulary)
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
            "post_processor": None, "decoder": decoder,
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": fuse, "byte_fallback": fallback, "ignore_merges": False, "vocab": model_vocabulary, "merges": merges}}


def specs():
    generator = random.Random(3)
    level = lambda regex, prefix=False: {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}
    split = lambda pattern, behavior="Isolated", invert=False: {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}
    sequence = lambda *parts: {"type": "Sequence", "pretokenizers": list(parts)}
    for pre in [level(True), level(False), level(True, True), sequence(split(GPT2), level(False)), sequence(split(LLAMA3), level(False)),
                sequence(split(QWEN2, "Removed", True), level(False)), sequence({"type": "Digits", "individual_digits": True}, level(True)),
                sequence({"type": "Digits", "individual_digits": False}, level(True))]:
        for nfc, ignore, gaps in [(False, False, False), (True, True, False), (True, False, True)]:
            yield byte_level(generator, pre, nfc, ignore, gaps)
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    prepend = {"type": "Prepend", "prepend": "▁"}
    back = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    makes = [({"type": "Sequence", "normalizers": [prepend, replace]}, None, {"type": "Sequence", "decoders": [*back, strip]}),
             (replace, None, {"type": "Sequence", "decoders": back}),
             ({"type": "Sequence", "normalizers": [{"type": "NFC"}, replace]}, None, {"type": "Sequence", "decoders": back})]
    for scheme, split_words in itertools.product(["always", "first", "never"], [True, False]):
        metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split_words}
        decoders = [*back, strip] if scheme != "never" else back
        makes.append((None, metaspace, {"type": "Sequence", "decoders": decoders}))
    for normalizer, pre, decoder in makes:
        for fallback, fuse in [(True, True), (False, True), (False, False)]:
            yield pieces(generator, normalizer, pre, decoder, fallback, fuse)


def main():
    out = []
    for spec in specs():
        tokenizer = Tokenizer.from_str(json.dumps(spec))
        cases = []
        generator = random.Random(len(out))
        random_texts = ["".join(generator.choice(["a", "b", "c", "1", "2", " ", "ab", "<x>", "<y>", "<z>", "\n", "é<", "ab <", "q", "_"]) for _ in range(generator.randint(3, 25))) for _ in range(30)]
        for text in TEXTS + random_texts:
            tokenizer.encode_special_tokens = False
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            cases.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids)})
        bare = Tokenizer.from_str(json.dumps({**spec, "added_tokens": []}))
        for case in cases:
            case["plain"] = bare.encode(case["text"], add_special_tokens=False).ids
        out.append({"spec": spec, "cases": cases})
    data = json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode()
    with open(sys.argv[1], "wb") as file:
        file.write(gzip.compress(data, 9, mtime=0))
    print(len(out), "tokenizers")


if __name__ == "__main__":
    main()
