"""Holds the committed JSON Schemas to the shipped configurations, and to what the program accepts, with `jsonschema`.

Every file under `configs/` must name a schema in its first line (`#:schema ./NAME`) and be valid under it. With `--cases`,
standard input has a configuration on each line: `{"value": …, "accepted": true, "wrong": false, "what": "…"}`. Whatever the
program accepts must be valid, and whatever it refuses for an unknown key or a value of the wrong type must not be. Exits
with 1 and the first differences.

    python tests/peers/schema_check.py [--cases < cases.jsonl]
"""

import json
import sys
import tomllib
from pathlib import Path

from jsonschema import Draft7Validator

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def validator(name):
    schema = json.loads((CONFIGS / name).read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def check_shipped():
    files = sorted(CONFIGS.glob("*.toml"))
    assert len(files) > 10, f"only {len(files)} configurations in {CONFIGS}"
    for path in files:
        text = path.read_text(encoding="utf-8")
        first = text.splitlines()[0]
        assert first.startswith("#:schema ./"), f"{path}: the first line is {first!r}"
        for error in validator(first.removeprefix("#:schema ./")).iter_errors(tomllib.loads(text)):
            yield f"{path}: {error.json_path}: {error.message}"


def check_cases(lines):
    schema = validator("sisun.schema.json")
    counts = {True: 0, False: 0}
    for line in lines:
        case = json.loads(line)
        valid = schema.is_valid(case["value"])
        if case["accepted"]:
            counts[True] += 1
            if not valid:
                yield f"the program accepts {case['what']}: {next(schema.iter_errors(case['value'])).message}"
        elif case["wrong"]:
            counts[False] += 1
            if valid:
                yield f"the program refuses {case['what']}, the schema does not"
    assert min(counts.values()) > 200, f"too few cases: {counts}"


def main():
    differences = list(check_shipped())
    if "--cases" in sys.argv[1:]:
        differences += check_cases(sys.stdin)
    print("\n".join(differences[:20]))
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
