"""The release: names on which the workflow, the archives and `cargo binstall` must agree."""

from __future__ import annotations

import runpy
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml
from conftest import ROOT

PACKAGE = ROOT / "crates" / "sisun-cli"


def workflow() -> Any:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def targets() -> list[str]:
    matrix = workflow()["jobs"]["build"]["strategy"]["matrix"]["include"]
    return [entry["target"] for entry in matrix]


def fill(template: str, values: Dict[str, str]) -> str:
    for name, value in values.items():
        template = template.replace("{ " + name + " }", value)
    assert "{" not in template, template
    return template


@pytest.mark.parametrize("target", targets())
def test_binstall_finds_the_program_in_the_archive(target: str, tmp_path: Path) -> None:
    windows = "windows" in target
    program = "sisun.exe" if windows else "sisun"
    wheel = tmp_path / "sisun-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("sisun/__init__.py", "")
        packed.writestr(f"sisun-1.2.3.data/scripts/{program}", "the program")
    archive = runpy.run_path(str(ROOT / ".ci" / "archive.py"))["archive"]
    packed_at = archive(wheel, target, tmp_path / "dist")

    manifest = tomllib.loads((PACKAGE / "Cargo.toml").read_text(encoding="utf-8"))
    settings = dict(manifest["package"]["metadata"]["binstall"])
    settings.update(settings.pop("overrides").get(target, {}))
    values = {
        "repo": "https://example.org/sisun",
        "version": "1.2.3",
        "target": target,
        "bin": "sisun",
        "binary-ext": ".exe" if windows else "",
    }
    address = fill(settings["pkg-url"], values)
    assert address == f"https://example.org/sisun/releases/download/v1.2.3/{packed_at.name}"
    inside = fill(settings["bin-dir"], values)
    if settings["pkg-fmt"] == "zip":
        with zipfile.ZipFile(packed_at) as zipped:
            assert zipped.read(inside) == b"the program"
    else:
        with tarfile.open(packed_at, "r:gz") as tarred:
            assert tarred.getmember(inside).mode == 0o755
            assert tarred.extractfile(inside).read() == b"the program"  # type: ignore[union-attr]


def test_releases_are_for_linux_macos_and_windows() -> None:
    for system in (
        "x86_64-unknown-linux",
        "aarch64-unknown-linux",
        "x86_64-apple",
        "aarch64-apple",
        "windows",
    ):
        assert any(system in target for target in targets()), system


def test_actions_are_pinned_and_publishing_needs_no_token() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
        for job in jobs.values():
            for step in job["steps"]:
                commit = step.get("uses", "@" + "0" * 40).partition("@")[2]
                assert len(commit) == 40 and int(commit, 16) >= 0, step
    publish = workflow()["jobs"]["publish"]
    assert publish["permissions"]["id-token"] == "write"
    assert "secrets." not in str(publish)


def test_licences_in_the_wheel_are_the_repositorys() -> None:
    assets = ROOT / "crates" / "sisun-viz" / "assets"
    for ours, original in [
        ("LICENSE-MIT", ROOT / "LICENSE-MIT"),
        ("LICENSE-APACHE", ROOT / "LICENSE-APACHE"),
        ("LICENSE-Pretendard.txt", assets / "Pretendard-LICENSE.txt"),
    ]:
        assert (PACKAGE / ours).read_bytes() == original.read_bytes(), ours
