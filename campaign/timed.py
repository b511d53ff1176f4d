"""Actions that take a known time: each call is measured by the worker's own clock and written down."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import msgspec
from msgspec import Struct

from segue_sdk import Fail, Message, Repeat

NODES = ("timed-1", "timed-2", "timed-3", "timed-4")
HOST = "crm.example"
OK, REPEAT, TRASH = "ok", "repeat", "trash"
# Service times are spread as those of real services are: a long tail, here around a mean of 400 ms.
MEAN_S, SIGMA = 0.4, 0.5
REPEATS_EVERY, FAILS_EVERY = 50, 200


class Numbered(Struct):
    """What the load sends, as far as it matters here."""

    number: int


class Took(Struct, frozen=True):
    """One call: at which action, what became of it, how long it took, and how long of that its own call of a service
    took (both µs)."""

    action: str
    outcome: str
    took_us: int
    remote_us: int


class TookBook:
    """Appends what calls took to a file beside the worker's book."""

    def __init__(self, book: Path) -> None:
        self._path = took_path(book)
        self._handle: int | None = None

    def note(self, took: Took) -> None:
        """Write a call down."""
        if self._handle is None:
            self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._handle, f"{took.action}\t{took.outcome}\t{took.took_us}\t{took.remote_us}\n".encode())


def took_path(book: Path) -> Path:
    """Where what calls took stands."""
    return book.with_name(f"{book.name}.took")


def read_took(book: Path) -> list[Took]:
    """All calls, in the order in which they ended."""
    lines = [line.split("\t") for line in took_path(book).read_text(encoding="ascii").splitlines()]
    return [Took(action, outcome, int(took), int(remote)) for action, outcome, took, remote in lines]


def timed(name: str, book: TookBook) -> Callable[[Message], Awaitable[bytes]]:
    """An action that takes as long as the dice of its message say, half of it in a call of another service.

    Now and then the first execution asks for a repeat, or the message fails at the last but one action.
    """
    place = NODES.index(name)

    async def act(message: Message) -> bytes:
        number = msgspec.json.decode(message.body, type=Numbered).number
        run = int(message.headers.get("repeat-hops", "1"))
        wanted_s = Random(f"{number} {name} {run}").lognormvariate(math.log(MEAN_S) - SIGMA**2 / 2, SIGMA)
        began = time.perf_counter_ns()
        with message.remote(HOST) as call:
            remote_began = time.perf_counter_ns()
            await asyncio.sleep(wanted_s / 2)  # the service behind it
            call.status = 200
            remote_ns = time.perf_counter_ns() - remote_began
        await asyncio.sleep(wanted_s / 2)  # its own time
        outcome = _outcome(number, place, run)
        book.note(Took(name, outcome, (time.perf_counter_ns() - began) // 1000, remote_ns // 1000))
        if outcome == REPEAT:
            raise Repeat(after=1, at_most=3)
        if outcome == TRASH:
            raise Fail(f"No customer {number} in the register")
        return message.body

    return act


def _outcome(number: int, place: int, run: int) -> str:
    if run == 1 and number % REPEATS_EVERY == place:
        return REPEAT
    return TRASH if place == len(NODES) - 2 and number % FAILS_EVERY == FAILS_EVERY - 1 else OK
