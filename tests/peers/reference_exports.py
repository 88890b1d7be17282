"""What Hugging Face transformers makes of the directories that Sisun exports.

Reads fixtures/hf_exports/NAME/, which a test of sisun-hf writes, and puts expected.safetensors beside each.

    SISUN_WRITE_EXPORTS=1 cargo test --release -p sisun-hf -p sisun-cli exports
    python tests/peers/reference_exports.py

It fails where transformers warns, where a weight is missing or left over, where a continuation by `generate` is not the
likeliest tokens of one forward pass, and where a step of it is too close to call.
"""

import json
import logging
import warnings
from pathlib import Path

import safetensors.torch
import torch
import transformers
from reference_hf import CONTINUED, versions

OUT = Path(__file__).parent / "fixtures" / "hf_exports"
TEXTS = [
    "Hana gave the kite to Minsu. The kite was red, and the wind was kind.",
    "하나는 민수에게 연을 주었다. 연은 붉었고 바람은 순했다.",
]
# By how much the likeliest token must be likelier than the next, in nats.
MARGIN = 2e-4


class Complaints(logging.Handler):
    """Collects what transformers logs from a warning on."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.found = []

    def emit(self, record):
        self.found.append(record.getMessage())


def opened(folder):
    """The model and the tokenizer, with whatever was complained about on the way."""
    complaints = Complaints()
    # Loggers of transformers do not hand on what they log.
    transformers.utils.logging.get_logger().addHandler(complaints)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model, info = transformers.AutoModelForCausalLM.from_pretrained(
                folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            settings = {"do_sample": False, "max_new_tokens": 2}
            model.generate(**tokenizer(TEXTS[0], return_tensors="pt"), **settings)
    finally:
        transformers.utils.logging.get_logger().removeHandler(complaints)
    left = {key: sorted(map(str, value)) for key, value in info.items() if value}
    return model.eval(), tokenizer, complaints.found + [str(warning.message) for warning in caught], left


def compute(folder):
    model, tokenizer, complaints, left = opened(folder)
    assert not complaints, f"{folder.name}: {complaints}"
    assert not left, f"{folder.name}: {left}"
    known = [text for text in TEXTS if tokenizer.decode(tokenizer(text).input_ids) == text]
    assert len(known) == len(TEXTS), f"{folder.name}: only {known} come back from their tokens"
    ids = tokenizer(TEXTS[0], return_tensors="pt").input_ids[:, :83]
    prompt = ids[:, :17]
    with torch.inference_mode():
        settings = {"do_sample": False, "max_new_tokens": CONTINUED, "eos_token_id": None, "pad_token_id": 0}
        whole = model.generate(prompt, attention_mask=torch.ones_like(prompt), **settings)
        logits = model(whole).logits[0, prompt.shape[1] - 1 : -1]
        written = whole[0, prompt.shape[1] :]
        assert torch.equal(logits.argmax(-1), written), folder.name
        top = logits.topk(2).values
        margin = (top[:, 0] - top[:, 1]).min()
        assert margin > MARGIN, f"{folder.name}: {margin}"
        found = model(ids, output_attentions=True)
    tensors = {"ids": ids[0], "logits": found.logits[0], "prompt": prompt[0], "greedy": written}
    for layer, attention in enumerate(found.attentions):
        tensors[f"attention.{layer}"] = attention[0]
    for number, text in enumerate(TEXTS):
        tensors[f"text.{number}"] = tokenizer(text, return_tensors="pt").input_ids[0]
    return {name: tensor.clone() for name, tensor in tensors.items()}


def main():
    torch.set_num_threads(1)
    for folder in sorted(path for path in OUT.iterdir() if path.is_dir()):
        tensors = compute(folder)
        safetensors.torch.save_file(tensors, folder / "expected.safetensors", metadata={"versions": json.dumps(versions())})
        (folder / "expected.safetensors").chmod(0o644)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{folder.name}: {json.loads((folder / 'config.json').read_text())['architectures'][0]}, {size // 1000} kB")


if __name__ == "__main__":
    main()
