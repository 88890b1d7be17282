"""Compare variants of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Optional

from . import _arguments
from ._arguments import PathLike, option, text, whole
from ._packages import need
from ._program import call
from ._progress import Progress
from ._settings import Settings, set_options
from .errors import NotFoundError
from .page import Page

if TYPE_CHECKING:
    import pandas


class Comparison:
    """A finished comparison. In a notebook it shows its report.

    Attributes:
        path: Directory of the results.
        page: The report.
        summary: All results and statistics, as ``summary.json`` holds them.
    """

    def __init__(self, path: PathLike) -> None:
        """Open the directory of a comparison.

        Raises:
            NotFoundError: If there is no report.
        """
        self.path = Path(_arguments.path("path", path)).absolute()
        report = self.path / "report.html"
        if not report.is_file():
            raise NotFoundError(
                f"{self.path} holds no report of a comparison; sisun.compare(config) makes one"
            )
        self.page = Page.read(report, f"Comparison {self.path.name}")
        summary = (self.path / "summary.json").read_text(encoding="utf-8")
        self.summary: Dict[str, Any] = json.loads(summary)

    def to_pandas(self) -> "pandas.DataFrame":
        """Return every measured number, a row each, as ``measures.csv`` holds them.

        Raises:
            ImportError: If pandas is not installed.
        """
        pd = need("pandas", "to_pandas")
        # A variant may be called "none", which is no missing value.
        frame: "pandas.DataFrame" = pd.read_csv(
            self.path / "measures.csv", keep_default_na=False, na_values=[""]
        )
        return frame

    def _repr_html_(self) -> str:
        return self.page._repr_html_()

    def __repr__(self) -> str:
        return f"Comparison({str(self.path)!r})"


def compare(
    config: PathLike,
    *,
    budget: Optional[str] = None,
    out: Optional[PathLike] = None,
    jobs: Optional[int] = None,
    set: Optional[Settings] = None,
    device: str = "auto",
    wait: bool = False,
    progress: bool = True,
) -> Comparison:
    """Train every variant with every seed, evaluate all alike, and return the report.

    Finished models are kept: after an interrupt the same call goes on.

    Args:
        config: The comparison, a TOML file.
        budget: One of its budgets; by default ``class``.
        out: Directory of the results; by default ``reports/NAME``, of another budget than ``class``
            ``reports/NAME-BUDGET``.
        jobs: Number of models trained at once, by default the number of processors.
        set: Settings to change, as in ``{"tracks.copy.examples": 500}``.
        device: ``auto``, ``cpu`` or ``wgpu``.
        wait: Wait if another process is working in the directory.
        progress: Show the progress in one line.

    Raises:
        UsageError: If the configuration is wrong.
        SisunError: If the comparison fails.
    """
    working_directory = Path.cwd()
    arguments = [
        *["compare", "--json", f"--device={text('device', device)}"],
        *option("--budget", text, budget),
        *option("--out", _arguments.path, out),
        *option("--jobs", whole, jobs),
        *set_options(set),
        *(["--wait"] if wait else []),
        *["--", _arguments.path("config", config)],
    ]
    line = Progress(progress)
    ended = None
    try:
        summary = json.loads(call(arguments, on_line=line.tell))
        usual = summary["budget"] == "class"
        name = summary["name"] if usual else f"{summary['name']}-{summary['budget']}"
        where = Path("reports") / name
        if out is not None:
            where = Path(_arguments.path("out", out))
        ended = f"report: {where / 'report.html'}"
    finally:
        line.end(ended)
    return Comparison(working_directory / where)
