"""Words of Python for the commands and options that the program's messages name."""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import Dict, Optional

# What a message says, and what it is in Python.
REMEDIES = {
    "with --run DIR": 'pass out="..." for another place',
    "with --out": 'pass out="..." for another place',
    "another with --to": 'pass to="..." for another place',
    "with --data": 'pass data="..." for the text',
    "with --text": 'pass text="..."',
    "shorter --lengths": "pass lengths=[...] with shorter ones",
    "--wait does": "pass wait=True to wait",
}
COMMAND = re.compile(r"\bsisun [a-z]+ .*")


def in_python(message: str) -> str:
    """Return a message with a last line that says in Python what its remedies are.

    Commands lose ``--json``, which only this package gives.
    """
    lines = []
    remedies = [words for said, words in REMEDIES.items() if said in message]
    for line in message.split("\n"):
        command = COMMAND.search(line)
        if command is not None:
            # A command after another, such as one that deletes, is not the whole remedy.
            resumed = None if "&&" in line else _resumed(command[0])
            remedies += [resumed] if resumed is not None else []
            line = re.sub(r" --json(?= |$)", "", line)
        lines.append(line)
    if remedies:
        lines.append("in Python: " + ", or ".join(remedies))
    return "\n".join(lines)


def _resumed(command: str) -> Optional[str]:
    """Return ``sisun train --resume`` as a call, if the command is that alone."""
    try:
        # With POSIX's rules the backslashes of a Windows path would go.
        words = shlex.split(command, posix=os.name != "nt")
    except ValueError:
        return None
    if os.name == "nt":
        words = [word[1:-1] if word[:1] in ("'", '"') else word for word in words]
    if words[1:3] != ["train", "--resume"] or len(words) < 4:
        return None
    settings: Dict[str, object] = {}
    device = ""
    for option, given in zip(words[4:], words[5:]):
        if option == "--set":
            key, _, value = given.partition("=")
            try:
                settings[key] = json.loads(value)
            except ValueError:
                # Of TOML's values only those that JSON spells alike are told.
                return None
        elif option == "--device":
            device = f", device={json.dumps(given)}"
    arguments = [f"set={settings!r}"] if settings else []
    arguments += ["wait=True"] if "--wait" in words else []
    run = json.dumps(words[3], ensure_ascii=False)
    return f"sisun.open({run}{device}).resume({', '.join(arguments)})"
