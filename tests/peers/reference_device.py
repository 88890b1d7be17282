"""The golden models by which `sisun devices --check` judges a device, in PyTorch (float64), written from the papers.

Writes crates/sisun-devices/golden/{name}.safetensors, all float32 but the tokens:

- the weights under Sisun's names, and the factors of adapters (`….lora.a`, `….lora.b`);
- `inputs.{i}` and `targets.{i}` [batch, pos], the batches of two optimizer steps;
- `expected.logits` [batch, pos, vocab] and `expected.pattern.{layer}` [batch, head, query, key] of the first batch;
- `expected.gradient.{parameter}`, of the mean cross-entropy of the first batch;
- `expected.lora.{factor}`, the same where only the adapters are trained;
- `expected.stepped.{parameter}`, the weights after two steps of AdamW with clipping.

Metadata: `config`, `train` and `lora`, the keys of those tables as TOML, and `versions`, what computed the file.

    python tests/peers/reference_device.py
"""

import math
import platform
from pathlib import Path

import numpy as np
import torch
from reference_forward import save, to_toml

GOLDEN = Path(__file__).parents[2] / "crates" / "sisun-devices" / "golden"

# Sizes are different primes where the architecture allows it, so that exchanged axes cannot go unnoticed.
MODELS = {
    "llama": {
        "vocab_size": 31,
        "d_model": 17,
        "n_layers": 2,
        "n_heads": 6,
        "n_kv_heads": 3,
        "d_head": 10,
        "d_ff": 23,
        "context_len": 13,
        "dropout": 0.0,
        "bias": False,
        "tied_head": False,
        "position": {"kind": "rope", "base": 10000.0, "fraction": 1.0},
        "norm": "rms",
        "ffn": "swiglu",
        "norm_eps": 1e-5,
    },
    "gpt2": {
        "vocab_size": 29,
        "d_model": 19,
        "n_layers": 2,
        "n_heads": 3,
        "n_kv_heads": 3,
        "d_head": 7,
        "d_ff": 37,
        "context_len": 13,
        "dropout": 0.0,
        "bias": True,
        "tied_head": True,
        "position": "learned",
        "norm": "layer",
        "ffn": "gelu",
        "norm_eps": 1e-5,
    },
}

BATCH, POS = 3, 11

# An epsilon that keeps the update smooth in the gradient: with the usual one the first step of AdamW is the gradient's
# sign, which rounding decides where a gradient is almost 0.
TRAIN = {
    "steps": 5,
    "batch_size": BATCH,
    "lr_max": 0.01,
    "schedule": "constant",
    "weight_decay": 0.1,
    "beta1": 0.9,
    "beta2": 0.95,
    "eps": 1e-3,
    "grad_clip": 0.5,
}

LORA = {"rank": 5, "alpha": 7.0}


# ---- the model -------------------------------------------------------------------------------------------------


def norm(config, weights, name, x):
    weight = weights[f"{name}.weight"]
    if config["norm"] == "rms":  # Zhang & Sennrich 2019
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + config["norm_eps"]) * weight
    return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, weights.get(f"{name}.bias"), config["norm_eps"])


def linear(weights, name, x):
    """x W + b, and the low-rank update x A B alpha/rank (Hu et al. 2021) where there is one."""
    out = x @ weights[f"{name}.weight"]
    if f"{name}.weight.lora.a" in weights:
        out = out + LORA["alpha"] / LORA["rank"] * (x @ weights[f"{name}.weight.lora.a"] @ weights[f"{name}.weight.lora.b"])
    return out + weights.get(f"{name}.bias", 0.0)


def rope(x, base):
    """Su et al. 2021, dimension i paired with i + d/2 as in LLaMA."""
    n_pos, d_head = x.shape[-2:]
    half = d_head // 2
    angle = torch.arange(n_pos)[:, None] * base ** (-2.0 * torch.arange(half, dtype=torch.float64) / d_head)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)


