"""Settings as the words of a command."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Iterable, Iterator, List, Mapping, Optional, Tuple

from ._arguments import path, text, wrong

Settings = Mapping[str, Any]
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def set_options(settings: Optional[Settings]) -> List[str]:
    """Return ``--set`` for each setting, as in ``{"train.steps": 100}``.

    A table may be a dict, as in ``{"train": {"steps": 100}}``; its other keys stay.

    Raises:
        TypeError: If it is no dict, or a value has no counterpart in TOML.
    """
    if settings is None:
        return []
    if not isinstance(settings, Mapping):
        raise wrong("set", 'a dict such as {"train.steps": 200}', settings)
    options = []
    for key, value in settings.items():
        key = text("each key of set", key)
        options += [f"--set={at}={toml(one)}" for at, one in _dotted(key, value, "." not in key)]
    return options


def _dotted(key: str, value: Any, is_table: bool) -> Iterator[Tuple[str, Any]]:
    """Yield the settings of a table, each with its dotted key.

    A dict that states its kind is one value, such as a position: keys of another kind must go.
    """
    if not isinstance(value, Mapping) or ("kind" in value and not is_table):
        yield key, value
        return
    for part, one in value.items():
        part = text(f"each key of {key}", part)
        # A key of `vary` holds a dot itself.
        quoted = part if BARE_KEY.fullmatch(part) else _string(part)
        yield from _dotted(f"{key}.{quoted}", one, False)


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
    if isinstance(value, os.PathLike):
        return _string(path("a path among settings", value))
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        pairs = (f"{_string(text('a key', key))} = {toml(one)}" for key, one in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    # Numbers of NumPy.
    if hasattr(value, "item"):
        return toml(value.item())
    raise TypeError(f"a setting cannot be {value!r}: give a number, a text, a list or a dict")


def _string(text: str) -> str:
    # JSON's strings are TOML's, but for one control character that only TOML escapes.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
