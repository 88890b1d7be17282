"""The progress of a command in one line."""

from __future__ import annotations

import re
import shutil
import sys
from typing import Any, Optional

from ._messages import in_python

STEP = re.compile(r"step +(\d+)/(\d+) ")
BAR = 24


class Progress:
    """A display of the program's lines as one line that changes; notes stay."""

    def __init__(self, shown: bool = True) -> None:
        self._line = _line() if shown else None
        self._failed = False

    def tell(self, line: str) -> None:
        """Show a line that the program wrote."""
        # The error that follows is raised.
        self._failed = self._failed or line.startswith("sisun: ")
        if self._line is None or self._failed:
            return
        if line.startswith(("note: ", "to go on: ")):
            for one in in_python(line).split("\n"):
                self._line.keep(one)
        elif line.strip():
            self._line.change(line)

    def end(self, line: Optional[str] = None) -> None:
        """End the display, with a last line in place of the one shown."""
        if self._line is None:
            return
        if line is not None:
            self._line.change(line)
        self._line.end()


def _with_bar(line: str) -> str:
    found = STEP.match(line)
    if found is None:
        return line
    done = BAR * int(found[1]) // max(int(found[2]), 1)
    return f"{'━' * done}{'─' * (BAR - done)} {line}"


class _NotebookLine:
    """An output of the cell, replaced in place."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None

    def change(self, text: str) -> None:
        output = {"text/plain": _with_bar(text)}
        if self._handle is None:
            self._handle = self._display(output, raw=True, display_id=True)
        else:
            self._handle.update(output, raw=True)

    def keep(self, text: str) -> None:
        print(text)

    def end(self) -> None:
        pass


class _TerminalLine:
    """The last line of a terminal."""

    def __init__(self) -> None:
        self._length = 0

    def change(self, text: str) -> None:
        text = _with_bar(text)[: shutil.get_terminal_size().columns - 1]
        padding = " " * (self._length - len(text))
        print(f"\r{text}{padding}", end="", file=sys.stderr, flush=True)
        self._length = len(text)

    def keep(self, text: str) -> None:
        self.change("")
        print(f"\r{text}", file=sys.stderr, flush=True)
        self._length = 0

    def end(self) -> None:
        print(file=sys.stderr, flush=True)


class _LogLine:
    """A line of a file for each line of the program."""

    def change(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def keep(self, text: str) -> None:
        self.change(text)

    def end(self) -> None:
        pass


def _line() -> Any:
    # Without IPython loaded this is no notebook, so there is no need to import it.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.display import display

        return _NotebookLine(display)
    return _TerminalLine() if sys.stderr.isatty() else _LogLine()
