"""The catalogs, as scripts."""

from __future__ import annotations

from collections.abc import Sequence

from segue.adapters.sql import activity, keeping, processes, users
from segue.adapters.sql.ports.scripted import Scripted
from segue.model.services import DeployerKind
from segue.model.versions import Process, Version, VersionContent, VersionState
from segue.model.workers import Worker
from segue.ports.activity import Activity, ActivityFilter, Invitation, NewActivity
from segue.ports.catalog import NewVersion, ScheduleState, Session, Token, User


class Catalog(Scripted):
    """Implements every catalog: processes, workers, tokens, users, sessions, schedules, activities, invitations."""

    async def create_process(self, name: str, folder: str, at: int) -> Process:
        """See `ProcessCatalog`."""
        return await self._change(lambda: processes.create_process(name, folder, at), versions=True)

    async def move_process(self, name: str, folder: str) -> Process:
        """See `ProcessCatalog`."""
        return await self._change(lambda: processes.move_process(name, folder))

    async def processes(self, after: str | None, limit: int) -> list[Process]:
        """See `ProcessCatalog`."""
        return await self._read(lambda: processes.processes(after, limit))

    async def process(self, name: str) -> Process:
        """See `ProcessCatalog`."""
        return await self._read(lambda: processes.find_process(name))

    async def choose_deployer(self, process: str, deployer: DeployerKind | None, at: int) -> Process:
        """See `ProcessCatalog`."""
        return await self._change(lambda: processes.choose_deployer(process, deployer, at))

    async def put_draft(self, draft: NewVersion) -> Version:
        """See `ProcessCatalog`."""
        return await self._change(lambda: processes.put_draft(draft), versions=True)

    async def replace_source(self, version: int, source: bytes, expected: str | None = None) -> None:
        """See `ProcessCatalog`."""
        return await self._change(lambda: processes.replace_source(version, source, expected))

    async def set_state(self, process: str, number: int, state: VersionState, at: int) -> Version:
        """See `ProcessCatalog`."""
        return await self._change(lambda: processes.set_state(process, number, state, at), versions=True)

    async def retire(self, process: str, number: int, discard: bool, at: int) -> Version:
        """See `ProcessCatalog`."""
        return await self._change(lambda: processes.retire(process, number, discard, at), versions=True)

    async def content(self, version: int) -> VersionContent:
        """See `ProcessCatalog`."""
        return await self._read(lambda: processes.content(version))

    async def published(self, process: str | None = None) -> list[Version]:
        """See `ProcessCatalog`."""
        return await self._read(lambda: processes.published(process))

    async def workers(self) -> list[Worker]:
        """See `WorkerCatalog`."""
        return await self._read(lambda: keeping.workers(self._secrets))

    async def put_worker(self, worker: Worker) -> None:
        """See `WorkerCatalog`."""
        await self._change(lambda: keeping.put_worker(worker, self._secrets, self._clock.now()))

    async def delete_worker(self, name: str) -> None:
        """See `WorkerCatalog`."""
        await self._change(lambda: keeping.delete_worker(name, self._clock.now()))

    async def tokens(self) -> list[Token]:
        """See `TokenCatalog`."""
        return await self._read(keeping.tokens)

    async def token_by_digest(self, digest: bytes) -> Token | None:
        """See `TokenCatalog`."""
        return await self._read(lambda: keeping.token_by_digest(digest))

    async def put_token(self, token: Token) -> None:
        """See `TokenCatalog`."""
        await self._change(lambda: keeping.put_token(token))

    async def delete_token(self, id: str) -> None:
        """See `TokenCatalog`."""
        await self._change(lambda: keeping.delete_token(id))

    async def touch_tokens(self, used: Sequence[tuple[str, int]]) -> None:
        """See `TokenCatalog`."""
        await self._change(lambda: keeping.touch_tokens(used))

    async def users(self) -> list[User]:
        """See `UserCatalog`."""
        return await self._read(users.users)

    async def user_by_email(self, email: str) -> User | None:
        """See `UserCatalog`."""
        return await self._read(lambda: users.user_by_email(email))

    async def put_user(self, user: User) -> None:
        """See `UserCatalog`."""
        await self._change(lambda: users.put_user(user))

    async def put_first_user(self, user: User) -> bool:
        """See `UserCatalog`."""
        return await self._change(lambda: users.put_first_user(user))

    async def change_user(self, user: User, unless_last: str | None = None) -> None:
        """See `UserCatalog`."""
        await self._change(lambda: users.change_user(user, unless_last), alone=True)

    async def delete_user(self, id: str, unless_last: str | None = None) -> None:
        """See `UserCatalog`."""
        await self._change(lambda: users.delete_user(id, unless_last), alone=True)

    async def sessions(self) -> list[Session]:
        """See `SessionCatalog`."""
        return await self._read(users.sessions)

    async def session_by_digest(self, digest: bytes) -> Session | None:
        """See `SessionCatalog`."""
        return await self._read(lambda: users.session_by_digest(digest))

    async def put_session(self, session: Session) -> None:
        """See `SessionCatalog`."""
        await self._change(lambda: users.put_session(session))

    async def touch_session(self, id: str, at: int) -> None:
        """See `SessionCatalog`."""
        await self._change(lambda: users.touch_session(id, at))

    async def delete_session(self, id: str) -> None:
        """See `SessionCatalog`."""
        await self._change(lambda: users.delete_session(id))

    async def schedule_states(self) -> list[ScheduleState]:
        """See `ScheduleCatalog`."""
        return await self._read(keeping.schedule_states)

    async def skip_ticks(self, state: ScheduleState) -> None:
        """See `ScheduleCatalog`."""
        await self._change(lambda: keeping.skip_ticks(state))

    async def note(self, new: NewActivity) -> None:
        """See `ActivityLog`."""
        await self._change(lambda: activity.note(new))

    async def activities(self, filter: ActivityFilter) -> list[Activity]:
        """See `ActivityLog`."""
        return await self._read(lambda: activity.activities(filter))

    async def invitations(self) -> list[Invitation]:
        """See `InvitationCatalog`."""
        return await self._read(activity.invitations)

    async def put_invitation(self, invitation: Invitation) -> None:
        """See `InvitationCatalog`."""
        await self._change(lambda: activity.put_invitation(invitation))

    async def delete_invitation(self, id: str) -> None:
        """See `InvitationCatalog`."""
        await self._change(lambda: activity.delete_invitation(id))

    async def accept_invitation(self, id: str, user: User) -> bool:
        """See `InvitationCatalog`."""
        return await self._change(lambda: activity.accept_invitation(id, user))
