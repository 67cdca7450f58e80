"""Tiny tokenizers of the families' kinds, trained on a few sentences. Written by tiny_models.py into each folder.

Byte-level BPE: 256 bytes, a few merges, the family's pre-tokenizer and special tokens.
SentencePiece-BPE: three specials, 256 byte pieces, merged pieces with scores 0, -1, -2 ..., then single characters; the
merge list of tokenizer.json holds every split of a piece into two pieces, best score first, so that a reader of merges and
a reader of scores find the same tokens.
"""

import json

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

SENTENCES = [
    "The lighthouse keeper wrote the weather down every morning, and the wind twice a day.",
    "She said that the other ships were there before the storm, but they had no lanterns.",
    "In 1907 the tower had 214 steps; in 1932 there were 198, because the cellar was filled in.",
    "for i in range(10):\n    total += prices[i] * count\n    print(total)",
    "There is nothing in the harbour that the tide does not take and then bring back.",
    "The thing that matters is the thinking, then the doing, and then the telling.",
    "It's what they'd have done if we'd been there; I'm sure you're right.",
]

QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA2_CHAT = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] + ' ' + eos_token }}{% endif %}{% endfor %}"
)
LLAMA3_CHAT = (
    "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + "
    "message['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)


def _added(token_id, content, special=True):
    return {
        "id": token_id,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": special,
    }


def _byte_level(specials, specials_first, merges_wanted, pre_tokenizer, normalizer, bos, ignore_merges):
    """A tokenizer.json (as a dict) of byte-level BPE with `merges_wanted` merges."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + merges_wanted,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    trained.train_from_iterator(SENTENCES, trainer)
    model = json.loads(trained.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    shift = len(specials) if specials_first else 0
    vocab = {piece: i + shift for i, piece in enumerate(pieces)}
    first_special = 0 if specials_first else len(pieces)
    added = [_added(first_special + i, s) for i, s in enumerate(specials)]
    if specials_first:
        vocab = {**{a["content"]: a["id"] for a in added}, **vocab}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    post = dict(byte_level)
    if bos:
        bos_id = next(a["id"] for a in added if a["content"] == bos)
        post = {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": bos, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [
                {"SpecialToken": {"id": bos, "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}},
            ],
            "special_tokens": {bos: {"id": bos, "ids": [bos_id], "tokens": [bos]}},
        }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post,
        "decoder": dict(byte_level),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": ignore_merges,
            "vocab": vocab,
            "merges": [" ".join(m) if isinstance(m, list) else m for m in model["merges"]],
        },
    }


def _split(pattern):
    return {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        ],
    }


def _sentence_piece(specials, extra, merges_wanted, prefix, bos):
    """A tokenizer.json (as a dict) of SentencePiece-BPE. prefix: "prepend", "metaspace" or None (no space in front)."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    trainer = trainers.BpeTrainer(vocab_size=2000, show_progress=False)
    trained.train_from_iterator(SENTENCES, trainer)
    model = json.loads(trained.to_str())["model"]
    merged = []
    for merge in model["merges"]:
        piece = "".join(merge if isinstance(merge, list) else merge.split(" "))
        if piece not in merged and len(merged) < merges_wanted:
            merged.append(piece)
    letters = sorted({c for piece in merged for c in piece} | set("▁abcdefghijklmnopqrstuvwxyzT.,0123"))
    pieces = specials + ["<0x%02X>" % b for b in range(256)] + extra + merged + letters
    vocab = {piece: i for i, piece in enumerate(pieces)}
    assert len(vocab) == len(pieces)
    merges = []
    for piece in merged:
        splits = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
        assert splits, piece
        merges += sorted(splits, key=lambda pair: (vocab[pair[0]], vocab[pair[1]]))
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    normalizer, pre_tokenizer = None, None
    decoders = [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if prefix == "prepend":
        normalizer = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace]}
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    elif prefix == "metaspace":
        pre_tokenizer = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    else:
        normalizer = replace
    post = {"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}}
    a, b = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}
    if bos:
        start = {"SpecialToken": {"id": bos, "type_id": 0}}
        post["single"], post["pair"] = [start, a], [start, a, start, b]
        post["special_tokens"] = {bos: {"id": bos, "ids": [vocab[bos]], "tokens": [bos]}}
    else:
        post["single"], post["pair"] = [a], [a, b]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(vocab[s], s) for s in specials + extra],
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post,
        "decoder": {"type": "Sequence", "decoders": decoders},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": specials[0],
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": vocab,
            "merges": [list(m) for m in merges],
        },
    }


