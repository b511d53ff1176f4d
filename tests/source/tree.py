"""The files of the clone that the rules of the source look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parents[2]


class Source(Struct, frozen=True):
    """One text file: its place relative to the root of the clone (with slashes) and its text."""

    place: str
    text: str


class Violation(Struct, frozen=True, order=True):
    """One breach of a rule: where (line 0 means the file as a whole) and what to do about it."""

    place: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return it in the form that terminals turn into a link."""
        return f"{self.place}:{self.line}: {self.message}" if self.line else f"{self.place}: {self.message}"


def sources(root: Path = ROOT) -> Iterator[Source]:
    """Yield every text file under `root` that `.gitignore` does not name, in a stable order.

    The folder is walked rather than git asked, so that a file counts before it is added, and so that the rules hold in
    an unpacked archive too. Test data is left out: it is other people's text.
    """
    for place in places(root):
        if place.startswith("tests/data/"):
            continue
        try:
            yield Source(place, (root / place).read_bytes().decode("utf-8"))
        except UnicodeDecodeError:
            continue  # a picture, a font


def places(root: Path = ROOT) -> list[str]:
    """Return where the files under `root` lie that `.gitignore` does not name, pictures and test data too."""
    ignored = GitIgnoreSpec.from_lines((root / ".gitignore").read_text(encoding="utf-8").splitlines())
    return [path.relative_to(root).as_posix() for path in walk(root, root, ignored)]


def walk(folder: Path, root: Path, ignored: GitIgnoreSpec) -> Iterator[Path]:
    """Yield the files below `folder` that are not ignored; links are not followed."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name == ".git":
            continue
        place = path.relative_to(root).as_posix()
        if path.is_dir():
            if not ignored.match_file(f"{place}/"):
                yield from walk(path, root, ignored)
        elif not ignored.match_file(place):
            yield path
