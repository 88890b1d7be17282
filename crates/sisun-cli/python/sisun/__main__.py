"""``python -m sisun`` runs the program where its folder is not on the path."""

import os
import subprocess
import sys

from ._program import find

command = [find(), *sys.argv[1:]]
if os.name == "posix":
    os.execv(command[0], command)
with subprocess.Popen(command) as process:
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            # The program has received Ctrl-C as well, and saves before it ends.
            continue
