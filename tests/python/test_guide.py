"""The Python of the guide's chapter on notebooks, run as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict

import matplotlib
import numpy as np
import pytest
from conftest import ROOT

CHAPTER = ROOT / "crates" / "sisun" / "guide" / "notebooks.md"


def blocks() -> list[str]:
    """Return the Python blocks of the chapter, in order."""
    chapter = CHAPTER.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", chapter, flags=re.DOTALL | re.MULTILINE)


def test_every_block_runs_in_order(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("agg")
    names: Dict[str, Any] = {}
    exercise = [block for block in blocks() if "sns.heatmap" in block]
    assert len(exercise) == 1
    assert len(exercise[0].splitlines()) == 6
    for block in blocks():
        exec(compile(block, str(CHAPTER), "exec"), names)
        if block is exercise[0]:
            check_heatmap(names)


def check_heatmap(names: Dict[str, Any]) -> None:
    """Compare what is drawn with the last layer's first head."""
    axes = names["plt"].gcf().axes[0]
    attention = names["attention"]
    drawn = axes.collections[0].get_array()
    np.testing.assert_allclose(np.asarray(drawn), attention.pattern[1][0])
    assert [label.get_text() for label in axes.get_yticklabels()] == attention.tokens
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("key", "query")
