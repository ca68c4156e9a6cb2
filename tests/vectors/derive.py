#!/usr/bin/env python3
"""Computes the outputs of the vectors beside it, from the equations of docs/spec.md alone.

    python3 tests/vectors/derive.py          compares, and says what differs
    python3 tests/vectors/derive.py write    writes outputs and intermediate values anew

Nothing here is taken from the sources: it is written from the document, with Python's integers and fractions.
`output` is what the operation gives; `between` holds values on the way that the document shows.
"""

import json
import pathlib
import sys
from decimal import ROUND_HALF_UP, Decimal, getcontext
from fractions import Fraction
from hashlib import sha256
from math import floor, isqrt

getcontext().prec = 60
HERE = pathlib.Path(__file__).parent


# 1. Conventions


def round_shift(x, s):
    """floor(x / 2^s + 1/2); x itself for s = 0."""
    return floor(Fraction(x, 2**s) + Fraction(1, 2)) if s else x


def requantize(x, p):
    """clamp(round_shift(x, shift), lo, hi)."""
    return max(p["lo"], min(p["hi"], round_shift(x, p["shift"])))


def nearest(x):
    return int(x.quantize(Decimal(1), rounding=ROUND_HALF_UP))


# 2. Operations: parameters and inputs to (output, between)


def embed(p, i):
    return [w * 2 ** p["shift"] for w in i["row"]], {}


def rmsnorm(p, i):
    s = sum(x * x for x in i["x"]) + p["eps"]
    root = isqrt(s * 2 ** (2 * p["root_shift"]))
    inv = p["numerator"] // root
    y = [round_shift(x * inv, p["inv_shift"]) for x in i["x"]]
    return y, {"S": s, "root": root, "inv": inv}


def linear(p, i):
    return [sum(w * x for w, x in zip(row, i["x"], strict=True)) for row in p["W"]], {}


def requantize_all(p, i):
    return [requantize(x, p) for x in i["x"]], {}


def rope(p, i):
    cos, sin = p["cos"], p["sin"]
    h = len(cos)
    exact = []
    for start in range(0, len(i["x"]), 2 * h):
        a, b = i["x"][start : start + h], i["x"][start + h : start + 2 * h]
        exact += [a[k] * cos[k] - b[k] * sin[k] for k in range(h)]
        exact += [b[k] * cos[k] + a[k] * sin[k] for k in range(h)]
    return [requantize(y, p) for y in exact], {"accumulators": exact}


def group(p, head):
    """The key/value head of a query head."""
    return head // (p["heads"] // p["kv_heads"])


def scores(p, i):
    d = len(i["q"]) // p["heads"]
    out = []
    for h in range(p["heads"]):
        q = i["q"][h * d : (h + 1) * d]
        g = group(p, h)
        out.append([sum(a * b for a, b in zip(q, k[g * d : (g + 1) * d])) for k in i["keys"]])
    return out, {}


def power_table():
    """T[j] = round(2^15 · 2^(−j/128))."""
    return [nearest(Decimal(2) ** (15 - Decimal(j) / 128)) for j in range(128)]


