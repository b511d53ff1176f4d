"""The account of P3, and the numbers of the queues."""

from __future__ import annotations

from msgspec import Struct


class LedgerLine(Struct, frozen=True, kw_only=True):
    """One version's account, counted from stored rows; each field counts messages."""

    process: str
    version: int
    accepted: int
    produced: int
    consumed: int
    queued: int
    delayed: int
    waiting: int
    trash: int

    @property
    def balanced(self) -> bool:
        """Whether what came in equals what left and what is still there (P3)."""
        there = self.queued + self.delayed + self.waiting + self.trash
        return self.accepted + self.produced == self.consumed + there


class Audit(Struct, frozen=True, kw_only=True):
    """The proof: every version's line, and what is wrong beyond sums (each a sentence)."""

    versions: tuple[LedgerLine, ...]
    faults: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        """True when each version balances and no message is missing, doubled or orphaned."""
        return not self.faults and all(line.balanced for line in self.versions)


class QueueState(Struct, frozen=True, kw_only=True):
    """One queue now: ready messages, those taken, those not yet due, age of the oldest ready one (ms).

    `waiting` are beside it at its node: at a join, for a called instance, for a message. Not those for a person.
    `version_id` is the number of its version in the store.
    """

    process: str
    version: int
    version_id: int
    node: str
    depth: int
    in_flight: int
    delayed: int
    oldest_ms: int
    held: str | None = None
    waiting: int = 0
