"""Check arguments and write them as the words of a command."""

from __future__ import annotations

import operator
import os
from typing import Any, Callable, Iterable, List, Optional, Union

from .errors import UsageError

Numbers = Union[int, str, Iterable[int]]
PathLike = Union[str, "os.PathLike[str]"]
Texts = Union[str, Iterable[str]]
LONGEST = 80


def wrong(name: str, expected: str, given: object) -> TypeError:
    """Return the error of an argument of a wrong type."""
    shown = repr(given)
    if len(shown) > LONGEST:
        shown = shown[:LONGEST] + "…"
    kind = "" if given is None else f" ({type(given).__name__})"
    return TypeError(f"{name} must be {expected}, not {shown}{kind}")


def text(name: str, given: object) -> str:
    """Return a text as it is.

    Raises:
        TypeError: If it is not a ``str``.
    """
    if not isinstance(given, str):
        raise wrong(name, "a text (str)", given)
    return given


def texts(name: str, given: Optional[Texts]) -> List[str]:
    """Return one text or several as a list.

    Raises:
        TypeError: If one of them is not a ``str``.
    """
    if given is None:
        return []
    if isinstance(given, str):
        return [given]
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise wrong(name, "a text (str) or several", given)
    return [text(f"each of {name}", one) for one in given]


def whole(name: str, given: Any) -> int:
    """Return a whole number, Python's or NumPy's.

    Raises:
        TypeError: If it is anything else.
    """
    try:
        if not isinstance(given, bool):
            return operator.index(given)
    except TypeError:
        pass
    raise wrong(name, "a whole number", given)


def number(name: str, given: Any) -> Union[int, float]:
    """Return a number, Python's or NumPy's.

    Raises:
        TypeError: If it is anything else.
    """
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    try:
        if not isinstance(given, (bool, str, bytes, bytearray)):
            return float(given)
    except (TypeError, ValueError):
        pass
    raise wrong(name, "a number", given)


def path(name: str, given: object) -> str:
    """Return a path, with the home folder in place of ``~``.

    Raises:
        TypeError: If it is no path.
    """
    found = os.fspath(given) if isinstance(given, os.PathLike) else given
    if not isinstance(found, str):
        raise wrong(name, "a path (str or pathlib.Path)", given)
    return os.path.expanduser(found)


def paths(name: str, given: Union[PathLike, Iterable[PathLike], None]) -> List[str]:
    """Return one path or several as a list, each as `path` does."""
    if given is None:
        return []
    if isinstance(given, (str, bytes, os.PathLike)) or not isinstance(given, Iterable):
        return [path(name, given)]
    return [path(f"each of {name}", one) for one in given]


def option(
    flag: str, check: Callable[[str, Any], object], given: object, name: Optional[str] = None
) -> List[str]:
    """Return an option with its value, or nothing if the program's default is to apply.

    ``check`` is one of this module's; ``name`` is the argument's, if it is not the flag's.
    """
    if given is None:
        return []
    return [f"{flag}={check(name or _name(flag), given)}"]


def numbers(
    flag: str, given: Optional[Numbers], count: Optional[Callable[[], int]] = None
) -> List[str]:
    """Return an option that takes a list of numbers, as in ``0,2-3``.

    With ``count``, which returns how many there are, negative numbers count from the end.

    Raises:
        TypeError: If it is no whole number, nor several.
        UsageError: If a negative number goes beyond the first.
    """
    if given is None:
        return []
    if isinstance(given, str):
        return [f"{flag}={given}"]
    name = _name(flag)
    if isinstance(given, bytes) or not isinstance(given, Iterable) or hasattr(given, "__index__"):
        wanted = [whole(name, given)]
    else:
        wanted = [whole(f"each of {name}", one) for one in given]
    if count is not None and any(one < 0 for one in wanted):
        there = count()
        wanted = [_from_end(name, one, there) for one in wanted]
    return [f"{flag}={','.join(str(one) for one in wanted)}"]


def position(flag: str, given: Any, count: Callable[[], int]) -> List[str]:
    """Return an option that takes one number; a negative one counts from the end."""
    return [] if given is None else numbers(flag, whole(_name(flag), given), count)


def _from_end(name: str, given: int, there: int) -> int:
    if given < -there:
        one, several = name.rstrip("s"), name.rstrip("s") + "s"
        raise UsageError(
            f"there is no {one} {given}: the model has {several} 0 to {there - 1}, "
            f"or -{there} to -1 from the end",
            exit_code=2,
        )
    return given + there if given < 0 else given


def _name(flag: str) -> str:
    return flag.lstrip("-").replace("-", "_")
