"""Generated texts."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest

import sisun


@pytest.mark.parametrize(
    "prompt",
    ["Once", "--help", "-", "two\nlines\n", "the end\n\n", "따옴표 \"와' \\n", "a" * 40_000],
    ids=["plain", "option", "dash", "lines", "blank line", "quotes", "long"],
)
@pytest.mark.filterwarnings("ignore::sisun.SisunWarning")
def test_a_sample_begins_with_its_prompt(run: sisun.Run, prompt: str) -> None:
    sample = run.sample(prompt, tokens=3)
    assert sample == prompt + sample.continuation
    assert sample.prompt == prompt
    assert len(sample.tokens) == 3
    assert all(token.logprob < 0 for token in sample.tokens)


def test_the_seed_decides_and_temperature_0_is_greedy(run: sisun.Run) -> None:
    assert run.sample("Once", seed=1, tokens=9) == run.sample("Once", seed=1, tokens=9)
    assert run.sample("Once", seed=1, tokens=9) != run.sample("Once", seed=2, tokens=9)
    greedy = {run.sample("Once", temperature=0, seed=seed, tokens=9) for seed in (1, 2)}
    assert len(greedy) == 1
    assert run.sample("Once", top_k=1, tokens=9) in greedy


def test_several_samples_and_none_without_a_prompt(run: sisun.Run) -> None:
    samples = run.samples(3, "Once", tokens=9)
    assert len(samples) == len(set(samples)) == 3
    assert run.samples(1, "Once", tokens=9) == [samples[0]]
    alone = run.sample(tokens=4)
    assert alone.prompt == "" and alone == alone.continuation


def test_a_stop_text_is_taken_as_it_is(run: sisun.Run) -> None:
    whole = run.sample("Once", tokens=40, temperature=0)
    letter = whole.continuation.strip()[0]
    assert letter not in run.sample("Once", tokens=40, temperature=0, stop=letter).continuation
    assert run.sample("Once", tokens=40, temperature=0, stop=["\\n", "\\"]) == whole


def test_a_sample_shows_itself_and_can_be_stored(run: sisun.Run) -> None:
    sample = run.sample("<b>&", tokens=2)
    assert "<b>&lt;b&gt;&amp;</b>" in sample._repr_html_()
    again = pickle.loads(pickle.dumps(sample))
    assert (again, again.tokens) == (sample, sample.tokens)


def test_arguments_of_a_wrong_type_are_named(run: sisun.Run) -> None:
    wrong: Any
    for wrong in (None, 5, b"Once", ["Once"]):
        shown = re.escape(repr(wrong))
        with pytest.raises(TypeError, match=f"prompt must be a text .*, not {shown}"):
            run.sample(wrong)
    for name, wrong in [
        ("tokens", "many"),
        ("tokens", 2.5),
        ("seed", True),
        ("temperature", "0.5"),
        ("top_p", [1]),
        ("stop", 5),
        ("stop", [None]),
    ]:
        with pytest.raises(TypeError, match=f"{name} must be a .*, not "):
            run.sample("Once", **{name: wrong})
    wrong = "Once"
    with pytest.raises(TypeError, match="n must be a whole number, not 'Once'"):
        run.samples(wrong)
    theirs: Any = {"tokens": np.int64(3), "temperature": np.float32(0.5)}
    assert run.sample("Once", **theirs) == run.sample("Once", tokens=3, temperature=0.5)


def test_errors_are_the_programs(run: sisun.Run) -> None:
    with pytest.raises(sisun.UsageError, match="top-p = 3"):
        run.sample("Once", top_p=3)
    with pytest.raises(sisun.NotFoundError, match="no such folder"):
        sisun.open("runs/nowhere")


def test_notes_are_warnings_at_the_callers_line(run: sisun.Run) -> None:
    with pytest.warns(sisun.SisunWarning, match="tokens of the prompt are read") as caught:
        run.sample("Once upon a time " * 40, tokens=1)
    assert caught[0].filename == __file__
