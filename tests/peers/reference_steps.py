"""One query of one head worked through in NumPy (float64), from the embedding to the next token.

Takes models and tokens from fixtures/forward and writes fixtures/steps.json: for each variant the vectors of the query's
token around one layer, the share of the head, and the probability of the most likely next token at each point of the
residual stream (final norm, head, softmax), the last of which must be that of the forward pass.

    python tests/peers/reference_steps.py
"""

import json
import math
import tomllib
from pathlib import Path

import numpy as np
from reference_forward import FIXTURES, feed_forward, forward, kind, norm, position_bias, rms_norm, rope, sinusoidal_table, softmax
from safetensors import safe_open

FIXTURE = FIXTURES.parent / "steps.json"
# Variant: layer, head, query.
VARIANTS = {
    "learned": (1, 2, 4),
    "sinusoidal": (0, 1, 3),
    "gqa_rope": (1, 3, 5),
    "rope_fraction": (1, 1, 5),
    "qk_norm_rope": (1, 0, 4),
    "alibi_6_heads": (0, 5, 5),
    "post_norm_rms": (1, 3, 4),
    "no_residual": (1, 1, 3),
    "no_residual_post_norm": (1, 0, 3),
    "ffn_none": (1, 2, 4),
    "not_causal": (1, 1, 2),
    "unscaled_scores": (1, 0, 3),
    "llama": (0, 4, 5),
}


def read(name):
    with safe_open(FIXTURES / f"{name}.safetensors", "np") as file:
        config = tomllib.loads(file.metadata()["config"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    tokens = tensors.pop("tokens")[:1]
    weights = {key: value.astype(np.float64) for key, value in tensors.items()}
    return config, weights, tokens


def next_probabilities(config, weights, streams):
    """Softmax of the head over vectors of the stream, [point, vocab]."""
    x = np.array(streams)
    if config["norm_placement"] == "pre":
        x = norm(config, weights, "norm_final", x)
    return softmax(x @ (weights["embed.weight"].T if config["tied_head"] else weights["head.weight"]))


def work(name, layer, head, query):
    config, weights, tokens = read(name)
    n, d = tokens.shape[1], config["d_model"]
    n_heads, n_kv = config["n_heads"], config["n_kv_heads"]
    d_head, kv = d // n_heads, head // (n_heads // n_kv)
    pre, residual = config["norm_placement"] == "pre", config["residual"]
    embedding = weights["embed.weight"][tokens[0]]
    position = None
    if config["position"] == "learned":
        position = weights["position.weight"][:n]
    elif config["position"] == "sinusoidal":
        position = config["init_std"] * sinusoidal_table(n, d)
    x = embedding if position is None else embedding + position
    points = [("embed", embedding[query])] + ([] if position is None else [("pos_embed", x[query])])
    found = {"layer": layer, "head": head, "query": query, "embedding": embedding[query], "positioned": x[query]}
    if position is not None:
        found["position"] = position[query]

    for at in range(config["n_layers"]):
        block = f"blocks.{at}"
        before = x
        read_by_attention = norm(config, weights, f"{block}.norm_attn", x) if pre else x
        w, b = weights[f"{block}.attn.qkv.weight"], weights.get(f"{block}.attn.qkv.bias", np.zeros(1))
        product = read_by_attention @ w + b
        outputs, shares = np.zeros((n, d)), []
        for h in range(n_heads):
            columns = [h, n_heads + h // (n_heads // n_kv), n_heads + n_kv + h // (n_heads // n_kv)]
            q_raw, k_raw, v = (product[:, c * d_head : (c + 1) * d_head] for c in columns)
            q, k = q_raw, k_raw
            if config["qk_norm"]:
                q = rms_norm(q, weights[f"{block}.attn.q_norm.weight"], config["norm_eps"])
                k = rms_norm(k, weights[f"{block}.attn.k_norm.weight"], config["norm_eps"])
            unturned = q
            if kind(config["position"]) == "rope":
                turn = (config["position"]["base"], config["position"]["fraction"])
                q, k = rope(q, *turn), rope(k, *turn)
            dots = q @ k.T
            scores = dots * (1 / math.sqrt(d_head) if config["scaled_scores"] else 1.0) + position_bias(config, weights, n)[h]
            if config["causal"]:
                scores[np.triu(np.ones((n, n), dtype=bool), 1)] = -np.inf
            pattern = softmax(scores)
            z = pattern @ v
            share = z @ weights[f"{block}.attn.o.weight"][h * d_head : (h + 1) * d_head]
            outputs += share
            if (at, h) == (layer, head):
                found.update(
                    q_product=q_raw[query], k_product=k_raw[query], v_product=v[query], q_unturned=unturned[query], q=q[query],
                    dots=dots[query], weights=pattern[query], z=z[query], share=share[query],
                )
            shares.append(share)
        outputs = outputs + weights.get(f"{block}.attn.o.bias", 0.0)

        def joined(stream, added, norm_name):
            total = (stream if residual else 0.0) + added
            return total if pre else norm(config, weights, norm_name, total)

        x = joined(before, outputs, f"{block}.norm_attn")
        middle = x
        points.append((f"attn_out {at}", middle[query]))
        added = None
        if config["ffn"] != "none":
            added = feed_forward(config, weights, at, norm(config, weights, f"{block}.norm_ffn", x) if pre else x)
            x = joined(x, added, f"{block}.norm_ffn")
            points.append((f"mlp_out {at}", x[query]))
        if at == layer:
            without = joined(before, outputs - shares[head], f"{block}.norm_attn")[query]
            found.update(before=before[query], attention=outputs[query], after_attention=middle[query], after=x[query])
            if pre:
                found["normed"] = read_by_attention[query]
            if added is not None:
                found["feed_forward"] = added[query]

    probabilities = next_probabilities(config, weights, [stream for _, stream in points] + [without])
    logits, _ = forward(config, weights, tokens)
    assert np.allclose(probabilities[-2], softmax(logits[0, query]), atol=1e-12), name
    token = int(np.argmax(probabilities[-2]))
    found["next"] = token
    found["points"] = {part: float(p[token]) for (part, _), p in zip(points, probabilities)}
    found["without_head"] = float(probabilities[-1][token])
    return found


def main():
    all_found = {name: work(name, *at) for name, at in VARIANTS.items()}
    plain = lambda value: [float(f"{x:.12g}") for x in value] if isinstance(value, np.ndarray) else value
    lines = [
        f'{json.dumps(name)}: {{\n' + ",\n".join(f"  {json.dumps(key)}: {json.dumps(plain(value))}" for key, value in found.items()) + "\n}"
        for name, found in all_found.items()
    ]
    FIXTURE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{FIXTURE.name}: {len(all_found)} variants, {FIXTURE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
