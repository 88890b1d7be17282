"""Forward passes of tiny decoder-only transformers in NumPy (float64), written from the papers.

Writes fixtures/forward/{name}.safetensors: float32 weights, `tokens` [batch, pos], `logits` [batch, pos, vocab],
`loss` [], `pattern.{layer}` [batch, head, query, key] and `resid_post.{layer}` [batch, pos, d_model].
Metadata: `config`, the keys of the [model] table as TOML, and `versions`, what computed the file.

    python tests/peers/reference_forward.py
"""

import json
import math
import platform
import struct
from pathlib import Path
from zlib import crc32

import numpy as np
import safetensors
from safetensors.numpy import load_file

FIXTURES = Path(__file__).parent / "fixtures" / "forward"

BASE = {
    "vocab_size": 31,
    "d_model": 20,
    "n_layers": 2,
    "n_heads": 4,
    "n_kv_heads": 4,
    "d_ff": 29,
    "context_len": 11,
    "dropout": 0.0,
    "bias": True,
    "tied_head": True,
    "position": "learned",
    "norm": "layer",
    "norm_placement": "pre",
    "ffn": "gelu",
    "residual": True,
    "qk_norm": False,
    "causal": True,
    "scaled_scores": True,
    "init_std": 0.02,
    "norm_eps": 1e-5,
}

ROPE = {"kind": "rope", "base": 10000.0, "fraction": 1.0}
D_HEAD_6 = {"d_model": 24, "n_heads": 4, "n_kv_heads": 4}
GQA = {"d_model": 24, "n_heads": 6, "n_kv_heads": 2}

# What each fixture changes in BASE; "batch" and "pos" are the shape of its tokens.
VARIANTS = {
    "learned": {},
    "sinusoidal": {"position": "sinusoidal", "init_std": 0.7},
    "none": {"position": "none"},
    "rope": {**D_HEAD_6, "position": ROPE},
    "rope_fraction": {
        "d_model": 24,
        "n_heads": 2,
        "n_kv_heads": 2,
        "position": {"kind": "rope", "base": 500.0, "fraction": 0.5},
    },
    "alibi_2_heads": {"d_model": 12, "n_heads": 2, "n_kv_heads": 2, "position": "alibi"},
    "alibi_6_heads": {"d_model": 24, "n_heads": 6, "n_kv_heads": 6, "position": "alibi"},
    "t5_bias": {
        "d_model": 12,
        "n_heads": 3,
        "n_kv_heads": 3,
        "context_len": 41,
        "position": {"kind": "t5_bias", "buckets": 8, "max_distance": 16},
        "batch": 1,
        "pos": 37,
    },
    "rms_norm": {"norm": "rms"},
    "post_norm": {"norm_placement": "post"},
    "post_norm_rms": {"norm_placement": "post", "norm": "rms", "ffn": "swiglu"},
    "gqa": GQA,
    "gqa_rope": {**D_HEAD_6, "n_kv_heads": 2, "position": ROPE},
    "mqa": {**D_HEAD_6, "n_kv_heads": 1, "position": "alibi"},
    "ffn_gelu_tanh": {"ffn": "gelu_tanh"},
    "ffn_relu": {"ffn": "relu"},
    "ffn_relu_squared": {"ffn": "relu_squared"},
    "ffn_swiglu": {"ffn": "swiglu"},
    "ffn_none": {"ffn": "none"},
    "no_residual": {"residual": False},
    "no_residual_post_norm": {"residual": False, "norm_placement": "post"},
    "qk_norm": {"qk_norm": True},
    "qk_norm_rope": {**D_HEAD_6, "qk_norm": True, "position": ROPE},
    "untied_head": {"tied_head": False},
    "no_bias": {"bias": False},
    "not_causal": {"causal": False},
    "unscaled_scores": {"scaled_scores": False},
    "single_head": {"d_model": 12, "n_heads": 1, "n_kv_heads": 1, "position": "none", "ffn": "none"},
    "llama": {
        **GQA,
        "n_kv_heads": 3,
        "d_model": 36,
        "n_layers": 1,
        "position": ROPE,
        "norm": "rms",
        "norm_eps": 1e-6,
        "ffn": "swiglu",
        "bias": False,
        "tied_head": False,
    },
}


