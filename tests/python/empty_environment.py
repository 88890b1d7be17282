"""Train, sample and attend with the wheel alone: no Rust, no NumPy, no IPython.

    python tests/python/empty_environment.py      in a virtual environment that holds only the wheel
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import sisun

ROOT = Path(__file__).resolve().parent.parent.parent

if __name__ == "__main__":
    assert importlib.util.find_spec("numpy") is None, "this environment is not empty"
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        few = {"train.steps": 20, "train.eval_windows": 4, "train.warmup_steps": 2}
        run = sisun.train("configs/quickstart.toml", out=Path(folder) / "run", set=few)
        text = run.sample("Once upon a time", tokens=10)
        assert text.startswith("Once upon a time") and len(text.tokens) == 10, repr(text)
        attention = run.attend("The cat sat on the mat.")
        assert "".join(attention.tokens).replace("␣", " ") == "The cat sat on the mat."
        assert "<iframe srcdoc=" in attention._repr_html_()
        try:
            attention.to_pandas()
        except ImportError as error:
            assert "pip install" in str(error)
        else:
            raise AssertionError("NumPy was found")
        module = [sys.executable, "-m", "sisun", "--version"]
        assert subprocess.check_output(module, text=True).strip() == f"sisun {sisun.version()}"
    print(f"sisun {sisun.version()} works")
