"""Opening a Hugging Face directory, looking at a text and writing on, beside `transformers`.

    python hf_speed.py DIR… [--rounds N] [--precisions float32,bf16] [--text TEXT] [--tokens N] [--json FILE]

In each round everyone runs once, each in a process of its own: `sisun attend` and `transformers` from the start of the
process to the attention maps of a text in a .npz file, and both decoding greedily. Prints medians and ratios. `import torch`
and `transformers` alone take seconds, so their time is also given from where the imports are done. Memory is the most that
the process held (wait4), a mapped file's pages among it. Exits 1 if anyone failed.

    python hf_speed.py --peer attend|decode DIR PRECISION TEXT TOKENS OUT      what the `transformers` process runs
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

TEXT = "the cat saw the kite and ran"


def peer(what, directory, precision, text, tokens, out):
    """One process of `transformers`; prints a JSON object."""
    import numpy as np
    import torch
    import transformers

    imported = time.time()
    attention = "eager" if what == "attend" else "sdpa"
    dtype = {"float32": torch.float32, "bf16": torch.bfloat16}[precision]
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=dtype, attn_implementation=attention)
    ids = tokenizer(text, return_tensors="pt").input_ids
    report = {"imported": imported, "opened": time.time()}
    with torch.inference_mode():
        if what == "attend":
            maps = model.eval()(ids, output_attentions=True).attentions
            np.savez(out, **{f"layer{i}": each[0].float().numpy() for i, each in enumerate(maps)})
        else:
            n = int(tokens)
            # As ours: no tokens that the tokenizer does not have.
            unknown = list(range(len(tokenizer), model.config.vocab_size))
            settings = {"do_sample": False, "use_cache": True, "min_new_tokens": n, "max_new_tokens": n}
            settings["suppress_tokens"] = unknown or None
            mask = torch.ones_like(ids)
            model.generate(ids, attention_mask=mask, **(settings | {"min_new_tokens": 2, "max_new_tokens": 2}))
            start = time.perf_counter()
            found = model.generate(ids, attention_mask=mask, **settings)[0, ids.shape[1] :]
            report["tokens_per_second"] = n / (time.perf_counter() - start)
            report["ids"] = found.tolist()
    print(json.dumps(report))


def run(command):
    """What a process printed as JSON, when it started, its seconds and its peak memory in bytes."""
    started = time.time()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.time() - started
    if status != 0:
        sys.exit(f"FAILED: {' '.join(command)}\n{err[-500:]}")
    report = json.loads(out[out.index("{") :])
    return report | {"started": started, "seconds": seconds, "peak_bytes": usage.ru_maxrss * 1024}


def once(args, directory, precision, folder):
    """Name → figures of one round."""
    text, ours, theirs = args.text, f"{folder}/ours", f"{folder}/theirs.npz"
    peer = [sys.executable, __file__, "--peer"]
    attend = run([args.sisun, "attend", directory, "--text", text, "--out", ours, "--format", "npz", "--json", "--quiet",
                  "--precision", precision])  # fmt: skip
    other = run([*peer, "attend", directory, precision, text, "0", theirs])
    sample = run([args.sisun, "sample", directory, "--prompt", text, "-n", str(args.tokens), "--temperature", "0", "--json",
                  "--quiet", "--precision", precision])  # fmt: skip
    generate = run([*peer, "decode", directory, precision, text, str(args.tokens), "-"])
    ids = [token["id"] for token in sample["tokens"]]
    same = next((i for i, (a, b) in enumerate(zip(ids, generate["ids"])) if a != b), min(len(ids), args.tokens))
    return {
        "sisun": figures(attend, sample, attend["seconds"]),
        "transformers": figures(other, generate, other["started"] + other["seconds"] - other["imported"]),
        "largest difference of a weight": difference(f"{ours}/attention.npz", theirs),
        "first tokens equal": same,
    }


def figures(attend, decode, after_imports):
    return {
        "attend_s": attend["seconds"],
        "attend_after_imports_s": after_imports,
        "attend_peak_gb": attend["peak_bytes"] / 1e9,
        "decode_tokens_per_s": decode["tokens_per_second"],
        "decode_peak_gb": decode["peak_bytes"] / 1e9,
    }


def difference(ours, theirs):
    import numpy as np

    ours, theirs = np.load(ours), np.load(theirs)
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in theirs.files)


def main():
    if sys.argv[1:2] == ["--peer"]:
        return peer(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directories", nargs="+", metavar="DIR")
    parser.add_argument("--sisun", default=os.environ.get("SISUN", "target/release/sisun"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precisions", default="float32,bf16")
    parser.add_argument("--text", default=TEXT)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--json", metavar="FILE", help="save every figure")
    args = parser.parse_args()
    saved = []
    for directory in args.directories:
        for precision in args.precisions.split(","):
            load = os.getloadavg()[0]
            with tempfile.TemporaryDirectory() as folder:
                rounds = [once(args, directory, precision, folder) for _ in range(args.rounds)]
            saved.append({"directory": directory, "precision": precision, "load": load, "rounds": rounds})
            print(f"\n{directory}, {precision}: {args.rounds} rounds, load {load:.1f} at the start")
            print(f"{'':24}{'sisun':>12}{'transformers':>14}{'ratio':>8}   by round")
            for key in rounds[0]["sisun"]:
                ours, theirs = ([each[who][key] for each in rounds] for who in ("sisun", "transformers"))
                by_round = [a / b for a, b in zip(ours, theirs)]
                a, b = statistics.median(ours), statistics.median(theirs)
                print(f"{key:24}{a:12.2f}{b:14.2f}{a / b:8.2f}   {min(by_round):.2f} … {max(by_round):.2f}")
            for key in ("largest difference of a weight", "first tokens equal"):
                print(f"{key}: {max(each[key] for each in rounds):.3g}")
    if args.json:
        Path(args.json).write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
