"""Headless Chromium, controlled through its DevTools protocol over a pipe."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np
from matplotlib.image import imread

# The machine may be busy.
PATIENCE = 60.0


def installed() -> Optional[str]:
    """Return the browser's path; ``SISUN_BROWSER`` names one that must be there."""
    named = os.environ.get("SISUN_BROWSER")
    return named or shutil.which("chromium") or shutil.which("google-chrome")


class Browser:
    """A browser with one tab."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (their_in, self._to), (self._from, their_out) = os.pipe(), os.pipe()
        # The browser reads from descriptor 3 and writes to 4.
        shell = ["sh", "-c", f'exec "$@" 3</dev/fd/{their_in} 4>/dev/fd/{their_out}', "sh"]
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
            f"--user-data-dir={self._profile.name}",
        ]
        self._process = subprocess.Popen(
            [*shell, program, *options, "about:blank"],
            pass_fds=(their_in, their_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_in)
        os.close(their_out)
        self._buffer = b""
        self._sent = 0
        self._session: Dict[str, str] = {}
        (target,) = (
            one["targetId"]
            for one in self._ask("Target.getTargets")["targetInfos"]
            if one["type"] == "page"
        )
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def open(self, path: Path, width: int = 1000, height: int = 760) -> None:
        """Open a file in a window of this size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        self._ask("Page.navigate", url=path.as_uri())
        self.wait_for("location.protocol === 'file:' && document.readyState === 'complete'")

    def wait_for(self, expression: str) -> Any:
        """Wait until an expression of JavaScript is true, and return its value."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
            value = found["result"].get("value")
            if value:
                return value
            time.sleep(0.1)
        raise AssertionError(f"it did not become true: {expression}")

    def picture(self) -> bytes:
        """Return the window as PNG."""
        return base64.b64decode(self._ask("Page.captureScreenshot")["data"])

    def wait_for_blue(self, pixels: int) -> bytes:
        """Wait until that many pixels have a colour of the map's, and return the picture."""
        until = time.monotonic() + PATIENCE
        while True:
            picture = self.picture()
            found = blue(picture)
            if found >= pixels:
                return picture
            assert time.monotonic() < until, f"only {found} blue pixels"
            time.sleep(0.2)

    def close(self) -> None:
        """End the browser."""
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def _ask(self, method: str, **params: Any) -> Any:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params, **self._session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._receive())
            if answer.get("id") == self._sent:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self) -> bytes:
        while b"\0" not in self._buffer:
            more = os.read(self._from, 1 << 20)
            assert more, "the browser has ended"
            self._buffer += more
        message, self._buffer = self._buffer.split(b"\0", 1)
        return message


def blue(picture: bytes) -> int:
    """Return the number of pixels that are clearly blue."""
    pixels = imread(io.BytesIO(picture), format="png")
    return int(np.count_nonzero(pixels[..., 2] - pixels[..., 0] > 0.3))
