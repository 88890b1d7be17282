"""Tiny random GPT-2 and LLaMA models, and some of their kin, by Hugging Face transformers, and what it computes with them.

Writes fixtures/hf/NAME/: a directory as `save_pretrained` leaves it (config.json, weights, tokenizer.json) and beside it
expected.safetensors. transformers itself reads each directory again before it computes, in float32 and with its plain
attention, so a file of 16-bit numbers gives what those numbers give.

    python tests/peers/reference_hf.py

It checks itself first: greedy continuations by `generate`, with its cache, equal the likeliest tokens of one forward pass
over the whole text, and no step is so close that another order of additions could change it.
"""

import json
import platform
import shutil
from pathlib import Path

import safetensors
import safetensors.torch
import tokenizers
import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = Path(__file__).parent / "fixtures" / "hf"
CORPUS = [
    "Hana gave the kite to Minsu. The kite was red, and the wind was kind.",
    "One day the dog ran home and saw the cat on the mat.",
]
PROMPT = "the cat saw the kite and ran"
CONTINUED = 64
CONTEXT = 92
# By how much the likeliest token must be likelier than the next, in nats.
MARGIN = 1e-3
# Kept of a long sequence.
LAST = 5


def of_bytes(tokenizer):
    """Its vocabulary: the 256 bytes and a few merges."""
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=281, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")


def byte_level():
    """As GPT-2's, with few merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return of_bytes(tokenizer)


QWEN = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""


def qwen():
    """As Qwen's: transformers reads those of a qwen2 as if they were so, whatever the file says."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return of_bytes(tokenizer)


def metaspace():
    """As LLaMA 2's, without the bytes for what the vocabulary lacks."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=73, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


def gpt2(**settings):
    shape = {"n_embd": 15, "n_layer": 2, "n_head": 3, "n_inner": 29, "n_positions": CONTEXT}
    return transformers.GPT2Config(**shape, bos_token_id=0, eos_token_id=0, **settings)


LLAMA = {
    "hidden_size": 36,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "intermediate_size": 41,
    "max_position_embeddings": CONTEXT,
    "rms_norm_eps": 1e-5,
}


def llama(**settings):
    return transformers.LlamaConfig(**LLAMA, **settings)


def neox(**settings):
    shape = {"hidden_size": 30, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 29}
    shape["max_position_embeddings"] = CONTEXT
    return transformers.GPTNeoXConfig(**shape, bos_token_id=0, eos_token_id=0, **settings)


def rope(rope_type, **settings):
    return {"rope_parameters": {"rope_type": rope_type, "rope_theta": 500.0, **settings}}


LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 37}
YARN = {"factor": 4.0, "original_max_position_embeddings": 23}
YARN_SET = {**YARN, "beta_fast": 3.0, "beta_slow": 0.25, "attention_factor": 1.21, "truncate": False}

# name: configuration, number type of the file, and how the directory is altered after it was saved
CASES = {
    "gpt2": (gpt2(), torch.float32, []),
    "gpt2_untied": (
        gpt2(activation_function="gelu", tie_word_embeddings=False, scale_attn_weights=False, layer_norm_epsilon=1e-4),
        torch.float16,
        ["base names"],
    ),
    "llama_tied": (llama(tie_word_embeddings=True), torch.bfloat16, ["padded"]),
    "llama_untied": (llama(), torch.float32, ["shards"]),
    "llama_biases": (llama(attention_bias=True, mlp_bias=True, **rope("default")), torch.float16, []),
    "llama_attention_bias": (llama(attention_bias=True), torch.bfloat16, ["version 4"]),
    "llama_linear": (llama(**rope("linear", factor=4.0)), torch.bfloat16, ["version 4"]),
    "llama_dynamic": (llama(**rope("dynamic", factor=2.5)), torch.bfloat16, ["long"]),
    "llama_llama3": (llama(**rope("llama3", **LLAMA3)), torch.bfloat16, []),
    "llama_yarn": (llama(**rope("yarn", **YARN)), torch.bfloat16, ["version 4"]),
    "llama_yarn_set": (llama(**rope("yarn", **YARN_SET)), torch.bfloat16, []),
    "llama_wide_heads": (llama(head_dim=10), torch.bfloat16, []),
    "mistral": (transformers.MistralConfig(**LLAMA, sliding_window=None, head_dim=14), torch.bfloat16, []),
    "qwen2": (transformers.Qwen2Config(**LLAMA, tie_word_embeddings=True), torch.bfloat16, []),
    "qwen3": (transformers.Qwen3Config(**LLAMA, head_dim=14, **rope("default")), torch.bfloat16, []),
    "neox": (neox(**rope("default", partial_rotary_factor=0.4)), torch.float32, []),
    "neox_tied": (
        neox(use_parallel_residual=False, tie_word_embeddings=True, attention_bias=False, hidden_act="gelu_new", **rope("default")),
        torch.bfloat16,
        [],
    ),
}


def random_model(config, seed):
    """No weight stands where it would hide something: norms are not 1, biases are not 0."""
    generator = torch.Generator().manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            draws = torch.randn(weight.shape, generator=generator)
            norm = name.endswith("weight") and weight.dim() == 1
            weight.copy_(1 + 0.2 * draws if norm else 0.3 * draws)
    return model


def as_version_4(folder):
    """config.json as transformers 4 wrote it."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    settings = config.pop("rope_parameters")
    config["rope_theta"] = settings.pop("rope_theta")
    kind = settings.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {"type": kind, **settings}
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2) + "\n")


