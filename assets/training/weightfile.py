"""Writes small GGUF files: integers, lists of integers or strings, and matrices in F32, F16 or Q8_0.

The layout is that of the public GGUF description, version 3; Paceline reads it with `GGUFWeightFile`.
"""

import struct

import numpy as np

ALIGNMENT = 32
F32, F16, Q8_0 = 0, 1, 8


def _text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value):
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, (int, np.integer)):
        return struct.pack("<Ii", 5, int(value))
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_text(text) for text in value)
    numbers = np.asarray(value, dtype="<i4")
    return struct.pack("<IIQ", 9, 5, len(numbers)) + numbers.tobytes()


def q8_0(matrix):
    """Blocks of 32 values: a scale in half precision, then signed bytes."""
    blocks = np.asarray(matrix, dtype=np.float32).reshape(-1, 32)
    scale = (np.abs(blocks).max(axis=1) / 127).astype("<f2")
    inverse = np.divide(1, scale, out=np.zeros(len(scale), np.float32), where=scale != 0, dtype=np.float32)
    integers = np.clip(np.rint(blocks * inverse[:, None]), -127, 127).astype("i1")
    return np.concatenate([scale.view("u1").reshape(-1, 2), integers.view("u1")], axis=1).tobytes()


def write(path, values, tensors):
    """`values`: name to string, integer or a list of either; `tensors`: name to (matrix, type)."""
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(values))]
    for name, value in values.items():
        head.append(_text(name) + _value(value))
    bodies, offset = [], 0
    for name, (matrix, kind) in tensors.items():
        matrix = np.atleast_2d(np.asarray(matrix, dtype=np.float32))
        rows, columns = matrix.shape
        dimensions = [columns] if rows == 1 else [columns, rows]
        if kind == Q8_0:
            body = q8_0(matrix)
        else:
            body = matrix.astype("<f2" if kind == F16 else "<f4").tobytes()
        head.append(_text(name) + struct.pack("<I", len(dimensions)))
        head.append(b"".join(struct.pack("<Q", length) for length in dimensions))
        head.append(struct.pack("<IQ", kind, offset))
        bodies.append(body + b"\0" * (-len(body) % ALIGNMENT))
        offset += len(bodies[-1])
    header = b"".join(head)
    with open(path, "wb") as file:
        file.write(header + b"\0" * (-len(header) % ALIGNMENT))
        file.writelines(bodies)
