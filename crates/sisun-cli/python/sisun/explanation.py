"""The attention of one query, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping

from .page import Page
from .table import Table

if TYPE_CHECKING:
    import pandas


class Explanation:
    """The attention of one query, worked through with the model's own numbers.

    In a notebook it shows the step-by-step view of the attention page; ``print`` shows the steps
    as tables of text.

    Attributes:
        text: The steps as tables of text.
        data: All numbers: ``q``, and for each key ``k``, ``v``, the score and the weight.
        page: The page, opened at this query.
        tokens: The tokens' labels.
        query: Position of the query among the tokens, counted from 0.
        layer: The layer, counted from 0.
        head: The head, counted from 0.
    """

    def __init__(self, text: str, data: Mapping[str, Any], page: Page) -> None:
        self.text = text
        self.data: Dict[str, Any] = dict(data)
        self.page = page
        self.tokens: List[str] = [token["text"] for token in data["tokens"]]
        self.query: int = data["query"]
        self.layer: int = data["layer"]
        self.head: int = data["head"]

    def to_pandas(self) -> "pandas.DataFrame":
        """Return a row for each key: its label, and each step from ``q · k`` to the weight.

        Raises:
            ImportError: If pandas is not installed.
        """
        steps = (
            {name: value for name, value in key.items() if not isinstance(value, list)}
            for key in self.data["keys"]
        )
        return Table(steps).to_pandas()

    def _repr_html_(self) -> str:
        return self.page._repr_html_()

    def __repr__(self) -> str:
        return self.text
