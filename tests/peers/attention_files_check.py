"""Opens the files of `sisun attend --format npz,safetensors,json,csv` with the software that people use for them.

    pip install numpy safetensors
    python attention_files_check.py DIR

Checks that DIR/attention.npz loads without pickle, that every pattern is [head, query, key] with rows that sum to 1
and nothing above the diagonal, and that the other files present hold the same values. Prints one line and exits 0, or
fails at the first thing that is wrong.
"""

import csv
import json
import pathlib
import sys

import numpy as np
from safetensors import safe_open

folder = pathlib.Path(sys.argv[1])
arrays = np.load(folder / "attention.npz", allow_pickle=False)
tokens, heads = arrays["tokens"], arrays["heads"]
n = len(tokens)
assert tokens.dtype.kind == "U" and tokens.shape == (n,), tokens.dtype
assert arrays["ids"].shape == (n,) and arrays["offsets"].shape == (n, 2)
assert (arrays["offsets"][:, 0] <= arrays["offsets"][:, 1]).all()

above = np.triu_indices(n, 1)
patterns = {int(name[5:]): arrays[name] for name in arrays.files if name.startswith("layer") and name[5:].isdigit()}
assert patterns, f"no layer0, layer1, … among {arrays.files}"
for layer, pattern in patterns.items():
    assert pattern.dtype == np.float32 and pattern.shape == (len(heads), n, n), (layer, pattern.dtype, pattern.shape)
    np.testing.assert_allclose(pattern.sum(-1), 1, atol=1e-5, err_msg=f"rows of layer {layer}")
    assert (pattern >= 0).all() and (pattern[:, above[0], above[1]] == 0).all(), f"layer {layer} looks ahead"
    if f"scores{layer}" in arrays.files:
        scores = arrays[f"scores{layer}"]
        assert np.isneginf(scores[:, above[0], above[1]]).all(), f"scores of layer {layer} above the diagonal"
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        np.testing.assert_allclose(weights / weights.sum(-1, keepdims=True), pattern, atol=1e-5)
checked = ["npz"]

if (folder / "attention.safetensors").exists():
    with safe_open(folder / "attention.safetensors", framework="numpy") as file:
        metadata = file.metadata()
        assert [token["text"] for token in json.loads(metadata["tokens"])] == tokens.tolist()
        names = json.loads(metadata["heads"])
        assert set(file.keys()) == set(names)
        for name in file.keys():
            assert np.array_equal(file.get_tensor(name), arrays[name]), name
            assert len(names[name]) == len(arrays[name])
    checked.append("safetensors")

if (folder / "attention.json").exists():
    document = json.loads((folder / "attention.json").read_text(encoding="utf-8"))
    assert [token["text"] for token in document["tokens"]] == tokens.tolist()
    assert [token["id"] for token in document["tokens"]] == arrays["ids"].tolist()
    for layer in document["layers"]:
        rows = [head["pattern"] for head in layer["heads"] if "pattern" in head]
        assert np.array_equal(np.array(rows, dtype=np.float32), patterns[layer["layer"]])
    checked.append("json")

if (folder / "attention.csv").exists():
    head_at = {int(head): i for i, head in enumerate(heads)}
    count = 0
    with open(folder / "attention.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            query, key = int(row["query"]), int(row["key"])
            assert (row["query_token"], row["key_token"]) == (tokens[query], tokens[key])
            weight = patterns[int(row["layer"])][head_at[int(row["head"])], query, key]
            assert np.float32(row["weight"]) == weight, row
            count += 1
    assert count == len(patterns) * len(heads) * n * n, count
    checked.append("csv")

print(f"{', '.join(checked)}: {len(patterns)} layers, {len(heads)} heads, {n} tokens agree")
