"""The world outside: workers, the clock, chance, secrets."""

from __future__ import annotations

from typing import Protocol

from segue.model.graph import ActionKind
from segue.model.workers import OfferedAction, Worker, WorkerCall, WorkerReply


class WorkerTransport(Protocol):
    """Calls workers over kept-alive connections.

    T1 `call` never raises for what the other side does: it answers with a fault.
    T2 The whole call takes no longer than its timeout.
    T3 A connection the worker closed while idle is not reported as a fault: the call is made once more on a fresh one,
       and only if no byte of an answer had come.
    T4 An answer larger than the limit is cut off with TOO_LARGE; nothing of it is kept.
    T5 A cancelled call closes its connection.
    """

    async def call(self, call: WorkerCall) -> WorkerReply: ...

    async def close(self) -> None: ...


class WorkerDirectory(Protocol):
    """Asks workers what they offer; for people and for checks before publishing, never on the data path.

    D1 A worker that is away, slow or answers nonsense gives an error naming worker, request and trouble.
    D2 Nothing is believed that does not have the shape of a list of actions.
    """

    async def list_actions(self, worker: Worker) -> list[OfferedAction]:
        """All actions of the worker, ordered by kind and name. Raises WorkerTrouble."""
        ...

    async def check_action(self, worker: Worker, kind: ActionKind, name: str) -> str | None:
        """None if the worker offers the action and can make it; otherwise what is wrong, for people."""
        ...

    async def check_worker(self, worker: Worker) -> str | None:
        """None if the worker answers as a worker; otherwise what is wrong, for people."""
        ...

    async def close(self) -> None: ...


class Clock(Protocol):
    """Now, in ms since the epoch. Never goes backwards within a process."""

    def now(self) -> int: ...


class Chance(Protocol):
    """Randomness for ids and jitter."""

    def entropy(self, size: int) -> bytes: ...

    def fraction(self) -> float:
        """A number in [0, 1)."""
        ...


class Secrets(Protocol):
    """Encryption of secrets at rest."""

    def seal(self, plain: bytes) -> bytes: ...

    def open(self, sealed: bytes) -> bytes:
        """Raises Invalid when it was sealed with another key or is damaged."""
        ...
