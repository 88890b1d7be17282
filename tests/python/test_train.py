"""Training: settings, the progress line, interrupts, resuming, errors."""

from __future__ import annotations

import os
import re
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
    assert "--json" not in str(caught.value)
    resume = re.escape(f'sisun.open("{run.path}").resume(') + r"set={'train\.steps': \d+}\)"
    remedy = re.escape('in Python: pass out="..." for another place, or ')
    assert re.search(f"{remedy}{resume}$", str(caught.value)), str(caught.value)


def test_the_remedy_of_a_finished_run_works_as_it_is_shown(desk: Path) -> None:
    run = sisun.train("quickstart.toml", set={"train.steps": 2}, progress=False)
    with pytest.raises(sisun.SisunError, match="has done all") as caught:
        run.resume(progress=False)
    (remedy,) = re.findall(r"^in Python: (.*)$", str(caught.value), flags=re.MULTILINE)
    assert eval(remedy, {"sisun": sisun}).metrics()[-1]["step"] == 4


def test_settings_may_be_given_by_table(desk: Path) -> None:
    nested = {"train": {"steps": 2}, "model": {"position": {"kind": "rope", "fraction": 0.5}}}
    run = sisun.train("quickstart.toml", set=nested, progress=False)
    # The table's other keys stay.
    assert run.metrics()[-1]["step"] == 2
    assert run.info()["model"]["d_model"] == 32
    assert run.info()["model"]["position"]["fraction"] == 0.5


def test_arguments_of_a_wrong_type_are_named(desk: Path) -> None:
    for settings in ("train.steps=40", ["train.steps=40"], 5):
        with pytest.raises(TypeError, match=r"set must be a dict such as .*, not .*(40|5)"):
            sisun.train("quickstart.toml", set=settings, progress=False)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="each key of set must be a text .*, not 1 "):
        sisun.train("quickstart.toml", set={1: 2}, progress=False)  # type: ignore[dict-item]
    for config in ({"train": 1}, None, b"quickstart.toml"):
        with pytest.raises(TypeError, match="config must be a path .*, not "):
            sisun.train(config, progress=False)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="config must be a path .*, not "):
            sisun.compare(config, progress=False)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="out must be a path .*, not 3 "):
        sisun.train("quickstart.toml", out=3, progress=False)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="device must be a text .*, not None"):
        sisun.train("quickstart.toml", device=None, progress=False)  # type: ignore[arg-type]
    assert not (desk / "runs").exists()


@pytest.mark.skipif(os.name == "nt", reason="HOME is POSIX's")
def test_a_tilde_is_the_home_folder(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(desk))
    few = {"train.steps": 2, "data.sources": [Path("~/stories.txt")]}
    run = sisun.train("~/quickstart.toml", out="~/mine", set=few, progress=False)
    assert run.path == desk / "mine"
    assert sisun.open(Path("~/mine")).path == sisun.Run("~/mine").path == run.path
    assert run.export("~/theirs").path == desk / "theirs"
    assert run.evaluate(data="~/stories.txt", windows=1) == run.evaluate(
        data=[desk / "stories.txt"], windows=1
    )
    assert run.report().save("~/page.html") == desk / "page.html"
    with pytest.raises(sisun.NotFoundError, match=str(desk / "nowhere")):
        sisun.Comparison("~/nowhere")


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
    assert "to go on: sisun train --resume runs/quickstart\n" in err
    assert 'in Python: sisun.open("runs/quickstart").resume()\n' in err
    stopped = sisun.open("runs/quickstart")
    last = max(row["step"] for row in stopped.metrics())
    assert last >= 2
    finished = stopped.resume(set={"train.steps": last + 2}, progress=False)
    assert finished.metrics()[-1]["step"] == last + 2