def attention(config, weights, layer, x):
    """Returns the output and the pattern [batch, head, query, key]."""
    batch, n_pos, _ = x.shape
    n_heads, n_kv, d_head = config["n_heads"], config["n_kv_heads"], config["d_head"]
    qkv = linear(weights, f"blocks.{layer}.attn.qkv", x).view(batch, n_pos, -1, d_head).transpose(1, 2)
    q, k, v = qkv.split([n_heads, n_kv, n_kv], 1)
    if config["position"] != "learned":
        q, k = rope(q, config["position"]["base"]), rope(k, config["position"]["base"])
    # Ainslie et al. 2023: each key head serves consecutive query heads.
    k, v = (t.repeat_interleave(n_heads // n_kv, 1) for t in (k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(d_head)
    pattern = scores.masked_fill(torch.ones(n_pos, n_pos, dtype=torch.bool).triu(1), -math.inf).softmax(-1)
    z = (pattern @ v).transpose(1, 2).reshape(batch, n_pos, -1)
    return linear(weights, f"blocks.{layer}.attn.o", z), pattern


def feed_forward(config, weights, layer, x):
    name = f"blocks.{layer}.ffn"
    up = linear(weights, f"{name}.up", x)
    if config["ffn"] == "swiglu":  # Shazeer 2020
        return linear(weights, f"{name}.down", torch.nn.functional.silu(linear(weights, f"{name}.gate", x)) * up)
    return linear(weights, f"{name}.down", torch.nn.functional.gelu(up))


def forward(config, weights, tokens):
    """Returns logits [batch, pos, vocab] and the pattern of each layer."""
    x, patterns = weights["embed.weight"][tokens], []
    if config["position"] == "learned":
        x = x + weights["position.weight"][: tokens.shape[1]]
    for layer in range(config["n_layers"]):
        out, pattern = attention(config, weights, layer, norm(config, weights, f"blocks.{layer}.norm_attn", x))
        patterns.append(pattern)
        x = x + out
        x = x + feed_forward(config, weights, layer, norm(config, weights, f"blocks.{layer}.norm_ffn", x))
    x = norm(config, weights, "norm_final", x)
    return x @ (weights["embed.weight"].T if config["tied_head"] else weights["head.weight"]), patterns


def loss(config, weights, batch):
    inputs, targets = batch
    logits, _ = forward(config, weights, inputs)
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


# ---- the files -------------------------------------------------------------------------------------------------


def make_weights(config, draws):
    """Large enough that a wrong sign, axis or scale shows; float32 values, so that both sides start from the same."""
    d, heads = config["d_model"], config["d_head"]
    weights = {}

    def put(name, values):
        weights[name] = torch.from_numpy(values.astype(np.float32)).double()

    def put_linear(name, n_in, n_out):
        put(f"{name}.weight", draws.normal(0.0, 0.3, (n_in, n_out)))
        if config["bias"]:
            put(f"{name}.bias", draws.uniform(-0.1, 0.1, n_out))

    def put_norm(name):
        put(f"{name}.weight", draws.uniform(0.8, 1.2, d))
        if config["bias"] and config["norm"] == "layer":
            put(f"{name}.bias", draws.uniform(-0.1, 0.1, d))

    put("embed.weight", draws.normal(0.0, 0.5, (config["vocab_size"], d)))
    if config["position"] == "learned":
        put("position.weight", draws.normal(0.0, 0.4, (config["context_len"], d)))
    for layer in range(config["n_layers"]):
        block = f"blocks.{layer}"
        put_norm(f"{block}.norm_attn")
        put_linear(f"{block}.attn.qkv", d, (config["n_heads"] + 2 * config["n_kv_heads"]) * heads)
        put_linear(f"{block}.attn.o", config["n_heads"] * heads, d)
        put_norm(f"{block}.norm_ffn")
        put_linear(f"{block}.ffn.up", d, config["d_ff"])
        if config["ffn"] == "swiglu":
            put_linear(f"{block}.ffn.gate", d, config["d_ff"])
        put_linear(f"{block}.ffn.down", config["d_ff"], d)
    put_norm("norm_final")
    if not config["tied_head"]:
        put("head.weight", draws.normal(0.0, 0.3, (d, config["vocab_size"])))
    return weights


def make_factors(weights, draws):
    factors = {}
    for name, weight in weights.items():
        if name.startswith("blocks.") and weight.dim() == 2:
            n_in, n_out = weight.shape
            for which, shape in (("a", (n_in, LORA["rank"])), ("b", (LORA["rank"], n_out))):
                values = draws.normal(0.0, 0.2, shape).astype(np.float32)
                factors[f"{name}.lora.{which}"] = torch.from_numpy(values).double()
    return factors


def gradients(config, trained, frozen, batch):
    leaves = {name: value.clone().requires_grad_() for name, value in trained.items()}
    loss(config, {**frozen, **leaves}, batch).backward()
    return {name: leaf.grad for name, leaf in leaves.items()}


def stepped(config, weights, batches):
    """Two steps of PyTorch's AdamW; matrices decay, and norms, biases, embeddings and positions do not."""
    leaves = {name: value.clone().requires_grad_() for name, value in weights.items()}
    decays = [leaf for name, leaf in leaves.items() if leaf.dim() == 2 and not name.startswith(("embed.", "position."))]
    rest = [leaf for leaf in leaves.values() if not any(leaf is other for other in decays)]
    groups = [{"params": decays, "weight_decay": TRAIN["weight_decay"]}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=TRAIN["lr_max"], betas=(TRAIN["beta1"], TRAIN["beta2"]), eps=TRAIN["eps"])
    for batch in batches:
        optimizer.zero_grad()
        loss(config, leaves, batch).backward()
        norm = torch.nn.utils.clip_grad_norm_(leaves.values(), TRAIN["grad_clip"])
        assert norm > TRAIN["grad_clip"], "the gradient is to be clipped"
        optimizer.step()
    return {name: leaf.detach() for name, leaf in leaves.items()}


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    versions = f"python {platform.python_version()}, torch {torch.__version__.split('+')[0]}, numpy {np.__version__}"
    for seed, (name, config) in enumerate(MODELS.items()):
        draws = np.random.default_rng(seed)
        weights = make_weights(config, draws)
        factors = make_factors(weights, draws)
        tokens = torch.from_numpy(draws.integers(0, config["vocab_size"], (4, BATCH, POS)))
        batches = [(tokens[0], tokens[1]), (tokens[2], tokens[3])]
        logits, patterns = forward(config, weights, batches[0][0])
        expected = {"logits": logits}
        expected |= {f"pattern.{layer}": pattern for layer, pattern in enumerate(patterns)}
        expected |= {f"gradient.{key}": value for key, value in gradients(config, weights, {}, batches[0]).items()}
        expected |= {f"lora.{key}": value for key, value in gradients(config, factors, weights, batches[0]).items()}
        expected |= {f"stepped.{key}": value for key, value in stepped(config, weights, batches).items()}
        arrays = {key: value.numpy().astype(np.float32) for key, value in {**weights, **factors}.items()}
        arrays |= {f"expected.{key}": value.numpy().astype(np.float32) for key, value in expected.items()}
        for i, (inputs, targets) in enumerate(batches):
            arrays |= {f"inputs.{i}": inputs.numpy(), f"targets.{i}": targets.numpy()}
        path = GOLDEN / f"{name}.safetensors"
        metadata = {"config": to_toml(config), "train": to_toml(TRAIN), "lora": to_toml(LORA), "versions": versions}
        save(path, {key: np.ascontiguousarray(value) for key, value in arrays.items()}, metadata)
        print(f"{path.name}: {path.stat().st_size} bytes, {versions}")


if __name__ == "__main__":
    main()
