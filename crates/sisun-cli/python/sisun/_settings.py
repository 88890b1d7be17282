"""Settings and lists as the words of a command."""

from __future__ import annotations

import json
import os
from typing import Any, Iterable, List, Mapping, Optional, Union

Settings = Mapping[str, Any]
Numbers = Union[int, str, Iterable[int]]
PathLike = Union[str, "os.PathLike[str]"]


def set_options(settings: Optional[Settings]) -> List[str]:
    """Return ``--set`` for each setting, as in ``{"train.steps": 100}``."""
    return [f"--set={key}={toml(value)}" for key, value in (settings or {}).items()]


def toml(value: Any) -> str:
    """Write a value in TOML, on one line.

    Raises:
        TypeError: If TOML has no such value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        # TOML spells infinity and not-a-number as Python does.
        return repr(float(value))
    if isinstance(value, (str, os.PathLike)):
        return _string(os.fspath(value))
    if isinstance(value, Mapping):
        pairs = (f"{_string(str(key))} = {toml(one)}" for key, one in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, Iterable):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    # Numbers of NumPy.
    if hasattr(value, "item"):
        return toml(value.item())
    raise TypeError(f"a setting cannot be {value!r}: give a number, a text, a list or a dict")


def _string(text: str) -> str:
    # JSON's strings are TOML's, but for one control character that only TOML escapes.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def numbers(option: str, given: Optional[Numbers]) -> List[str]:
    """Return an option that takes a list of numbers, as in ``0,2-3``."""
    if given is None:
        return []
    if isinstance(given, str) or not isinstance(given, Iterable):
        return [f"{option}={given}"]
    return [f"{option}={','.join(str(one) for one in given)}"]


def option(name: str, value: Optional[object]) -> List[str]:
    """Return an option with its value, or nothing if the program's default is to apply."""
    if value is None:
        return []
    return [f"{name}={value}"]


def stop_options(stop: Union[str, Iterable[str], None]) -> List[str]:
    """Return ``--stop`` for each text, whose backslashes the program would read as escapes."""
    texts = [stop] if isinstance(stop, str) else list(stop or [])
    return ["--stop=" + text.replace("\\", "\\\\") for text in texts]