def with_base_names(folder):
    """The weights named as in files of GPT2Model, with the masks that old files hold."""
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    for layer in range(2):
        tensors[f"h.{layer}.attn.bias"] = torch.ones(1, 1, CONTEXT, CONTEXT, dtype=torch.uint8).tril()
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})


def save(name, seed):
    config, dtype, changes = CASES[name]
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    families = {"gpt2": byte_level, "gpt_neox": byte_level, "qwen2": qwen, "qwen3": qwen}
    tokenizer = families.get(config.model_type, metaspace)()
    config.vocab_size = len(tokenizer) + (7 if "padded" in changes else 0)
    random_model(config, seed).to(dtype).save_pretrained(folder, max_shard_size="40KB" if "shards" in changes else "5GB")
    tokenizer.save_pretrained(folder)
    if "version 4" in changes:
        as_version_4(folder)
    if "base names" in changes:
        with_base_names(folder)
    return folder, changes


def compute(folder, changes):
    """What expected.safetensors holds; None where a step of the continuation is too close to call."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer(PROMPT, return_tensors="pt").input_ids
    n = prompt.shape[1]
    assert n + CONTINUED <= CONTEXT, f"{n} tokens"
    with torch.inference_mode():
        settings = {"do_sample": False, "max_new_tokens": CONTINUED, "eos_token_id": None, "pad_token_id": 0}
        whole = model.generate(prompt, attention_mask=torch.ones_like(prompt), **settings)
        logits = model(whole).logits[0, n - 1 : -1]
        top = logits.topk(2).values
        written = whole[0, n:]
        assert torch.equal(logits.argmax(-1), written)
        special = set(tokenizer.all_special_ids) | set(range(len(tokenizer), model.config.vocab_size))
        if (top[:, 0] - top[:, 1]).min() < MARGIN or special & set(written.tolist()) or len(set(written.tolist())) < 12:
            return None
        # Past the context that the model was trained on, where that is what counts.
        generator = torch.Generator().manual_seed(1)
        ids = prompt
        if "long" in changes:
            ids = torch.randint(3, len(tokenizer), (1, CONTEXT + 22), generator=generator)
        found = model(ids, output_attentions=True)
    rows = slice(-LAST, None) if "long" in changes else slice(None)
    tensors = {"ids": ids[0], "logits": found.logits[0, rows], "prompt": prompt[0], "greedy": written}
    for layer, attention in enumerate(found.attentions):
        tensors[f"attention.{layer}"] = attention[0][:, rows]
    return {name: tensor.clone() for name, tensor in tensors.items()}


def versions():
    """What made a fixture."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
    }


def main():
    torch.set_num_threads(1)
    for name in CASES:
        for seed in range(1, 1000):
            folder, changes = save(name, seed)
            tensors = compute(folder, changes)
            if tensors is not None:
                break
        # One key: the order of several would differ from run to run.
        metadata = {"made": json.dumps({"versions": versions(), "prompt": PROMPT, "seed": seed})}
        safetensors.torch.save_file(tensors, folder / "expected.safetensors", metadata=metadata)
        for path in folder.iterdir():
            path.chmod(0o644)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{name}: seed {seed}, {size // 1000} kB")


if __name__ == "__main__":
    main()
