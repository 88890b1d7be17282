"""Pages that show themselves in a notebook."""

from __future__ import annotations

import html as markup
from pathlib import Path
from typing import Mapping
from urllib.parse import urlencode

from . import _arguments
from ._arguments import PathLike


class Page:
    """One HTML file without a network, which shows itself as the result of a notebook's cell.

    Attributes:
        html: The text of the file.
        title: Its title, for readers of screens.
        height: Height in the cell, in pixels; it may be changed.
    """

    def __init__(self, html: str, title: str, height: int = 720) -> None:
        self.html = html
        self.title = title
        self.height = height

    @classmethod
    def read(cls, path: PathLike, title: str) -> "Page":
        """Read a page that the program wrote."""
        return cls(Path(path).read_text(encoding="utf-8"), title)

    def opened_at(self, choices: Mapping[str, object]) -> "Page":
        """Return the attention page with another initial view, in the words of its address."""
        attribute = markup.escape(urlencode(choices), quote=True)
        changed = self.html.replace("<html ", f'<html data-choices="{attribute}" ', 1)
        return Page(changed, self.title, self.height)

    def save(self, path: PathLike) -> Path:
        """Write the page to a file, which opens in any browser, and return its path."""
        place = Path(_arguments.path("path", path))
        place.write_bytes(self.html.encode("utf-8"))
        return place

    def _repr_html_(self) -> str:
        # Sandboxed, the page runs its script but cannot reach the notebook.
        return (
            f'<iframe srcdoc="{markup.escape(self.html, quote=True)}"'
            f' title="{markup.escape(self.title, quote=True)}"'
            ' sandbox="allow-scripts allow-downloads allow-popups" allow="clipboard-write"'
            f' style="width: 100%; height: {int(self.height)}px; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        return (
            f"Page({self.title!r}, {len(self.html) / 1000:,.0f} kB): save(path) writes it to a file"
        )
