"""The control plane's store: processes, versions, workers, tokens, schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from segue.model.services import DeployerKind
from segue.model.versions import Process, Version, VersionContent, VersionState
from segue.model.workers import Worker


class NewVersion(Struct, frozen=True, kw_only=True):
    """A draft to be stored.

    `entries` maps names of start nodes ("" is the default) to the node whose queue takes the message. `expected` is the
    revision of the draft that it was made from, "" if there was none; None replaces whatever is there.
    """

    process: str
    content: VersionContent
    entries: dict[str, str]
    semantic_hash: str
    author: str
    note: str
    at: int
    expected: str | None = None


class Token(Struct, frozen=True, kw_only=True):
    """An API token; only the SHA-256 of its text is stored."""

    id: str
    name: str
    digest: bytes
    scopes: tuple[str, ...]
    created: int
    last_used: int | None = None


class ProcessCatalog(Protocol):
    """Processes and versions.

    C1 Version numbers of a process grow by one and are never reused.
    C2 A process has at most one draft; `put_draft` makes or replaces it.
    C3 The content of a published version never changes, but for its layout (`replace_source` with the same hash).
    C4 Enabling and disabling are serialised with `MessageStore.accept`.
    C5 `retire` refuses while messages live in the version; with discard it moves them to trash in the same transaction.
    C6 Nobody's work is overwritten unseen: a draft whose `expected` is not the revision of the draft that is there
       raises DraftChanged and changes nothing, and so does a drawing for `replace_source`. Of two that expect the same
       one succeeds. Where no draft is there, a draft is made whatever it expects.
    """

    async def create_process(self, name: str, folder: str, at: int) -> Process:
        """Raises Conflict when the name is taken."""
        ...

    async def move_process(self, name: str, folder: str) -> Process:
        """Put the process into another folder. Raises ProcessNotFound."""
        ...

    async def processes(self, after: str | None, limit: int) -> list[Process]: ...

    async def process(self, name: str) -> Process:
        """Raises ProcessNotFound."""
        ...

    async def choose_deployer(self, process: str, deployer: DeployerKind | None, at: int) -> Process:
        """Choose how control services of the process are run; None: as the installation does. Raises ProcessNotFound.

        Stores the event.
        """
        ...

    async def put_draft(self, draft: NewVersion) -> Version:
        """Raises ProcessNotFound, DraftChanged."""
        ...

    async def replace_source(self, version: int, source: bytes, expected: str | None = None) -> None:
        """`expected` is the revision of the file that is there. Raises VersionNotFound, DraftChanged."""
        ...

    async def set_state(self, process: str, number: int, state: VersionState, at: int) -> Version:
        """Raises Conflict for a change that the life of a version does not have. Stores the event."""
        ...

    async def retire(self, process: str, number: int, discard: bool, at: int) -> Version: ...

    async def content(self, version: int) -> VersionContent: ...

    async def published(self, process: str | None = None) -> list[Version]:
        """All versions that are disabled or enabled, those that need a control service; of a process, [] when there is
        no such, or of all. `live` is not counted."""
        ...


class WorkerCatalog(Protocol):
    """Registered workers. Their headers are stored encrypted. Each change stores an event `workers-changed`."""

    async def workers(self) -> list[Worker]: ...

    async def put_worker(self, worker: Worker) -> None: ...

    async def delete_worker(self, name: str) -> None:
        """Raises NotFound."""
        ...


class TokenCatalog(Protocol):
    """API tokens."""

    async def tokens(self) -> list[Token]: ...

    async def token_by_digest(self, digest: bytes) -> Token | None: ...

    async def put_token(self, token: Token) -> None: ...

    async def delete_token(self, id: str) -> None: ...

    async def touch_tokens(self, used: Sequence[tuple[str, int]]) -> None:
        """Note when tokens were last used: (id, instant)."""
        ...


class User(Struct, frozen=True, kw_only=True):
    """A person who signs in. `email` is in lower case; `password` is a hash with its method and parameters."""

    id: str
    email: str
    password: str
    scopes: tuple[str, ...]
    created: int


class UserCatalog(Protocol):
    """People who sign in."""

    async def users(self) -> list[User]: ...

    async def user_by_email(self, email: str) -> User | None:
        """The user with this address, which is in lower case."""
        ...

    async def put_user(self, user: User) -> None:
        """Store a new user. Raises NameTaken for an address that another one has."""
        ...

    async def put_first_user(self, user: User) -> bool:
        """Store the user if there is none at all; whether it was so."""
        ...

    async def change_user(self, user: User, unless_last: str | None = None) -> None:
        """Replace password and scopes of the user with this id. Raises NotFound.

        Raises Conflict, and changes nothing, when afterwards nobody had the scope `unless_last`.
        """
        ...

    async def delete_user(self, id: str, unless_last: str | None = None) -> None:
        """Forget a user and every session of that user. Raises NotFound, and Conflict as `change_user`."""
        ...


class Session(Struct, frozen=True, kw_only=True):
    """A person signed in at one browser; only the SHA-256 of the cookie's text is stored. `user` is the user's id.

    `used` is about when it was last used; it ends at `expires` whatever happens. `address` and `user_agent` are what
    the browser came from and called itself, for the person to recognise it.
    """

    id: str
    digest: bytes
    user: str
    created: int
    used: int
    expires: int
    address: str
    user_agent: str


class SessionCatalog(Protocol):
    """Who is signed in."""

    async def sessions(self) -> list[Session]:
        """All of them, oldest first."""
        ...

    async def session_by_digest(self, digest: bytes) -> Session | None: ...

    async def put_session(self, session: Session) -> None:
        """Store a new session, and forget those that had ended when it was made."""
        ...

    async def touch_session(self, id: str, at: int) -> None:
        """Note the use of a session; one that is gone stays so."""
        ...

    async def delete_session(self, id: str) -> None:
        """Forget a session, if it is there."""
        ...


class ScheduleState(Struct, frozen=True, kw_only=True):
    """The last tick of a process' schedule (by start node id) that was decided: fired, or skipped."""

    process: str
    node: str
    tick: int


class ScheduleCatalog(Protocol):
    """What schedules have done.

    A tick fires through `MessageStore.accept` with `Start.tick`, which records it in the same transaction and refuses
    a tick that is not later than the recorded one (answering `repeated`).
    """

    async def schedule_states(self) -> list[ScheduleState]: ...

    async def skip_ticks(self, state: ScheduleState) -> None:
        """Record a tick as decided without firing it."""
        ...
