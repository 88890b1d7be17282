"""Hold one version of Sisun to another: the same commands, the same numbers to the bit.

    python tests/peers/same_outputs.py BEFORE AFTER [--except bits_per_byte]

BEFORE and AFTER are two binaries. With --except, numbers of that name may differ, and with them the
checksums and the figures that hold them. Both train, sample, capture, export and compare in folders of
their own; every file that holds numbers is then compared, times and version strings apart. AFTER
also opens what BEFORE has made. Needs nothing but Python; takes about two minutes on two cores.
"""

import base64
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = "The cat sat on the mat."
SMALL = ["--set", "train.steps=31", "--set", "train.checkpoint_every=10"]

# Each command, and what it writes to standard output: text that is compared, or nothing.
TRAIN = [
    ["train", "{root}/configs/quickstart.toml", *SMALL, "--run", "run", "--device", "cpu"],
    ["train", "{root}/configs/quickstart.toml", *SMALL, "--run", "other", "--device", "cpu",
     "--set", "model.position=alibi", "--set", "model.norm=rms", "--set", "model.ffn=swiglu",
     "--set", "model.dropout=0.1", "--set", "train.accumulate=3", "--set", "train.optimizer=muon"],
    ["compare", "{root}/configs/compare-positions.toml", "--budget", "smoke", "--out", "compared",
     "--jobs", "2"],
]
READ = [
    ["info", "run", "--json"],
    ["eval", "run", "--json"],
    ["eval", "other", "--json", "--lengths", "32,64"],
    ["sample", "run", "--prompt", "One day", "-n", "23", "--seed", "5", "--json"],
    ["sample", "other", "--prompt", "One day", "-n", "23", "--temperature", "0", "--json"],
    ["heads", "run", "--json", "--windows", "2"],
    ["explain", "run", "--text", TEXT, "--query", "5"],
    ["attend", "run", "--text", TEXT, "--out", "maps", "--format", "npz,json,safetensors,html",
     "--activations", "pattern,scores,q,k,v,z"],
    ["attend", "other", "--text", TEXT, "--out", "others", "--format", "npz,html,svg"],
    ["export", "run", "--to", "hf"],
    ["attend", "hf", "--text", TEXT, "--out", "from-hf", "--format", "npz"],
]
# What tells time, place or version.
VARIES = re.compile(
    r'("(\w+_s|step_ms|seconds|tokens_per_second|time|duration_s|version|sisun|path|out|run|peak_memory)":\s*)'
    r'("[^"]*"|[-0-9.e+]+)')


def run(binary, folder, command):
    command = [part.format(root=ROOT) for part in command]
    env = {**os.environ, "SISUN_CACHE_DIR": str(folder / "cache"), "NO_COLOR": "1"}
    done = subprocess.run([binary, *command], cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{binary} {' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def blocks(page):
    """The numbers of a page: each block inflated."""
    found = re.findall(r'type="application/octet-stream" id="(b\d+)">([^<]*)<', page)
    return [(name, zlib.decompress(base64.b64decode(block), -15)) for name, block in found]


EXCEPT = sys.argv[4] if sys.argv[3:4] == ["--except"] else None


def without(text):
    """The text of JSON without what tells time, place or version, and without what is excepted."""
    text = VARIES.sub(r"\1_", text)
    if EXCEPT:
        text = re.sub(rf'"{EXCEPT}\w*":\s*[-0-9.e+]+|"(name|kind)": "{EXCEPT}\w*",\s*"at": \d+,\s*"value": [-0-9.e+]+', "_", text)
        text = re.sub(r'"sha256": "\w+"', "_", text)
    return text


def content(path):
    """What of a file is compared."""
    data = path.read_bytes()
    if path.suffix == ".html":
        found = blocks(data.decode())
        return found or None
    if path.suffix in {".json", ".jsonl"}:
        return without(data.decode())
    return data


def files(folder):
    # Reports are drawn and logs hold times; the cache and the locks are no results.
    names = {".safetensors", ".npz", ".json", ".jsonl", ".html", ".svg", ".txt"}
    leave = re.compile(r"(^|/)(data|cache|events|\.lock)|environment\.json|\.time\.json|report\.html|summary|-time\.svg|measures|state\.json|hf/config\.json")
    return {
        str(path.relative_to(folder)): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in names and not leave.search(str(path.relative_to(folder)))
    }


def compare(what, before, after):
    if before != after:
        if isinstance(before, str):
            lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
            what += "\n" + "\n".join(line[:200] for line in list(lines)[:20])
        sys.exit(f"DIFFERS: {what}")
    print(f"same: {what}")


def main():
    before, after = (str(Path(binary).resolve()) for binary in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder) / name for name in ("before", "after")]
        outputs = []
        for binary, place in zip((before, after), folders):
            place.mkdir()
            (place / "data").symlink_to(ROOT / "data")
            for command in TRAIN:
                run(binary, place, command)
            outputs.append([run(binary, place, command) for command in READ])
        for command, *texts in zip(READ, *outputs):
            compare("printed by " + " ".join(command[:2]), *(without(text) for text in texts))
        found = [files(place) for place in folders]
        compare("the names of all files", *(sorted(all_files) for all_files in found))
        for name in found[0]:
            if EXCEPT and "figures/language" in name:
                continue
            compare(name, *(content(all_files[name]) for all_files in found))
        # The version after reads what the one before has made.
        for command, text in zip(READ, outputs[0]):
            anew = [part + "-again" if part in {"maps", "others", "hf", "from-hf"} and i > 1 else part
                    for i, part in enumerate(command)]
            again = run(after, folders[0], anew)
            compare("printed on an earlier run by " + " ".join(command[:2]),
                    without(text.replace("-again", "")), without(again.replace("-again", "")))
        cells = sorted((folders[0] / "compared/cells").rglob("*.json"))
        times = [path.stat().st_mtime_ns for path in cells]
        run(after, folders[0], TRAIN[2])
        compare("an earlier comparison goes on without training a cell again",
                times, [path.stat().st_mtime_ns for path in cells])
        resume = ["train", "--resume", "other", "--set", "train.steps=33", "--device", "cpu"]
        for binary, place in zip((after, after), folders):
            run(binary, place, resume)
        compare("weights of an earlier run that went on",
                *((place / "other/checkpoints/step-00000033/model.safetensors").read_bytes() for place in folders))


if __name__ == "__main__":
    main()
