"""All heads of a text on one page: `sisun attend --format html` beside transformers and BertViz, in turn.

    pip install torch transformers bertviz
    sisun train configs/bench-10m.toml --run runs/ten --set model.context_len=1024 --set train.batch_size=2 \\
        --set train.steps=60 --set 'model.position="rope"'
    python page.py runs/ten [--tokens 64,256,512,1024] [--rounds 3] [--sisun PATH]

The run's tokenizer must know characters; the one above has six layers of six heads, and runs past learned positions. The peer builds
a GPT-2 of the same shape with random weights, runs a sentence of as many tokens with `output_attentions=True` and writes
BertViz's model view to a file. Each side is a process of its own; its wall clock and the most memory it held are the system's.
Prints a table; exits 1 if a side failed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path


def bertviz(run, tokens, out):
    """The peer's side, in this process."""
    import torch
    import transformers
    from bertviz import model_view

    model = tomllib.loads((Path(run) / "config.toml").read_text())["model"]
    torch.manual_seed(1)
    config = transformers.GPT2Config(
        vocab_size=512,
        n_positions=max(tokens, 1024),
        n_embd=model["d_model"],
        n_layer=model["n_layers"],
        n_head=model["n_heads"],
        attn_implementation="eager",
    )
    gpt2 = transformers.GPT2LMHeadModel(config).eval()
    with torch.inference_mode():
        attention = gpt2(torch.randint(512, (1, tokens)), output_attentions=True).attentions
    page = model_view(attention, [f"t{i}" for i in range(tokens)], html_action="return")
    Path(out).write_text(page.data)


def measure(command):
    """Seconds, and the most memory that the process held."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"FAILED: {' '.join(map(str, command))}\n{said[-2000:]}")
    return seconds, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--tokens", default="64,256,512,1024")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sisun", default=os.environ.get("SISUN", "target/release/sisun"))
    parser.add_argument("--peer", nargs=2, metavar=("TOKENS", "OUT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return bertviz(args.run, int(args.peer[0]), args.peer[1])
    letters = [key for key in json.loads((Path(args.run) / "tokenizer.json").read_text())["model"]["vocab"] if len(key) == 1]
    letters = [letter for letter in letters if letter.isalpha()]
    print("| tokens | side | seconds | peak MB | page MB | ratios |\n| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for tokens in map(int, args.tokens.split(",")):
            text = "".join(letters[i * i % len(letters)] if i % 5 else " " for i in range(1, tokens + 1))
            ours, theirs = Path(folder) / "ours", Path(folder) / "theirs.html"
            sides = {
                "sisun": ([args.sisun, "attend", args.run, "--text", text, "--out", ours, "--format", "html"], ours / "attention.html"),
                "bertviz": ([sys.executable, __file__, args.run, "--peer", str(tokens), theirs], theirs),
            }
            found = {name: [] for name in sides}
            for _ in range(args.rounds):
                for name, (command, _) in sides.items():
                    found[name].append(measure(command))
            medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in found.items()}
            for name, (_, page) in sides.items():
                seconds, memory = medians[name]
                ratios = "" if name == "sisun" else (
                    f"{seconds / medians['sisun'][0]:.1f} × the time, {memory / medians['sisun'][1]:.1f} × the memory"
                )
                print(f"| {tokens} | {name} | {seconds:.2f} | {memory / 1e6:.0f} | {page.stat().st_size / 1e6:.2f} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
