"""What Python's `json` makes of lines that it writes, of lines that are damaged, and of lines that are no JSON.

    python reference_json_lines.py    write fixtures/json_lines.json; `sisun-data` must read the same text of each line, or none

Needs nothing but Python. A half of a surrogate pair stands for U+FFFD, as `errors="replace"` has it.
"""

import json
import platform
import random
import re
from pathlib import Path

FIXTURE = Path(__file__).parent / "fixtures" / "json_lines.json"
PIECES = ["a", "한글", "\n", "\r\n", "\t", '"', "\\", "\\u0041", "/", "\0", "\u2028", "\x7f", "😀", "\ud83d", "\ude00", "é",
          "NaN", "{", "}", "[", "]", ",", ":", " "]
DAMAGE = ['"', "\\", "{", "}", "[", "]", ",", ":", "\\u", "\\ud83d", "\\ud83d\\ude00", "\\x", "\x01", "NaN", "Infinity", "-", " ",
          "1", "null", "\\u00", "'", "true", "1e999"]


def value(draw, depth):
    kind = draw.randrange(9 if depth < 3 else 6)
    if kind < 2:
        return string(draw)
    if kind == 2:
        return draw.choice([0, -1, 7, 10**30, -(10**400)])
    if kind == 3:
        return draw.choice([0.5, -1e-300, 1e308, float("nan"), float("inf"), float("-inf")])
    if kind < 6:
        return draw.choice([None, True, False])
    if kind == 6:
        return [value(draw, depth + 1) for _ in range(draw.randrange(4))]
    return {string(draw): value(draw, depth + 1) for _ in range(draw.randrange(4))}


def string(draw):
    return "".join(draw.choices(PIECES, k=draw.randrange(6)))


def line(draw):
    record = {string(draw): value(draw, 0) for _ in range(draw.randrange(4))}
    record["text"] = string(draw) if draw.random() < 0.8 else value(draw, 0)
    record |= {string(draw): value(draw, 0) for _ in range(draw.randrange(3))}
    if draw.random() < 0.1:
        record = draw.choice([value(draw, 0), [record], {"in": record}])
    ascii_only = draw.random() < 0.6
    try:
        text = json.dumps(record, ensure_ascii=ascii_only)
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(record)
    if draw.random() < 0.15 and text.startswith("{"):
        text = text[:-1] + (', "text": "the last"}' if len(record) else '"text": "the last"}')
    for _ in range(draw.choice([0, 0, 1, 2])):
        at, end = draw.randrange(len(text) + 1), draw.randrange(3)
        text = text[:at] + draw.choice(DAMAGE) + text[at + end:]
    return draw.choice(["", " ", "\t"]) + text + draw.choice(["", " "])


def meaning(text):
    """The text of field `text`, or None where there is none."""
    try:
        record = json.loads(text)
    except ValueError:
        return None
    found = record.get("text") if isinstance(record, dict) else None
    return re.sub("[\ud800-\udfff]", "\ufffd", found) if isinstance(found, str) else None


def main():
    draw = random.Random(13)
    lines = {line(draw): None for _ in range(900)}
    cases = [{"line": text, "text": meaning(text)} for text in lines]
    read = sum(case["text"] is not None for case in cases)
    assert read > 300 and len(cases) - read > 200, (read, len(cases))
    python = f"Python {platform.python_version()}"
    FIXTURE.write_text(json.dumps({"made_by": python, "cases": cases}, indent=0) + "\n", encoding="utf-8")
    print(f"{FIXTURE}: {len(cases)} lines, {read} of them read by {python}")


if __name__ == "__main__":
    main()
