"""Find the program and run it."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import warnings
from pathlib import Path
from typing import IO, Any, Callable, Iterator, List, Optional, Sequence

from .errors import NotFoundError, SisunError, SisunWarning, failed

NAME = "sisun.exe" if os.name == "nt" else "sisun"
VARIABLE = "SISUN"


def find() -> str:
    """Return the path of the program.

    It is looked for where the environment variable ``SISUN`` says, then among the scripts of this
    Python, then on ``PATH``.

    Raises:
        NotFoundError: If it is nowhere, or not where ``SISUN`` says.
    """
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise NotFoundError(
                f"the environment variable {VARIABLE} is {named!r}, which is not a program: "
                "set it to the path of sisun, or unset it"
            )
        return os.path.abspath(found)
    for folder in _script_folders():
        candidate = folder / NAME
        if candidate.is_file():
            return str(candidate)
    found = shutil.which(NAME)
    if found is None:
        raise NotFoundError(
            f"the program {NAME} was not found, neither beside {sys.executable} nor on PATH: "
            f"pip install sisun, or set the environment variable {VARIABLE} to its path"
        )
    return os.path.abspath(found)


def _script_folders() -> Iterator[Path]:
    """Yield the folders in which ``pip`` puts programs, the likeliest first."""
    yield Path(sysconfig.get_path("scripts"))
    user_scheme = f"{os.name}_user"
    if sys.platform == "darwin" and sysconfig.get_config_var("PYTHONFRAMEWORK"):
        user_scheme = "osx_framework_user"
    yield Path(sysconfig.get_path("scripts", user_scheme))
    # `pip install --target`.
    yield Path(__file__).resolve().parent.parent / "bin"


def version() -> str:
    """Return the version of the program, as in ``"0.1.0"``."""
    return call(["--version"]).split()[-1]


def call_json(arguments: Sequence[str], text: Optional[str] = None) -> Any:
    """Run a command with ``--json`` and return its result."""
    return json.loads(call([arguments[0], "--json", *arguments[1:]], text=text))


def call(
    arguments: Sequence[str],
    *,
    text: Optional[str] = None,
    on_line: Optional[Callable[[str], None]] = None,
) -> str:
    """Run the program and return its standard output.

    ``text`` is its standard input. ``on_line`` is called with each line of standard error; without
    it notes become warnings. On Ctrl-C, or the interrupt of a notebook, the program is asked once
    to finish and save, and ``KeyboardInterrupt`` is raised when it has ended.

    Raises:
        SisunError: If the program fails.
        ValueError: If an argument holds a null character.
    """
    command = [find(), *arguments]
    if any("\0" in word for word in command):
        raise ValueError("the text holds a null character (\\0), which no argument may: remove it")
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **_own_group(),
        )
    except OSError as error:
        raise SisunError(f"cannot run {command[0]}: {error}", command=command) from error
    streams = _Streams(process, text)
    told: List[str] = []

    def tell(line: str) -> None:
        told.append(line)
        if on_line is not None:
            on_line(line)

    try:
        for line in streams.lines():
            tell(line)
        process.wait()
    except KeyboardInterrupt:
        _finish_after_interrupt(process, streams, tell)
        raise
    finally:
        # After an error of `on_line`; an interrupted program has ended by now.
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise failed(told, process.returncode, command)
    if on_line is None:
        for line in told:
            if line.startswith("note: "):
                _warn(line[len("note: ") :])
    return streams.output()


class _Streams:
    """The standard streams of a process, each served by a thread of its own."""

    def __init__(self, process: subprocess.Popen[bytes], text: Optional[str]) -> None:
        self._lines: queue.Queue[Optional[str]] = queue.Queue()
        self._output: List[bytes] = []
        self._readers = [
            _start(self._read_lines, process.stderr),
            _start(self._read_output, process.stdout),
        ]
        if text is not None:
            _start(self._write, process.stdin, text.encode("utf-8"))

    def lines(self) -> Iterator[str]:
        """Yield the lines of standard error until it ends."""
        while True:
            try:
                # On Windows only a wait with a limit can be interrupted.
                line = self._lines.get(timeout=0.2)
            except queue.Empty:
                continue
            if line is None:
                # For a caller that comes back after an interrupt.
                self._lines.put(None)
                return
            yield line

    def output(self) -> str:
        """Return standard output, once the process has ended."""
        for reader in self._readers:
            reader.join()
        return b"".join(self._output).decode("utf-8", errors="replace")

    def _read_lines(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._lines.put(line.decode("utf-8", errors="replace").rstrip("\r\n"))
        self._lines.put(None)

    def _read_output(self, stream: IO[bytes]) -> None:
        with stream:
            self._output.append(stream.read())

    @staticmethod
    def _write(stream: IO[bytes], text: bytes) -> None:
        try:
            with stream:
                stream.write(text)
        except OSError:
            # The program ended before it read everything, and says why.
            pass


def _start(work: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def _own_group() -> dict[str, Any]:
    """Return the options that keep Ctrl-C from the program itself.

    A terminal and some notebooks interrupt the whole process group, others only Python. In a group
    of its own the program receives it once, from us; a second time would make it quit unsaved.
    """
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _finish_after_interrupt(
    process: subprocess.Popen[bytes], streams: _Streams, tell: Callable[[str], None]
) -> None:
    """Ask the program to finish and wait for it; another interrupt makes it quit at once."""
    while True:
        _interrupt(process)
        try:
            for line in streams.lines():
                tell(line)
            process.wait()
            return
        except KeyboardInterrupt:
            continue


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    try:
        if sys.platform == "win32":
            process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            process.send_signal(signal.SIGINT)
    except OSError:
        # Without a console there is no such event; what was saved before is whole.
        process.terminate()


def _warn(text: str) -> None:
    """Warn at the line that called this package."""
    frame, level = sys._getframe(1), 2
    here = str(Path(__file__).parent)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(here):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, SisunWarning, stacklevel=level)
