"""Training: settings, the progress line, interrupts, resuming, errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sisun


def test_a_run_has_what_the_settings_say(desk: Path) -> None:
    settings = {
        "name": "x",
        "train.steps": 6,
        "train.lr_max": 5e-4,
        "model.bias": False,
        "model.position": {"kind": "rope", "fraction": 0.5},
        "data.sources": [Path("stories.txt")],
    }
    run = sisun.train("quickstart.toml", out="runs/다른 이름", set=settings, progress=False)
    assert run.path == desk / "runs" / "다른 이름"
    assert run.info()["model"]["bias"] is False
    assert run.info()["model"]["position"] == {"kind": "rope", "base": 10000.0, "fraction": 0.5}
    rows = run.metrics()
    assert [row["step"] for row in rows if row["split"] == "validation"] == [6]
    assert max(row["lr"] for row in rows if row["split"] == "train") <= 5e-4
    assert "loss" in run.metrics().to_pandas().columns


def test_a_run_stays_where_it_is_when_the_directory_changes(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sisun.train("quickstart.toml", set={"train.steps": 2}, progress=False)
    monkeypatch.chdir(desk.parent)
    assert run.sample("Once", tokens=2).startswith("Once")


def test_progress_goes_to_standard_error(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sisun.train("quickstart.toml")
    out, err = capfd.readouterr()
    assert out == ""
    assert "step 15/30  validation loss" in err
    assert err.splitlines()[-1].startswith("30 steps in ")


def test_no_progress_is_shown_if_not_wanted(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sisun.train("quickstart.toml", progress=False)
    assert capfd.readouterr() == ("", "")


def test_a_wrong_setting_is_an_error_with_the_programs_words(desk: Path) -> None:
    with pytest.raises(sisun.UsageError, match="train.steps = -3") as caught:
        sisun.train("quickstart.toml", set={"train.steps": -3}, progress=False)
    assert caught.value.exit_code == 2
    assert caught.value.command[1] == "train"
    assert not (desk / "runs").exists()
    with pytest.raises(sisun.UsageError, match="nowhere.toml"):
        sisun.train("nowhere.toml", progress=False)
    with pytest.raises(TypeError, match="a setting cannot be None"):
        sisun.train("quickstart.toml", set={"train.steps": None}, progress=False)


def test_a_run_is_not_replaced(run: sisun.Run) -> None:
    with pytest.raises(sisun.SisunError, match="exists already") as caught:
        config = run.path.parent.parent / "quickstart.toml"
        sisun.train(config, out=run.path, progress=False)
    assert not isinstance(caught.value, sisun.UsageError)
    assert caught.value.exit_code == 1


@pytest.mark.skipif(os.name == "nt", reason="the signals are POSIX's")
@pytest.mark.parametrize("whole_group", [False, True], ids=["python alone", "the whole group"])
def test_an_interrupt_saves_and_the_run_goes_on(desk: Path, whole_group: bool) -> None:
    # A terminal interrupts the whole process group, some notebooks only Python.
    # Steps are slow enough for a second signal to arrive before the first one has saved.
    many = {"train.steps": 100_000, "train.checkpoint_every": 100_000, "train.batch_size": 512}
    program = f"""
import sisun
try:
    sisun.train("quickstart.toml", set={ {**many, "train.eval_every": 2} })
except KeyboardInterrupt:
    print("interrupted")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if line.startswith("step 2/"):
            break
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out == "interrupted\n", "".join(told) + err
    assert "stopped after step" in err
    stopped = sisun.open("runs/quickstart")
    last = max(row["step"] for row in stopped.metrics())
    assert last >= 2
    finished = stopped.resume(set={"train.steps": last + 2}, progress=False)
    assert finished.metrics()[-1]["step"] == last + 2
