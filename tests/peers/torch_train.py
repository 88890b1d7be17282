"""PyTorch's side of `sisun bench train`: the same model, batch and optimizer, written the way nanoGPT does.

    python torch_train.py CONFIG [--mode eager|compile|bf16|compile-bf16] [--steps N] [--warmup N] [--batch N] [--context N]
                          [--device cpu|cuda|mps]

Trains on random tokens and prints one JSON object, its last line: tokens per second of the median step, `step_ms`, peak
memory. `peak_memory_bytes` is the whole process, as `sisun` reports it; `baseline_memory_bytes` is what Python, PyTorch and
the weights had taken before the first step.
"""

import argparse
import json
import math
import resource
import statistics
import sys
import time
import tomllib

import torch
import torch.nn.functional as F
from torch import nn

# What is left out here would be a different model without anyone noticing.
ASSUMED = {"position": "learned", "norm": "layer", "norm_placement": "pre", "ffn": "gelu", "dropout": 0.0}
ASSUMED |= {"tied_head": True, "residual": True, "qk_norm": False, "causal": True}


def read(path, batch, context):
    """The [model] and [train] tables of a Sisun configuration, with its defaults."""
    with open(path, "rb") as file:
        config = tomllib.load(file)
    model, train = config["model"], config["train"]
    for key, value in ASSUMED.items():
        if model.get(key, value) != value:
            raise SystemExit(f"{path}: this script knows only model.{key} = {value!r}")
    if model.get("n_kv_heads", model["n_heads"]) != model["n_heads"] or train.get("optimizer", "adamw") != "adamw":
        raise SystemExit(f"{path}: this script knows neither grouped queries nor another optimizer than AdamW")
    model.setdefault("d_ff", 4 * model["d_model"])
    model["context_len"] = context or model["context_len"]
    train["batch_size"] = batch or train["batch_size"]
    return model, train


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, bias, eps = c["d_model"], c.get("bias", True), c.get("norm_eps", 1e-5)
        self.n_heads = c["n_heads"]
        self.norm_attn = nn.LayerNorm(d, eps=eps, bias=bias)
        self.qkv = nn.Linear(d, 3 * d, bias=bias)
        self.o = nn.Linear(d, d, bias=bias)
        self.norm_ffn = nn.LayerNorm(d, eps=eps, bias=bias)
        self.up = nn.Linear(d, c["d_ff"], bias=bias)
        self.down = nn.Linear(c["d_ff"], d, bias=bias)

    def forward(self, x):
        batch, pos, d = x.shape
        q, k, v = self.qkv(self.norm_attn(x)).split(d, dim=2)
        q, k, v = (t.view(batch, pos, self.n_heads, -1).transpose(1, 2) for t in (q, k, v))  # [batch, head, pos, d_head]
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(z.transpose(1, 2).reshape(batch, pos, d))
        return x + self.down(F.gelu(self.up(self.norm_ffn(x))))


class GPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, std = c["d_model"], c.get("init_std", 0.02)
        self.embed = nn.Embedding(c["vocab_size"], d)
        self.position = nn.Embedding(c["context_len"], d)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c["n_layers"]))
        self.norm_final = nn.LayerNorm(d, eps=c.get("norm_eps", 1e-5), bias=c.get("bias", True))
        self.head = nn.Linear(d, c["vocab_size"], bias=False)
        self.head.weight = self.embed.weight
        for name, p in self.named_parameters():
            if p.dim() == 2:
                into_residual = name.endswith((".o.weight", ".down.weight"))
                nn.init.normal_(p, std=std / math.sqrt(2 * c["n_layers"]) if into_residual else std)
            elif name.endswith(".bias"):
                nn.init.zeros_(p)

    def forward(self, tokens, targets):
        x = self.embed(tokens) + self.position(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm_final(x))
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


def adamw(model, t):
    """Decay on the blocks' matrices alone, as Sisun has it. `fused` is one pass over all parameters, on the CPU too."""
    decays = {id(p): p for name, p in model.named_parameters() if p.dim() == 2 and name.startswith("blocks.")}
    groups = [
        {"params": list(decays.values()), "weight_decay": t.get("weight_decay", 0.1)},
        {"params": [p for p in model.parameters() if id(p) not in decays], "weight_decay": 0.0},
    ]
    betas = (t.get("beta1", 0.9), t.get("beta2", 0.99))
    return torch.optim.AdamW(groups, lr=t["lr_max"], betas=betas, eps=t.get("eps", 1e-8), fused=True)


def peak_memory():
    """Most memory that this process has held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--mode", choices=["eager", "compile", "bf16", "compile-bf16"], default="eager")
    parser.add_argument("--steps", type=int, default=20, help="steps that are timed")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them, compilation included")
    parser.add_argument("--batch", type=int, help="instead of train.batch_size")
    parser.add_argument("--context", type=int, help="instead of model.context_len")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()

    model_config, train = read(args.config, args.batch, args.context)
    torch.set_num_threads(args.threads)
    torch.manual_seed(train.get("seed", 1337))
    torch.set_default_device(args.device)
    model = GPT(model_config)
    parameters = sum(p.numel() for p in model.parameters())  # the tied head is counted once
    optimizer = adamw(model, train)
    forward = torch.compile(model) if args.mode.startswith("compile") else model
    autocast = torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.mode.endswith("bf16"))
    vocab, context, batch = model_config["vocab_size"], model_config["context_len"], train["batch_size"]
    clip = train.get("grad_clip", 1.0)
    baseline = peak_memory()

    seconds, losses = [], []
    for _ in range(args.warmup + args.steps):
        rows = torch.randint(vocab, (batch, context + 1))
        tokens, targets = rows[:, :-1].contiguous(), rows[:, 1:].contiguous()
        start = time.perf_counter()
        with autocast:
            loss = forward(tokens, targets)
        loss.backward()
        if clip > 0.0:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    timed = seconds[args.warmup :]
    median = statistics.median(timed)
    report = {
        "tokens_per_second": batch * context / median,
        "step_ms": {"median": 1e3 * median, "min": 1e3 * min(timed), "max": 1e3 * max(timed)},
        "peak_memory_bytes": peak_memory(),
        "baseline_memory_bytes": baseline,
        "loss_first": losses[0],
        "loss_last": losses[-1],
        "parameters": parameters,
        "mode": args.mode,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