def make(kind):
    """(tokenizer.json, tokenizer_config.json) of one kind: llama2, yi, mistral, llama3, qwen2, smollm, gpt2."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    if kind == "llama2":
        tokenizer = _sentence_piece(["<unk>", "<s>", "</s>"], [], 24, "prepend", "<s>")
        config = {
            "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
            "legacy": True, "tokenizer_class": "LlamaTokenizer", "chat_template": LLAMA2_CHAT,
        }
    elif kind == "yi":
        tokenizer = _sentence_piece(
            ["<unk>", "<|startoftext|>", "<|endoftext|>"], ["<|im_start|>", "<|im_end|>"], 22, None, None
        )
        config = {
            "add_bos_token": False, "add_eos_token": False, "bos_token": "<|startoftext|>", "eos_token": "<|im_end|>",
            "unk_token": "<unk>", "legacy": True, "tokenizer_class": "LlamaTokenizer", "chat_template": CHATML,
        }
    elif kind == "mistral":
        tokenizer = _sentence_piece(["<unk>", "<s>", "</s>"], ["[INST]", "[/INST]"], 22, "metaspace", "<s>")
        config = {
            "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
            "legacy": False, "tokenizer_class": "LlamaTokenizer", "chat_template": LLAMA2_CHAT,
        }
    elif kind == "llama3":
        specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
        tokenizer = _byte_level(specials, False, 27, _split(LLAMA3_PATTERN), None, "<|begin_of_text|>", True)
        config = {
            "bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False, "chat_template": LLAMA3_CHAT,
        }
    elif kind == "qwen2":
        specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        tokenizer = _byte_level(specials, False, 24, _split(QWEN2_PATTERN), {"type": "NFC"}, None, False)
        config = {
            "add_bos_token": False, "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
            "unk_token": None, "tokenizer_class": "Qwen2Tokenizer", "chat_template": CHATML,
        }
    elif kind == "smollm":
        specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        pre = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]}
        tokenizer = _byte_level(specials, True, 29, pre, None, None, False)
        config = {
            "add_prefix_space": False, "bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>",
            "unk_token": "<|endoftext|>", "tokenizer_class": "GPT2Tokenizer", "chat_template": CHATML,
        }
    elif kind == "gpt2":
        tokenizer = _byte_level(["<|endoftext|>"], False, 31, byte_level, None, None, False)
        config = {
            "add_prefix_space": False, "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>",
            "unk_token": "<|endoftext|>", "tokenizer_class": "GPT2Tokenizer",
        }
    else:
        raise ValueError(kind)
    config["added_tokens_decoder"] = {
        str(a["id"]): {k: v for k, v in a.items() if k != "id"} for a in tokenizer["added_tokens"]
    }
    config["model_max_length"] = 128
    return tokenizer, config


TEXTS = [
    "The other thing",
    " there  were 1907 lanterns,\n\tthen the storm!",
    "naïve café — 東京 🙂 don't",
    "for i in range(10):\n    print(i)\n\n",
]


def encodings(tokenizer_json):
    """What the Hugging Face tokenizer makes of a few texts, nothing added in front."""
    tokenizer = Tokenizer.from_str(json.dumps(tokenizer_json))
    return [{"text": t, "ids": tokenizer.encode(t, add_special_tokens=False).ids} for t in TEXTS]
