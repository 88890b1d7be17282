"""The program: where it is found, and what happens without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import sisun
from sisun import _program
from sisun._messages import in_python
from sisun._settings import set_options, toml
from sisun.errors import failed


def test_the_version_is_the_programs() -> None:
    assert subprocess.check_output([_program.find(), "--version"], text=True) == (
        f"sisun {sisun.version()}\n"
    )


def test_the_variable_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "한 copy" / _program.NAME
    copy.parent.mkdir()
    os.symlink(_program.find(), copy)
    monkeypatch.setenv("SISUN", str(copy))
    assert _program.find() == str(copy)
    assert sisun.version()
    monkeypatch.setenv("SISUN", str(tmp_path / "nothing"))
    with pytest.raises(sisun.NotFoundError, match="the environment variable SISUN is .*nothing"):
        _program.find()


def test_scripts_come_before_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SISUN", raising=False)
    scripts, path = tmp_path / "scripts", tmp_path / "path"
    for folder in (scripts, path):
        folder.mkdir()
        program = folder / _program.NAME
        program.write_text("")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(scripts))
    assert _program.find() == str(scripts / _program.NAME)
    shutil.rmtree(scripts)
    assert _program.find() == str(path / _program.NAME)
    shutil.rmtree(path)
    with pytest.raises(sisun.NotFoundError, match="pip install sisun") as caught:
        _program.find()
    assert isinstance(caught.value, FileNotFoundError)


def test_a_program_that_cannot_run_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / _program.NAME
    program.write_bytes(b"\x7fELF and no more")
    program.chmod(0o755)
    monkeypatch.setenv("SISUN", str(program))
    with pytest.raises(sisun.SisunError, match="cannot run"):
        sisun.version()


def test_the_module_is_the_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sisun", "sample", "nowhere"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 1
    assert "nowhere is not a run" in ended.stderr


def test_without_avx2_the_program_takes_what_there_is(
    run: sisun.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = run.sample("Once", temperature=0, tokens=8)
    monkeypatch.setenv("SISUN_SIMD", "portable")
    assert run.sample("Once", temperature=0, tokens=8) == text


def test_an_error_has_the_message_without_the_notes_before_it() -> None:
    told = ["device: cpu", "note: something", "sisun: it failed: why", "to go on: sisun train"]
    error = failed(told, 1, ["sisun"])
    assert type(error) is sisun.SisunError
    assert str(error) == "it failed: why\nto go on: sisun train"
    error = failed(["error: unexpected argument", "", "Usage: sisun"], 2, ["sisun"])
    assert isinstance(error, sisun.UsageError)
    assert str(error) == "unexpected argument\n\nUsage: sisun"
    assert "said nothing" in str(failed([], 3, []))
    if os.name == "posix":
        assert "ended by SIGKILL" in str(failed(["step 1"], -9, []))


def test_commands_of_a_message_are_also_told_in_python() -> None:
    command = "sisun train --resume 'a b' --set 'name=\"x\"' --set train.steps=9 --wait"
    assert in_python(f"busy\nto wait: {command} --json").split("\n") == [
        "busy",
        f"to wait: {command}",
        "in Python: sisun.open(\"a b\").resume(set={'name': 'x', 'train.steps': 9}, wait=True)",
    ]
    told = in_python("to go on: sisun train --resume a --json --device cpu")
    assert told.endswith('in Python: sisun.open("a", device="cpu").resume()')
    for other in (
        "sisun train 'unclosed --resume",
        "rm -r x && sisun train --resume b",
        "sisun train a --resume b",
        "sisun train --resume b --set 'model.position={ \"kind\" = \"rope\" }'",
        "no --json",
    ):
        assert in_python(other) == other


def test_settings_of_a_table_are_given_one_by_one() -> None:
    assert set_options({"train": {"steps": 2, "seed": 3}, "name": "x"}) == [
        "--set=train.steps=2",
        "--set=train.seed=3",
        '--set=name="x"',
    ]
    # A dict with a kind is one value; a dot within a key is the key's.
    assert set_options({"model.position": {"kind": "rope"}}) == [
        '--set=model.position={ "kind" = "rope" }'
    ]
    assert set_options({"tracks": {"copy": {"examples": 4}}}) == ["--set=tracks.copy.examples=4"]
    assert set_options({"vary": {"model.position": ["none"]}}) == [
        '--set=vary."model.position"=["none"]'
    ]
    with pytest.raises(TypeError, match="a setting cannot be b'x'"):
        set_options({"name": b"x"})


def test_settings_are_written_in_toml() -> None:
    assert toml(True) == "true"
    assert toml(3) == "3"
    assert toml(1e-05) == "1e-05"
    assert toml(float("inf")) == "inf"
    assert toml('a "b" \\ 한\n\x7f') == '"a \\"b\\" \\\\ 한\\n\\u007F"'
    assert toml([1, "a", [False]]) == '[1, "a", [false]]'
    assert toml({"kind": "rope", "base": 500.0}) == '{ "kind" = "rope", "base" = 500.0 }'


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX's")
def test_the_program_has_a_process_group_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Otherwise Ctrl-C in a terminal reaches it twice, and the second time it quits unsaved.
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable}\nimport os\nprint(os.getpgrp() == os.getpid())\n")
    program.chmod(0o755)
    monkeypatch.setenv("SISUN", str(program))
    assert _program.call([]) == "True\n"
