"""A model of a known one's shape with random weights, to see that it opens and how fast.

    python tests/peers/large_hf.py DIR [--shape tinyllama|gpt2-small]

tinyllama: a LLaMA with 22 layers, d_model 2048, 32 heads on 4 key heads, d_ff 5632, vocabulary 32,000; 2.2 GB of bfloat16,
drawn and written tensor by tensor, so that this needs little memory itself. gpt2-small: 12 layers, d_model 768, 12 heads,
vocabulary 50,257; 0.5 GB of float32.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import transformers
from reference_hf import byte_level, metaspace

LAYERS, D, KV, FF, VOCAB = 22, 2048, 256, 5632, 32_000


def shapes():
    yield "model.embed_tokens.weight", (VOCAB, D)
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        yield f"{at}.input_layernorm.weight", (D,)
        for name, out in (("q", D), ("k", KV), ("v", KV), ("o", D)):
            yield f"{at}.self_attn.{name}_proj.weight", (out, D)
        yield f"{at}.post_attention_layernorm.weight", (D,)
        yield f"{at}.mlp.gate_proj.weight", (FF, D)
        yield f"{at}.mlp.up_proj.weight", (FF, D)
        yield f"{at}.mlp.down_proj.weight", (D, FF)
    yield "model.norm.weight", (D,)
    yield "lm_head.weight", (VOCAB, D)


def gpt2_small(folder):
    transformers.set_seed(1)
    config = transformers.GPT2Config(bos_token_id=None, eos_token_id=None)
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    byte_level().save_pretrained(folder)


def tinyllama(folder):
    transformers.LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=VOCAB,
        hidden_size=D,
        intermediate_size=FF,
        num_hidden_layers=LAYERS,
        num_attention_heads=32,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        rms_norm_eps=1e-5,
        dtype="bfloat16",
    ).save_pretrained(folder)
    metaspace().save_pretrained(folder)

    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes():
        end = at + 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, end]}
        at = end
    header = json.dumps(header).encode()
    header += b" " * (-len(header) % 8)
    random = np.random.default_rng(1)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for _, shape in shapes():
            values = random.standard_normal(int(np.prod(shape)), dtype=np.float32) * np.float32(0.02)
            values = values + 1 if len(shape) == 1 else values
            # bfloat16 is the upper half of a float32.
            file.write((values.view(np.uint32) >> 16).astype(np.uint16).tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--shape", choices=["tinyllama", "gpt2-small"], default="tinyllama")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    {"tinyllama": tinyllama, "gpt2-small": gpt2_small}[args.shape](args.folder)
    size = (args.folder / "model.safetensors").stat().st_size
    print(f"{args.folder}: {size / 1e9:.2f} GB of weights")


if __name__ == "__main__":
    main()
