"""The whole truth about Sisun on this machine's GPU, in one command and under eight minutes.

    python gpu_check.py [--sisun PATH] [--other PATH] [--seconds 450] [--small] [--json FILE]

In this order, as far as the time allows:

1. `sisun devices --check`: every adapter beside values that PyTorch computed.
2. Golden models: two models are trained on the CPU; what they compute on the GPU (losses, attention patterns, greedy text) is
   compared.
3. Training, 200 steps of bench-1m, bench-10m, bench-bpe and a GPT-2-small shape, beside PyTorch on the same GPU and batch
   (eager, compiled, bfloat16), and on Sisun's CPU.
4. Decoding beside `generate` of `transformers`.

Prints one JSON object and a table for crates/BENCHMARKS.md. What the time does not allow is named as skipped; where PyTorch or
`transformers` is absent, or does not reach the GPU, that is said and the rest goes on. `--other` is a second build (with
fusion and autotune, say), which is measured as well. `--small` tries the script itself, with tiny shapes and few steps. Exits 1
if a device computes wrong results or a Sisun command fails.

Needs nothing itself; PyTorch and `transformers` are those of the Python that runs this script.
"""

import argparse
import json
import os
import platform
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

GPT2_SMALL = """
name = "gpt2-small"
[data]
sources = ["data/stories-en.txt"]
[tokenizer]
kind = "char"
[model]
vocab_size = 50257
d_model = 768
n_layers = 12
n_heads = 12
d_ff = 3072
context_len = 1024
dropout = 0.0
tied_head = true
position = "learned"
norm = "layer"
norm_placement = "pre"
ffn = "gelu"
[train]
seed = 1337
steps = 200
batch_size = 4
lr_max = 1e-4
schedule = "constant"
beta2 = 0.99
"""

SMALL = {"d_model": 32, "n_layers": 1, "n_heads": 2, "d_ff": 64, "context_len": 16, "vocab_size": 65}


class Check:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.end = time.monotonic() + args.seconds
        self.report = {"machine": platform.platform(), "processor": platform.processor() or platform.machine()}
        self.report |= {"python": platform.python_version(), "skipped": [], "failed": []}
        self.binaries = {"sisun": args.sisun} | ({"other": args.other} if args.other else {})

    def left(self):
        return self.end - time.monotonic()

    def run(self, name, command, most=None):
        """The JSON object that a command prints last, or None; says why not in the report."""
        seconds = min(self.left(), most or self.left())
        if seconds < 5:
            self.report["skipped"].append(f"{name}: no time left")
            return None
        environment = os.environ | {"SISUN_CACHE_DIR": f"{self.folder}/cache"}
        try:
            done = subprocess.run(
                [str(part) for part in command], capture_output=True, text=True, timeout=seconds, cwd=ROOT, env=environment
            )
        except subprocess.TimeoutExpired:
            self.report["skipped"].append(f"{name}: not done after {seconds:.0f} s")
            return None
        if done.returncode != 0:
            self.report["failed"].append(f"{name}: {done.stderr.strip()[-600:]}")
        try:
            return json.loads(done.stdout[done.stdout.index("{") :]) if done.stdout.strip() else {}
        except ValueError:
            # Progress of others may stand before the object, which is one line then.
            return json.loads(done.stdout.strip().splitlines()[-1])

    def sisun(self, name, *command, device="wgpu", binary="sisun", most=None):
        return self.run(name, [self.binaries[binary], *command, "--device", device, "--quiet", "--json"], most)