# ---- the model -------------------------------------------------------------------------------------------------


def sinusoidal_table(n_pos, d_model):
    """Vaswani et al. 2017, section 3.5."""
    pos = np.arange(n_pos)[:, None]
    angle = pos / 10000.0 ** (np.arange(0, d_model, 2)[None, :] / d_model)
    table = np.empty((n_pos, d_model))
    table[:, 0::2] = np.sin(angle)
    table[:, 1::2] = np.cos(angle)
    return table


def rope(x, base, fraction):
    """Su et al. 2021 with LLaMA's pairing: the first r dims of x [..., pos, d_head] turn, i together with i + r/2."""
    n_pos, d_head = x.shape[-2:]
    r = round(fraction * d_head)
    assert r % 2 == 0, r
    half = r // 2
    angle = np.arange(n_pos)[:, None] * base ** (-2.0 * np.arange(half) / r)
    cos, sin = np.cos(angle), np.sin(angle)
    a, b, rest = x[..., :half], x[..., half:r], x[..., r:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin, rest], axis=-1)


def alibi_slopes(n_heads):
    """Press et al. 2022: a geometric sequence for powers of two, filled from the doubled one otherwise."""
    if math.log2(n_heads).is_integer():
        return [2.0 ** (-8.0 * (head + 1) / n_heads) for head in range(n_heads)]
    below = 2 ** math.floor(math.log2(n_heads))
    return alibi_slopes(below) + alibi_slopes(2 * below)[0::2][: n_heads - below]


def t5_bucket(distance, buckets, max_distance):
    """Raffel et al. 2020, unidirectional: `distance` = query - key; later keys count as distance 0."""
    distance = max(distance, 0)
    exact = buckets // 2
    if distance < exact:
        return distance
    log_spaced = math.log(distance / exact) / math.log(max_distance / exact) * (buckets - exact)
    return min(exact + int(log_spaced), buckets - 1)


def position_bias(config, weights, n_pos):
    """What is added to the scaled scores, [head, query, key]."""
    position, n_heads = config["position"], config["n_heads"]
    bias = np.zeros((n_heads, n_pos, n_pos))
    for query in range(n_pos):
        for key in range(n_pos):
            if position == "alibi":
                bias[:, query, key] = [-slope * (query - key) for slope in alibi_slopes(n_heads)]
            elif kind(position) == "t5_bias":
                bucket = t5_bucket(query - key, position["buckets"], position["max_distance"])
                bias[:, query, key] = weights["position.bias"][bucket]
    return bias


def kind(position):
    return position["kind"] if isinstance(position, dict) else position


def rms_norm(x, weight, eps):
    """Zhang & Sennrich 2019."""
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps) * weight


def norm(config, weights, name, x):
    weight = weights[f"{name}.weight"]
    if config["norm"] == "rms":
        return rms_norm(x, weight, config["norm_eps"])
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred**2, axis=-1, keepdims=True)
    return centred / np.sqrt(variance + config["norm_eps"]) * weight + weights.get(f"{name}.bias", 0.0)


