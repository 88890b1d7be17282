"""What TransformerLens computes of tiny models, without folding any weights (its `no_processing`), when activations are
edited and patched: every kind of edit, activation patching of every activation, and path patching between heads.

Writes fixtures/patching/NAME.json for models of fixtures/hf. It needs requirements-interpret.txt. Checked first:
TransformerLens' logits equal those of transformers.

    python tests/peers/patching.py

How fast and in how much memory it patches all layers and positions of a model in a folder:

    python tests/peers/patching.py speed FOLDER CLEAN CORRUPT ANSWER AGAINST
"""

import json
import platform
import resource
import sys
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from transformer_lens.model_bridge import TransformerBridge

FIXTURES = Path(__file__).parent / "fixtures"
CLEAN, CORRUPT = "the cat saw the kite and ran", "the kite saw the cat and ran"
OTHER = "the cat ran the kite and saw"
ANSWER, AGAINST = " on", " the"
MODELS = ("gpt2", "llama_tied", "llama_untied", "qwen3", "neox")
SITES = ("resid_pre", "attn_out", "resid_mid", "mlp_out", "resid_post", "z", "q", "k", "v", "pattern", "scores")
PATHS = (((1, 1), "q"), ((1, 0), "k"), ((1, 2), "v"), ((1, 1), "qkv"))


class Model:
    def __init__(self, folder):
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.bridge = TransformerBridge.boot_transformers(str(folder), device="cpu", dtype=torch.float32)
        self.layers, self.heads = self.bridge.cfg.n_layers, self.bridge.cfg.n_heads
        self.kv_heads = getattr(self.bridge.cfg, "n_key_value_heads", None) or self.heads
        ids = self.ids(CLEAN)
        _, self.names = self.bridge.run_with_cache(ids)
        hf = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        assert (self.bridge(ids) - hf(ids).logits).abs().max() < 1e-4

    def ids(self, text):
        return self.tokenizer(text, return_tensors="pt").input_ids

    def hook(self, name, layer):
        """The hook of an activation. What they call q is before the rotation; what the scores are made of is after it."""
        block = f"blocks.{layer}"
        if name in ("q", "k") and f"{block}.attn.hook_rot_{name}" in self.names:
            return f"{block}.attn.hook_rot_{name}"
        inside = {"scores": "attn_scores"}.get(name, name)
        return f"{block}.attn.hook_{inside}" if name in ("q", "k", "v", "z", "pattern", "scores") else f"{block}.hook_{name}"

    def run(self, ids, *edits):
        """Logits after edits (activation, layer, function)."""
        hooks = [hook for name, layer, of in edits for hook in self.hooks(name, layer, of)]
        return self.bridge.run_with_hooks(ids, fwd_hooks=hooks)

    def hooks(self, name, layer, of):
        def change(x, hook):
            return of(x.clone())

        if name != "resid_mid":
            return [(self.hook(name, layer), change)]
        # The bridge's hook_resid_mid is the input of the norm alone: a change there does not reach what comes after the
        # feed-forward network by the residual connection. So the stream is changed by what attention adds to it.
        before = {}

        def keep(x, hook):
            before["pre"] = x

        def add(x, hook):
            return of(before["pre"] + x) - before["pre"]

        return [(self.hook("resid_pre", layer), keep), (self.hook("attn_out", layer), add)]

    def values(self, ids, name, layer):
        _, cache = self.bridge.run_with_cache(ids)
        return cache[self.hook(name, layer)].clone()


def head_axis(name):
    return 1 if name in ("pattern", "scores") else 2


def put(head=None, positions=None, value=None, name="z"):
    """A function that changes some heads and positions of an activation."""

    def change(x):
        part = [slice(None)] * x.dim()
        axis = head_axis(name)
        if head is not None:
            part[axis] = head
        if positions is not None:
            part[1] = positions
        part = tuple(part)
        x[part] = value(x[part])
        return x

    return change


