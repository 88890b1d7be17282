"""A small model, trained once, and a browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import pytest
from browser import Browser, installed

import sisun

ROOT = Path(__file__).resolve().parent.parent.parent

SETTINGS = """
name = "quickstart"
[data]
sources = ["stories.txt"]
documents = "paragraph"
[tokenizer]
kind = "bpe"
vocab_size = 400
[model]
d_model = 32
n_layers = 2
n_heads = 2
context_len = 32
position = "rope"
[train]
steps = 30
batch_size = 4
lr_max = 1e-3
lr_min = 0.0
warmup_steps = 2
eval_every = 15
eval_windows = 4
checkpoint_every = 15
[sample]
prompt = "Once"
tokens = 8
[attend]
text = "The cat sat."
"""


def write_settings(folder: Path) -> Path:
    """Write a text and the configuration of a model that trains in a moment."""
    stories = (ROOT / "data" / "stories-en.txt").read_text(encoding="utf-8")
    (folder / "stories.txt").write_text(stories[:40_000], encoding="utf-8")
    config = folder / "quickstart.toml"
    config.write_text(SETTINGS, encoding="utf-8")
    return config


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a text and ``quickstart.toml``; its name is awkward."""
    folder = tmp_path / "a b 시선"
    folder.mkdir()
    write_settings(folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> sisun.Run:
    """A trained model, which tests only read."""
    folder = tmp_path_factory.mktemp("trained run")
    config = write_settings(folder)
    before = Path.cwd()
    os.chdir(folder)
    try:
        return sisun.train(config, progress=False)
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    program = installed()
    if program is None or os.name == "nt":
        pytest.skip("NOT RUN: there is no Chromium that a pipe controls")
    started = Browser(program)
    yield started
    started.close()
