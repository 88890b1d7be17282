"""RoPE's frequencies under scaling, by Hugging Face transformers.

Writes fixtures/rope_scaling.json: for each case the settings, the radians a position of each pair, and what cosines and
sines are multiplied by. "ntk" is transformers' "dynamic" with factor 1 at a length of `factor` times the trained one.

    python tests/peers/reference_rope.py
"""

import json
import platform
from pathlib import Path

import torch
import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

OUT = Path(__file__).parent / "fixtures" / "rope_scaling.json"
CASES = [
    (kind, dims, base, factor, context)
    for kind in ("linear", "ntk", "yarn")
    for dims, base, context in ((16, 10000.0, 64), (64, 10000.0, 2048), (10, 500.0, 37))
    for factor in (1.25, 2.0, 8.0)
]


def frequencies(kind, dims, base, factor, context):
    name = {"linear": "linear", "ntk": "dynamic", "yarn": "yarn"}[kind]
    settings = {"rope_type": name, "rope_theta": base, "factor": 1.0 if kind == "ntk" else factor}
    if kind == "yarn":
        settings["original_max_position_embeddings"] = context
    config = transformers.LlamaConfig(
        hidden_size=4 * dims,
        num_attention_heads=4,
        head_dim=dims,
        max_position_embeddings=context,
        rope_parameters=settings,
    )
    length = {"seq_len": round(factor * context)} if kind == "ntk" else {}
    radians, magnitude = ROPE_INIT_FUNCTIONS[name](config, torch.device("cpu"), **length)
    return [float(x) for x in radians], float(magnitude)


def main():
    cases = []
    for kind, dims, base, factor, context in CASES:
        # Lengths are whole numbers of positions.
        factor = round(factor * context) / context
        radians, magnitude = frequencies(kind, dims, base, factor, context)
        cases.append(
            {
                "kind": kind,
                "rotary_dims": dims,
                "base": base,
                "factor": factor,
                "original_context_len": context,
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