def edits(model):
    """Each kind of edit, as it is written on the command line, and the logits of the last token."""
    ids, other = model.ids(CLEAN), model.ids(OTHER)
    assert ids.shape == other.shape
    n = ids.shape[1]

    def row(x, of):
        weights = torch.zeros_like(x)
        for query in range(n):
            weights[..., query, of(query)] = 1
        return weights

    def cell(x):
        rest = x[:, 1, 5].clone()
        rest[:, 3] = 0
        x[:, 1, 5] = rest / rest.sum(-1, keepdim=True) * 0.1
        x[:, 1, 5, 3] = 0.9
        return x

    def score(x):
        x[:, 2, 5, 3] = 2.5
        return x

    def even(x):
        visible = torch.ones(n, n).tril().bool()
        return torch.where(visible, torch.zeros_like(x), x)

    def only(head, of):
        def change(x):
            x[:, head] = row(x[:, head], of)
            return x

        return change

    _, of_other = model.bridge.run_with_cache(other)
    of = lambda name, layer: of_other[model.hook(name, layer)]  # noqa: E731
    cases = {
        "z 1.2 = zero": [("z", 1, put(2, value=torch.zeros_like))],
        "mlp_out 0 = scale -0.5": [("mlp_out", 0, lambda x: x * -0.5)],
        "resid_mid 0 @2,4 = 0.25": [("resid_mid", 0, put(positions=[2, 4], value=lambda x: torch.full_like(x, 0.25), name="resid_mid"))],
        f"z 0.1 = mean '{OTHER}'": [("z", 0, put(1, value=lambda x: of("z", 0)[:, :, 1].mean(1, keepdim=True).expand_as(x)))],
        f"attn_out 0 @8 = from '{OTHER}'": [
            ("attn_out", 0, put(positions=[8], value=lambda x: of("attn_out", 0)[:, [8]], name="attn_out"))
        ],
        f"resid_post 0 = from '{OTHER}'": [("resid_post", 0, lambda x: of("resid_post", 0))],
        f"q 1.0 = from '{OTHER}'": [("q", 1, put(0, value=lambda x: of("q", 1)[:, :, 0], name="q"))],
        f"k 0 = from '{OTHER}'": [("k", 0, lambda x: of("k", 0))],
        f"v 1 @6-8 = from '{OTHER}'": [("v", 1, put(positions=[6, 7, 8], value=lambda x: of("v", 1)[:, 6:9], name="v"))],
        f"pattern 1.1 = from '{OTHER}'": [("pattern", 1, put(1, value=lambda x: of("pattern", 1)[:, 1], name="pattern"))],
        "pattern 0.1 @5:3 = 0.9": [("pattern", 0, cell)],
        "scores 0.2 @5:3 = 2.5": [("scores", 0, score)],
        "scores 1 = 0": [("scores", 1, even)],
        "pattern 0.1 = diagonal": [("pattern", 0, only(1, lambda query: query))],
        "pattern 0.1 = first": [("pattern", 0, only(1, lambda query: 0))],
        "pattern 0.1 = previous": [("pattern", 0, only(1, lambda query: max(query - 1, 0)))],
    }
    if "blocks.1.hook_resid_mid" not in model.names:
        cases = {edit: change for edit, change in cases.items() if not edit.startswith("resid_mid")}
    last = {edit: model.run(ids, *change)[0, -1] for edit, change in cases.items()}
    return {edit: [round(value, 7) for value in logits.tolist()] for edit, logits in last.items()}


