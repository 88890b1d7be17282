"""What TransformerLens and PyTorch say of the heads of tiny models: scores of patterns (its head_detector), and value-weighted
attention (Kobayashi et al. 2020).

Writes fixtures/head_scores.json for models of fixtures/hf and fixtures/hf_exports. It needs requirements-interpret.txt.
Checked first: TransformerLens' logits equal those of transformers, and what the keys of a head contribute adds up to its
output.

    python tests/peers/head_scores.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from transformer_lens import head_detector
from transformer_lens.model_bridge import TransformerBridge

FIXTURES = Path(__file__).parent / "fixtures"
TEXT = "the cat saw the kite and the dog ran"
MODELS = ("hf/gpt2", "hf/llama_tied", "hf/llama_biases", "hf/qwen3", "hf/neox", "hf_exports/gpt2_learned")


def compute(folder):
    hf = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = TransformerBridge.boot_transformers(str(folder), device="cpu", dtype=torch.float32)
    ids = tokenizer(TEXT, return_tensors="pt").input_ids
    with torch.inference_mode():
        logits, cache = model.run_with_cache(ids)
        assert (logits - hf(ids).logits).abs().max() < 1e-4
        cache.compute_head_results()
        heads = [of_head(model, cache, ids, layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]
    return {"model": folder.relative_to(FIXTURES).as_posix(), "heads": heads}


def of_head(model, cache, ids, layer, head):
    attn = f"blocks.{layer}.attn"
    pattern = cache[f"{attn}.hook_pattern"][0, head]
    n = pattern.shape[0]
    # [pos, head, d_head]; heads that share values have one entry.
    values = cache[f"{attn}.hook_v"][0]
    values = values.reshape(n, -1, model.cfg.d_head)
    values = values[:, head * values.shape[1] // model.cfg.n_heads]
    written = values @ model.W_O[layer, head]
    result = cache[f"{attn}.hook_result"][0, :, head]
    assert (pattern @ written - result).abs().max() < 1e-5
    # A vector for each query and key, of which the norm is taken: not a product of norms.
    contributions = pattern[:, :, None] * written[None]
    similarity = lambda detection: head_detector.compute_head_attention_similarity_score(  # noqa: E731
        pattern.clone(), detection_pattern=detection, exclude_bos=False, exclude_current_token=False, error_measure="mul"
    )
    return {
        "layer": layer,
        "head": head,
        # The sum of the weights at a place over that of all weights, which is n.
        "previous_token_head": similarity(head_detector.get_previous_token_head_detection_pattern(ids)),
        "duplicate_token_head": similarity(head_detector.get_duplicate_token_head_detection_pattern(ids)),
        "diagonals": [pattern.diagonal(-distance).double().mean().item() for distance in range(n // 2 + 1)],
        "value_weighted": contributions.norm(dim=-1).tolist(),
    }


def main():
    torch.set_num_threads(1)
    names = ("transformer-lens", "transformers", "torch")
    found = {"versions": {name: version(name) for name in names}, "text": TEXT, "models": [compute(FIXTURES / name) for name in MODELS]}

    def rounded(x):
        match x:
            case float():
                return float(f"{x:.7g}")
            case list():
                return [rounded(item) for item in x]
            case dict():
                return {key: rounded(item) for key, item in x.items()}
        return x

    path = FIXTURES / "head_scores.json"
    path.write_text(json.dumps(rounded(found)) + "\n")
    print(f"{len(MODELS)} models, {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
