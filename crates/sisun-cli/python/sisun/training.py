"""Train a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List, Mapping, Optional

from ._arguments import PathLike, option, path, text
from ._program import call
from ._progress import Progress
from ._settings import Settings, set_options
from .run import Run


def train(
    config: PathLike,
    *,
    out: Optional[PathLike] = None,
    set: Optional[Settings] = None,
    device: str = "auto",
    wait: bool = False,
    progress: bool = True,
) -> Run:
    """Train a model from a configuration and return its run.

    Interrupting the cell (or Ctrl-C) finishes the step, saves, and raises ``KeyboardInterrupt``;
    ``sisun.open(out).resume()`` goes on from there. To read a run that is there already, use
    ``sisun.open``.

    Args:
        config: The configuration, a TOML file. Its relative paths start at the working directory.
        out: The run directory; by default ``runs/NAME`` of the configuration.
            ``out="runs/second"`` keeps a second run beside the first.
        set: Settings to change, as in ``{"train.steps": 200, "model.position": "alibi"}``, or by
            table, as in ``{"train": {"steps": 200}}``.
        device: ``auto``, ``cpu`` or ``wgpu``.
        wait: Wait if another process is training in the directory.
        progress: Show the progress in one line.

    Raises:
        TypeError: If an argument is of a wrong type.
        UsageError: If the configuration is wrong; the text names the key, the value and the remedy.
        SisunError: If the directory exists already, or training fails.
    """
    options = option("--run", path, out, "out")
    words = [*options, *set_options(set)]
    return _run(words, path("config", config), device, wait, progress)


def resume(
    run: PathLike,
    *,
    set: Optional[Settings] = None,
    device: str = "auto",
    wait: bool = False,
    progress: bool = True,
) -> Run:
    """Continue a run from its last checkpoint; see `Run.resume`."""
    return _run([f"--resume={path('run', run)}", *set_options(set)], None, device, wait, progress)


def _run(
    options: List[str], config: Optional[str], device: str, wait: bool, progress: bool
) -> Run:
    # A notebook may change its working directory later.
    working_directory = Path.cwd()
    arguments = ["train", "--json", f"--device={text('device', device)}", *options]
    if wait:
        arguments.append("--wait")
    if config is not None:
        arguments += ["--", config]
    line = Progress(progress)
    ended = None
    try:
        outcome = json.loads(call(arguments, on_line=line.tell))
        ended = _summary(outcome)
    finally:
        line.end(ended)
    return Run(working_directory / outcome["run"], device=device)


def _summary(outcome: Mapping[str, Any]) -> str:
    """Return the last line of the display, from the program's outcome."""
    validation = outcome.get("validation") or {}
    parts = [f"{outcome['step']} steps in {outcome['elapsed_s']:.0f} s"]
    if validation.get("loss") is not None:
        parts.append(f"validation loss {validation['loss']:.4f}")
    if validation.get("bits_per_byte") is not None:
        parts.append(f"{validation['bits_per_byte']:.3f} bits per byte")
    return f"{', '.join(parts)}: {outcome['run']}"