def linear(weights, name, x):
    return x @ weights[f"{name}.weight"] + weights.get(f"{name}.bias", 0.0)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention(config, weights, layer, x):
    """Returns the output [batch, pos, d_model] and the pattern [batch, head, query, key]."""
    batch, n_pos, d_model = x.shape
    n_heads, n_kv = config["n_heads"], config["n_kv_heads"]
    d_head = d_model // n_heads
    qkv = linear(weights, f"blocks.{layer}.attn.qkv", x)
    heads = qkv.reshape(batch, n_pos, n_heads + 2 * n_kv, d_head).transpose(0, 2, 1, 3)
    q, k, v = np.split(heads, [n_heads, n_heads + n_kv], axis=1)
    if config["qk_norm"]:
        q = rms_norm(q, weights[f"blocks.{layer}.attn.q_norm.weight"], config["norm_eps"])
        k = rms_norm(k, weights[f"blocks.{layer}.attn.k_norm.weight"], config["norm_eps"])
    if kind(config["position"]) == "rope":
        base, fraction = config["position"]["base"], config["position"]["fraction"]
        q, k = rope(q, base, fraction), rope(k, base, fraction)

    bias = position_bias(config, weights, n_pos)
    pattern = np.empty((batch, n_heads, n_pos, n_pos))
    z = np.empty((batch, n_pos, n_heads, d_head))
    for head in range(n_heads):
        shared = head // (n_heads // n_kv)
        scale = 1 / math.sqrt(d_head) if config["scaled_scores"] else 1.0
        scores = q[:, head] @ k[:, shared].transpose(0, 2, 1) * scale + bias[head]
        if config["causal"]:
            scores[:, np.triu(np.ones((n_pos, n_pos), dtype=bool), 1)] = -np.inf
        pattern[:, head] = softmax(scores)
        z[:, :, head] = pattern[:, head] @ v[:, shared]
    return linear(weights, f"blocks.{layer}.attn.o", z.reshape(batch, n_pos, n_heads * d_head)), pattern


def gelu(x):
    """Hendrycks & Gimpel 2016: x Φ(x)."""
    return x * 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))


def gelu_tanh(x):
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


def silu(x):
    return x / (1.0 + np.exp(-x))


ACTIVATIONS = {
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "relu": lambda x: np.maximum(x, 0.0),
    "relu_squared": lambda x: np.maximum(x, 0.0) ** 2,
}


def feed_forward(config, weights, layer, x):
    name = f"blocks.{layer}.ffn"
    up = linear(weights, f"{name}.up", x)
    if config["ffn"] == "swiglu":  # Shazeer 2020
        hidden = silu(linear(weights, f"{name}.gate", x)) * up
    else:
        hidden = ACTIVATIONS[config["ffn"]](up)
    return linear(weights, f"{name}.down", hidden)


def forward(config, weights, tokens):
    """Returns logits [batch, pos, vocab] and the activations by name."""
    seen = {}
    x = weights["embed.weight"][tokens]
    n_pos = tokens.shape[1]
    if config["position"] == "learned":
        x = x + weights["position.weight"][:n_pos]
    elif config["position"] == "sinusoidal":
        # Vaswani's sqrt(d) * E has standard deviation 1 where ours has init_std: the table is scaled instead.
        x = x + config["init_std"] * sinusoidal_table(n_pos, config["d_model"])

    def attend(config, weights, layer, x):
        out, seen[f"pattern.{layer}"] = attention(config, weights, layer, x)
        return out

    def half_block(x, layer, norm_name, f):
        skip = x if config["residual"] else 0.0
        norm_name = f"blocks.{layer}.{norm_name}"
        if config["norm_placement"] == "pre":
            return skip + f(config, weights, layer, norm(config, weights, norm_name, x))
        return norm(config, weights, norm_name, skip + f(config, weights, layer, x))

    for layer in range(config["n_layers"]):
        x = half_block(x, layer, "norm_attn", attend)
        if config["ffn"] != "none":
            x = half_block(x, layer, "norm_ffn", feed_forward)
        seen[f"resid_post.{layer}"] = x
    if config["norm_placement"] == "pre":
        x = norm(config, weights, "norm_final", x)
    return x @ (weights["embed.weight"].T if config["tied_head"] else weights["head.weight"]), seen


def next_token_loss(logits, tokens):
    """Mean cross-entropy in nats of tokens[:, 1:] under logits[:, :-1]."""
    logits, targets = logits[:, :-1], tokens[:, 1:]
    top = logits.max(axis=-1)
    log_sum = top + np.log(np.exp(logits - top[..., None]).sum(axis=-1))
    return np.mean(log_sum - np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0])


