"""The worker's book: one line for each call, on disk before the call is answered, so that it outlives the worker."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct


class Call(Struct, frozen=True, order=True):
    """One call as the worker saw it.

    `version_id` is what the engine says of the version; `run` counts the executions that a repeat asks for, from 1, so
    a second call with the same message and the same run is a call that was repeated for a crash or an outage.
    """

    message: str
    run: int
    instance: str
    version_id: str
    action: str
    number: int


class Book:
    """Appends calls to a file, and counts them by action. A file that is there already is gone on with."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._times: int | None = None
        self.counts = Counter(call.action for call in read_calls(self.content()))

    def note(self, call: Call) -> None:
        """Write a call down. It is with the system then: only a crash of the machine loses it."""
        line = f"{call.message}\t{call.run}\t{call.instance}\t{call.version_id}\t{call.action}\t{call.number}\n"
        os.write(self._handle, line.encode())
        self.counts[call.action] += 1

    def note_time(self, key: str) -> None:
        """Write down that a call under a key was seen now, beside the book."""
        if self._times is None:
            path = self._path.with_name(f"{self._path.name}.times")
            self._times = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._times, f"{key}\t{time.time():.6f}\n".encode())

    def content(self) -> bytes:
        """All lines."""
        return self._path.read_bytes()


def read_calls(content: bytes) -> list[Call]:
    """The calls in the order in which they came in. Raises ValueError for a line that is none."""
    return list(_calls(content.decode().splitlines()))


def _calls(lines: Iterable[str]) -> Iterable[Call]:
    for line in lines:
        message, run, instance, version_id, action, number = line.split("\t")
        yield Call(message, int(run), instance, version_id, action, int(number))
