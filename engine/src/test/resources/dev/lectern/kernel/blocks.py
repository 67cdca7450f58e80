"""Makes blocks.bin: random blocks of every weight format and what the Python package gguf decodes them to.

Run: python blocks.py (needs numpy and gguf; made with gguf 0.19.0). Little-endian: for each format its GGUF number and the number of
blocks (int32 each), the blocks, the decoded numbers (float32). The bytes are random, scales included, so some are infinite or NaN.
"""

import pathlib

import gguf
import numpy as np
from gguf.quants import dequantize

FORMATS = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]

random = np.random.default_rng(20261124)
with open(pathlib.Path(__file__).with_name("blocks.bin"), "wb") as out:
    for name in FORMATS:
        quant = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[quant]
        count = {1: 512, 32: 16, 256: 4}[elements]
        blocks = random.integers(0, 256, count * size, dtype=np.uint8)
        with np.errstate(all="ignore"):
            numbers = dequantize(blocks, quant).astype("<f4")
        np.array([int(quant), count], dtype="<i4").tofile(out)
        blocks.tofile(out)
        numbers.tofile(out)