# ---- the fixtures ----------------------------------------------------------------------------------------------


def make_weights(config, rng):
    """Large enough that a wrong sign, axis or scale shows; float32 values, so that both sides start from the same."""
    d, ff, vocab = config["d_model"], config.get("d_ff"), config["vocab_size"]
    d_head = d // config["n_heads"]
    weights = {}

    def put(name, array):
        weights[name] = array.astype(np.float32).astype(np.float64)

    def put_linear(name, n_in, n_out):
        put(f"{name}.weight", rng.normal(0.0, 0.4, (n_in, n_out)))
        if config["bias"]:
            put(f"{name}.bias", rng.uniform(-0.1, 0.1, n_out))

    def put_norm(name):
        put(f"{name}.weight", rng.uniform(0.8, 1.2, d))
        if config["norm"] == "layer" and config["bias"]:
            put(f"{name}.bias", rng.uniform(-0.1, 0.1, d))

    put("embed.weight", rng.normal(0.0, 0.5, (vocab, d)))
    if config["position"] == "learned":
        put("position.weight", rng.normal(0.0, 0.4, (config["context_len"], d)))
    if kind(config["position"]) == "t5_bias":
        put("position.bias", rng.normal(0.0, 0.5, (config["position"]["buckets"], config["n_heads"])))
    for layer in range(config["n_layers"]):
        block = f"blocks.{layer}"
        put_norm(f"{block}.norm_attn")
        put_linear(f"{block}.attn.qkv", d, (config["n_heads"] + 2 * config["n_kv_heads"]) * d_head)
        put_linear(f"{block}.attn.o", config["n_heads"] * d_head, d)
        if config["qk_norm"]:
            put(f"{block}.attn.q_norm.weight", rng.uniform(0.8, 1.2, d_head))
            put(f"{block}.attn.k_norm.weight", rng.uniform(0.8, 1.2, d_head))
        if config["ffn"] != "none":
            put_norm(f"{block}.norm_ffn")
            put_linear(f"{block}.ffn.up", d, ff)
            if config["ffn"] == "swiglu":
                put_linear(f"{block}.ffn.gate", d, ff)
            put_linear(f"{block}.ffn.down", ff, d)
    if config["norm_placement"] == "pre":
        put_norm("norm_final")
    if not config["tied_head"]:
        put("head.weight", rng.normal(0.0, 0.4, (d, vocab)))
    return weights


def to_toml(config):
    def value(v):
        if isinstance(v, bool):
            return str(v).lower()
        if isinstance(v, str):
            return f'"{v}"'
        if isinstance(v, dict):
            return "{ " + ", ".join(f"{key} = {value(x)}" for key, x in v.items()) + " }"
        return f"{v:.1e}" if isinstance(v, float) and 0 < v < 1e-3 else repr(v)

    return "".join(f"{key} = {value(v)}\n" for key, v in config.items())


def save(path, arrays, metadata):
    """The safetensors format by hand: the library's own writer shuffles the metadata, and these files are committed."""
    header, data = {"__metadata__": metadata}, b""
    for name in sorted(arrays, key=lambda name: (-arrays[name].itemsize, name)):
        array = arrays[name]
        dtype = {"float32": "F32", "int64": "I64"}[str(array.dtype)]
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": offsets}
        data += array.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    read = load_file(path)
    assert read.keys() == arrays.keys()
    assert all(np.array_equal(read[name], array) and read[name].dtype == array.dtype for name, array in arrays.items())


