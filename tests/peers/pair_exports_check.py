"""Hold exported encoder–decoders to `transformers`: the loss of held-out pairs, and greedy targets with their
log-probabilities, as `sisun` and as `transformers` compute them.

    python tests/peers/pair_exports_check.py SISUN

SISUN is the program. It trains small models of every kind that can be exported in a temporary folder: norms before and
after, tied and separate heads, shared keys, no biases, each position and activation. Needs `transformers` and `torch`
(requirements-speed.txt).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

KINDS = {
    "pre": "",
    "post": "norm_placement = 'post'",
    "pre-untied": "tied_head = false\nposition = 'learned'\nffn = 'relu'\nmax_source_len = 20\nmax_target_len = 30",
    "post-untied": "norm_placement = 'post'\ntied_head = false\nn_kv_heads = 2\nffn = 'gelu_tanh'",
    "post-bare": "norm_placement = 'post'\nbias = false\nposition = 'none'\nffn = 'relu_squared'\nd_ff = 40",
    "pre-bare": "bias = false\nposition = 'none'\nn_kv_heads = 1",
}
CONFIG = """
name = "pairs"
[pairs]
sources = ["pairs.jsonl"]
[source_tokenizer]
kind = "char"
[target_tokenizer]
kind = "bpe"
vocab_size = 280
[seq2seq]
kind = "transformer"
d_model = 32
n_layers = 2
n_heads = 4
{more}
[train]
seed = 3
steps = 150
batch_size = 32
lr_max = 3e-3
warmup_steps = 10
eval_every = 150
"""


def main() -> None:
    sisun = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        def run(*args: str) -> str:
            return subprocess.run([sisun, *args], cwd=folder, check=True, capture_output=True, text=True).stdout

        run("data", "make", "pairs", "--task", "reverse", "--min-length", "3", "--max-length", "9", "--count", "600", "--out", "pairs.jsonl")
        for kind, more in KINDS.items():
            if "position" not in more:
                more += "\nposition = 'sinusoidal'"
            (Path(folder) / f"{kind}.toml").write_text(CONFIG.format(more=more))
            run("train", f"{kind}.toml", "--run", kind, "--device", "cpu", "--quiet")
            for suffix, options in (("", []), ("-head", ["--materialize-head"])):
                exported = Path(folder) / f"{kind}-hf{suffix}"
                run("export", kind, "--to", exported.name, *options)
                check(kind + suffix, run, kind, exported)


def check(name: str, run, kind: str, exported: Path) -> None:
    model, loading = AutoModelForSeq2SeqLM.from_pretrained(exported, output_loading_info=True)
    problems = {key: found for key, found in loading.items() if found}
    assert not problems, (name, problems)
    model.eval()
    source_tokenizer = AutoTokenizer.from_pretrained(exported)
    target_tokenizer = AutoTokenizer.from_pretrained(exported / "target")
    begin, end = model.config.decoder_start_token_id, model.config.eos_token_id

    def log_probs(source: str, target: list[int]) -> torch.Tensor:
        inputs = source_tokenizer(source, return_tensors="pt")
        decoder = torch.tensor([[begin, *target[:-1]]])
        with torch.no_grad():
            logits = model(**inputs, decoder_input_ids=decoder).logits[0].double()
        return logits.log_softmax(-1)[torch.arange(len(target)), torch.tensor(target)]

    lines = (exported.parent / "pairs.jsonl").read_text().splitlines()[:40]
    pairs = [json.loads(line) for line in lines]
    held = exported.parent / "held.tsv"
    held.write_text("".join(f"{pair['source']}\t{pair['target']}\n" for pair in pairs))
    found = json.loads(run("eval", kind, "--data", "held.tsv", "--json", "--device", "cpu"))
    losses = [-log_probs(pair["source"], target_tokenizer(pair["target"])["input_ids"] + [end]) for pair in pairs]
    loss = torch.cat(losses).mean().item()
    assert abs(loss - found["loss"]) < 1e-5 * max(loss, 1), (name, loss, found["loss"])

    prompts = exported.parent / "prompts.txt"
    prompts.write_text("".join(pair["source"] + "\n" for pair in pairs))
    samples = json.loads(run("sample", kind, "--prompt-file", "prompts.txt", "--json", "--device", "cpu"))["samples"]
    worst = 0.0
    for pair, sample in zip(pairs, samples, strict=True):
        inputs = source_tokenizer(pair["source"], return_tensors="pt")
        with torch.no_grad():
            written = model.generate(**inputs)[0].tolist()[1:]
        text = target_tokenizer.decode(written, skip_special_tokens=True)
        assert text == sample["text"], (name, pair, text, sample["text"])
        # Ours never writes the begin, and leaves it out of the softmax.
        inputs = source_tokenizer(pair["source"], return_tensors="pt")
        decoder = torch.tensor([[begin, *written[:-1]]])
        with torch.no_grad():
            logits = model(**inputs, decoder_input_ids=decoder).logits[0].double()
        logits[:, begin] = -torch.inf
        theirs = logits.log_softmax(-1)[torch.arange(len(written)), torch.tensor(written)].sum().item()
        worst = max(worst, abs(theirs - sample["log_prob"]))
    assert worst < 1e-4, (name, worst)
    print(f"{name}: {type(model).__name__}, loss {loss:.6f} (sisun {found['loss']:.6f}), {len(pairs)} targets the same, log-probabilities within {worst:.1e}")


if __name__ == "__main__":
    main()
