"""Whether the store can write, and whether it should take anything new in."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from pathlib import Path

from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.trouble import unavailable
from segue.model.errors import StoreUnavailable

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_MIB = 1 << 20


class Health:
    """Trouble of the file, and the look at the disk around it. Written by the writer's thread, read by any."""

    def __init__(self, file: Path, settings: SqliteSettings) -> None:
        self._file = file
        self._settings = settings
        self._inode = file.stat().st_ino
        self._trouble: StoreUnavailable | None = None
        self._tight: StoreUnavailable | None = None
        self._looked = 0.0
        self._pause_ms = settings.retry_first_ms

    @property
    def refusal(self) -> StoreUnavailable | None:
        """Why nothing new is taken in now; None when it is."""
        return self._trouble or self._tight

    @property
    def pause_s(self) -> float | None:
        """How long to wait for work before looking again whether things are better; None when all is well."""
        return None if self.refusal is None else self._pause_ms / 1000

    def failed(self, error: sqlite3.Error) -> StoreUnavailable:
        """The file could not be written. Returns the error for callers."""
        trouble = unavailable(error, self._file)
        self._begin(trouble)
        return trouble

    def worked(self) -> None:
        """A commit succeeded."""
        if self._trouble is not None:
            log.warning("%s can be written again", self._file)
            self._trouble = None
            self._pause_ms = self._settings.retry_first_ms

    def wait_longer(self) -> None:
        """It is no better yet."""
        self._pause_ms = min(self._pause_ms * 2, self._settings.retry_longest_ms)

    def look(self) -> None:
        """Look at the disk, about once a second at most. Raises StoreUnavailable when the file itself is gone.

        That is looked at each time: a commit to a file that is gone would succeed, and be taken for the end of trouble.
        """
        self._check_file()
        now = time.monotonic()
        if now - self._looked < _LOOK_EVERY_S:
            return
        self._looked = now
        free = _free(self._file.parent)
        if free >= self._settings.min_free:
            if self._tight is not None:
                log.warning("%s: %d MiB are free again, starts are accepted", self._file.parent, free // _MIB)
            self._tight = None
        elif self._tight is None:
            floor = self._settings.min_free // _MIB
            detail = (
                f"{self._file.parent} has {free // _MIB} MiB of free disk space left; below {floor} MiB nothing new is"
                " accepted, so that what was accepted can be finished. Free some space; the store goes on by itself"
            )
            log.error("%s", detail)
            self._tight = StoreUnavailable(detail)

    def look_soon(self) -> None:
        """Look at the disk at the next occasion."""
        self._looked = 0.0

    def _check_file(self) -> None:
        """What is written to a file that was removed would be lost without a word."""
        try:
            same = self._file.stat().st_ino == self._inode
        except OSError:
            same = False
        if not same:
            detail = f"{self._file} was removed or replaced while the server ran; stop the server and put it back"
            trouble = StoreUnavailable(detail)
            self._begin(trouble)
            raise trouble

    def _begin(self, trouble: StoreUnavailable) -> None:
        if self._trouble is None:
            log.error("%s", trouble.detail)
        self._trouble = trouble


def _free(folder: Path) -> int:
    """Bytes that may still be written there; plenty when the system does not say."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 1 << 62
