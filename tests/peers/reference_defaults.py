"""What `transformers` makes of a `config.json` that leaves keys out: fixtures/config_defaults.json.

    python reference_defaults.py      writes the file; the same bytes every time (same versions)

Each case is a `config.json`, read by the class that `AutoConfig` chooses, and what it says then.
"""

import json
import platform
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, MistralConfig, MistralForCausalLM

FIXTURE = Path(__file__).parent / "fixtures" / "config_defaults.json"
SIZES = {"hidden_size": 256, "num_hidden_layers": 3, "num_attention_heads": 32}
FAMILIES = ["gpt2", "gpt_neox", "llama", "mistral", "qwen2", "qwen3"]
WINDOW = {"sliding_window": 16, "max_position_embeddings": 64}


def cases():
    for family in FAMILIES:
        of = {"model_type": family}
        yield of
        yield {**of, **SIZES}
        yield {**of, **SIZES, "architectures": None, "vocab_size": 99}
        if family not in ("gpt2", "gpt_neox"):
            if family != "mistral":  # whose class takes no null there
                yield {**of, **SIZES, "num_key_value_heads": None}
            yield {**of, **SIZES, "num_key_value_heads": 2, "rope_theta": 5e5, "tie_word_embeddings": True}
    yield {"model_type": "gpt2", "n_embd": 24, "n_head": 3, "n_inner": None}
    yield {"model_type": "gpt_neox", **SIZES, "rotary_pct": 0.5, "rotary_emb_base": 500}
    for family in ("mistral", "qwen2", "qwen3"):
        of = {"model_type": family, **SIZES, "num_key_value_heads": 2}
        yield {**of, **WINDOW}
        yield {**of, **WINDOW, "sliding_window": None}
    for family in ("qwen2", "qwen3"):
        of = {"model_type": family, **SIZES, "num_key_value_heads": 2, **WINDOW, "use_sliding_window": True}
        yield of
        yield {**of, "max_window_layers": 2}
        yield {**of, "max_window_layers": 3}
        yield {**of, "layer_types": ["full_attention"] * 3}
        yield {**of, "layer_types": ["full_attention", "sliding_attention", "full_attention"]}


def resolved(config):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config))
        found = AutoConfig.from_pretrained(folder)
    rope = getattr(found, "rope_parameters", None) or {}
    heads, width = found.num_attention_heads, found.hidden_size
    gpt2 = found.model_type == "gpt2"
    window = getattr(found, "sliding_window", None)
    if found.model_type != "mistral" and "sliding_attention" not in (getattr(found, "layer_types", None) or []):
        window = None
    return {
        "vocab_size": found.vocab_size,
        "d_model": width,
        "n_layers": found.num_hidden_layers,
        "n_heads": heads,
        "kv_heads": getattr(found, "num_key_value_heads", heads),
        "d_head": getattr(found, "head_dim", None) or width // heads,
        "d_ff": (found.n_inner or 4 * width) if gpt2 else found.intermediate_size,
        "positions": found.max_position_embeddings,
        "window": window if window is not None and window < found.max_position_embeddings else None,
        "norm_eps": next(getattr(found, key) for key in ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon") if hasattr(found, key)),
        "activation": found.activation_function if gpt2 else found.hidden_act,
        "tied": found.tie_word_embeddings,
        "rope_theta": rope.get("rope_theta"),
        "rotated": rope.get("partial_rotary_factor", 1.0) if rope else None,
    }


def check_window():
    """In a text of `window` tokens nothing is hidden; in a longer one something is."""
    torch.manual_seed(0)
    sizes = {**SIZES, "intermediate_size": 40, "num_key_value_heads": 2, "vocab_size": 30, "initializer_range": 0.5}
    windowed = MistralForCausalLM(MistralConfig(**sizes, sliding_window=5)).eval()
    full = MistralForCausalLM(MistralConfig(**sizes, sliding_window=None)).eval()
    full.load_state_dict(windowed.state_dict())
    for length, same in [(5, True), (6, False)]:
        ids = torch.arange(length)[None]
        with torch.no_grad():
            assert torch.allclose(windowed(ids).logits, full(ids).logits, atol=1e-5) == same, length


check_window()
versions = {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0], "python": platform.python_version()}
lines = [json.dumps({"config": config, "resolved": resolved(config)}) for config in cases()]
FIXTURE.write_text('{"versions": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(versions), ",\n".join(lines)))
print(len(lines), "cases")
