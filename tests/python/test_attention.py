"""Attention as arrays and tables."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sisun
from sisun._program import call

TEXT = "The cat sat on the mat."


def test_the_arrays_are_the_programs(run: sisun.Run, tmp_path: Path) -> None:
    attention = run.attend(TEXT)
    # Its JSON is another way to the same numbers.
    call(["attend", f"--text={TEXT}", "--format=json", f"--out={tmp_path}", "--", str(run.path)])
    told = json.loads((tmp_path / "attention.json").read_text(encoding="utf-8"))
    assert attention.tokens == [token["text"] for token in told["tokens"]]
    assert attention.token_ids == [token["id"] for token in told["tokens"]]
    assert [TEXT[start:end].strip() for start, end in attention.offsets] == [
        token.strip("␣ ") for token in attention.tokens
    ]
    assert attention.layers == [0, 1] and attention.heads == [0, 1]
    n = len(attention.tokens)
    for layer in told["layers"]:
        expected = np.array([head["pattern"] for head in layer["heads"]], dtype=np.float32)
        assert attention.pattern[layer["layer"]].shape == (2, n, n)
        np.testing.assert_allclose(attention.pattern[layer["layer"]], expected, atol=1e-7)


def test_the_pattern_is_the_softmax_of_the_scores_and_z_its_sum(run: sisun.Run) -> None:
    attention = run.attend(TEXT, activations=["scores", "q", "k", "v", "z"])
    d_head = attention.q[0].shape[-1]
    for layer in attention.layers:
        q, k, v = (one[layer].astype(np.float64) for one in (attention.q, attention.k, attention.v))
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(d_head)
        scores[:, ~np.tri(len(attention.tokens), dtype=bool)] = -np.inf
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(attention.scores[layer], scores, atol=1e-5)
        np.testing.assert_allclose(attention.pattern[layer], weights, atol=1e-6)
        np.testing.assert_allclose(attention.z[layer], weights @ v, atol=1e-5)


def test_layers_and_heads_can_be_chosen(run: sisun.Run) -> None:
    whole, part = run.attend(TEXT), run.attend(TEXT, layers=1, heads=[1])
    assert part.layers == [1] and part.heads == [1]
    np.testing.assert_array_equal(part.pattern[1][0], whole.pattern[1][1])
    np.testing.assert_array_equal(part.pattern[-1], part.pattern[1])
    np.testing.assert_array_equal(part.to_pandas(1, 1), whole.pattern[1][1])
    with pytest.raises(KeyError, match="layer 0 was not kept"):
        part.pattern[0]
    with pytest.raises(KeyError, match="head 0 was not kept"):
        part.to_pandas(1, 0)
    with pytest.raises(AttributeError, match=r"activations=\['z'\]"):
        part.z
    with pytest.raises(sisun.UsageError, match="layer"):
        run.attend(TEXT, layers=7)


def test_negative_layers_and_heads_count_from_the_end(run: sisun.Run) -> None:
    part = run.attend(TEXT, layers=-1, heads=[0, -1])
    assert (part.layers, part.heads) == ([1], [0, 1])
    explanation = run.explain(TEXT, layer=-2, head=-1)
    assert (explanation.layer, explanation.head) == (0, 1)
    with pytest.raises(sisun.UsageError, match="there is no layer -3: .* 0 to 1, or -2 to -1"):
        run.attend(TEXT, layers=[-3])
    with pytest.raises(sisun.UsageError, match="there is no head -3"):
        run.explain(TEXT, head=-3)


def test_arguments_of_a_wrong_type_are_named(run: sisun.Run) -> None:
    wrong: Any
    for wrong in (None, 5, b"abc", ["the", "cat"]):
        expected = f"text must be a text .*, not {re.escape(repr(wrong))}"
        with pytest.raises(TypeError, match=expected):
            run.attend(wrong)
        with pytest.raises(TypeError, match=expected):
            run.explain(wrong)
        if wrong is not None:
            with pytest.raises(TypeError, match=expected):
                run.heads(wrong)
    for name, wrong in [("layers", 1.5), ("heads", ["a"]), ("activations", 3), ("language", 3)]:
        with pytest.raises(TypeError, match=f"{name} must be a .*, not "):
            run.attend(TEXT, **{name: wrong})
    for name, wrong in [("query", 1.5), ("layer", "last"), ("head", [1])]:
        with pytest.raises(TypeError, match=f"{name} must be a whole number, not "):
            run.explain(TEXT, **{name: wrong})
    assert run.attend(TEXT, activations="scores").scores[0].shape[0] == 2


def test_a_table_is_one_head(run: sisun.Run) -> None:
    attention = run.attend(TEXT)
    table = attention.to_pandas(layer=-1, head=0)
    assert list(table.index) == list(table.columns) == attention.tokens
    assert (table.index.name, table.columns.name) == ("query", "key")
    np.testing.assert_array_equal(table.to_numpy(), attention.pattern[1][0])


@pytest.mark.parametrize("text", ["-n 3", "--text", "한글 ok", "a\nb\t\"c\" 'd' \\ %PATH% $HOME"])
def test_any_text_arrives_as_it_is(run: sisun.Run, text: str) -> None:
    attention = run.attend(text)
    assert attention.text == text
    assert attention.offsets[-1][1] == len(text)


def test_bad_text_is_an_error(run: sisun.Run) -> None:
    with pytest.raises(sisun.SisunError, match="the text is empty"):
        run.attend("")
    with pytest.raises(ValueError, match="null character"):
        run.attend("a\0b")


def test_a_hugging_face_directory_gives_the_same(run: sisun.Run, tmp_path: Path) -> None:
    theirs = run.export(tmp_path / "그 모델")
    assert sisun.open(theirs.path).info()["model"]["n_layers"] == 2
    for layer, pattern in run.attend(TEXT).pattern.items():
        np.testing.assert_allclose(theirs.attend(TEXT).pattern[layer], pattern, atol=1e-5)
    with pytest.raises(sisun.NotFoundError, match="metrics.jsonl"):
        theirs.metrics()


def test_explain_agrees_with_the_pattern(run: sisun.Run) -> None:
    attention = run.attend(TEXT)
    explanation = run.explain(TEXT, query=2, layer=0, head=1)
    assert (explanation.query, explanation.layer, explanation.head) == (2, 0, 1)
    weights = explanation.to_pandas()["weight"]
    np.testing.assert_allclose(weights[:3], attention.pattern[0][1, 2, :3], atol=1e-6)
    assert "Step 1" in repr(explanation) and "Step 4" in explanation.text
    assert "1단계" in run.explain(TEXT, language="ko").text


def test_heads_and_evaluation(run: sisun.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # The run's own text is named relative to where it was trained.
    monkeypatch.chdir(run.path.parent.parent)
    heads = run.heads(TEXT, windows=1)
    assert [(row["layer"], row["head"]) for row in heads] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    pattern = run.attend(TEXT).pattern[1][0]
    # The mean over the queries that have a previous token.
    previous = np.diagonal(pattern, offset=-1).mean()
    assert heads[2]["previous"] == pytest.approx(previous, abs=1e-5)
    assert heads.loss is not None and 0 < heads.chance["previous"] < 1
    short, long = run.evaluate(lengths=[16, 32])
    assert (short["length"], long["length"]) == (16, 32)
    (default,) = run.evaluate()
    assert default["loss"] == long["loss"]


def test_without_pandas_the_error_names_the_command(run: sisun.Run) -> None:
    program = f"""
import sys
sys.modules["pandas"] = None
import sisun
attention = sisun.open({str(run.path)!r}).attend("The cat")
assert attention.pattern[0].shape == (2, len(attention.tokens), len(attention.tokens))
attention.to_pandas()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "ImportError: to_pandas needs pandas: pip install pandas" in ended.stderr
