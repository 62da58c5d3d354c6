"""Prints KnownAnswers.swift: one block of each format, dequantised by the `gguf` package of GGML's authors.

Usage: pip install gguf && python3 Tests/Vectors/known_answers.py > Tests/ComputeTests/KnownAnswers.swift
"""

import gguf
import numpy as np

COLUMNS = (0, 1, 15, 16, 17, 30, 31, 32, 47, 63, 64, 95, 96, 127, 128, 129, 160, 191, 200, 224, 254, 255)
SCALES = {  # byte offsets of the half-precision numbers
    "F16": (), "BF16": (), "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,),
    "Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,),
}

print("""// Made by: pip install gguf && python3 Tests/Vectors/known_answers.py > Tests/ComputeTests/KnownAnswers.swift
import Compute

/// One block of a format and what some of its columns are worth, computed by the `gguf` Python package.
///
/// Byte i of the block is (7 i i + 37 i + 11) mod 256, but for the half-precision scales 0.0123 and -0.456.
struct KnownAnswer {
  let type: ElementType
  let scaleOffsets: [Int]
  let values: [(column: Int, value: Float)]

  static let all = [""")
for name, offsets in SCALES.items():
    kind = getattr(gguf.GGMLQuantizationType, name)
    columns, size = gguf.GGML_QUANT_SIZES[kind]
    if columns == 1:
        columns, size = 32, 64
    block = np.array([(7 * i * i + 37 * i + 11) % 256 for i in range(size)], dtype=np.uint8)
    for offset, scale in zip(offsets, (0.0123, -0.456)):
        block[offset : offset + 2] = np.frombuffer(np.float16(scale).tobytes(), dtype=np.uint8)
    if name == "F16":
        block[1::2] &= 0xBF  # keeps exponents finite
    values = gguf.quants.dequantize(block, kind).reshape(-1).astype(np.float32)
    lines = [f"(column: {c}, value: {float(values[c]).hex()})" for c in COLUMNS if c < columns]
    print(f"    KnownAnswer(\n      type: .{name.lower().replace('_k', '_K')}, scaleOffsets: {list(offsets)},\n      values: [")
    for line in lines:
        print(f"        {line},")
    print("      ]),")
print("  ]\n}")
