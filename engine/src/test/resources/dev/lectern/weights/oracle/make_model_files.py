"""Makes the small model files that ModelFilesOracleTest reads, with the formats' own Python libraries.

    python make_model_files.py FOLDER

Made with gguf 0.19.0, safetensors 0.8.0 and numpy; the packed bytes of quantised rows are printed as SHA-256.
"""
import hashlib
import pathlib
import sys

import gguf
import numpy as np
from gguf.quants import quantize
from safetensors.numpy import save_file

folder = pathlib.Path(sys.argv[1])

writer = gguf.GGUFWriter(folder / "oracle.gguf", "llama")
writer.add_custom_alignment(64)
writer.add_context_length(4096)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_token_list(["<s>", "ä", "世界", "😀", ""])
writer.add_token_scores([0.0, -1.5, -2.0, -3.0, -4.0])
writer.add_token_types([3, 1, 1, 1, 1])
writer.add_add_bos_token(True)
writer.add_array("oracle.nested", [[1, 2], [3]])
writer.add_uint64("oracle.large", 2**53 + 1)
writer.add_float64("oracle.third", 1 / 3)
writer.add_tensor("ramp", (np.arange(12, dtype=np.float32) / 8).reshape(3, 4))
writer.add_tensor("half", (np.arange(6, dtype=np.float32) / 8 - 0.25).astype(np.float16))
waves = np.sin(np.arange(2 * 256, dtype=np.float32)).reshape(2, 256)
for name in ("BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"):
    kind = gguf.GGMLQuantizationType[name]
    packed = quantize(waves, kind)
    writer.add_tensor(name, packed, raw_dtype=kind)
    print(name, packed.nbytes, hashlib.sha256(packed.tobytes()).hexdigest())
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

save_file(
    {
        "ramp": (np.arange(12, dtype=np.float32) / 8).reshape(3, 4),
        "half": (np.arange(6, dtype=np.float32) / 8 - 0.25).astype(np.float16),
        "mask": np.tri(3, dtype=np.bool_),
    },
    folder / "model.safetensors",
    metadata={"format": "pt"},
)
