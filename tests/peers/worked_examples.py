"""Recomputes the worked attention examples of two public documents exactly and lists what they print wrong.

"mat": "The cat sat on the mat", one query ("sat") over six words, a lecture note of 2023.
"baekgopa": "어제 밤에 배가 고파서 치킨을 시켜서 먹었다", eight words, a post of 2024-12-01.
Neither has a causal mask. Everything up to the scaled scores is computed in fractions, the rest in float64.

Writes fixtures/worked_examples.json and prints the deviations, table by table:

    python tests/peers/worked_examples.py
"""

import json
import math
from collections import Counter
from fractions import Fraction
from pathlib import Path

FIXTURE = Path(__file__).parent / "fixtures" / "worked_examples.json"


def table(text):
    """Numbers as strings, so that their printed precision is known."""
    return [line.split() for line in text.strip().splitlines()]


def exact(printed):
    return [[Fraction(x) for x in row] for row in printed]


def matmul(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def transposed(a):
    return [list(column) for column in zip(*a)]


def softmax(row):
    e = [math.exp(x) for x in row]
    total = math.fsum(e)
    return [x / total for x in e]


def attention(q, k, v):
    scores = matmul(q, transposed(k))
    scaled = [[x / 2 for x in row] for row in scores]  # d_head = 4 in both
    weights = [softmax(row) for row in scaled]
    return {
        "Q": q,
        "K": k,
        "V": v,
        "scores": scores,
        "scaled": scaled,
        "weights": weights,
        "context": matmul(weights, [[float(x) for x in row] for row in v]),
    }


def half_unit(printed):
    """Half of the last printed decimal place."""
    return Fraction(1, 2 * 10 ** len(printed.partition(".")[2]))


def agrees(printed, right):
    """Whether `printed` is `right` correctly rounded, either way at a tie (and within what float64 blurs)."""
    return abs(Fraction(printed) - Fraction(right)) <= half_unit(printed) + Fraction(1, 10**12)


def compare(document, location, printed, right, from_printed):
    """One deviation for each printed number that is not the right one rounded.

    `from_printed` is what follows from the document's own previous table: where the printed number agrees with that,
    an earlier error (or earlier rounding) was only carried on.
    """
    found = []
    for i, row in enumerate(printed):
        for j, number in enumerate(row):
            if agrees(number, right[i][j]):
                continue
            carried = agrees(number, from_printed[i][j])
            found.append(
                {
                    "document": document,
                    "location": location,
                    "row": i,
                    "column": j,
                    "printed": number,
                    "right": float(right[i][j]),
                    "from_printed_inputs": float(from_printed[i][j]),
                    "cause": "carried on from an earlier table" if carried else "wrong in this table",
                }
            )
    return found


# ---- "The cat sat on the mat" ----------------------------------------------------------------------------------

MAT_TOKENS = ["the", "cat", "sat", "on", "the", "mat"]
MAT_QK = table("""
1 0 1 0
0 1 0 1
1 1 1 1
0 0 1 1
1 0 0 1
1 1 0 0
""")
MAT_V = table("""
0.1 0.0 0.1 0.0
0.0 0.2 0.0 0.2
0.3 0.3 0.3 0.3
0.0 0.0 0.1 0.1
0.1 0.0 0.0 0.1
0.2 0.2 0.0 0.0
""")
SAT = 2


def mat():
    name = "mat"
    right = attention(exact(MAT_QK), exact(MAT_QK), exact(MAT_V))
    e = [math.exp(x) for x in right["scaled"][SAT]]
    printed_e = table("2.718 2.718 7.389 2.718 2.718 2.718")
    printed_sum = sum(Fraction(x) for x in printed_e[0])
    printed_scaled = table("1.0 1.0 2.0 1.0 1.0 1.0")
    printed_weights = table("0.1296 0.1296 0.352 0.1296 0.1296 0.1296")
    from_sum = [[Fraction(x) / Fraction("20.979") for x in printed_e[0]]]
    row = {key: [value[SAT]] for key, value in right.items()}
    factors = table("0.13 0.13 0.35 0.13 0.13 0.13")
    deviations = [
        *compare(name, "step 1, q·k", table("2 2 4 2 2 2"), row["scores"], row["scores"]),
        *compare(name, "step 2, scaled scores", printed_scaled, row["scaled"], row["scaled"]),
        *compare(name, "step 3, exp", printed_e, [e], [e]),
        *compare(name, "step 3, sum of exp", [["20.979"]], [[math.fsum(e)]], [[printed_sum]]),
        *compare(name, "step 3, softmax", printed_weights, row["weights"], from_sum),
        *compare(name, "step 4, factors", factors, row["weights"], exact(printed_weights)),
    ]
    return {"tokens": MAT_TOKENS, "d_head": 4, "query": SAT, **right}, deviations


# ---- "어제 밤에 배가 고파서 치킨을 시켜서 먹었다" ------------------------------------------------------------------

BAE_TOKENS = ["어제", "밤에", "배", "가", "고파서", "치킨을", "시켜서", "먹었다"]
BAE = 2
BAE_X = table("""
0.1 0.2 0.1 0.3
0.0 0.1 0.2 0.4
0.5 0.3 0.2 0.1
0.1 0.1 0.1 0.2
0.2 0.3 0.1 0.0
0.4 0.0 0.3 0.2
0.3 0.1 0.4 0.1
0.5 0.2 0.0 0.1
""")
BAE_W_Q = table("""
0.5 0.1 0.2 0.2
0.2 0.3 0.1 0.4
0.1 0.5 0.3 0.1
0.3 0.1 0.4 0.2
""")
BAE_W_K = table("""
0.4 0.2 0.1 0.3
0.1 0.3 0.2 0.5
0.2 0.4 0.5 0.1
0.3 0.2 0.1 0.4
""")
BAE_W_V = table("""
0.3 0.1 0.2 0.4
0.1 0.4 0.3 0.2
0.4 0.2 0.1 0.3
0.2 0.3 0.4 0.1
""")
PRINTED_Q = table("""
0.17 0.24 0.17 0.22
0.17 0.28 0.23 0.20
0.36 0.27 0.26 0.25
0.11 0.15 0.13 0.14
0.16 0.18 0.12 0.16
0.28 0.16 0.26 0.24
0.31 0.18 0.27 0.25
0.32 0.19 0.20 0.22
""")
PRINTED_K = table("""
0.15 0.22 0.20 0.28
0.18 0.30 0.28 0.32
0.33 0.31 0.27 0.30
0.10 0.15 0.13 0.18
0.14 0.20 0.16 0.19
0.28 0.18 0.23 0.26
0.27 0.24 0.25 0.27
0.26 0.24 0.20 0.24
""")
PRINTED_V = table("""
0.17 0.18 0.18 0.18
0.22 0.20 0.18 0.18
0.32 0.26 0.23 0.21
0.13 0.13 0.13 0.12
0.17 0.17 0.15 0.12
0.30 0.21 0.23 0.20
0.32 0.23 0.24 0.21
0.29 0.22 0.20 0.18
""")
PRINTED_SCORES = table("""
0.156 0.212 0.199 0.119 0.158 0.211 0.229 0.217
0.170 0.236 0.220 0.131 0.175 0.233 0.248 0.230
0.274 0.374 0.342 0.204 0.266 0.352 0.375 0.340
0.114 0.154 0.143 0.085 0.110 0.147 0.158 0.144
0.131 0.174 0.159 0.095 0.126 0.166 0.176 0.159
0.239 0.315 0.288 0.173 0.227 0.302 0.321 0.293
0.264 0.346 0.316 0.189 0.249 0.328 0.349 0.319
0.258 0.339 0.311 0.186 0.243 0.320 0.340 0.313
""")
PRINTED_SCALED = table("""
0.078 0.106 0.100 0.060 0.079 0.106 0.115 0.109
0.085 0.118 0.110 0.065 0.087 0.117 0.124 0.115
0.137 0.187 0.171 0.102 0.133 0.176 0.188 0.170
0.057 0.077 0.071 0.043 0.055 0.074 0.079 0.072
0.065 0.087 0.080 0.048 0.063 0.083 0.088 0.080
0.120 0.158 0.144 0.087 0.114 0.151 0.160 0.146
0.132 0.173 0.158 0.095 0.125 0.164 0.175 0.160
0.129 0.170 0.156 0.093 0.121 0.160 0.170 0.157
""")
PRINTED_EXP = table("1.147 1.205 1.187 1.108 1.143 1.193 1.207 1.186")
PRINTED_ROW = table("0.122 0.129 0.127 0.118 0.122 0.127 0.129 0.127")
PRINTED_WEIGHTS = table("""
0.123 0.127 0.126 0.121 0.123 0.127 0.128 0.127
0.123 0.127 0.126 0.120 0.123 0.127 0.128 0.126
0.122 0.129 0.127 0.118 0.122 0.127 0.129 0.127
0.124 0.127 0.126 0.122 0.124 0.126 0.127 0.126
0.124 0.127 0.126 0.122 0.124 0.126 0.127 0.126
0.122 0.127 0.125 0.118 0.122 0.126 0.127 0.125
0.123 0.128 0.126 0.118 0.122 0.127 0.128 0.126
0.123 0.128 0.126 0.119 0.122 0.127 0.128 0.126
""")
PRINTED_CONTEXT_ROW = table("0.275 0.222 0.206 0.183")
PRINTED_CONTEXT = table("""
0.267 0.219 0.204 0.181
0.267 0.219 0.204 0.181
0.275 0.222 0.206 0.183
0.263 0.218 0.203 0.180
0.263 0.218 0.203 0.180
0.270 0.221 0.205 0.182
0.272 0.221 0.205 0.182
0.271 0.220 0.204 0.181
""")


def baekgopa():
    name = "baekgopa"
    x, w_q, w_k, w_v = (exact(printed) for printed in (BAE_X, BAE_W_Q, BAE_W_K, BAE_W_V))
    right = attention(matmul(x, w_q), matmul(x, w_k), matmul(x, w_v))
    e = [math.exp(x) for x in right["scaled"][BAE]]
    printed_e = [math.exp(float(x)) for x in PRINTED_SCALED[BAE]]
    sum_printed = sum(Fraction(x) for x in PRINTED_EXP[0])

    from_qk = matmul(exact(PRINTED_Q), transposed(exact(PRINTED_K)))
    halved = [[x / 2 for x in row] for row in exact(PRINTED_SCORES)]
    normalised = [[Fraction(x) / Fraction("9.376") for x in PRINTED_EXP[0]]]
    from_scaled = [softmax([float(x) for x in row]) for row in PRINTED_SCALED]
    from_weights = matmul(exact(PRINTED_WEIGHTS), exact(PRINTED_V))
    weights_row, context_row = [right["weights"][BAE]], [right["context"][BAE]]
    deviations = [
        *compare(name, "Q = X W_Q", PRINTED_Q, right["Q"], right["Q"]),
        *compare(name, "K = X W_K", PRINTED_K, right["K"], right["K"]),
        *compare(name, "V = X W_V", PRINTED_V, right["V"], right["V"]),
        *compare(name, "Q Kᵀ", PRINTED_SCORES, right["scores"], from_qk),
        *compare(name, "Q Kᵀ scaled", PRINTED_SCALED, right["scaled"], halved),
        *compare(name, "exp of row 3", PRINTED_EXP, [e], [printed_e]),
        *compare(name, "sum of exp of row 3", [["9.376"]], [[math.fsum(e)]], [[sum_printed]]),
        *compare(name, "softmax of row 3", PRINTED_ROW, weights_row, normalised),
        *compare(name, "attention weights", PRINTED_WEIGHTS, right["weights"], from_scaled),
        *compare(name, "output of row 3", PRINTED_CONTEXT_ROW, context_row, [from_weights[BAE]]),
        *compare(name, "attention output", PRINTED_CONTEXT, right["context"], from_weights),
        {
            "document": name,
            "location": "section 5, final output of 배",
            "printed": "[0.73, 0.32]",
            "right": right["context"][BAE],
            "cause": "two numbers where there are four, and none of them",
        },
        {
            "document": name,
            "location": "section 5, 배 attends most to",
            "printed": "고파서",
            "right": BAE_TOKENS[max(range(8), key=lambda i: right["weights"][BAE][i])],
            "rank_of_printed": sorted(right["weights"][BAE], reverse=True).index(right["weights"][BAE][4]) + 1,
            "cause": "the weights say otherwise",
        },
    ]
    example = {"tokens": BAE_TOKENS, "d_head": 4, "query": BAE, "X": x, "W_Q": w_q, "W_K": w_k, "W_V": w_v}
    return {**example, **right}, deviations


# ---- report ----------------------------------------------------------------------------------------------------


def show(deviations):
    counts = Counter((d["document"], d["location"]) for d in deviations)
    table = None
    for d in deviations:
        if (d["document"], d["location"]) != table:
            table = (d["document"], d["location"])
            print(f"\n{d['document']}: {d['location']} ({counts[table]} wrong)")
        if "row" in d:
            print(
                f"  row {d['row'] + 1} column {d['column'] + 1}: printed {d['printed']}, right {d['right']:.6f},"
                f" from the printed inputs {d['from_printed_inputs']:.6f}: {d['cause']}"
            )
        else:
            print(f"  printed {d['printed']}, right {d['right']}: {d['cause']}")


def to_json(value, depth=2):
    """Line breaks in the outer `depth` levels only: a matrix stays on one line."""
    if depth == 0 or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=float)
    if isinstance(value, list):
        return "[\n" + ",\n".join(to_json(x, depth - 1) for x in value) + "\n]"
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {to_json(x, depth - 1)}" for key, x in value.items()) + "\n}"


def main():
    (first, first_deviations), (second, second_deviations) = mat(), baekgopa()
    deviations = first_deviations + second_deviations
    for example in (first, second):
        for row in example["weights"]:
            assert math.isclose(math.fsum(row), 1.0, rel_tol=1e-15)
    show(deviations)
    fixture = {"mat": first, "baekgopa": second, "deviations": deviations}
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    FIXTURE.write_text(to_json(fixture) + "\n")
    print(f"\n{len(deviations)} deviations; {FIXTURE.name} written")


if __name__ == "__main__":
    main()