def softmax(p, i):
    table = power_table()
    out, distances = [], []
    for s in i["scores"]:
        z = [round_shift(max(s) - x, p["shift"]) for x in s]
        distances.append(z)
        out.append([table[x % 128] * 2 ** (15 - x // 128) if x < 2**11 else 0 for x in z])
    return out, {"z": distances}


def mix(p, i):
    d = len(i["values"][0]) // p["kv_heads"]
    out, totals = [], []
    for h, weights in enumerate(i["weights"]):
        total = sum(weights)
        totals.append(total)
        for c in range(d):
            v = [row[group(p, h) * d + c] for row in i["values"]]
            mean = Fraction(sum(e * x for e, x in zip(weights, v, strict=True)), total)
            out.append(floor(2 ** p["shift"] * mean + Fraction(1, 2)))
    return out, {"D": totals}


def sigmoid(j):
    """T[j] = round(2^15 · σ((j − 128) / 16))."""
    return nearest(2**15 / (1 + (-(Decimal(j) - 128) / 16).exp()))


def silu(p, i):
    index = [max(-128, min(127, round_shift(x, p["index_shift"]))) + 128 for x in i["x"]]
    table = [sigmoid(j) for j in index]
    return [x * t for x, t in zip(i["x"], table)], {"index": index, "T": table}


def mul(p, i):
    return [requantize(a * b, p) for a, b in zip(i["a"], i["b"], strict=True)], {}


def add(p, i):
    return [a + b for a, b in zip(i["a"], i["b"], strict=True)], {}


def argmax(p, i):
    return min(k for k, x in enumerate(i["x"]) if x == max(i["x"])), {}


# 4 and 5. Packing and the KV chain


def kv_words(values):
    words = []
    for start in range(0, len(values), 30):
        word = 0
        for k, v in enumerate(values[start : start + 30]):
            word += (v + 128) << (8 * k if k < 15 else 128 + 8 * (k - 15))
        words.append(word)
    return words


PRIME = 2**251 + 17 * 2**192 + 1


def hades(state):
    """Starknet's permutation: 4 full rounds, 83 partial ones, 4 full ones, of x^3."""
    for r in range(91):
        keys = [int(sha256(f"Hades{3 * r + k}".encode()).hexdigest(), 16) for k in range(3)]
        state = [(x + k) % PRIME for x, k in zip(state, keys)]
        full = r < 4 or r >= 87
        state = [x**3 % PRIME if full or k == 2 else x for k, x in enumerate(state)]
        a, b, c = state
        state = [(3 * a + b + c) % PRIME, (a - b + c) % PRIME, (a + b - 2 * c) % PRIME]
    return state


def poseidon(felts):
    """The sponge over any number of felts, padded with 1 and, to an even number, 0."""
    felts = felts + [1]
    felts += [0] * (len(felts) % 2)
    state = [0, 0, 0]
    for a, b in zip(felts[::2], felts[1::2]):
        state = hades([(state[0] + a) % PRIME, (state[1] + b) % PRIME, state[2]])
    return state[0]


def kv_append(p, i):
    root, words = 0, []
    for keys, values in zip(i["keys"], i["values"], strict=True):
        # A position: for each layer its key row, then its value row.
        record = [x for k, v in zip(keys, values, strict=True) for x in k + v]
        packed = kv_words(record)
        root = poseidon([root] + packed)
        words.append([hex(word) for word in packed])
    return hex(root), {"words": words}


OPERATIONS = {
    "embed": embed,
    "rmsnorm": rmsnorm,
    "linear": linear,
    "requantize": requantize_all,
    "rope": rope,
    "kv_append": kv_append,
    "scores": scores,
    "softmax": softmax,
    "mix": mix,
    "silu": silu,
    "mul": mul,
    "add": add,
    "argmax": argmax,
}


def text(document):
    """A case to four lines, or five."""
    cases = []
    for case in document["cases"]:
        fields = [f"      {json.dumps(k)}: {json.dumps(v)}" for k, v in case.items()]
        cases.append("    {\n" + ",\n".join(fields) + "\n    }")
    head = f'{{\n  "operation": {json.dumps(document["operation"])},\n  "cases": [\n'
    return head + ",\n".join(cases) + "\n  ]\n}\n"


def main():
    write = sys.argv[1:] == ["write"]
    if sys.argv[1:] and not write:
        sys.exit(__doc__)
    wrong = []
    for name, operation in OPERATIONS.items():
        path = HERE / f"{name}.json"
        document = json.loads(path.read_text())
        for case in document["cases"]:
            output, between = operation(case["parameters"], case["inputs"])
            derived = {"output": output} | ({"between": between} if between else {})
            if write:
                case.pop("between", None)
                case |= derived
            elif any(case.get(key) != derived.get(key) for key in ("output", "between")):
                wrong.append(f"{path.name}: {case['name']}: derived {json.dumps(derived)}")
        if write:
            path.write_text(text(document))
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