class Patching:
    def __init__(self, model, clean=CLEAN, corrupt=CORRUPT, answer=ANSWER, against=AGAINST):
        self.model, self.clean, self.corrupt = model, model.ids(clean), model.ids(corrupt)
        assert self.clean.shape == self.corrupt.shape
        before = self.clean[0].tolist()
        whole = [model.tokenizer(clean + text).input_ids for text in (answer, against)]
        assert all(ids[: len(before)] == before for ids in whole)
        self.answers = [ids[len(before)] for ids in whole]
        _, self.of_clean = model.bridge.run_with_cache(self.clean)
        self.ends = [self.difference(model.bridge(ids)) for ids in (self.clean, self.corrupt)]

    def difference(self, logits):
        return (logits[0, -1, self.answers[0]] - logits[0, -1, self.answers[1]]).item()

    def share(self, logits):
        clean, corrupt = self.ends
        return (self.difference(logits) - corrupt) / (clean - corrupt)

    def site(self, name):
        model, n = self.model, self.clean.shape[1]
        per_head = name in ("q", "k", "v", "z", "pattern", "scores")
        table = []
        for layer in range(model.layers):
            clean = self.of_clean[model.hook(name, layer)]
            if per_head:
                heads = clean.shape[head_axis(name)]
                each = model.heads // heads
                part = lambda head: (slice(None),) * head_axis(name) + (head,)  # noqa: E731
                row = [self.replaced(name, layer, part(head), clean) for head in range(heads)]
                row = [share for share in row for _ in range(each)]
            else:
                row = [self.replaced(name, layer, (slice(None), position), clean) for position in range(n)]
            table.append(row)
        return table

    def replaced(self, name, layer, part, clean):
        def change(x):
            x[part] = clean[part]
            return x

        return self.share(self.model.run(self.corrupt, (name, layer, change)))

    def paths(self, receiver, into):
        """Wang et al. 2022, appendix B: all other heads' outputs are frozen, feed-forward networks computed anew."""
        model, (layer, head) = self.model, receiver
        frozen = [model.values(self.corrupt, "z", at) for at in range(layer)]
        table = []
        for at in range(layer):
            table.append([self.path(at, sender, layer, head, into, frozen) for sender in range(model.heads)])
        return table

    def path(self, at, sender, layer, head, into, frozen):
        model, received = self.model, {}

        def freeze(x, of):
            x = frozen[of].clone()
            if of == at:
                x[:, :, sender] = self.of_clean[model.hook("z", at)][:, :, sender]
            return x

        def keep(x, name):
            received[name] = x.clone()
            return x

        freezing = [("z", of, partial(freeze, of=of)) for of in range(layer)]
        model.run(self.corrupt, *freezing, *((name, layer, partial(keep, name=name)) for name in into))

        def receive(x, name):
            # Heads that share their keys and values receive them together.
            at = head if name == "q" else head * x.shape[2] // model.heads
            x[:, :, at] = received[name][:, :, at]
            return x

        return self.share(model.run(self.corrupt, *((name, layer, partial(receive, name=name)) for name in into)))


def rounded(table):
    return [[round(value, 7) for value in row] for row in table]


def fixture(name):
    model = Model(FIXTURES / "hf" / name)
    patching = Patching(model)
    sites = [site for site in SITES if site != "resid_mid" or f"blocks.0.hook_{site}" in model.names]
    return {
        "clean": CLEAN,
        "corrupt": CORRUPT,
        "answer": ANSWER,
        "against": AGAINST,
        "differences": patching.ends,
        "edits": edits(model),
        "patching": {site: rounded(patching.site(site)) for site in sites},
        "paths": [
            {"to": f"{layer}.{head}", "into": ",".join(into), "recovered": rounded(patching.paths((layer, head), into))}
            for (layer, head), into in PATHS
        ],
    }


def speed(folder, clean, corrupt, answer, against):
    model = Model(folder)
    patching = Patching(model, clean, corrupt, answer, against)
    began = time.perf_counter()
    table = patching.site("resid_pre")
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_bytes": peak, "cells": len(table) * len(table[0]), "recovered": table}))


def main():
    torch.set_grad_enabled(False)
    if sys.argv[1:2] == ["speed"]:
        return speed(*sys.argv[2:])
    torch.set_num_threads(1)
    versions = {name: version(name) for name in ("transformer-lens", "transformers", "torch")} | {"python": platform.python_version()}
    (FIXTURES / "patching").mkdir(exist_ok=True)
    for name in MODELS:
        path = FIXTURES / "patching" / f"{name}.json"
        path.write_text(json.dumps({"versions": versions} | fixture(name)) + "\n")
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
