"""Pages in cells, as a browser shows them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, Optional

import pytest
from browser import Browser, blue

import sisun

TEXT = "The cat sat on the mat."


def attributes(html: str) -> Dict[str, Optional[str]]:
    """Return the attributes of the only element."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            assert tag == "iframe"
            found.append(dict(attrs))  # type: ignore[call-overload]

    Reader().feed(html)
    (only,) = found
    return only  # type: ignore[no-any-return]


def test_the_cell_holds_the_page_and_nothing_else(run: sisun.Run) -> None:
    attention = run.attend('<script>alert("1 & 2")</script>')
    frame = attributes(attention._repr_html_())
    assert frame["srcdoc"] == attention.page.html
    assert "alert(" in str(frame["title"])
    assert frame["sandbox"] == "allow-scripts allow-downloads allow-popups"
    # Offline: nothing is fetched but what the page itself holds.
    assert not re.search(r"""(src|href)=["']?https?:""", attention.page.html)


def test_the_page_draws_the_heads_within_the_cell(
    run: sisun.Run, browser: Browser, tmp_path: Path
) -> None:
    cell = run.attend(TEXT)._repr_html_()
    # A sandboxed page whose script may not run draws nothing: then the measure is no accident.
    for html, drawn in [(cell, True), (cell.replace("allow-scripts ", ""), False)]:
        page = tmp_path / f"{drawn}.html"
        page.write_text(f"<!doctype html>{html}", encoding="utf-8")
        browser.open(page)
        if drawn:
            browser.wait_for_blue(1000)
        else:
            browser.wait_for("document.readyState === 'complete'")
            assert blue(browser.picture()) < 100


def test_a_saved_page_is_the_page(run: sisun.Run, browser: Browser, tmp_path: Path) -> None:
    path = run.attend(TEXT, language="ko").page.save(tmp_path / "한 page.html")
    browser.open(path)
    browser.wait_for("document.body?.dataset.view === 'grid'")
    assert browser.wait_for("document.documentElement.lang") == "ko"


def test_an_explanation_opens_at_its_query(
    run: sisun.Run, browser: Browser, tmp_path: Path
) -> None:
    explanation = run.explain(TEXT, query=3, layer=1, head=1)
    path = explanation.page.save(tmp_path / "explanation.html")
    browser.open(path)
    browser.wait_for("document.body?.dataset.view === 'worked'")
    # The last key that the query sees; its weight is the program's.
    weight = f"{explanation.data['keys'][3]['weight']:.3f}"
    browser.wait_for(f"document.body.innerText.includes('{weight}')")
    assert attributes(explanation._repr_html_())["srcdoc"] == explanation.page.html


def test_a_comparison_shows_its_report(
    desk: Path, browser: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    (desk / "compare.toml").write_text(
        """
seeds = 2
[vary]
"model.position" = ["none", "rope"]
[model]
d_model = 16
n_layers = 1
n_heads = 2
context_len = 16
position = "none"
[train]
steps = 4
batch_size = 4
lr_max = 1e-3
lr_min = 0.0
warmup_steps = 1
[tracks.copy]
kind = "task"
task = "copy"
train_lengths = [1, 3]
test_lengths = [2, 4]
[budgets.class]
trial = true
""",
        encoding="utf-8",
    )
    comparison = sisun.compare("compare.toml", set={"tracks.copy.examples": 4}, jobs=1)
    assert comparison.path == desk / "reports" / "compare"
    assert "4 cells" in capfd.readouterr().err
    assert comparison.summary["variants"] == ["none", "rope"]
    assert set(comparison.to_pandas()["variant"]) == {"none", "rope"}
    frame = attributes(comparison._repr_html_())
    assert frame["srcdoc"] == (desk / "reports" / "compare" / "report.html").read_text("utf-8")
    browser.open(comparison.path / "report.html")
    browser.wait_for("document.body?.innerText.includes('rope')")
    assert sisun.Comparison("reports/compare").summary == comparison.summary
    with pytest.raises(sisun.NotFoundError, match="holds no report"):
        sisun.Comparison("reports")
    with pytest.raises(sisun.UsageError, match="budget"):
        sisun.compare("compare.toml", budget="nonsense", progress=False)
