"""Intervals, tests and ranks of SciPy and statsmodels, on made-up data.

Writes fixtures/statistics.json. A score that is not a number is null there.

    python tests/peers/reference_statistics.py
"""

import itertools
import json
import math
import platform
from pathlib import Path

import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests

FIXTURE = Path(__file__).parent / "fixtures" / "statistics.json"

# Fisher 1935, §21: Darwin's fifteen pairs of maize, crossed minus self-fertilised, in eighths of an inch.
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def enumerated_bootstrap(values):
    """The percentile interval over all nⁿ resamples."""
    resamples = np.array(list(itertools.product(values, repeat=len(values))))
    return np.percentile(resamples.mean(axis=1), [2.5, 97.5]).tolist()


def drawn_bootstrap(values):
    """SciPy's, of so many resamples that its own chance hardly counts beside that of 10,000."""
    rng = np.random.default_rng(1)
    result = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=1_000_000, batch=50_000, vectorized=True, rng=rng
    )
    return [float(end) for end in result.confidence_interval]


def quantile_tolerance(values):
    """Four standard deviations of the 2.5 % quantile of 10,000 draws, the means being about normal."""
    error = np.std(values) / math.sqrt(len(values))
    z = stats.norm.ppf(0.025)
    return float(4 * math.sqrt(0.025 * 0.975 / 10_000) / stats.norm.pdf(z) * error)


def sign_flip(differences):
    """With one sample, SciPy's permutations of 'samples' are its sign patterns."""
    result = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, batch=4096, vectorized=True
    )
    return float(result.pvalue)


def brute_force_sign_flip(differences):
    """All 2ⁿ patterns of integers, for more differences than SciPy takes in reasonable time."""
    sums = np.zeros(1, dtype=np.int64)
    for difference in differences:
        sums = np.concatenate([sums + difference, sums - difference])
    return float(np.mean(np.abs(sums) >= abs(sum(differences))))


def holm(p_values):
    return multipletests(p_values, method="holm")[1].tolist()


def improvement(a, b):
    return float(stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)))


def mean_reciprocal_rank(scores):
    ranks = [stats.rankdata([math.inf if math.isnan(x) else -x for x in task], method="average") for task in scores]
    return np.mean(1 / np.array(ranks), axis=0).tolist()


def check():
    """Values with a published or provable answer."""
    # Fisher 1935, §21: 863 of the 32,768 sums are at least 314, and as many at most -314.
    assert sum(DARWIN) == 314
    assert brute_force_sign_flip(DARWIN) == 2 * 863 / 32768
    assert sign_flip(DARWIN) == 2 * 863 / 32768
    # The means are 0, ½, ½ and 1; 2.5 % of the three steps between them is 0.075 of the first.
    assert np.allclose(enumerated_bootstrap([0, 1]), [0.0375, 0.9625], atol=1e-15)
    # By hand: 4 · 0.005, 3 · 0.01, 2 · 0.03, and the last no less than the one before.
    assert np.allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02], atol=1e-15)
    # Of 6 pairs 3 are won, 1 is a tie.
    assert improvement([1, 3], [0, 1, 5]) == 3.5 / 6
    assert np.allclose(mean_reciprocal_rank([[0.9, 0.5, math.nan], [0.1, 0.1, 0.1]]), [0.75, 0.5, 5 / 12])


def made_up(rng, n, centre=0.0):
    """Multiples of 1/1024: sums are exact, so equal ones are equal however they are added."""
    return (np.round(rng.normal(centre, 1.0, n) * 1024) / 1024).tolist()


def main():
    check()
    rng = np.random.default_rng(21)
    few = [made_up(rng, n, 3.0) for n in (2, 3, 4, 5, 6)] + [[1.0, 1.0, 0.0, 1.0, 1.0], [2.5, 2.5, 2.5]]
    many = [made_up(rng, 12, 3.0)]
    flips = [made_up(rng, n, 0.75) for n in (2, 3, 5, 6, 10, 13)]
    # Darwin's; then ties, zeros, and an observed mean of zero.
    flips += [DARWIN, [1.0, 0.0, 1.0, -1.0, 2.0, 0.0], [1.0, -1.0, 2.0, -2.0]]
    many_flips = [[round(x * 1024) for x in made_up(rng, 24, centre)] for centre in (0.1, 0.8)]
    p_values = [[0.01, 0.04, 0.03, 0.005], [0.25], [0.0625, 0.03125, 0.5, 1.0, 0.03125, 0.9]]
    p_values.append((rng.uniform(size=9) ** 3 / 4).tolist())
    pairs = [(made_up(rng, n, 0.3), made_up(rng, m)) for n, m in ((3, 3), (5, 4), (1, 7))]
    pairs.append(([1.0, 2.0, 2.0, 3.0], [2.0, 2.0, 0.5]))
    ranked = [[made_up(rng, 5) for _ in range(6)], [[0.9, 0.5, math.nan, 0.9, math.nan], [0.2] * 5, [1, 2, 3, 4, 4]]]
    fixture = {
        "versions": f"python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"statsmodels {statsmodels.__version__}",
        "bootstrap": [
            {"values": values, "interval": enumerated_bootstrap(values), "mean": float(np.mean(values))}
            for values in few
        ],
        "bootstrap_drawn": [
            {"values": values, "interval": drawn_bootstrap(values), "tolerance": quantile_tolerance(values)}
            for values in many
        ],
        "sign_flip": [{"differences": differences, "p": sign_flip(differences)} for differences in flips],
        "sign_flip_drawn": [
            {"differences": differences, "p": brute_force_sign_flip(differences)} for differences in many_flips
        ],
        "holm": [{"p_values": values, "adjusted": holm(values)} for values in p_values],
        "improvement": [{"a": a, "b": b, "probability": improvement(a, b)} for a, b in pairs],
        "reciprocal_rank": [
            {
                "scores": [[None if math.isnan(x) else x for x in task] for task in scores],
                "mean": mean_reciprocal_rank(scores),
            }
            for scores in ranked
        ],
    }
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    FIXTURE.write_text(json.dumps(fixture, indent=1) + "\n")
    print(f"{FIXTURE.name}: {sum(len(cases) for cases in fixture.values() if isinstance(cases, list))} cases")


if __name__ == "__main__":
    main()
