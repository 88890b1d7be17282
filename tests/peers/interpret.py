"""What TransformerLens computes of tiny models, without folding any weights (its `no_processing`): the logit lens, direct
logit attribution, and the scores of circuits; and the eigenvalues of some matrices by NumPy.

Writes fixtures/interpret/NAME.safetensors for models of fixtures/hf and fixtures/hf_exports, and fixtures/eigenvalues.json.

    python tests/peers/interpret.py

It needs requirements-interpret.txt. It checks itself first: TransformerLens' logits equal those of transformers, the parts of
an attribution add up to the difference of two logits, and the last row of the lens is the logits.
"""

import json
import platform
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import transformers
from importlib.metadata import version
from transformer_lens import FactoredMatrix
from transformer_lens.model_bridge import TransformerBridge

FIXTURES = Path(__file__).parent / "fixtures"
TEXT = "the cat saw the kite and ran"
ANSWER, AGAINST = " on", " the"
CASES = {
    "gpt2": "hf/gpt2",
    "llama_tied": "hf/llama_tied",
    "llama_untied": "hf/llama_untied",
    "llama_biases": "hf/llama_biases",
    "qwen3": "hf/qwen3",
    "neox": "hf/neox",
    "export_gpt2_learned": "hf_exports/gpt2_learned",
    "export_llama": "hf_exports/llama",
}


def first_token(tokenizer, before, text):
    """The first token that follows those of the text, when both are encoded as one."""
    ids = tokenizer(text).input_ids
    assert ids[: len(before)] == before, (text, ids, before)
    return ids[len(before)]


def compute(folder):
    hf = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = TransformerBridge.boot_transformers(str(folder), device="cpu", dtype=torch.float32)
    ids = tokenizer(TEXT, return_tensors="pt").input_ids
    before = ids[0].tolist()
    answer, against = (first_token(tokenizer, before, TEXT + text) for text in (ANSWER, AGAINST))
    with torch.inference_mode():
        logits, cache = model.run_with_cache(ids)
        assert (logits - hf(ids).logits).abs().max() < 1e-4
        lens = (cache.accumulated_resid(apply_ln=True) @ model.W_U)[:, 0]
        assert (lens[-1] - logits[0]).abs().max() < 1e-4
        parts, stack = parts_of(model, cache)
        values = attribution(model, cache, torch.stack(stack), answer, against)
        beta = getattr(model.ln_final, "bias", None)
        if beta is not None:
            parts.append("norm_bias")
            direction = model.W_U[:, answer] - model.W_U[:, against]
            values = torch.cat([values, (beta @ direction).expand(1, len(before))])
        difference = logits[0, :, answer] - logits[0, :, against]
        assert (values.sum(0) - difference).abs().max() < 1e-4
        found = {"ids": ids[0], "answers": torch.tensor([answer, against]), "lens": lens, "attribution": values}
        found |= circuits(model, hf.config)
    return {name: tensor.clone().contiguous() for name, tensor in found.items()}, parts


def parts_of(model, cache):
    """What is added to the residual stream, by name, in the order of the forward pass."""
    cache.compute_head_results()
    names, stack = ["embed"], [cache["embed"][0]]
    if "hook_pos_embed" in cache and cache["pos_embed"].abs().max() > 0:
        names.append("pos_embed")
        stack.append(cache["pos_embed"][0].expand_as(stack[0]))
    for layer in range(model.cfg.n_layers):
        results = cache[f"blocks.{layer}.attn.hook_result"][0]
        for head in range(model.cfg.n_heads):
            names.append(f"head {layer}.{head}")
            stack.append(results[:, head])
        bias = cache["attn_out", layer][0] - results.sum(1)
        if bias.abs().max() > 1e-4:
            names.append(f"attn_bias {layer}")
            stack.append(bias)
        names.append(f"mlp {layer}")
        stack.append(cache["mlp_out", layer][0])
    return names, stack


def attribution(model, cache, stack, answer, against):
    """Without folded weights, apply_ln_to_stack centres and scales, and the gains of the norm are ours to apply."""
    scaled = cache.apply_ln_to_stack(stack[:, None], layer=-1)[:, 0]
    return scaled * model.ln_final.weight @ (model.W_U[:, answer] - model.W_U[:, against])


def circuits(model, config):
    w_v, w_k = (model._expand_kv_heads(w) for w in (model.W_V, model.W_K))
    ov = FactoredMatrix(w_v, model.W_O)
    values = (model.W_E @ ov @ model.W_U).eigenvalues
    found = {"copying": values.sum(-1).real / values.abs().sum(-1)}
    # Elsewhere q·k depends on the distance or on norms.
    modes = "QKV" if config.model_type == "gpt2" else "V"
    for mode in modes:
        found[f"composition_{mode.lower()}"] = model.all_composition_scores(mode).scores
    assert w_k.shape == w_v.shape
    return found


def matrices():
    """Matrices whose eigenvalues are hard to find, and random ones."""
    generator = np.random.default_rng(1)
    yield "one", np.array([[-2.5]])
    yield "rotation", np.array([[0.0, -1.0], [1.0, 0.0]])
    yield "cycle", np.roll(np.eye(5), 1, axis=0)
    yield "zero", np.zeros((4, 4))
    yield "triangular", np.triu(generator.standard_normal((6, 6)))
    yield "companion", np.vstack([np.poly(np.arange(1, 6))[:0:-1] * 0 - np.poly(np.arange(1, 6))[1:], np.eye(4, 5)])
    yield "scaled", np.diag(10.0 ** np.arange(-4, 4)) @ generator.standard_normal((8, 8)) @ np.diag(10.0 ** np.arange(4, -4, -1))
    yield "low rank", generator.standard_normal((12, 3)) @ generator.standard_normal((3, 12))
    yield "symmetric", (lambda a: a + a.T)(generator.standard_normal((9, 9)))
    for n in (2, 3, 4, 7, 16, 64):
        yield f"random {n}", generator.standard_normal((n, n))


def eigenvalues():
    cases = []
    for name, matrix in matrices():
        values = np.linalg.eigvals(matrix)
        assert abs(values.sum() - np.trace(matrix)) <= 1e-9 * max(1, np.abs(matrix).sum())
        cases.append(
            {
                "name": name,
                "matrix": matrix.ravel().tolist(),
                "eigenvalues": [[value.real, value.imag] for value in values.astype(complex)],
            }
        )
    text = json.dumps({"versions": {"numpy": np.__version__, "python": platform.python_version()}, "cases": cases})
    (FIXTURES / "eigenvalues.json").write_text(text + "\n")


def main():
    torch.set_num_threads(1)
    eigenvalues()
    names = ("transformer-lens", "transformers", "torch", "safetensors")
    versions = {name: version(name) for name in names}
    (FIXTURES / "interpret").mkdir(exist_ok=True)
    for name, folder in CASES.items():
        tensors, parts = compute(FIXTURES / folder)
        # One key: the order of several would differ from run to run.
        made = {"versions": versions, "model": folder, "text": TEXT, "answer": ANSWER, "against": AGAINST, "parts": parts}
        path = FIXTURES / "interpret" / f"{name}.safetensors"
        safetensors.torch.save_file(tensors, path, metadata={"made": json.dumps(made)})
        path.chmod(0o644)
        print(f"{name}: {len(parts)} parts, {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
