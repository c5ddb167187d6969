"""Records what the `gguf` package (0.19.0, PyPI) makes of blocks, numbers and files.

    pip install gguf==0.19.0 && python Tests/Goldens/gguf/generate.py

blocks.json   for every stored form random blocks and the numbers that `gguf.quants.dequantize` gives, as float32 bits
numbers.json  numbers and the blocks that `gguf.quants.quantize` gives, for the forms that it writes
package.gguf  a file with every kind of value and six tensors, written by `gguf.GGUFWriter`
"""

import base64
import json
import pathlib

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFValueType, GGUFWriter, quants
from gguf.constants import GGML_QUANT_SIZES

here = pathlib.Path(__file__).parent
random = np.random.default_rng(20260101)
READ = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
WRITTEN = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"]
# Where a block's float16 numbers are.
HALVES = {
    "Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def random_blocks(name):
    length, size = GGML_QUANT_SIZES[Type[name]]
    count = {1: 256, 32: 12, 256: 4}[length]
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    if length == 1:  # no NaN: its bits are the processor's business
        bits = blocks.view(np.uint16)
        exponent = 0x7C00 if name == "F16" else 0x7F80
        bits[(bits & exponent) == exponent] &= 0x83FF if name == "F16" else 0x807F
    for at in HALVES.get(name, []):
        halves = random.normal(0, 0.02, count).astype(np.float16)
        halves[0], halves[1] = np.float16(6e-8), np.float16(-3e-5)  # subnormal numbers
        blocks[:, at : at + 2] = halves.view(np.uint8).reshape(count, 2)
    return blocks.reshape(1, -1)


blocks = {}
for name in READ:
    stored = random_blocks(name)
    source = stored.view(np.float16) if name == "F16" else stored
    numbers = quants.dequantize(source, Type[name]).astype(np.float32)
    blocks[name] = {"blocks": text(stored), "numbers": text(numbers)}
(here / "blocks.json").write_text(json.dumps(blocks, indent=1) + "\n")

numbers = random.normal(0, 0.05, (1, 32 * 40)).astype(np.float32)
numbers[0, 0:32] = 0
numbers[0, 32:64] = 0.25
numbers[0, 64:96] = np.linspace(-4, 4, 32)
numbers[0, 96:128] = np.arange(32) % 3 - 1  # ties for the largest magnitude
numbers[0, 128:160] *= 1e-6
numbers[0, 160:192] *= 1e4
# Halves of steps: 127 steps of 2^-7.
numbers[0, 192:224] = (np.arange(32) * 8 - 127 + 0.5) / 128
numbers[0, 192] = 127 / 128
written = {"numbers": text(numbers), "blocks": {}}
for name in WRITTEN:
    written["blocks"][name] = text(quants.quantize(numbers, Type[name]))
(here / "numbers.json").write_text(json.dumps(written, indent=1) + "\n")

writer = GGUFWriter(here / "package.gguf", "llama")
writer.add_key_value("test.uint8", 200, GGUFValueType.UINT8)
writer.add_key_value("test.int8", -100, GGUFValueType.INT8)
writer.add_key_value("test.uint16", 60000, GGUFValueType.UINT16)
writer.add_key_value("test.int16", -30000, GGUFValueType.INT16)
writer.add_key_value("test.uint32", 4000000000, GGUFValueType.UINT32)
writer.add_key_value("test.int32", -2000000000, GGUFValueType.INT32)
writer.add_key_value("test.float32", 1e-6, GGUFValueType.FLOAT32)
writer.add_key_value("test.uint64", 2**63 + 5, GGUFValueType.UINT64)
writer.add_key_value("test.int64", -(2**62), GGUFValueType.INT64)
writer.add_key_value("test.float64", 0.1, GGUFValueType.FLOAT64)
writer.add_key_value("test.bool", True, GGUFValueType.BOOL)
writer.add_key_value("test.string", "Grüße, 世界", GGUFValueType.STRING)
writer.add_array("test.texts", ["a", "", "Ġthe", "世"])
writer.add_array("test.integers", [1, -2, 3])
writer.add_array("test.numbers", [0.5, -1.5])
writer.add_array("test.flags", [True, False, True])
for name in ["F32", "F16", "BF16", "Q8_0", "Q4_0"]:
    matrix = (np.arange(3 * 64, dtype=np.float32).reshape(3, 64) - 96) / 64
    stored = quants.quantize(matrix, Type[name])
    plain = name in ("F32", "F16")
    writer.add_tensor(f"matrix.{name}", stored, raw_dtype=None if plain else Type[name])
writer.add_tensor("vector", np.arange(5, dtype=np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
