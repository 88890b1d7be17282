"""Position encodings in numbers, by NumPy from the papers' formulas.

Writes fixtures/positions.json: for each case the settings of a model, and by offset the mean, standard deviation, smallest
and largest cosine (and inner product) of two positions of an added table, RoPE's radians and similarity, or the biases of
ALiBi and T5. Tables that are learned are made here and stand in the file, rounded to three decimals.

    python tests/peers/reference_positions.py
"""

import json
import math
from pathlib import Path

import numpy as np

OUT = Path(__file__).parent / "fixtures" / "positions.json"
DRAWS = np.random.default_rng(20)


def similarity(rows):
    """Both similarities of the rows of a table, by the offset of two rows."""
    n = len(rows)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found = {}
    for name, vectors in (("cosine", unit), ("dot", rows)):
        by_offset = [[float(vectors[i] @ vectors[i + k]) for i in range(n - k)] for k in range(n)]
        found[name] = spread(by_offset)
    return found


def spread(groups):
    return {
        "mean": [float(np.mean(group)) for group in groups],
        "deviation": [float(np.std(group)) for group in groups],
        "least": [float(np.min(group)) for group in groups],
        "most": [float(np.max(group)) for group in groups],
    }


def sinusoidal(n, d):
    """Vaswani et al. 2017, section 3.5."""
    table = np.zeros((n, d))
    for p in range(n):
        for i in range(d // 2):
            angle = p / 10000 ** (2 * i / d)
            table[p, 2 * i], table[p, 2 * i + 1] = math.sin(angle), math.cos(angle)
    return table


def rope(n, dims, base, linear=1.0):
    """Su et al. 2021, equation 15; the frequencies divided by a factor (position interpolation)."""
    theta = [base ** (-2 * (i - 1) / dims) / linear for i in range(1, dims // 2 + 1)]
    turned = []
    bound = []
    for m in range(n):
        # A vector whose pairs are (1, 0), against itself rotated by the matrix of equation 15.
        cosines = []
        for angle in theta:
            rotation = np.array(
                [
                    [math.cos(m * angle), -math.sin(m * angle)],
                    [math.sin(m * angle), math.cos(m * angle)],
                ]
            )
            cosines.append(float(np.array([1.0, 0.0]) @ rotation @ np.array([1.0, 0.0])))
        turned.append(cosines)
        partial = np.cumsum(np.exp(1j * m * np.array(theta)))
        bound.append(float(np.mean(np.abs(partial))))
    return {"radians": theta, "cosine": spread(turned), "bound": bound}


def alibi(n, heads, causal):
    """Press et al. 2022, section 3: a geometric sequence that starts at 2^(-8/n); their code for other numbers."""

    def power(count):
        start = 2 ** (-(2 ** -(math.log2(count) - 3)))
        return [start * start**i for i in range(count)]

    if math.log2(heads).is_integer():
        slopes = power(heads)
    else:
        below = 2 ** math.floor(math.log2(heads))
        slopes = power(below) + power(2 * below)[0::2][: heads - below]
    offsets = range(0 if causal else 1 - n, n)
    return {"slopes": slopes, "bias": [[-slope * abs(offset) for offset in offsets] for slope in slopes]}


def t5(n, table, buckets, max_distance, causal):
    """Raffel et al. 2020, section 2.1, as `_relative_position_bucket` of their code computes it."""

    def bucket(relative):
        # `relative` is key - query, as there.
        number, count = 0, buckets
        if not causal:
            count //= 2
            number += count if relative > 0 else 0
            relative = abs(relative)
        else:
            relative = -min(relative, 0)
        exact = count // 2
        if relative < exact:
            return number + relative
        large = exact + int(math.log(relative / exact) / math.log(max_distance / exact) * (count - exact))
        return number + min(large, count - 1)

    offsets = range(0 if causal else 1 - n, n)
    numbers = [bucket(-offset) for offset in offsets]
    return {"buckets": numbers, "bias": [[row[number] for number in numbers] for row in np.array(table).T.tolist()]}


def main():
    n, d = 12, 16
    learned = np.round(DRAWS.normal(0, 0.3, (n, d)), 3)
    biases = np.round(DRAWS.normal(0, 1, (8, 4)), 3).tolist()
    assert alibi(2, 8, True)["slopes"][:2] == [0.5, 0.25], "the paper's example of 8 heads"
    assert alibi(2, 6, True)["slopes"][4] == 0.5, "then those of 8 heads, every other"
    cases = {
        "sinusoidal": {"table": sinusoidal(n, d).tolist(), **similarity(sinusoidal(n, d))},
        "learned": {"table": learned.tolist(), **similarity(learned)},
        "rope": rope(n, 8, 10000.0),
        "rope_linear": rope(n, 8, 500.0, 4.0),
        "alibi_4": alibi(n, 4, True),
        "alibi_6": alibi(n, 6, True),
        "alibi_both": alibi(n, 4, False),
        "t5": {"table": biases, **t5(n, biases, 8, 10, True)},
        "t5_both": {"table": biases, **t5(n, biases, 8, 10, False)},
    }
    OUT.write_text(json.dumps({"positions": n, "d_model": d, **cases}) + "\n")
    print(f"{OUT.name}: {len(cases)} cases, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