def peers():
    """What PyTorch can compute on here, and which versions there are; None where they are absent."""
    probe = (
        "import json, torch\n"
        "mps = getattr(torch.backends, 'mps', None)\n"
        "device = 'cuda' if torch.cuda.is_available() else 'mps' if mps and mps.is_available() else 'cpu'\n"
        "name = torch.cuda.get_device_name() if device == 'cuda' else device\n"
        "try:\n    import transformers; version = transformers.__version__\n"
        "except ImportError: version = None\n"
        "print(json.dumps({'torch': torch.__version__, 'device': device, 'name': name, 'transformers': version}))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def config(check, name, path=None, text=None):
    """The path of a configuration, with --small a tiny one of the same kind."""
    text = text or path.read_text()
    if check.args.small:
        lines, table = [], ""
        for line in text.splitlines():
            key = line.split("=")[0].strip()
            table = line.strip() if line.startswith("[") else table
            if table == "[model]" and key in SMALL:
                line = f"{key} = {SMALL[key]}"
            if table == "[train]" and key == "batch_size":
                line = "batch_size = 2"
            lines.append(line)
        text = "\n".join(line for line in lines if not line.startswith("#:schema"))
    out = Path(check.folder) / f"{name}.toml"
    out.write_text(text)
    return out


def self_check(check):
    for name, binary in check.binaries.items():
        found = check.run(f"devices --check ({name})", [binary, "devices", "--check", "--json"], 120)
        check.report[f"devices ({name})"] = found
        for device in (found or {}).get("checks", []):
            print(f"{name}: {device['device']}: {'right' if device['holds'] else 'WRONG'} ({device['seconds']:.1f} s)")


def patterns(path):
    """The attention weights of a .npz file, without NumPy: float32 or float64, little-endian, row-major."""
    values = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            data = archive.read(name)
            major, length = data[6], struct.unpack("<H", data[8:10])[0]
            start = 10 + length if major == 1 else 12 + struct.unpack("<I", data[8:12])[0]
            header = data[10:start].decode("latin1")
            kind = "f" if "<f4" in header else "d" if "<f8" in header else None
            if kind:
                size = struct.calcsize(kind)
                values += struct.unpack(f"<{(len(data) - start) // size}{kind}", data[start:])
    return values


def golden_models(check):
    """Models trained on the CPU, beside themselves on the GPU."""
    text = Path(check.folder) / "text.txt"
    text.write_text("".join(f"The cat sat on mat {i % 17}. The dog ran {i % 5} times.\n" for i in range(600)))
    shapes = {
        "gpt2-like": ("position = 'learned'", "norm = 'layer'", "ffn = 'gelu'"),
        "llama-like": ("position = 'rope'", "norm = 'rms'", "ffn = 'swiglu'", "n_kv_heads = 2"),
    }
    for name, lines in shapes.items():
        model = ["d_model = 40", "n_layers = 2", "n_heads = 4", "context_len = 31", *lines]
        out = Path(check.folder) / f"{name}.toml"
        out.write_text(
            f"name = '{name}'\n[data]\nsources = ['{text}']\n[tokenizer]\nkind = 'char'\n[model]\n" + "\n".join(model)
            + f"\n[train]\nsteps = {20 if check.args.small else 150}\nbatch_size = 7\nlr_max = 3e-3\n"
        )  # fmt: skip
        run = f"{check.folder}/{name}"
        if check.sisun(f"train {name}", "train", out, "--run", run, device="cpu") is None:
            continue
        found = {"loss": {}, "text": {}}
        for device in ("cpu", "wgpu"):
            loss = check.sisun(f"eval {name} on {device}", "eval", run, "--windows", "5", device=device)
            prompt = ("sample", run, "--prompt", "The cat", "-n", "20", "--temperature", "0")
            text_found = check.sisun(f"sample {name} on {device}", *prompt, device=device)
            maps = f"{check.folder}/maps-{name}-{device}"
            attend = ("attend", run, "--text", "The cat sat on mat 3.", "--format", "npz", "--out", maps)
            check.sisun(f"attend {name} on {device}", *attend, device=device)
            found["loss"][device] = (loss or {}).get("loss")
            found["text"][device] = (text_found or {}).get("text")
            files = sorted(Path(maps).glob("*.npz"))
            found[device] = patterns(files[0]) if files else []
        cpu, gpu = found.pop("cpu"), found.pop("wgpu")
        if cpu and len(cpu) == len(gpu):
            found["largest pattern difference"] = max(abs(a - b) for a, b in zip(cpu, gpu))
        losses = [loss for loss in found["loss"].values() if loss is not None]
        holds = len(losses) == 2 and abs(losses[0] - losses[1]) < 1e-3
        holds = holds and found.get("largest pattern difference", 1.0) < 2e-3
        found["holds"] = holds
        check.report.setdefault("golden models", {})[name] = found
        print(f"{name}: the GPU computes {'what the CPU does' if holds else 'SOMETHING ELSE'}: {found}")
        if not holds:
            check.report["failed"].append(f"{name} on the GPU beside the CPU: {found}")


def speeds(check, torch):
    """Rows of the table: model, what, contestant, tokens per second, launches."""
    steps = 3 if check.args.small else 200
    shapes = [(name, ROOT / "configs" / f"{name}.toml", None) for name in ("bench-1m", "bench-10m", "bench-bpe")]
    # Tiny shapes differ little.
    shapes = shapes[:1] if check.args.small else shapes
    shapes.append(("gpt2-small", None, GPT2_SMALL))
    # Each model has its share of what is left, so that a slow one does not take the others' time.
    for at, (name, path, text) in enumerate(shapes):
        file = config(check, name, path, text)
        share = check.left() / (len(shapes) - at)
        end = time.monotonic() + share

        def most(part):
            return max(5.0, min(part * share, end - time.monotonic()))

        def row(what, contestant, found):
            if found and "tokens_per_second" in found:
                keys = ("tokens_per_second", "launches_per_step", "launches_per_token", "device_memory_bytes", "device")
                kept = {key: found[key] for key in keys if key in found}
                check.report.setdefault("speeds", []).append({"model": name, "what": what, "by": contestant} | kept)
                print(f"{name}, {what}, {contestant}: {found['tokens_per_second']:,.0f} tokens/s")

        for binary in check.binaries:
            bench = ("bench", "train", file, "--steps", steps, "--warmup", 1 if check.args.small else 5)
            row("training", f"{binary} on the GPU", check.sisun(f"train {name}", *bench, binary=binary, most=most(0.4)))
        bench = ("bench", "train", file, "--steps", min(steps, 10), "--warmup", 1)
        cpu = check.sisun(f"train {name} on the CPU", *bench, device="cpu", most=most(0.15))
        row("training", "sisun on the CPU", cpu)
        if torch:
            modes = ["eager"] if check.args.small else ["eager", "compile", "bf16", "compile-bf16"]
            for mode in modes:
                script = [sys.executable, HERE / "torch_train.py", file, "--mode", mode, "--steps", steps]
                script += ["--device", torch["device"]]
                found = check.run(f"train {name} by torch {mode}", script, most(0.2))
                row("training", f"torch {mode} on {torch['device']}", found)
        for binary in check.binaries:
            bench = ("bench", "decode", file, "--steps", 1 if check.args.small else 3, "--warmup", 1)
            row("decoding", f"{binary} on the GPU", check.sisun(f"decode {name}", *bench, binary=binary, most=most(0.2)))
        if torch and torch["transformers"]:
            script = [sys.executable, HERE / "hf_generate.py", file, "--repeats", 1 if check.args.small else 3]
            found = check.run(f"decode {name} by generate", [*script, "--device", torch["device"]], most(0.2))
            row("decoding", f"generate on {torch['device']}", found)


def table(report):
    rows = ["| model | | by | tokens/s | kernel launches | beside it |", "| --- | --- | --- | ---: | ---: | ---: |"]
    speeds = report.get("speeds", [])
    for speed in speeds:
        same = [s for s in speeds if (s["model"], s["what"]) == (speed["model"], speed["what"])]
        ours = next((s for s in same if s["by"] == "sisun on the GPU"), None)
        ratio = f"{ours['tokens_per_second'] / speed['tokens_per_second']:.2f} ×" if ours and ours is not speed else ""
        launches = speed.get("launches_per_token", speed.get("launches_per_step"))
        launches = "" if launches is None else f"{launches:,.0f} a {'token' if 'launches_per_token' in speed else 'step'}"
        rows.append(
            f"| {speed['model']} | {speed['what']} | {speed['by']} | {speed['tokens_per_second']:,.0f} | {launches} | {ratio} |"
        )
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    suffix = ".exe" if os.name == "nt" else ""
    built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / f"sisun{suffix}"
    parser.add_argument("--sisun", default=os.environ.get("SISUN", str(built)))
    parser.add_argument("--other", help="a second build to measure")
    parser.add_argument("--seconds", type=float, default=450.0, help="time for everything")
    parser.add_argument("--small", action="store_true", help="tiny shapes and few steps")
    parser.add_argument("--json", help="write the report to this file, too")
    args = parser.parse_args()
    began = time.monotonic()
    torch = peers()
    if torch is None:
        print("PyTorch: absent; Sisun alone is measured")
    elif torch["device"] == "cpu":
        print(f"PyTorch {torch['torch']} does not reach a GPU here: its figures are those of the CPU")
    # A Windows process may still hold a file of the folder.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        check = Check(args, folder)
        check.report["peers"] = torch
        self_check(check)
        golden_models(check)
        speeds(check, torch)
    report = check.report
    for kind in ("skipped", "failed"):
        for line in report[kind]:
            print(f"{kind.upper()}: {line}")
    report["seconds"] = time.monotonic() - began
    print(f"\n{table(report)}\n\n{json.dumps(report)}")
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1))
    ours = [line for line in report["failed"] if " by torch " not in line and " by generate" not in line]
    sys.exit(1 if ours else 0)


if __name__ == "__main__":
    main()
