"""Messages, what handling one of them does (a transition), and the record that remains (a step).

These are made and dropped by the thousand each second. They are trees, never cycles, so Python's collector of cycles
need not look at them: `gc=False`.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple

from msgspec import Struct

from segue.model.start import Headers, Start


class Place(IntEnum):
    """Where a live message is. Every live message is in exactly one place (P3).

    From `WAITING` on it is in no queue: it waits for a person, in trash, at a join for the other branches, for the end
    of an instance that it called, or for a message from outside.
    """

    QUEUED = 0
    DELAYED = 1
    WAITING = 2
    TRASH = 3
    JOINING = 4
    CALLING = 5
    LISTENING = 6


WAITING_PLACES = (Place.WAITING, Place.JOINING, Place.CALLING, Place.LISTENING)
"""The places that the ledger counts as waiting."""


class Outcome(StrEnum):
    """How a message left its queue, or why it stayed."""

    OK = "ok"
    STOPPED = "stopped"
    FAILED = "failed"
    REPEAT = "repeat"
    OUTAGE = "outage"
    LIMITED = "limited"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DISCARDED = "discarded"
    CANCELLED = "cancelled"
    MOVED = "moved"
    JOINED = "joined"


class Message(Struct, kw_only=True, gc=False):
    """One live message.

    `seq` is its arrival number in the store (0 before it is stored): within a queue lower means earlier.
    `version` is the store's number of the version, `node` the id of the node in whose queue it is.
    `entered` and `due` are instants in ms; a message is ready when `due <= now`.
    `repeats` counts finished executions that asked for a repeat, `outages` the calls in a row that got no answer.
    `scope` says what it belongs together with: a path that `segue.core.scopes` explains, "" for a message by itself.
    """

    id: str
    version: int
    node: str
    instance: str
    body: bytes
    headers: Headers
    entered: int
    seq: int = 0
    parent: str | None = None
    place: Place = Place.QUEUED
    due: int = 0
    repeats: int = 0
    outages: int = 0
    reason: str | None = None
    reason_code: str | None = None
    scope: str = ""


class Child(Struct, frozen=True, kw_only=True, gc=False):
    """A message to be: what a transition produces. `due` is 0 for at once, else an instant in ms."""

    id: str
    node: str
    body: bytes
    headers: Headers
    place: Place = Place.QUEUED
    due: int = 0
    reason: str | None = None
    reason_code: str | None = None
    scope: str = ""


class RemoteCall(NamedTuple):
    """A call that an action made: of which host, how long it took, and its status; 0 when no answer came."""

    host: str
    took_us: int
    status: int


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """What handling cost. Durations in the unit of their name; `taken` is the instant handling began."""

    taken: int
    worker_us: int = 0
    remote_us: int = 0
    cpu_us: int = 0
    status: int | None = None
    remote: tuple[RemoteCall, ...] = ()


class LogLine(Struct, frozen=True, kw_only=True, gc=False):
    """A line for people about one message."""

    level: str
    text: str
    at: int


class Staged(Struct, frozen=True, kw_only=True, gc=False):
    """Children of one message that are stored already, and seen by nobody before its transition is settled.

    `spread` is the store's number of them, `count` how many they are, `trash` how many of them go to trash.
    """

    spread: int
    count: int = 0
    trash: int = 0


class Result(Struct, frozen=True, gc=False):
    """What a message said that left for good: what the caller of its instance gets when it was the last one."""

    body: bytes
    headers: Headers


class Consumed(Struct, frozen=True, kw_only=True, gc=False):
    """The message leaves its queue; `children` take its place, and after them those that are `staged`.

    `terminate`: every other live message of the instance is consumed with it, as cancelled.
    `clears`: a scope of the instance, whose other live messages are consumed with it, as cancelled.
    `starts`: instances accepted in the same transaction (a message moved to another version).
    `result`: given in a called instance.
    """

    outcome: Outcome
    children: tuple[Child, ...] = ()
    terminate: bool = False
    starts: tuple[Start, ...] = ()
    staged: Staged | None = None
    clears: str = ""
    result: Result | None = None


class Kept(Struct, frozen=True, kw_only=True, gc=False):
    """The message stays in its queue, at its place in the order, until `due`. `headers` replace its own."""

    outcome: Outcome
    due: int
    repeats: int
    outages: int
    reason: str
    reason_code: str
    headers: Headers | None = None


class SetAside(Struct, frozen=True, kw_only=True, gc=False):
    """The message leaves its queue and waits elsewhere, as it was before the call, with the reason.

    `starts`: instances accepted in the same transaction (the message waits until the one it calls has ended).
    """

    reason: str
    reason_code: str
    place: Place = Place.TRASH
    starts: tuple[Start, ...] = ()


class Returned(Struct, frozen=True, kw_only=True):
    """The message goes from trash (or from waiting) to the end of its node's queue, perhaps corrected."""

    body: bytes
    headers: Headers


class Edited(Struct, frozen=True, kw_only=True):
    """The message stays where it is, with another body and other headers."""

    body: bytes
    headers: Headers


Effect = Consumed | Kept | SetAside | Returned | Edited


class Transition(Struct, frozen=True, kw_only=True, gc=False):
    """The whole effect of handling one message; the only thing that changes stored state on the data path.

    `by` names the person who caused it, if one did, and `operation` the operation on many messages it belongs to.
    """

    message: Message
    effect: Effect
    record: Record
    at: int
    logs: tuple[LogLine, ...] = ()
    by: str | None = None
    operation: str | None = None
