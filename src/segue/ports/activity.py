"""Who did what: what people and programs changed, kept for ever; and who is invited to become a user."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from segue.ports.catalog import User


class NewActivity(Struct, frozen=True, kw_only=True):
    """Something that was done. `by` is an e-mail address, the name of a token or of a part of Segue, as `kind` says.

    `action` is the name of what was done ("publish"), `about` says to what, `detail` what else is worth keeping:
    never a secret, never a body. `address` is where the request came from.
    """

    at: int
    by: str
    kind: str
    action: str
    about: str = ""
    detail: dict[str, str] = {}
    address: str = ""


class Activity(NewActivity, frozen=True, kw_only=True):
    """Something that was done, with its number."""

    seq: int


class ActivityFilter(Struct, frozen=True, kw_only=True):
    """Activities to list, newest first. `about` is a part of the text; `before` the number of the last one seen."""

    by: str | None = None
    action: str | None = None
    about: str | None = None
    since: int | None = None
    until: int | None = None
    before: int | None = None
    limit: int = 50


class ActivityLog(Protocol):
    """A1 What was noted stays as it is: nothing changes or removes it. A2 Numbers grow in the order of the notes."""

    async def note(self, new: NewActivity) -> None: ...

    async def activities(self, filter: ActivityFilter) -> list[Activity]: ...


class Invitation(Struct, frozen=True, kw_only=True):
    """Somebody may become a user with these scopes until `expires`; only the SHA-256 of the link's secret is stored."""

    id: str
    email: str
    digest: bytes
    scopes: tuple[str, ...]
    created: int
    expires: int
    by: str


class InvitationCatalog(Protocol):
    """I1 An address has one invitation at most: a new one takes the place of the old. I2 Each opens once."""

    async def invitations(self) -> list[Invitation]:
        """All of them, oldest first."""
        ...

    async def put_invitation(self, invitation: Invitation) -> None:
        """Store an invitation. Raises NameTaken when the address is a user's."""
        ...

    async def delete_invitation(self, id: str) -> None:
        """Raises NotFound."""
        ...

    async def accept_invitation(self, id: str, user: User) -> bool:
        """Store the user in place of the invitation, in one transaction; False when the invitation is gone.

        Raises NameTaken for an address that another user has.
        """
        ...
