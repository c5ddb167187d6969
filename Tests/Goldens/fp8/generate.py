"""Records how torch casts to eight-bit floats, quantises tiles and multiplies them.

Run with `pip install torch numpy ml_dtypes`, then `python generate.py` in this directory. Writes
  e4m3-of-float16.bin, e5m2-of-float16.bin   the code of every half, in the order of the halves' patterns
  casts.json     codes of decisive float32 patterns: ties, their neighbours, limits, NaN, anything; `special` are those
                 of ml_dtypes, which turns what overflows E4M3 into NaN where torch 2.15 takes the largest number;
                 `e8m0` are torch's. Codes are base64.
  matrices.json  codes and scales (patterns) of matrices made by `numbers` below, and products: `ordered`
                 (patterns), the sums in the order in which a kernel takes them, and `exact`, in float64
The reader makes the same inputs: `numbers` uses integers and exact steps only.
"""
import base64
import json
import os

import ml_dtypes
import numpy as np
import torch

torch.set_num_threads(1)
OUT = os.path.dirname(os.path.abspath(__file__))
E4M3, E5M2 = torch.float8_e4m3fn, torch.float8_e5m2
DEPTH = 128


def codes(x, dtype):
    return x.to(dtype).view(torch.uint8)


def text(bytes):
    return base64.b64encode(np.asarray(bytes).tobytes()).decode()


def patterns(x):
    return [int(p) for p in x.contiguous().view(torch.int32).numpy().view(np.uint32).ravel()]


def numbers(rows, columns, seed):
    """Numbers of several magnitudes, and every 97th column 64 times larger."""
    i = np.arange(rows * columns, dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    h = (i * np.uint64(2654435761) + np.uint64(seed * 2246822519)) & mask
    h ^= h >> np.uint64(15)
    h = (h * np.uint64(2246822519)) & mask
    h ^= h >> np.uint64(13)
    x = ((h >> np.uint64(8)).astype(np.float64) - 2.0**23) / 2.0**23
    x *= 2.0 ** ((h & np.uint64(7)).astype(np.float64) - 4)
    x = x.reshape(rows, columns)
    x[:, ::97] *= 64
    return torch.tensor(x, dtype=torch.float32)


def decisive():
    bits = set()
    for dtype, step in ((E4M3, 2.0**-9), (E5M2, 2.0**-16)):
        values = torch.arange(128, dtype=torch.uint8).view(dtype).float()
        values = [v for v in values.tolist() if np.isfinite(v)]
        values.append(2 * values[-1] - values[-2])  # the number that would follow the largest
        middles = [(a + b) / 2 for a, b in zip(values, values[1:])]
        for v in values + middles:
            pattern = int(np.float32(v).view(np.uint32))
            bits |= {pattern, pattern + 1, max(pattern - 1, 0)}
    bits |= {0x7F800000, 0x7F7FFFFF, 1, 0x007FFFFF, 0x00400000, 0x00400001, 0x00800000, 0x00C00000}
    bits |= {0x7FC00000, 0x7F800001, 0x7FFFFFFF}
    bits |= {p | 0x80000000 for p in bits}
    generator = torch.Generator().manual_seed(8)
    bits |= set(torch.randint(0, 2**32, (400,), generator=generator).tolist())
    return np.array(sorted(bits), dtype=np.uint32)


def casts():
    halves = torch.from_numpy(np.arange(65536, dtype=np.uint16).view(np.float16))
    for name, dtype in (("e4m3", E4M3), ("e5m2", E5M2)):
        with open(os.path.join(OUT, f"{name}-of-float16.bin"), "wb") as f:
            f.write(codes(halves, dtype).numpy().tobytes())
    bits = decisive()
    x = torch.from_numpy(bits.view(np.float32))
    with np.errstate(invalid="ignore"):
        special = bits.view(np.float32).astype(ml_dtypes.float8_e4m3fn).view(np.uint8)
    record = dict(
        torch=torch.__version__, ml_dtypes=ml_dtypes.__version__, bits=bits.tolist(), e4m3=text(codes(x, E4M3)),
        e5m2=text(codes(x, E5M2)), special=text(special), e8m0=text(codes(x, torch.float8_e8m0fnu)))
    write("casts.json", record)


def quantise(x, tile, powers):
    """Codes, and scales repeated to the elements and as a grid."""
    down, across = -(-x.shape[0] // tile[0]), -(-x.shape[1] // tile[1])
    padded = torch.zeros(down * tile[0], across * tile[1])
    padded[: x.shape[0], : x.shape[1]] = x
    grid = padded.abs().view(down, tile[0], across, tile[1]).amax(dim=(1, 3)).clamp(min=1e-4) / 448
    if powers:
        mantissa, exponent = torch.frexp(grid)
        grid = torch.ldexp(torch.ones_like(grid), exponent - (mantissa == 0.5).int())
    each = grid.repeat_interleave(tile[0], 0).repeat_interleave(tile[1], 1)[: x.shape[0], : x.shape[1]]
    return (x / each).to(E4M3), each, grid


def product(a, a_each, b, b_each):
    """a · b of codes with a scale for each element: in the order of the kernels, and exactly."""
    a, b = a.float(), b.float()
    total = torch.zeros(a.shape[0], b.shape[1])
    for start in range(0, a.shape[1], DEPTH):
        part = torch.zeros_like(total)
        for k in range(start, min(start + DEPTH, a.shape[1])):
            part = part + a[:, k : k + 1] * b[k : k + 1]  # the products are exact
        scale = a_each[:, start : start + 1] * b_each[start : start + 1]
        total = (part.double() * scale.double() + total.double()).float()  # a fused multiply-add
    return total, (a.double() * a_each.double()) @ (b.double() * b_each.double())


def matrices():
    record = {}
    for name, powers in (("published", False), ("powersOfTwo", True)):
        case = {}

        def keep(key, rows, columns, seed, tile):
            quantised = quantise(numbers(rows, columns, seed), tile, powers)
            case[key] = dict(
                shape=[rows, columns], seed=seed, scales=patterns(quantised[2]),
                codes=text(quantised[0].view(torch.uint8)))
            return quantised[0], quantised[1]

        def keep_product(key, a, b):
            ordered, exact = product(a[0], a[1], b[0], b[1])
            case[key] = dict(ordered=patterns(ordered), exact=[float(f"{v:.9g}") for v in exact.ravel().tolist()])

        x = keep("x", 3, 150, 1, (1, DEPTH))
        w = keep("w", 130, 150, 2, (DEPTH, DEPTH))
        g = keep("g", 3, 130, 3, (1, DEPTH))
        turned = lambda m: (m[0].T, m[1].T)
        keep_product("y", x, turned(w))
        keep_product("dx", g, w)
        many = keep("manyX", 261, 11, 4, (DEPTH, 1)), keep("manyG", 261, 9, 5, (DEPTH, 1))
        keep_product("dw", turned(many[1]), many[0])
        record[name] = case
    write("matrices.json", record)


def write(name, record):
    with open(os.path.join(OUT, name), "w") as f:
        json.dump(record, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    casts()
    matrices()
