"""Rows of numbers: logged losses, head statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping

from ._packages import need

if TYPE_CHECKING:
    import pandas


class Table(List[Dict[str, Any]]):
    """A list of rows, each a dict with the names of the columns."""

    def to_pandas(self) -> "pandas.DataFrame":
        """Return the rows as a DataFrame; a value that a row lacks is NaN.

        Raises:
            ImportError: If pandas is not installed.
        """
        frame: "pandas.DataFrame" = need("pandas", "to_pandas").DataFrame(list(self))
        return frame


class Heads(Table):
    """Statistics of attention heads, a row for each head.

    Columns: ``layer``, ``head``; ``entropy`` in nats and ``distance`` in tokens, averaged over the
    text; ``previous``, ``first``, ``same`` and ``induction``, the head's mean weight on the
    previous token, on the first, on the same token and on what followed it; and by how many nats
    per token the loss rises without the head.

    Attributes:
        chance: The values of a head that looks evenly at all that it sees.
        loss: The loss with all heads, in nats per token; None if heads were not ablated.
        data: All that the program reports, as ``sisun heads --json`` prints it.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data["heads"])
        self.chance: Dict[str, float] = data["chance"]
        self.loss = data.get("loss")
        self.data = dict(data)
