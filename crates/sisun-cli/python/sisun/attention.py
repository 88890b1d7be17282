"""Attention maps as arrays, tables and a page."""

from __future__ import annotations

import io
from functools import cached_property
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from ._packages import need
from .page import Page

if TYPE_CHECKING:
    import numpy
    import numpy.typing
    import pandas

    Array = numpy.typing.NDArray[numpy.float32]


class Layers(Mapping[int, "Array"]):
    """Arrays by layer. Layers are counted from 0; -1 is the last of those that were kept."""

    def __init__(self, name: str, arrays: Dict[int, "Array"]) -> None:
        self._name = name
        self._arrays = arrays

    def __getitem__(self, layer: int) -> "Array":
        kept = list(self._arrays)
        if -len(kept) <= layer < 0:
            layer = kept[layer]
        if layer not in self._arrays:
            raise KeyError(f"layer {layer} was not kept; {self._name} has the layers {kept}")
        return self._arrays[layer]

    def __iter__(self) -> Iterator[int]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        shape = next(iter(self._arrays.values())).shape
        return f"<{self._name}: {len(self)} layers of shape {shape}>"


class Attention:
    """The attention of a model on one text. In a notebook it shows its page.

    Arrays are NumPy's, in float32; rows are queries and columns keys.

    Attributes:
        text: The text.
        tokens: The tokens' texts as they are, spaces and line ends included.
        token_ids: The tokens' numbers in the vocabulary.
        offsets: For each token the range of the text that it covers, in characters.
        page: The attention page.
    """

    def __init__(self, data: Mapping[str, Any], archive: bytes, page: Page) -> None:
        self.text: str = data["text"]
        self.tokens: List[str] = [token["text"] for token in data["tokens"]]
        self.token_ids: List[int] = [token["id"] for token in data["tokens"]]
        self.offsets: List[Tuple[int, int]] = [
            (token["start"], token["end"]) for token in data["tokens"]
        ]
        self.page = page
        self._archive = archive

    @property
    def layers(self) -> List[int]:
        """The layers that were kept, counted from 0."""
        return list(self.pattern)

    @property
    def heads(self) -> List[int]:
        """The heads that were kept, counted from 0."""
        return [int(head) for head in self._arrays["heads"]]

    @property
    def pattern(self) -> Layers:
        """Attention weights by layer, each ``(heads, queries, keys)``; rows sum to 1."""
        return self._activation("pattern")

    @property
    def scores(self) -> Layers:
        """Scores before the softmax by layer, each ``(heads, queries, keys)``; -inf if hidden."""
        return self._activation("scores")

    @property
    def q(self) -> Layers:
        """Queries by layer, each ``(heads, tokens, d_head)``, with rotary positions applied."""
        return self._activation("q")

    @property
    def k(self) -> Layers:
        """Keys by layer, each ``(heads, tokens, d_head)``, with rotary positions applied."""
        return self._activation("k")

    @property
    def v(self) -> Layers:
        """Values by layer, each ``(heads, tokens, d_head)``."""
        return self._activation("v")

    @property
    def z(self) -> Layers:
        """Weighted sums of values by layer, each ``(heads, tokens, d_head)``."""
        return self._activation("z")

    def to_pandas(self, layer: int = -1, head: int = 0) -> "pandas.DataFrame":
        """Return the weights of one head: a row for each query, a column for each key.

        ``layer`` -1 is the last; heads are counted from 0. Rows and columns are named by tokens,
        of which several may be alike.

        Raises:
            KeyError: If the layer or the head was not kept.
            ImportError: If NumPy or pandas is not installed.
        """
        if head not in self.heads:
            raise KeyError(f"head {head} was not kept; the heads are {self.heads}")
        pd = need("pandas", "to_pandas")
        frame: "pandas.DataFrame" = pd.DataFrame(
            self.pattern[layer][self.heads.index(head)],
            index=pd.Index(self.tokens, name="query"),
            columns=pd.Index(self.tokens, name="key"),
        )
        return frame

    @cached_property
    def _arrays(self) -> Mapping[str, "Array"]:
        numpy = need("numpy", "reading attention as arrays")
        with numpy.load(io.BytesIO(self._archive)) as archive:
            return dict(archive)

    def _activation(self, name: str) -> Layers:
        # The pattern is named by its layer alone.
        prefix = "layer" if name == "pattern" else name
        found = {
            int(key[len(prefix) :]): array
            for key, array in self._arrays.items()
            if key.startswith(prefix) and key[len(prefix) :].isdigit()
        }
        if not found:
            raise AttributeError(
                f"{name} was not captured: ask for it with attend(text, activations=[{name!r}])"
            )
        return Layers(name, found)

    def _repr_html_(self) -> str:
        return self.page._repr_html_()

    def __repr__(self) -> str:
        return f"Attention({self.text!r}, {len(self.tokens)} tokens): {_shown(self.tokens)}"


def _shown(tokens: Sequence[str], most: int = 12) -> str:
    rest = " …" if len(tokens) > most else ""
    return " ".join(repr(token) for token in tokens[:most]) + rest
