"""AdamW, Muon and learning-rate schedules in NumPy (float64), written from the papers and their authors' code.

Writes fixtures/optimizers.json. Weights are stored [in, out], as ours are.

    python tests/peers/reference_optimizers.py
"""

import json
import math
import platform
from pathlib import Path

import numpy as np

FIXTURE = Path(__file__).parent / "fixtures" / "optimizers.json"


def adamw(weight, grads, lr, beta1, beta2, eps, weight_decay):
    """Loshchilov & Hutter 2019 as PyTorch's AdamW does it: ε outside the square root, decay before the update."""
    m, v = np.zeros_like(weight), np.zeros_like(weight)
    for step, grad in enumerate(grads, start=1):
        weight = weight - lr * weight_decay * weight
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
        weight = weight - lr * m_hat / (np.sqrt(v_hat) + eps)
        yield weight


def newton_schulz(g):
    """Jordan 2024: five steps of an odd quintic that push every singular value near 1. `g` is [out, in]."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.T if g.shape[0] > g.shape[1] else g
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if g.shape[0] > g.shape[1] else x


def muon(weight, grads, lr, momentum, weight_decay):
    """Jordan 2024: Nesterov momentum, orthogonalised, times √max(1, out/in); decoupled weight decay first."""
    n_in, n_out = weight.shape
    buffer = np.zeros_like(weight)
    for grad in grads:
        buffer = momentum * buffer + grad
        nesterov = grad + momentum * buffer
        update = newton_schulz(nesterov.T).T * math.sqrt(max(1.0, n_out / n_in))
        weight = weight - lr * weight_decay * weight
        weight = weight - lr * update
        yield weight


def learning_rate(schedule, step, lr_max, lr_min, warmup, steps):
    """nanoGPT's get_lr (Karpathy 2022), `steps` being its lr_decay_iters; linear decay likewise."""
    if step < warmup:
        return lr_max * (step + 1) / (warmup + 1)
    if schedule == "constant":
        return lr_max
    if step >= steps:
        return lr_min
    ratio = (step - warmup) / (steps - warmup)
    left = 0.5 * (1.0 + math.cos(math.pi * ratio)) if schedule == "cosine" else 1.0 - ratio
    return lr_min + left * (lr_max - lr_min)


def made_up(rng, shape, scale):
    """Multiples of 1/1024: exact in float32 and short in JSON."""
    return np.round(rng.normal(0.0, scale, shape) * 1024) / 1024


def trajectory(optimizer, shape, seed, hyper):
    rng = np.random.default_rng(seed)
    weight = made_up(rng, shape, 0.5)
    # Uneven sizes, a gradient that vanishes, and one element that never gets any.
    grads = [made_up(rng, shape, scale) for scale in (0.5, 2.0, 0.0, 0.05, 1.0)]
    for grad in grads:
        grad[1, 2] = 0.0
    return {
        "shape": shape,
        **hyper,
        "weight": weight.tolist(),
        "grads": [grad.tolist() for grad in grads],
        "after": [w.tolist() for w in optimizer(weight, grads, **hyper)],
    }


def schedules():
    cases = []
    for schedule in ("cosine", "linear", "constant"):
        for warmup in (100, 0):
            hyper = {"lr_max": 1e-3, "lr_min": 1e-4, "warmup": warmup, "steps": 2000}
            at = [0, 1, 49, 99, 100, 101, 500, 1050, 1999, 2000, 2500]
            values = [[step, learning_rate(schedule, step, **hyper)] for step in at]
            cases.append({"schedule": schedule, **hyper, "step_and_lr": values})
    return cases


def check():
    """The parts with a provable answer."""
    # Adam's first step is lr·sign(g) whatever the size of g, on top of the decay.
    first = next(adamw(np.array([[2.0, -3.0]]), [np.array([[1e-3, -70.0]])], 0.1, 0.9, 0.95, 1e-8, 0.1))
    assert np.allclose(first, [[2.0 * 0.99 - 0.1, -3.0 * 0.99 + 0.1]], atol=1e-5)
    # The quintic keeps the singular vectors, moves the values near 1, and does not mind which side is longer.
    g = np.random.default_rng(2).normal(size=(7, 4))
    u, s, vt = np.linalg.svd(newton_schulz(g))
    assert 0.6 < s.min() and s.max() < 1.3, s
    u0, _, vt0 = np.linalg.svd(g, full_matrices=False)
    assert np.abs(u0.T @ newton_schulz(g) @ vt0.T - np.diag(np.diag(u0.T @ newton_schulz(g) @ vt0.T))).max() < 1e-12
    assert np.allclose(newton_schulz(g.T).T, newton_schulz(g))
    # nanoGPT's own CPU recipe half-way through its warm-up, at the top, half-way down and at the end.
    recipe = {"lr_max": 1e-3, "lr_min": 1e-4, "warmup": 99, "steps": 1999}
    rates = [learning_rate("cosine", step, **recipe) for step in (49, 99, 1049, 1999)]
    assert np.allclose(rates, [5e-4, 1e-3, 5.5e-4, 1e-4])


def main():
    check()
    adamw_hyper = {"lr": 0.01, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1}
    muon_hyper = {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.1}
    fixture = {
        "versions": f"python {platform.python_version()}, numpy {np.__version__}",
        "adamw": trajectory(adamw, (3, 5), 11, adamw_hyper),
        "muon": [trajectory(muon, shape, 12, muon_hyper) for shape in ((3, 5), (5, 3))],
        "schedules": schedules(),
    }
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    FIXTURE.write_text(json.dumps(fixture, indent=1) + "\n")
    print(f"{FIXTURE.name}: AdamW, Muon, {len(fixture['schedules'])} schedules")


if __name__ == "__main__":
    main()
