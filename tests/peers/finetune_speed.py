"""Fine-tuning a GPT-2 directory, whole and low-rank, beside PyTorch.

    python large_hf.py DIR --shape gpt2-small && cargo build --release
    python finetune_speed.py DIR [--rounds N] [--sisun PATH]

In each round `sisun train` and PyTorch (transformers' model, adapters of rank 8 on the blocks' matrices written as peft computes
them, fused AdamW, clipping) take the same number of steps of 4 x 128 tokens, each in a process of its own. Prints medians of
a step, ratios, and the most memory that the training held. Nothing else may be running.

    python finetune_speed.py --peer whole|lora DIR STEPS      what the PyTorch process runs
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BATCH, CONTEXT, RANK = 4, 128, 8
CONFIG = """
[finetune]
model = "{model}"
{lora}
[data]
sources = ["data/stories-en.txt"]
documents = "paragraph"
[model]
context_len = {context}
[train]
steps = {steps}
batch_size = {batch}
lr_max = 1e-4
log_every = 1
eval_every = {steps}
eval_windows = 1
checkpoint_every = {steps}
"""


def peer(how, directory, steps):
    """One process of PyTorch; prints the seconds of each step."""
    import torch
    import transformers
    from torch import nn

    class Adapted(nn.Module):
        def __init__(self, base):
            super().__init__()
            d_in, d_out = base.weight.shape
            self.base = base
            self.a = nn.Parameter(torch.randn(d_in, RANK) * (3 * d_in) ** -0.5)
            self.b = nn.Parameter(torch.zeros(RANK, d_out))

        def forward(self, x):
            return self.base(x) + (x @ self.a @ self.b) * 2.0

    model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    model.train()
    if how == "lora":
        model.requires_grad_(False)
        for block in model.transformer.h:
            for parent in (block.attn, block.mlp):
                for name in ("c_attn", "c_fc", "c_proj"):
                    if hasattr(parent, name):
                        setattr(parent, name, Adapted(getattr(parent, name)))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    seconds = []
    for _ in range(steps):
        ids = torch.randint(200, (BATCH, CONTEXT + 1))
        start = time.perf_counter()
        logits = model(ids[:, :-1], use_cache=False).logits
        loss = nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds, "trained": sum(parameter.numel() for parameter in trained)}))


def run(command):
    """What a process printed, and its peak memory in GB."""
    process = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return out, usage.ru_maxrss / 1e6


def sisun(binary, how, directory, steps, scratch):
    config, folder = Path(scratch) / "tune.toml", Path(tempfile.mkdtemp(dir=scratch)) / "run"
    lora = f"lora = {{ rank = {RANK}, alpha = {2 * RANK} }}" if how == "lora" else ""
    config.write_text(CONFIG.format(model=directory, lora=lora, context=CONTEXT, batch=BATCH, steps=steps))
    _, memory = run([binary, "train", config, "--run", folder, "-q", "--device", "cpu"])
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    ends = [line["elapsed_s"] for line in lines if line["split"] == "train"]
    return [after - before for before, after in zip([0.0, *ends], ends)], memory


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--sisun", default=os.environ.get("SISUN", ROOT / "target/release/sisun"), type=Path)
    args = parser.parse_args()
    directory, binary = args.directory.absolute(), args.sisun.absolute()
    print(f"load {os.getloadavg()[0]:.1f} at the start; {BATCH} x {CONTEXT} tokens a step")
    print(f"{'':<8}{'sisun':>9}{'PyTorch':>9}{'times as fast':>15}{'by round':>16}{'memory, GB':>20}")
    for how in ("whole", "lora"):
        ours, theirs = [], []
        for _ in range(args.rounds):
            with tempfile.TemporaryDirectory() as scratch:
                ours.append(sisun(binary, how, directory, args.steps, scratch))
            out, memory = run([sys.executable, __file__, "--peer", how, directory, args.steps])
            theirs.append((json.loads(out)["seconds"], memory))
        # The first step of each is also its warming up.
        medians = [[statistics.median(seconds[1:]) for seconds, _ in side] for side in (ours, theirs)]
        ratios = [b / a for a, b in zip(*medians)]
        seconds = [statistics.median(side) for side in medians]
        memory = [statistics.median(memory for _, memory in side) for side in (ours, theirs)]
        rounds = f"{min(ratios):.2f} … {max(ratios):.2f}"
        print(
            f"{how:<8}{seconds[0]:>7.2f} s{seconds[1]:>7.2f} s{statistics.median(ratios):>15.2f}{rounds:>16}"
            f"{memory[0]:>10.2f}{memory[1]:>10.2f}",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        peer(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
