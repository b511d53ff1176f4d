"""The activity log and the invitations, in memory."""

from __future__ import annotations

from msgspec.structs import asdict

from segue.adapters.memory.state import State
from segue.model.errors import NameTaken, NotFound
from segue.ports.activity import Activity, ActivityFilter, Invitation, NewActivity
from segue.ports.catalog import User


class MemoryActivity:
    """Implements `ActivityLog` and `InvitationCatalog`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def note(self, new: NewActivity) -> None:
        """See `ActivityLog`."""
        self._state.check()
        self._state.activities.append(Activity(**asdict(new), seq=len(self._state.activities) + 1))

    async def activities(self, filter: ActivityFilter) -> list[Activity]:
        """See `ActivityLog`."""
        found = [one for one in reversed(self._state.activities) if _is_wanted(one, filter)]
        return found[: filter.limit]

    async def invitations(self) -> list[Invitation]:
        """See `InvitationCatalog`."""
        return sorted(self._state.invitations.values(), key=lambda one: (one.created, one.id))

    async def put_invitation(self, invitation: Invitation) -> None:
        """See `InvitationCatalog`."""
        self._state.check()
        self._check_free(invitation.email)
        others = {key: one for key, one in self._state.invitations.items() if one.email != invitation.email}
        self._state.invitations = others | {invitation.id: invitation}

    async def delete_invitation(self, id: str) -> None:
        """See `InvitationCatalog`."""
        self._state.check()
        if self._state.invitations.pop(id, None) is None:
            raise NotFound(f"There is no invitation {id}")

    async def accept_invitation(self, id: str, user: User) -> bool:
        """See `InvitationCatalog`."""
        self._state.check()
        if id not in self._state.invitations:
            return False
        self._check_free(user.email)
        del self._state.invitations[id]
        self._state.users[user.id] = user
        return True

    def _check_free(self, email: str) -> None:
        if any(user.email == email for user in self._state.users.values()):
            raise NameTaken(f"There is a user {email} already")


def _is_wanted(one: Activity, filter: ActivityFilter) -> bool:
    return (
        filter.by in {None, one.by}
        and filter.action in {None, one.action}
        and (filter.about is None or filter.about.lower() in one.about.lower())
        and (filter.since is None or one.at >= filter.since)
        and (filter.until is None or one.at < filter.until)
        and (filter.before is None or one.seq < filter.before)
    )
