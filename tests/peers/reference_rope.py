"""RoPE's frequencies under scaling, by Hugging Face transformers.

Writes fixtures/rope_scaling.json: for each case the settings, the radians a position of each pair, and what cosines and
sines are multiplied by. "ntk" is transformers' "dynamic" with factor 1 at a length of `factor` times the trained one; cases
of "dynamic" itself say the length they are for. `settings` are those of the kind alone.

    python tests/peers/reference_rope.py
"""

import json
import platform
from pathlib import Path

import torch
import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

OUT = Path(__file__).parent / "fixtures" / "rope_scaling.json"
SHAPES = ((16, 10000.0, 64), (64, 10000.0, 2048), (10, 500.0, 37))
CASES = [
    (kind, dims, base, factor, context, {})
    for kind in ("linear", "ntk", "yarn")
    for dims, base, context in SHAPES
    for factor in (1.25, 2.0, 8.0)
]
CASES += [
    ("dynamic", dims, base, factor, context, {"len": int(length * context)})
    for dims, base, context in SHAPES
    for factor in (1.0, 2.5)
    for length in (0.5, 1.0, 3.5)
]
CASES += [
    ("llama3", dims, base, factor, context, {"low_freq_factor": low, "high_freq_factor": high})
    for dims, base, context in SHAPES
    for factor, low, high in ((8.0, 1.0, 4.0), (32.0, 0.5, 3.0))
]
CASES += [
    ("yarn", dims, base, 4.0, context, settings)
    for dims, base, context in SHAPES
    for settings in (
        {"beta_fast": 3.0, "beta_slow": 0.25},
        {"attention_factor": 1.21},
        {"truncate": False},
        {"beta_fast": 16.0, "beta_slow": 2.0, "attention_factor": 0.9, "truncate": False},
    )
]


def frequencies(kind, dims, base, factor, context, more):
    name = "dynamic" if kind == "ntk" else kind
    settings = {"rope_type": name, "rope_theta": base, "factor": 1.0 if kind == "ntk" else factor}
    if kind in ("yarn", "llama3"):
        settings |= {"original_max_position_embeddings": context, **more}
    config = transformers.LlamaConfig(
        hidden_size=4 * dims,
        num_attention_heads=4,
        head_dim=dims,
        max_position_embeddings=context,
        rope_parameters=settings,
    )
    length = {"ntk": round(factor * context), "dynamic": more.get("len")}.get(kind)
    radians, magnitude = ROPE_INIT_FUNCTIONS[name](config, torch.device("cpu"), seq_len=length)
    return [float(x) for x in radians], float(magnitude)


def main():
    cases = []
    for kind, dims, base, factor, context, more in CASES:
        # Lengths are whole numbers of positions.
        factor = round(factor * context) / context
        radians, magnitude = frequencies(kind, dims, base, factor, context, more)
        cases.append(
            {
                "kind": kind,
                "rotary_dims": dims,
                "base": base,
                "factor": factor,
                "original_context_len": context,
                "settings": more,
                "radians": radians,
                "magnitude": magnitude,
            }
        )
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    OUT.write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")
    print(f"{OUT.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
