"""Places for data folders that run out of room, and ways to spoil what lies there."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

MIB = 1 << 20


class SmallDisk:
    """A file system of its own with little room (tmpfs), which can be filled up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self, but: int = 0) -> None:
        """Take all the room that is left, except so many MiB."""
        free = shutil.disk_usage(self.path).free - but * MIB
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while free > 0:
                free -= file.write(bytes(min(free, MIB)))

    def empty(self) -> None:
        """Give back what was taken."""
        self._filler.unlink()


def may_mount() -> bool:
    """Whether this user may mount a file system here: seen by doing it."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory(prefix="segue-mount-") as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "segue-campaign", folder], capture_output=True, check=False)
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return done.returncode == 0


@contextlib.contextmanager
def small_disk(path: Path, mib: int) -> Iterator[SmallDisk]:
    """A small disk at the new folder `path`; it is gone afterwards with all that is on it."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=700", "segue-campaign", path], check=True)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def lift_file_limit(pid: int) -> None:
    """Let the files of a running process grow again."""
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder and its files may not be written to, by their permissions."""
    before = [(path, path.stat().st_mode) for path in [folder, *folder.iterdir()]]
    for path, mode in reversed(before):
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in before:
            path.chmod(mode)


def overwrite(file: Path, random: Random, begin: int, end: int) -> None:
    """Put nonsense into a part of a file."""
    with file.open("r+b") as handle:
        handle.seek(begin)
        handle.write(random.randbytes(end - begin))
