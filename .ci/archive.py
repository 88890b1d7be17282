#!/usr/bin/env python3
"""Pack the program of a wheel as an archive for the release, named as `cargo binstall` expects it.

    .ci/archive.py WHEEL TARGET FOLDER

`TARGET` is Rust's name of the platform, such as `x86_64-unknown-linux-gnu`.
"""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = {
    "README.md": ROOT / "README.md",
    "LICENSE-APACHE": ROOT / "LICENSE-APACHE",
    "LICENSE-MIT": ROOT / "LICENSE-MIT",
    # Of the font that the program holds.
    "LICENSE-Pretendard.txt": ROOT / "crates" / "sisun-viz" / "assets" / "Pretendard-LICENSE.txt",
}


def archive(wheel: Path, target: str, folder: Path) -> Path:
    version = wheel.name.split("-")[1]
    folder_name = f"sisun-{version}-{target}"
    with zipfile.ZipFile(wheel) as packed:
        (program,) = (file for file in packed.namelist() if ".data/scripts/" in file)
        files = {Path(program).name: packed.read(program)}
    files.update((name, path.read_bytes()) for name, path in DOCUMENTS.items())
    folder.mkdir(parents=True, exist_ok=True)
    if "windows" in target:
        path = folder / f"{folder_name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            for file, content in files.items():
                out.writestr(f"{folder_name}/{file}", content)
        return path
    path = folder / f"{folder_name}.tar.gz"
    with tarfile.open(path, "w:gz") as out:
        for file, content in files.items():
            entry = tarfile.TarInfo(f"{folder_name}/{file}")
            entry.size = len(content)
            entry.mode = 0o644 if file in DOCUMENTS else 0o755
            out.addfile(entry, io.BytesIO(content))
    return path


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(archive(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
