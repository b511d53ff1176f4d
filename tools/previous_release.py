"""The release before: its code, kept so that tests run it beside the code of this tree, on the schema of this tree.

`tests/data/previous-release.tar.xz` holds the package `segue` without its pages and its test equipment, so that a clone
needs no history to have it. `python -m tools.previous_release` makes it anew from this tree; do so when a release is
made, and only then: from then on migrations are judged from the schema of that release on.
"""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
ARCHIVE = ROOT / "tests" / "data" / "previous-release.tar.xz"
_SOURCE = ROOT / "src" / "segue"
_LEFT_OUT = ("testing/", "web/static/", "__pycache__/")

REVISION = "0013"
"""The schema that its code knows."""


def unpack(folder: Path) -> Path:
    """Put the code into a folder, which becomes the first on the path of Python; that folder."""
    with tarfile.open(ARCHIVE) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            if content is not None:
                path = folder / entry.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
    (folder / "segue" / "web" / "static").symlink_to(_SOURCE / "web" / "static")
    return folder


def pack() -> int:
    """Write the archive from this tree; how many files it holds. The same files give the same bytes."""
    files = [path for path in sorted(_SOURCE.rglob("*")) if path.is_file() and not _left_out(path)]
    with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
        for path in files:
            content = path.read_bytes()
            entry = tarfile.TarInfo(f"segue/{path.relative_to(_SOURCE)}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return len(files)


def _left_out(path: Path) -> bool:
    place = str(path.relative_to(_SOURCE))
    return any(part in place for part in _LEFT_OUT)


if __name__ == "__main__":
    print(f"{ARCHIVE.relative_to(ROOT)}: {pack()} files")
    print(f"Now REVISION in {Path(__file__).relative_to(ROOT)} has to be the newest of that release's migrations.")
    sys.exit(0)
