"""The world outside: workers, the clock, chance, secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from segue.model.applications import Application, InstalledApplication, MethodAnswer
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


class ApplicationWorkers(Protocol):
    """Asks workers about their applications; for people and at the start of an instance, never for a message.

    A1 A worker that is away, slow or answers nonsense gives WorkerTrouble, one that refuses WorkerRefused with its
       words.
    A2 Both ways of addressing applications are spoken, and which of them a worker understands is found out.
    A3 What the worker stores meanwhile is stored by asking us back; nothing of it is in the answers here.
    """

    async def applications(self, worker: Worker) -> list[Application]:
        """All applications of the worker."""
        ...

    async def application(self, worker: Worker, key: str) -> Application:
        """One of them, with its methods."""
        ...

    async def installed(self, worker: Worker, key: str, user: str) -> InstalledApplication:
        """How it is installed for the user."""
        ...

    async def install(self, worker: Worker, key: str, user: str) -> None: ...

    async def uninstall(self, worker: Worker, key: str, user: str) -> None: ...

    async def set_enabled(self, worker: Worker, key: str, user: str, enabled: bool) -> None: ...

    async def save_settings(
        self, worker: Worker, key: str, user: str, settings: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Save fields by form."""
        ...

    async def save_password(  # noqa: PLR0917 - where the password belongs
        self, worker: Worker, key: str, user: str, form: str, field: str, password: str
    ) -> None: ...

    async def authorize(self, worker: Worker, key: str, user: str, back: str) -> str:
        """Begin an authorization: the address to send the browser to. `back` is where it shall end."""
        ...

    async def authorized(self, worker: Worker, key: str, user: str, answer: Mapping[str, str]) -> None:
        """End an authorization with what the other system gave the browser."""
        ...

    async def call(self, worker: Worker, key: str, method: str, body: Any) -> MethodAnswer:
        """Ask a method of an application; None as body asks without one."""
        ...

    async def subscribe(  # noqa: PLR0917 - what is subscribed, and where it shall lead
        self, worker: Worker, key: str, user: str, event: str, process: str, node: str | None
    ) -> None:
        """Have the application report the event to the process."""
        ...

    async def unsubscribe(self, worker: Worker, key: str, user: str, event: str, process: str) -> None: ...

    async def limits(self, worker: Worker, user: str, keys: Sequence[str]) -> list[str]:
        """The limits of these applications for the user, in the form of the header `limiter-key`."""
        ...


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
