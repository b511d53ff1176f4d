"""The catalogs in memory."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from segue.adapters.memory.state import Held, State, Tick
from segue.core.versions import PUBLISHED, RETIRED_CODE, RETIRED_REASON, change_event, check_change, draft_changed
from segue.model.errors import Conflict, MessagesLive, NameTaken, NotFound
from segue.model.events import Event, EventKind
from segue.model.message import Place
from segue.model.services import DeployerKind
from segue.model.versions import InstanceState, Process, Version, VersionContent, VersionState, revision_of
from segue.model.workers import Worker
from segue.ports.catalog import NewVersion, ScheduleState, Session, Token, User
from segue.ports.messages import EventListener
from segue.ports.outside import Clock


class MemoryCatalog:
    """Implements every catalog: processes, workers, tokens, users, sessions, schedules."""

    def __init__(self, state: State, clock: Clock, tell: EventListener) -> None:
        self._state = state
        self._clock = clock
        self._tell_events = tell

    # -- processes and versions ---------------------------------------------------------------------------------------

    async def create_process(self, name: str, folder: str, at: int) -> Process:
        """See `ProcessCatalog`."""
        self._state.check()
        if name in self._state.processes:
            raise NameTaken(f"a process is named {name!r} already")
        process = self._state.processes[name] = Process(name=name, folder=folder, created=at)
        return process

    async def move_process(self, name: str, folder: str) -> Process:
        """See `ProcessCatalog`."""
        self._state.check()
        await self.process(name)
        self._state.processes[name] = replace(self._state.processes[name], folder=folder)
        return await self.process(name)

    async def choose_deployer(self, process: str, deployer: DeployerKind | None, at: int) -> Process:
        """See `ProcessCatalog`."""
        self._state.check()
        await self.process(process)
        self._state.processes[process] = replace(self._state.processes[process], deployer=deployer)
        self._tell_of(EventKind.DEPLOYER_CHANGED, at, process)
        return await self.process(process)

    async def processes(self, after: str | None, limit: int) -> list[Process]:
        """See `ProcessCatalog`."""
        names = sorted(name for name in self._state.processes if after is None or name > after)
        return [self._process(name) for name in names[:limit]]

    async def process(self, name: str) -> Process:
        """See `ProcessCatalog`."""
        self._state.process(name)
        return self._process(name)

    async def put_draft(self, draft: NewVersion) -> Version:
        """See `ProcessCatalog`."""
        self._state.check()
        self._state.process(draft.process)
        mine = list(self._state.versions_of(draft.process))
        there = next((held for held in mine if held.version.state is VersionState.DRAFT), None)
        if there is not None:
            _check_revision(there, draft.expected)
        old = there.version if there is not None else None
        version = Version(
            id=old.id if old else max(self._state.versions, default=0) + 1,
            process=draft.process,
            number=old.number if old else max((held.version.number for held in mine), default=0) + 1,
            state=VersionState.DRAFT,
            created=draft.at,
            author=draft.author,
            note=draft.note,
            semantic_hash=draft.semantic_hash,
        )
        held = Held(version=version, content=draft.content, entries=dict(draft.entries))
        self._state.versions[version.id] = held
        return self._seen(held)

    async def replace_source(self, version: int, source: bytes, expected: str | None = None) -> None:
        """See `ProcessCatalog`."""
        self._state.check()
        held = self._state.by_id(version)
        _check_revision(held, expected)
        held.content = replace(held.content, source=source)

    async def set_state(self, process: str, number: int, state: VersionState, at: int) -> Version:
        """See `ProcessCatalog`."""
        if state is VersionState.RETIRED:
            return await self.retire(process, number, discard=False, at=at)
        self._state.check()
        held = self._state.version(process, number)
        if check_change(process, number, held.version.state, state):
            self._change(held, state, at)
        return self._seen(held)

    async def retire(self, process: str, number: int, discard: bool, at: int) -> Version:
        """See `ProcessCatalog`."""
        self._state.check()
        held = self._state.version(process, number)
        if not check_change(process, number, held.version.state, VersionState.RETIRED):
            return self._seen(held)
        live = len(self._state.of_version(held.version.id))
        if live and not discard:
            detail = f"{live} messages live in version {number} of process {process!r}; finish them, or discard them"
            raise MessagesLive(detail, live=live)
        self._discard(held.version.id, at)
        self._change(held, VersionState.RETIRED, at)
        return self._seen(held)

    async def content(self, version: int) -> VersionContent:
        """See `ProcessCatalog`."""
        return self._state.by_id(version).content

    async def published(self, process: str | None = None) -> list[Version]:
        """See `ProcessCatalog`."""
        versions = (held.version for _, held in sorted(self._state.versions.items()))
        return [one for one in versions if one.state in PUBLISHED and process in {None, one.process}]

    def _process(self, name: str) -> Process:
        versions = tuple(self._seen(held) for held in self._state.versions_of(name))
        return replace(self._state.processes[name], versions=versions)

    def _seen(self, held: Held) -> Version:
        return replace(held.version, live=len(self._state.of_version(held.version.id)))

    def _change(self, held: Held, state: VersionState, at: int) -> None:
        kind: EventKind = change_event(held.version.state, state)
        held.version = replace(held.version, state=state)
        event = Event(
            kind=kind,
            at=at,
            seq=self._state.number("event"),
            process=held.version.process,
            version=held.version.number,
        )
        self._state.events.append(event)
        self._tell_events([event])

    def _discard(self, version: int, at: int) -> None:
        state = self._state
        for live in state.of_version(version):
            message = live.message
            if message.place is Place.TRASH:
                continue
            state.remove(message.seq)
            message.place, message.due = Place.TRASH, 0
            live.since = at
            message.reason, message.reason_code = RETIRED_REASON, RETIRED_CODE
            state.put(live)
        for run in state.runs.values():
            if run.version == version and run.tally.live:
                run.tally.trash = run.tally.live
                run.state = InstanceState.FAILED

    # -- workers, tokens, users, schedules ----------------------------------------------------------------------------

    async def workers(self) -> list[Worker]:
        """See `WorkerCatalog`."""
        return [worker for _, worker in sorted(self._state.workers.items())]

    async def put_worker(self, worker: Worker) -> None:
        """See `WorkerCatalog`."""
        self._state.check()
        old = self._state.workers.get(worker.name)
        self._state.workers[worker.name] = replace(worker, created=old.created if old else worker.created)
        self._tell_of(EventKind.WORKERS_CHANGED, self._clock.now(), worker.name)

    async def delete_worker(self, name: str) -> None:
        """See `WorkerCatalog`."""
        self._state.check()
        if self._state.workers.pop(name, None) is None:
            raise NotFound(f"no worker is named {name!r}")
        self._tell_of(EventKind.WORKERS_CHANGED, self._clock.now(), name)

    def _tell_of(self, kind: EventKind, at: int, detail: str) -> None:
        event = Event(kind=kind, at=at, seq=self._state.number("event"), detail=detail)
        self._state.events.append(event)
        self._tell_events([event])

    async def tokens(self) -> list[Token]:
        """See `TokenCatalog`."""
        return sorted(self._state.tokens.values(), key=lambda token: (token.created, token.id))

    async def token_by_digest(self, digest: bytes) -> Token | None:
        """See `TokenCatalog`."""
        return next((token for token in self._state.tokens.values() if token.digest == digest), None)

    async def put_token(self, token: Token) -> None:
        """See `TokenCatalog`."""
        self._state.check()
        if any(other.digest == token.digest and other.id != token.id for other in self._state.tokens.values()):
            raise NameTaken("another token has the same text")
        self._state.tokens[token.id] = token

    async def delete_token(self, id: str) -> None:
        """See `TokenCatalog`."""
        self._state.check()
        if self._state.tokens.pop(id, None) is None:
            raise NotFound(f"no token has the id {id!r}")

    async def touch_tokens(self, used: Sequence[tuple[str, int]]) -> None:
        """See `TokenCatalog`."""
        self._state.check()
        for key, at in used:
            if key in self._state.tokens:
                self._state.tokens[key] = replace(self._state.tokens[key], last_used=at)

    async def users(self) -> list[User]:
        """See `UserCatalog`."""
        return sorted(self._state.users.values(), key=lambda user: (user.created, user.id))

    async def user_by_email(self, email: str) -> User | None:
        """See `UserCatalog`."""
        return next((user for user in self._state.users.values() if user.email == email), None)

    async def put_user(self, user: User) -> None:
        """See `UserCatalog`."""
        self._state.check()
        if any(other.email == user.email for other in self._state.users.values()):
            raise NameTaken(f"there is a user {user.email} already")
        self._state.users[user.id] = user

    async def put_first_user(self, user: User) -> bool:
        """See `UserCatalog`."""
        self._state.check()
        if self._state.users:
            return False
        await self.put_user(user)
        return True

    async def change_user(self, user: User, unless_last: str | None = None) -> None:
        """See `UserCatalog`."""
        self._state.check()
        old = self._user(user.id)
        if unless_last is not None and unless_last in old.scopes and unless_last not in user.scopes:
            self._check_other(user.id, unless_last)
        self._state.users[user.id] = replace(old, password=user.password, scopes=user.scopes)

    async def delete_user(self, id: str, unless_last: str | None = None) -> None:
        """See `UserCatalog`."""
        self._state.check()
        if unless_last is not None and unless_last in self._user(id).scopes:
            self._check_other(id, unless_last)
        del self._state.users[self._user(id).id]
        for session in [session for session in self._state.sessions.values() if session.user == id]:
            del self._state.sessions[session.id]

    def _user(self, id: str) -> User:
        if id not in self._state.users:
            raise NotFound(f"There is no user {id}")
        return self._state.users[id]

    def _check_other(self, id: str, scope: str) -> None:
        if not any(scope in other.scopes for other in self._state.users.values() if other.id != id):
            raise Conflict(f"Nobody else has the scope {scope}, so this would lock everybody out")

    # -- sessions -----------------------------------------------------------------------------------------------------

    async def sessions(self) -> list[Session]:
        """See `SessionCatalog`."""
        return sorted(self._state.sessions.values(), key=lambda session: (session.created, session.id))

    async def session_by_digest(self, digest: bytes) -> Session | None:
        """See `SessionCatalog`."""
        return next((session for session in self._state.sessions.values() if session.digest == digest), None)

    async def put_session(self, session: Session) -> None:
        """See `SessionCatalog`."""
        self._state.check()
        for ended in [old for old in self._state.sessions.values() if old.expires <= session.created]:
            del self._state.sessions[ended.id]
        self._state.sessions[session.id] = session

    async def touch_session(self, id: str, at: int) -> None:
        """See `SessionCatalog`."""
        self._state.check()
        if id in self._state.sessions:
            self._state.sessions[id] = replace(self._state.sessions[id], used=at)

    async def delete_session(self, id: str) -> None:
        """See `SessionCatalog`."""
        self._state.check()
        self._state.sessions.pop(id, None)

    async def schedule_states(self) -> list[ScheduleState]:
        """See `ScheduleCatalog`."""
        return [
            ScheduleState(process=process, node=node, tick=tick.tick)
            for (process, node), tick in sorted(self._state.ticks.items())
        ]

    async def skip_ticks(self, state: ScheduleState) -> None:
        """See `ScheduleCatalog`."""
        self._state.check()
        self._state.process(state.process)
        known = self._state.ticks.get((state.process, state.node))
        if known is None or known.tick < state.tick:
            self._state.ticks[state.process, state.node] = Tick(tick=state.tick, accepted=None)


def _check_revision(held: Held, expected: str | None) -> None:
    """Raises DraftChanged unless the file of the version is the expected one (C6)."""
    if expected is not None and revision_of(held.content.source) != expected:
        raise draft_changed(held.version, held.content.source)
