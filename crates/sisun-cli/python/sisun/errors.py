"""Errors and warnings of the program."""

from __future__ import annotations

import signal
from typing import List, Sequence

from ._messages import in_python


class SisunError(RuntimeError):
    """A command of the program failed.

    ``str(error)`` is what the program says: what is wrong, and the remedy, the latter also in
    Python.

    Attributes:
        exit_code: The program's exit code: 1 for a failure, 2 for wrong usage or a wrong
            configuration, 130 if it was interrupted, negative if a signal ended it.
        command: The command that failed, as a list of words.
    """

    def __init__(self, text: str, exit_code: int = 1, command: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.exit_code = exit_code
        self.command: List[str] = list(command)


class UsageError(SisunError):
    """Wrong usage, or a wrong configuration; nothing was done."""


class NotFoundError(SisunError, FileNotFoundError):
    """The program, a run or a report is missing."""

    def __str__(self) -> str:
        # FileNotFoundError would show its own arguments.
        return str(self.args[0])


class SisunWarning(UserWarning):
    """A note of the program about how it read its input."""


def failed(lines: Sequence[str], exit_code: int, command: Sequence[str]) -> SisunError:
    """Return the error of a failed command from what it wrote on standard error."""
    text = _complaint(lines) or f"sisun ended with exit code {exit_code} and said nothing"
    if exit_code < 0:
        text = f"sisun was ended by {_signal_name(-exit_code)}\n{text}"
    kind = UsageError if exit_code == 2 else SisunError
    return kind(in_python(text), exit_code, command)


def _complaint(lines: Sequence[str]) -> str:
    """Return the message, without the notes before it; all lines if none begins one."""
    for prefix in ("sisun: ", "error: "):
        starts = [i for i, line in enumerate(lines) if line.startswith(prefix)]
        if starts:
            first = starts[-1]
            return "\n".join([lines[first][len(prefix) :], *lines[first + 1 :]]).strip()
    return "\n".join(lines).strip()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
