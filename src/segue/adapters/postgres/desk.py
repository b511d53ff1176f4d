"""What a process knows of one queue of the broker."""

from __future__ import annotations

import asyncio
import hashlib

from segue.adapters.postgres.shelf import Shelf
from segue.ports.broker import Delivery

_LONGEST = 240


class Desk:
    """`tickets` are in this process' hands, by the message's number. `prefetch` is how many were asked for; 0: none;
    `raised`: less at first, so that they need not come in line.
    `coming`: the messages whose tickets are on their way here for all that is known, None when that has to be looked
    for; `more`: there were too many to know them all. `news` is set with each delivery, `takers` counts who is taking
    and `waiting` who of them waits for one, `missed`: one waited in vain. `turn` keeps asking for tickets in line,
    `look` looking for what is to come; `seen` came while somebody looked."""

    __slots__ = (
        "coming",
        "look",
        "missed",
        "more",
        "name",
        "news",
        "prefetch",
        "raised",
        "seen",
        "shelf",
        "takers",
        "tickets",
        "turn",
        "waiting",
    )

    def __init__(self, name: str, shelf: Shelf) -> None:
        self.name = name
        self.shelf = shelf
        self.tickets: dict[int, Delivery] = {}
        self.prefetch = 0
        self.raised = False
        self.coming: set[int] | None = None
        self.more = False
        self.look = asyncio.Lock()
        self.seen: set[int] | None = None
        self.news = asyncio.Event()
        self.takers = 0
        self.waiting = 0
        self.missed = False
        self.turn = asyncio.Lock()

    def expect(self, number: int) -> None:
        """The ticket of a message that is ready now will come."""
        if self.coming is not None and not self.more:
            self.coming.add(number)

    def came(self, number: int) -> None:
        """The ticket of a message has come, or comes no more."""
        if self.seen is not None:
            self.seen.add(number)
        if self.coming:
            self.coming.discard(number)
            if self.more and not self.coming:
                self.coming = None
        self.news.set()

    def in_line(self, limit: int) -> bool:
        """Whether so many are here before any that is to come."""
        if self.coming is None:
            return False
        before = min(self.coming, default=None)
        return before is not None and sum(held.seq < before for held in self.shelf) >= limit

    def begin_look(self) -> None:
        """From here on it is noted what comes, and what is to come."""
        self.coming, self.more, self.seen = set(), False, set()

    def end_look(self, found: set[int], *, more: bool) -> None:
        """These are to come, but for what came meanwhile; `more`: and others besides."""
        self.coming = (found | (self.coming or set())) - (self.seen or set())
        self.more, self.seen = more, None

    def void(self) -> None:
        """The tickets are with nobody any more."""
        self.tickets.clear()
        self.prefetch = 0
        self.raised = False
        self.coming = None
        self.news.set()


def queue_name(prefix: str, version: int, process: str, number: int, node: str) -> str:
    """The name of a version's queue: `PREFIX.vID.PROCESS.NUMBER.NODE`. One that would be too long ends in a hash."""
    name = f"{prefix}.v{version}.{process}.{number}.{node}"
    if len(name.encode()) > _LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        name = f"{name.encode()[: _LONGEST - 17].decode(errors='ignore')}~{digest}"
    return name
