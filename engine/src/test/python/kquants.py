"""Quantisers for ggml's K types, which gguf-py can only read. Plain rounding, no search for better scales: what counts here
is that the blocks are valid and use all their bits. Layouts: ggml-quants.h (block_q4_K, block_q5_K, block_q6_K).
"""

import numpy as np
from gguf import GGMLQuantizationType as Type

KINDS = (Type.Q4_K, Type.Q5_K, Type.Q6_K)


def quantize(weight, kind):
    """[rows][columns] float32, columns a multiple of 256, to [rows][bytes] uint8."""
    rows = weight.shape[0]
    blocks = weight.reshape(-1, 256).astype(np.float32)
    packed = _q6(blocks) if kind == Type.Q6_K else _q45(blocks, 4 if kind == Type.Q4_K else 5)
    return packed.reshape(rows, -1)


def _bytes(halves):
    return halves.astype("<f2").reshape(-1, 1).view(np.uint8)


def _q45(blocks, bits):
    """w = d·scale·q − dmin·min, with a 6-bit scale and min for each 32 weights."""
    n, top = len(blocks), 2**bits - 1
    groups = blocks.reshape(n, 8, 32)
    low = np.minimum(groups.min(-1), 0)
    step = (groups.max(-1) - low) / top
    d = (step.max(-1) / 63).astype(np.float16)
    dmin = ((-low).max(-1) / 63).astype(np.float16)
    scale = np.clip(np.rint(step / d.astype(np.float32)[:, None]), 1, 63).astype(np.uint8)
    least = np.clip(np.rint(-low / dmin.astype(np.float32)[:, None]), 0, 63).astype(np.uint8)
    each_step = (d.astype(np.float32)[:, None] * scale)[..., None]
    each_low = (dmin.astype(np.float32)[:, None] * least)[..., None]
    q = np.clip(np.rint((groups + each_low) / each_step), 0, top).astype(np.uint8)
    scales = np.empty((n, 12), np.uint8)
    scales[:, 0:4] = scale[:, :4] | (scale[:, 4:] >> 4) << 6
    scales[:, 4:8] = least[:, :4] | (least[:, 4:] >> 4) << 6
    scales[:, 8:12] = (scale[:, 4:] & 15) | (least[:, 4:] & 15) << 4
    pairs = q.reshape(n, 4, 2, 32)
    nibbles = (pairs[:, :, 0] & 15) | (pairs[:, :, 1] & 15) << 4
    parts = [_bytes(d), _bytes(dmin), scales]
    if bits == 5:
        high = np.zeros((n, 32), np.uint8)
        for group in range(8):
            high |= (q[:, group] >> 4) << group
        parts.append(high)
    parts.append(nibbles.reshape(n, 128))
    return np.concatenate(parts, axis=1)


def _q6(blocks):
    """w = d·scale·(q − 32), with a signed 8-bit scale for each 16 weights."""
    n = len(blocks)
    groups = blocks.reshape(n, 16, 16)
    # The scale takes the sign of the largest weight, so that scales of both signs occur.
    largest = np.take_along_axis(groups, np.abs(groups).argmax(-1)[..., None], -1)[..., 0]
    step = largest / -32
    d = (np.abs(step).max(-1) / 127).astype(np.float16)
    scale = np.clip(np.rint(step / d.astype(np.float32)[:, None]), -128, 127)
    scale[scale == 0] = 1
    scale = scale.astype(np.int8)
    each = (d.astype(np.float32)[:, None] * scale)[..., None]
    q = (np.clip(np.rint(groups / each), -32, 31) + 32).astype(np.uint8).reshape(n, 2, 4, 32)
    low = np.stack([(q[:, :, 0] & 15) | (q[:, :, 2] & 15) << 4, (q[:, :, 1] & 15) | (q[:, :, 3] & 15) << 4], axis=2)
    high = sum((q[:, :, i] >> 4) << (2 * i) for i in range(4)).astype(np.uint8)
    return np.concatenate([low.reshape(n, 128), high.reshape(n, 64), scale.view(np.uint8), _bytes(d)], axis=1)
