"""Sisun beside Hugging Face transformers, live and in both directions.

    cargo build --release
    python tests/peers/hf_check.py [--sisun target/release/sisun] [--seed 1000]

In: directories of new random models (reference_hf.py's, by another seed) through `sisun attend` and `sisun sample`. Out: small
models that `sisun train` makes here, through `sisun export`, opened by transformers, which may not complain, and opened
again by Sisun, which must write the same tokens and export the same bytes. Prints the largest differences and exits 1 where one is too large.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import reference_exports
import reference_hf
import torch

ROOT = Path(__file__).parents[2]
TEXT = "the cat saw the kite and ran"
# Largest absolute differences in float32.
OF_ATTENTION = 1e-5
OF_LOGPROB = 1e-4
FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "generation_config.json"]

MODELS = {
    "learned": "model.position=learned",
    "sinusoidal": "model.position=sinusoidal model.bias=false model.tied_head=false",
    "none": "model.position=none model.ffn=relu",
    "rope": "model.position=rope",
    "rope, half of it": "model.position={kind='rope',fraction=0.5} model.bias=false",
    "llama": "model.position=rope model.norm=rms model.ffn=swiglu model.n_kv_heads=1 model.d_head=10",
    "llama, gelu": "model.position=rope model.norm=rms model.bias=false",
    "qwen3": "model.position=rope model.norm=rms model.ffn=relu_squared model.bias=false model.qk_norm=true",
    "qwen3, characters": "model.position=rope model.norm=rms model.ffn=swiglu model.bias=false model.qk_norm=true tokenizer={kind='char'}",
    "characters": "model.position=rope model.norm=rms model.ffn=swiglu tokenizer={kind='char'}",
}
CONFIG = """
[data]
sources = ["data/stories-en.txt"]
documents = "paragraph"
[tokenizer]
kind = "bpe"
vocab_size = 311
[model]
d_model = 42
n_layers = 2
n_heads = 3
context_len = 101
position = "rope"
[train]
steps = 12
batch_size = 4
lr_max = 3e-3
"""


class Sisun:
    def __init__(self, binary, scratch):
        self.binary, self.scratch = binary, scratch

    def run(self, *args):
        done = subprocess.run([self.binary, *map(str, args)], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"sisun {' '.join(map(str, args))}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def attention(self, model):
        """[layer][head, query, key] of TEXT, and the tokens' ids."""
        out = Path(tempfile.mkdtemp(dir=self.scratch))
        found = self.run("attend", model, "--text", TEXT, "--out", out, "--format", "npz", "--json", "-q", "--device", "cpu")
        maps = np.load(out / "attention.npz")
        layers = [maps[f"layer{layer}"] for layer in range(sum(name.startswith("layer") for name in maps.files))]
        return layers, [token["id"] for token in json.loads(found)["tokens"]]

    def greedy(self, model):
        args = ["--prompt", TEXT, "--temperature", "0", "-n", reference_hf.CONTINUED, "--json", "-q", "--device", "cpu"]
        tokens = json.loads(self.run("sample", model, *args))["tokens"]
        return [token["id"] for token in tokens], [token["logprob"] for token in tokens]


def differences(sisun, directory, model, tokenizer):
    """The largest of attention and of the continuation's log-probabilities; the ids have to be the same."""
    ids = tokenizer(TEXT, return_tensors="pt").input_ids
    layers, found = sisun.attention(directory)
    assert found == ids[0].tolist(), f"tokens {found}, not {ids[0].tolist()}"
    written, logprobs = sisun.greedy(directory)
    with torch.inference_mode():
        expected = model(ids, output_attentions=True).attentions
        whole = torch.cat([ids, torch.tensor([written], dtype=ids.dtype)], 1)
        theirs = model(whole).logits[0, ids.shape[1] - 1 : -1]
    # Sisun never writes what is no token.
    theirs = theirs.clone()
    theirs[:, len(tokenizer) :] = -torch.inf
    theirs = theirs.log_softmax(-1)
    # Two tokens as likely as each other may come either way.
    likeliest = theirs.max(-1).values
    chosen = theirs.gather(1, whole[0, ids.shape[1] :, None])[:, 0]
    assert (likeliest - chosen).max() <= OF_LOGPROB, "a token that is not the likeliest"
    of_attention = max(np.abs(a - b[0].numpy()).max() for a, b in zip(layers, expected, strict=True))
    return of_attention, (chosen - torch.tensor(logprobs)).abs().max().item()


def tell(what, of_attention, of_logprob):
    good = of_attention <= OF_ATTENTION and of_logprob <= OF_LOGPROB
    print(f"{what:<28}{of_attention:>10.1e}{of_logprob:>12.1e}{'' if good else '   TOO FAR'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sisun", default=ROOT / "target/release/sisun", type=Path)
    parser.add_argument("--seed", default=1000, type=int)
    args = parser.parse_args()
    torch.set_num_threads(1)
    good = []
    with tempfile.TemporaryDirectory() as scratch:
        sisun = Sisun(args.sisun.absolute(), scratch)
        reference_hf.OUT = Path(scratch) / "in"
        print(f"{'':<28}{'attention':>10}{'logprob':>12}")
        for name in reference_hf.CASES:
            directory, _ = reference_hf.save(name, args.seed)
            model, tokenizer, _, _ = reference_exports.opened(directory)
            good.append(tell(f"in   {name}", *differences(sisun, directory, model, tokenizer)))
        config = Path(scratch) / "small.toml"
        config.write_text(CONFIG)
        for number, (name, settings) in enumerate(MODELS.items()):
            run, directory = Path(scratch) / f"run{number}", Path(scratch) / f"out{number}"
            changed = [f"--set={setting}" for setting in settings.split()]
            sisun.run("train", config, "--run", run, *changed, "-q", "--device", "cpu")
            sisun.run("export", run, "--to", directory, "-q", "--device", "cpu")
            model, tokenizer, complaints, left = reference_exports.opened(directory)
            assert not complaints and not left, f"{name}: {complaints} {left}"
            good.append(tell(f"out  {name}", *differences(sisun, run, model, tokenizer)))
            again = Path(scratch) / f"again{number}"
            sisun.run("export", directory, "--to", again, "-q", "--device", "cpu")
            same = all((directory / file).read_bytes() == (again / file).read_bytes() for file in FILES)
            same &= sisun.greedy(directory)[0] == sisun.greedy(run)[0]
            if not same:
                print(f"     {name}: not the same when it comes back")
            good.append(same)
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