def check_parts():
    """The parts with a published or provable answer."""
    assert alibi_slopes(8) == [0.5**i for i in range(1, 9)]  # the paper's section 3
    root = 2**-0.5
    assert np.allclose(alibi_slopes(6), [1 / 4, 1 / 16, 1 / 64, 1 / 256, 1 / 2, 1 / 8])
    assert np.allclose(alibi_slopes(12)[8:], [root, root**3, root**5, root**7])
    # T5's defaults, from the buckets' edges 16·8^(i/16) worked out by hand.
    assert [t5_bucket(n, 32, 128) for n in (-3, 0, 15, 16, 18, 19, 20, 21, 113, 127, 128, 5000)] == [
        *(0, 0, 15, 16, 16, 17, 17, 18, 31, 31, 31, 31),
    ]
    assert [t5_bucket(n, 8, 16) for n in range(18)] == [0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7]
    assert np.allclose(sinusoidal_table(3, 4)[2], [math.sin(2), math.cos(2), math.sin(0.02), math.cos(0.02)])
    # RoPE is a rotation whose inner products depend on the offset alone.
    rng = np.random.default_rng(1)
    q, k = (np.repeat(rng.normal(size=(1, 6)), 9, axis=0) for _ in range(2))
    scores = rope(q, 500.0, 2 / 3) @ rope(k, 500.0, 2 / 3).T
    assert np.allclose(scores[2:, 1:8].diagonal(), scores[2, 1])
    assert not np.allclose(scores[3, 1], scores[2, 1])
    # Known values: Φ(1) = 0.8413447461; the tanh form is near it, not equal to it.
    assert abs(gelu(np.array(1.0)) - 0.8413447461) < 1e-9
    assert 1e-5 < abs(gelu_tanh(np.array(1.0)) - 0.8413447461) < 1e-3
    assert abs(silu(np.array(2.0)) - 2.0 * 0.8807970780) < 1e-9
    # Uniform logits cost ln(vocab).
    assert np.isclose(next_token_loss(np.zeros((1, 3, 7)), np.array([[1, 2, 3]])), math.log(7))


def check_whole(config, weights, tokens, logits, seen):
    """What must hold for every variant whatever the weights."""
    n_pos = tokens.shape[1]
    changed = tokens.copy()
    changed[:, -1] = (changed[:, -1] + 1) % config["vocab_size"]
    earlier = np.abs(forward(config, weights, changed)[0] - logits)[:, :-1].max()
    assert (earlier == 0.0) == config["causal"], earlier
    for layer in range(config["n_layers"]):
        pattern = seen[f"pattern.{layer}"]
        assert np.allclose(pattern.sum(axis=-1), 1.0)
        assert not config["causal"] or np.triu(pattern, 1).max() == 0.0
        # Neither uniform nor one-hot, or mistakes in the scores would not show.
        peak = pattern[:, :, -1].max(axis=-1).mean()
        assert 1.3 / n_pos < peak < 0.97, peak


def main():
    check_parts()
    FIXTURES.mkdir(parents=True, exist_ok=True)
    versions = f"python {platform.python_version()}, numpy {np.__version__}, safetensors {safetensors.__version__}"
    for name, changes in VARIANTS.items():
        changes = dict(changes)
        batch, n_pos = changes.pop("batch", 3), changes.pop("pos", 7)
        config = {**BASE, **changes}
        if config["ffn"] == "none":
            del config["d_ff"]
        rng = np.random.default_rng(crc32(name.encode()))
        weights = make_weights(config, rng)
        tokens = rng.integers(0, config["vocab_size"], (batch, n_pos))
        logits, seen = forward(config, weights, tokens)
        check_whole(config, weights, tokens, logits, seen)
        results = {"logits": logits, "loss": next_token_loss(logits, tokens), **seen}
        arrays = {key: np.asarray(array, dtype=np.float32) for key, array in (weights | results).items()}
        arrays["tokens"] = tokens.astype(np.int64)
        path = FIXTURES / f"{name}.safetensors"
        save(path, arrays, {"config": to_toml(config), "versions": versions})
        print(f"{path.name:32} {path.stat().st_size:6} bytes  loss {float(results['loss']):.6f}")


if __name__ == "__main__":
    main()
