"""Packages that only some functions need."""

from __future__ import annotations

import importlib
from typing import Any


def need(package: str, why: str) -> Any:
    """Import a package.

    Raises:
        ImportError: If it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ImportError(
            f"{why} needs {package}: pip install {package}, "
            "or pip install 'sisun[notebook]' for all that notebooks use",
            name=package,
        ) from None
