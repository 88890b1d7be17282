"""Fine-tuning by PyTorch, of models that Hugging Face transformers reads: every weight, and low-rank adapters by hand.

Writes fixtures/finetune/NAME.safetensors for some of the directories in fixtures/hf: the loss before each step and the
logits after the last, with every weight trained (`full.`) and with adapters (`lora.`), whose factors are drawn here
(`factor.BLOCKS.0...`, under our names). The text is one window and no more, so every random window is the same.

    python tests/peers/reference_finetune.py

It checks itself first: the adapters' gradients by autograd equal the chain rule on those of the whole matrices, and the model
with adapters that are 0 is the model without, bit for bit.
"""

import json
import platform
from pathlib import Path

import safetensors
import safetensors.torch
import torch
import transformers

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = ["gpt2", "llama_tied", "llama_untied"]
TEXT = "the cat saw the kite and ran home. the dog gave the red kite to Hana, and the wind was kind"
STEPS = 5
HOW = {"lr": 3e-3, "betas": (0.9, 0.99), "eps": 1e-8}
DECAY = 0.1
CLIP = 1.0
RANK, ALPHA = 3, 6.0
LAST = 5


def opened(name):
    folder = FIXTURES / "hf" / name
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    # Dropout is off: the configuration of GPT-2 asks for some.
    return model.eval(), transformers.AutoTokenizer.from_pretrained(folder)


def decays(name, weight):
    """As nanoGPT: matrices, but neither embedding nor positions."""
    return weight.dim() == 2 and not any(part in name for part in ["wte", "wpe", "embed_tokens"])


def blocks(model):
    """For each matrix of the blocks by our name: those of theirs side by side, and whether they are stored transposed."""
    if hasattr(model, "transformer"):
        for i in range(len(model.transformer.h)):
            for ours, theirs in {
                "attn.qkv": "attn.c_attn",
                "attn.o": "attn.c_proj",
                "ffn.up": "mlp.c_fc",
                "ffn.down": "mlp.c_proj",
            }.items():
                yield f"blocks.{i}.{ours}.weight", [f"transformer.h.{i}.{theirs}.weight"], False
    else:
        for i in range(len(model.model.layers)):
            for ours, theirs in {
                "attn.qkv": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
                "attn.o": ["self_attn.o_proj"],
                "ffn.gate": ["mlp.gate_proj"],
                "ffn.up": ["mlp.up_proj"],
                "ffn.down": ["mlp.down_proj"],
            }.items():
                yield f"blocks.{i}.{ours}.weight", [f"model.layers.{i}.{part}.weight" for part in theirs], True


def dense(weights, theirs, transposed):
    """A matrix as we have it, [d_in, d_out]."""
    return torch.cat([weights[name].T if transposed else weights[name] for name in theirs], dim=1)


def with_adapters(model, weights, factors):
    """Their weights with ALPHA / RANK * A B added."""
    changed = dict(weights)
    for ours, theirs, transposed in blocks(model):
        delta = ALPHA / RANK * (factors[f"{ours}.lora.a"] @ factors[f"{ours}.lora.b"])
        start = 0
        for name in theirs:
            width = weights[name].shape[0 if transposed else 1]
            part = delta[:, start : start + width]
            changed[name] = weights[name] + (part.T if transposed else part)
            start += width
    return changed


def loss_of(model, weights, ids):
    logits = torch.func.functional_call(model, weights, (ids[None, :-1],), {"use_cache": False}).logits[0]
    return torch.nn.functional.cross_entropy(logits, ids[1:]), logits


def trained(leaves, compose, model, ids):
    """Losses before each step, and the logits after the last. `compose` makes the model's weights of the leaves."""
    groups = [
        {"params": [w for name, w in leaves.items() if decays(name, w)], "weight_decay": DECAY},
        {"params": [w for name, w in leaves.items() if not decays(name, w)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], **HOW)
    losses = []
    for _ in range(STEPS):
        loss, _ = loss_of(model, compose(), ids)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(leaves.values(), CLIP)
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        loss, logits = loss_of(model, compose(), ids)
    return torch.tensor([*losses, loss.item()]), logits[-LAST:].clone()


def leaf(tensor):
    return tensor.detach().clone().requires_grad_()


def drawn(model, weights, generator):
    factors = {}
    for ours, theirs, transposed in blocks(model):
        d_in, d_out = dense(weights, theirs, transposed).shape
        factors[f"{ours}.lora.a"] = torch.randn(d_in, RANK, generator=generator) * (3 * d_in) ** -0.5
        factors[f"{ours}.lora.b"] = torch.zeros(RANK, d_out)
    return factors


def check(model, weights, factors, ids, generator):
    """The two things that the module's text promises."""
    with torch.no_grad():
        plain, same = loss_of(model, weights, ids)[1], loss_of(model, with_adapters(model, weights, factors), ids)[1]
    assert torch.equal(plain, same)
    some = {name: leaf(f + 0.1 * torch.randn(f.shape, generator=generator)) for name, f in factors.items()}
    loss_of(model, with_adapters(model, weights, some), ids)[0].backward()
    whole = {name: leaf(w) for name, w in with_adapters(model, weights, some).items()}
    loss_of(model, whole, ids)[0].backward()
    for ours, theirs, transposed in blocks(model):
        dw = dense({name: whole[name].grad for name in theirs}, theirs, transposed)
        a, b = some[f"{ours}.lora.a"], some[f"{ours}.lora.b"]
        scale = ALPHA / RANK
        torch.testing.assert_close(a.grad, scale * dw @ b.detach().T)
        torch.testing.assert_close(b.grad, scale * a.detach().T @ dw)


def main():
    torch.set_num_threads(1)
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "safetensors": safetensors.__version__,
    }
    (FIXTURES / "finetune").mkdir(exist_ok=True)
    for seed, name in enumerate(NAMES):
        model, tokenizer = opened(name)
        ids = tokenizer(TEXT, return_tensors="pt").input_ids[0]
        weights = {key: weight.detach() for key, weight in model.named_parameters()}
        generator = torch.Generator().manual_seed(seed)
        factors = drawn(model, weights, generator)
        check(model, weights, factors, ids, generator)

        full = {key: leaf(weight) for key, weight in weights.items()}
        losses, logits = trained(full, lambda: full, model, ids)
        low = {key: leaf(factor) for key, factor in factors.items()}
        low_losses, low_logits = trained(low, lambda: with_adapters(model, weights, low), model, ids)
        tensors = {
            "ids": ids,
            "full.losses": losses,
            "full.logits": logits,
            "lora.losses": low_losses,
            "lora.logits": low_logits,
            **{f"factor.{key}": factor for key, factor in factors.items()},
        }
        settings = {"steps": STEPS, **HOW, "weight_decay": DECAY, "clip": CLIP, "rank": RANK, "alpha": ALPHA}
        # One key: the order of several would differ from run to run.
        metadata = {"made": json.dumps({"versions": versions, "text": TEXT, "settings": settings})}
        path = FIXTURES / "finetune" / f"{name}.safetensors"
        safetensors.torch.save_file(tensors, path, metadata=metadata)
        path.chmod(0o644)
        print(f"{name}: {len(ids)} tokens, full {losses.tolist()}, lora {low_losses.tolist()}")


if __name__ == "__main__":
    main()
