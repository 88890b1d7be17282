"""Sisun's speed beside other software's: runs `sisun bench` and the peers in turn and prints the ratios.

    python speed.py train CONFIG… [--rounds N] [--steps N] [--bf16] [--peers eager,compile,bf16] [--batch N] [--context N]
    python speed.py decode CONFIG… [--rounds N]

Each round runs every contestant once, so that whatever else the machine does meets all of them. A contestant's figure is the
median over the rounds of its own medians; "by round" are the lowest and the highest ratio of one round. Exits 1 if a
contestant failed, and says which and how. Needs nothing itself; the peers run in the Python that runs this script.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Failed(Exception):
    pass


def contestants(args, config):
    """Name → command, Sisun first; and which of Sisun's entries stands against which peer."""
    peer = [sys.executable, str(HERE / ("torch_train.py" if args.what == "train" else "hf_generate.py")), config]
    ours = [args.sisun, "bench", args.what, config, "--json"]
    for value, option, key in (
        (args.batch, "--batch", "train.batch_size"),
        (args.context, "--context", "model.context_len"),
    ):
        if value:
            peer += [option, str(value)]
            ours += ["--set", f"{key}={value}"]
    if args.what == "decode":
        # One token's work is so small that a second thread may cost more than it brings: the better of the two counts.
        commands = {"sisun": ours, "generate": peer, "generate, 1 thread": [*peer, "--threads", "1"]}
        return commands, [("sisun", name) for name in commands if name != "sisun"]

    ours += ["--steps", str(args.steps)]
    commands = {"sisun": ours}
    if args.bf16:
        commands["sisun bf16"] = [*ours, "--set", 'train.precision="bf16"']
    pairs = []
    for mode in args.peers.split(","):
        name = f"torch {mode}"
        commands[name] = [*peer, "--mode", mode, "--steps", str(args.steps)]
        pairs.append(("sisun", name))
        if args.bf16 and mode.endswith("bf16"):
            pairs.append(("sisun bf16", name))
    return commands, pairs


def run(command, timeout):
    """The JSON object that a contestant prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"not done after {timeout} s") from None
    except OSError as error:
        raise Failed(str(error)) from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        raise Failed(f"exit status {done.returncode}: …{said[-300:]}")
    # Sisun prints one object over many lines and nothing else; a peer's is one line, the last.
    out = done.stdout.strip()
    try:
        report = json.loads(out if out.startswith("{") else out.splitlines()[-1])
        speed = float(report["tokens_per_second"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise Failed(f"prints no JSON object with tokens_per_second ({error!r})") from None
    if not (math.isfinite(speed) and speed > 0):
        raise Failed(f"tokens_per_second = {speed}")
    return report


def play(commands, rounds, timeout):
    """Name → its reports, one a round, and name → how it failed. Who fails once is left out from then on."""
    reports, failures = {name: [] for name in commands}, {}
    for i in range(rounds):
        for name, command in commands.items():
            if name in failures:
                continue
            try:
                report = run(command, timeout)
            except Failed as error:
                failures[name] = str(error)
                print(f"round {i + 1}  {name}: FAILED: {error}", file=sys.stderr)
            else:
                reports[name].append(report)
                print(f"round {i + 1}  {name}: {report['tokens_per_second']:,.0f} tokens/s", file=sys.stderr)
    return {name: got for name, got in reports.items() if name not in failures}, failures


def compare(us, peer):
    """Speed and memory of one of Sisun's entries over a peer's, from their reports of the same rounds."""
    speed = [[report["tokens_per_second"] for report in side] for side in (us, peer)]
    by_round = [ours / theirs for ours, theirs in zip(*speed, strict=True)]
    ratio = {
        "speed": statistics.median(speed[0]) / statistics.median(speed[1]),
        "speed_by_round": [min(by_round), max(by_round)],
    }
    if all("peak_memory_bytes" in report for report in us + peer):
        peak = statistics.median(report["peak_memory_bytes"] for report in us)
        ratio["memory"] = peak / statistics.median(report["peak_memory_bytes"] for report in peer)
        # Sisun's whole process against what the peer took on top of its interpreter, libraries and weights.
        added = statistics.median(r["peak_memory_bytes"] - r.get("baseline_memory_bytes", 0) for r in peer)
        if "baseline_memory_bytes" in peer[0] and added > 0:
            ratio["memory_without_baseline"] = peak / added
    return ratio


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in padded)


def summary(reports, failures, ratios):
    figures = [["contestant", "tokens/s", "lowest … highest", "peak MB"]]
    for name, got in reports.items():
        speed = [report["tokens_per_second"] for report in got]
        peak = [report["peak_memory_bytes"] / 1e6 for report in got if "peak_memory_bytes" in report]
        spread = f"{min(speed):,.0f} … {max(speed):,.0f}"
        figures.append([name, f"{statistics.median(speed):,.0f}", spread, f"{statistics.median(peak):,.0f}" if peak else "-"])
    figures += [[name, "FAILED", "-", "-"] for name in failures]
    against = [["ratio", "speed", "by round", "memory", "memory, peer's baseline off"]]
    for ratio in ratios:
        low, high = ratio["speed_by_round"]
        memory = [f"{ratio[key]:.2f}" if key in ratio else "-" for key in ("memory", "memory_without_baseline")]
        against.append([f"{ratio['ours']} / {ratio['peer']}", f"{ratio['speed']:.2f}", f"{low:.2f} … {high:.2f}", *memory])
    return table(figures) + ("\n\n" + table(against) if ratios else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["train", "decode"])
    parser.add_argument("configs", nargs="+", metavar="CONFIG")
    sisun = os.environ.get("SISUN", "target/release/sisun")
    parser.add_argument("--sisun", default=sisun, help="the binary; default: $SISUN, else target/release/sisun")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20, help="timed steps of each training run")
    parser.add_argument("--peers", default="eager,compile,bf16", help="modes of torch_train.py")
    parser.add_argument("--bf16", action="store_true", help="also run Sisun with train.precision=bf16")
    parser.add_argument("--batch", type=int, help="instead of train.batch_size, on both sides")
    parser.add_argument("--context", type=int, help="instead of model.context_len, on both sides")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds after which a run has failed")
    parser.add_argument("--json", metavar="FILE", help="save every report and ratio")
    args = parser.parse_args()

    saved, failed = [], False
    for config in args.configs:
        commands, pairs = contestants(args, config)
        load = os.getloadavg()[0]
        reports, failures = play(commands, args.rounds, args.timeout)
        ratios = [
            {"ours": ours, "peer": peer} | compare(reports[ours], reports[peer])
            for ours, peer in pairs
            if ours in reports and peer in reports
        ]
        print(f"\n{config}: {args.what}, {args.rounds} rounds, load {load:.1f} at the start\n")
        print(summary(reports, failures, ratios))
        for name, error in failures.items():
            print(f"\nFAILED: {name}: {error}\n  {' '.join(commands[name])}")
        failed = failed or bool(failures)
        saved.append({"what": args.what, "config": config, "load": load, "commands": commands, "reports": reports})
        saved[-1] |= {"ratios": ratios, "failures": failures}
    if args.json:
        Path(args.json).write_text(json.dumps(saved, indent=1) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
