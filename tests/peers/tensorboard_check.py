"""Reads a run's events files with TensorBoard itself and compares every curve with metrics.jsonl.

The curve `{split}/{field}` must hold, step by step, what the lines of that split say under `field`, as float32;
`null` in JSON stands for a value that is not finite. Every split must have the curve of its loss. Exits with 1 and a
message at the first difference.

    python tests/peers/tensorboard_check.py runs/NAME
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


class Difference(Exception):
    """What TensorBoard and metrics.jsonl disagree about."""


def tensorboard_curves(run):
    if not any(run.glob("events.out.tfevents.*")):
        raise Difference(f"{run} has no events.out.tfevents.* file")
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})  # 0: keep every point
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def metrics_curves(run):
    curves = {}
    for number, line in enumerate((run / "metrics.jsonl").read_text(encoding="utf-8").splitlines(), start=1):
        try:
            metrics = json.loads(line)
            step, split = metrics.pop("step"), metrics.pop("split")
        except (ValueError, KeyError, AttributeError) as error:
            raise Difference(f"metrics.jsonl, line {number}: {error!r}") from error
        for field, value in metrics.items():
            curves.setdefault(f"{split}/{field}", []).append((step, value))
    return curves


def same(recorded, seen):
    if recorded is None:
        return not math.isfinite(seen)
    return np.float32(recorded) == np.float32(seen)


def compare(tag, recorded, seen):
    for (step, value), (seen_step, seen_value) in zip(recorded, seen):
        if step != seen_step or not same(value, seen_value):
            raise Difference(
                f"{tag}: metrics.jsonl has {value} at step {step}, TensorBoard {seen_value} at step {seen_step}"
            )
    if len(recorded) != len(seen):
        raise Difference(f"{tag}: {len(recorded)} points in metrics.jsonl, {len(seen)} in TensorBoard")


def check(run):
    recorded, seen = metrics_curves(run), tensorboard_curves(run)
    if not seen:
        raise Difference("TensorBoard finds no curves")
    for tag in seen.keys() - recorded.keys():
        raise Difference(f"{tag}: TensorBoard has this curve, metrics.jsonl does not")
    for tag in sorted(recorded.keys() - seen.keys()):
        if tag.endswith("/loss"):
            raise Difference(f"{tag}: TensorBoard lacks this curve")
    for tag in sorted(seen):
        compare(tag, recorded[tag], seen[tag])
        print(f"{tag}: {len(seen[tag])} points agree")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="directory with metrics.jsonl and events.out.tfevents.* files")
    try:
        check(parser.parse_args().run)
    except (Difference, OSError) as error:
        sys.exit(f"tensorboard_check: {error}")


if __name__ == "__main__":
    main()
