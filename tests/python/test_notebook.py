"""A notebook, executed by Jupyter's own client in a kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import nbformat
import pytest
from browser import Browser
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

CELLS = [
    'import sisun\nrun = sisun.train("quickstart.toml")',
    'run.sample("Once upon a time", tokens=20)',
    'attention = run.attend("The cat sat on the mat.")\nattention',
    "attention.to_pandas(layer=-1, head=0).round(2)",
    'run.explain("The cat sat on the mat.", query=4)',
    "run.metrics().to_pandas().tail(3)",
]


def execute(folder: Path, cells: List[str], **options: Any) -> Any:
    """Execute cells in a kernel that works in the folder."""
    notebook = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    new_cell: Any = nbformat.v4.new_code_cell
    notebook.cells = [new_cell(cell) for cell in cells]
    resources = {"metadata": {"path": str(folder)}}
    options = {"timeout": 120, "kernel_name": "python3", **options}
    NotebookClient(notebook, resources=resources, **options).execute()
    return notebook


def results(cell: Any) -> List[Dict[str, Any]]:
    return [output["data"] for output in cell.outputs if "data" in output]


def test_a_notebook_trains_samples_and_shows_the_page(desk: Path, browser: Browser) -> None:
    notebook = execute(desk, CELLS)
    trained, sampled, attended, table, explained, metrics = notebook.cells

    # One line, replaced in place, and the run's own representation follows only if asked for.
    (line,) = results(trained)
    assert line["text/plain"].startswith("30 steps in "), line
    assert not [output for output in trained.outputs if output["output_type"] == "stream"]
    assert "<b>Once upon a time</b>" in results(sampled)[0]["text/html"]
    for cell in (attended, explained):
        (shown,) = results(cell)
        assert shown["text/html"].startswith("<iframe srcdoc=")
        assert "&lt;!doctype html&gt;" in shown["text/html"]
    assert "Attention('The cat sat on the mat.'" in results(attended)[0]["text/plain"]
    assert "query" in results(table)[0]["text/html"]
    assert "validation" in results(metrics)[0]["text/html"]

    exporter = HTMLExporter()  # type: ignore[no-untyped-call]
    page, _ = exporter.from_notebook_node(notebook)
    (desk / "notebook.html").write_text(page, encoding="utf-8")
    browser.open(desk / "notebook.html", width=1100, height=2700)
    picture = browser.wait_for_blue(5000)
    (desk / "notebook.png").write_bytes(picture)


def test_an_error_shows_the_programs_words_once(desk: Path) -> None:
    with pytest.raises(CellExecutionError, match="train.steps = -3") as caught:
        execute(desk, ['import sisun\nsisun.train("quickstart.toml", set={"train.steps": -3})'])
    assert caught.value.ename == "UsageError"


def test_interrupting_the_kernel_saves(desk: Path) -> None:
    endless = {"train.steps": 1_000_000, "train.checkpoint_every": 1_000_000}
    cells = [
        f'import sisun\nsisun.train("quickstart.toml", set={endless})',
        'run = sisun.open("runs/quickstart")\nassert len(run.metrics()) > 2',
        'run.sample("Once", tokens=2)',
    ]
    # Jupyter interrupts the cell that takes too long, and goes on.
    notebook = execute(desk, cells, timeout=8, interrupt_on_timeout=True, allow_errors=True)
    interrupted, _, after = notebook.cells
    assert interrupted.outputs[-1]["ename"] == "KeyboardInterrupt"
    texts = [output.get("text", "") for output in interrupted.outputs]
    assert any("to go on: sisun train --resume" in text for text in texts)
    (line,) = results(interrupted)
    assert line["text/plain"].startswith("stopped after step"), line
    assert "<b>Once</b>" in results(after)[0]["text/html"]
