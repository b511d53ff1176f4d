"""Invitations: a link that lets somebody become a user once, with a password of their own."""

from __future__ import annotations

import asyncio
from hashlib import sha256

from msgspec import Struct

from segue.control.attempts import Attempts
from segue.control.sessions import Browser, NewSession, Sessions
from segue.control.tokens import base62
from segue.control.users import ROLES, RoleName, Users, check_email
from segue.model.errors import SignInFailed
from segue.model.ids import make_id
from segue.ports.activity import Invitation, InvitationCatalog
from segue.ports.outside import Chance, Clock

LIFETIME_MS = 7 * 24 * 3_600_000
_BYTES = 32
_ALLOWED = 20


class NewInvitation(Struct, frozen=True, kw_only=True):
    """An invitation just made. `secret` belongs into the link and is nowhere else."""

    invitation: Invitation
    secret: str


class Invitations:
    """Invite people, and let them in."""

    def __init__(
        self, catalog: InvitationCatalog, users: Users, sessions: Sessions, clock: Clock, chance: Chance
    ) -> None:
        self._catalog = catalog
        self._users = users
        self._sessions = sessions
        self._clock = clock
        self._chance = chance
        self._attempts = Attempts(clock, _ALLOWED)

    async def create(self, email: str, role: RoleName, by: str) -> NewInvitation:
        """Invite somebody, in place of an earlier invitation. Raises Invalid, NameTaken."""
        secret = base62(self._chance.entropy(_BYTES))
        now = self._clock.now()
        invitation = Invitation(
            id=make_id(now, self._chance.entropy(10)),
            email=check_email(email),
            digest=_digest(secret),
            scopes=ROLES[role],
            created=now,
            expires=now + LIFETIME_MS,
            by=by,
        )
        await self._catalog.put_invitation(invitation)
        return NewInvitation(invitation=invitation, secret=secret)

    async def find(self) -> list[Invitation]:
        """All invitations, oldest first, those that have run out too."""
        return await self._catalog.invitations()

    async def withdraw(self, id: str) -> None:
        """The link opens nothing any more. Raises NotFound."""
        await self._catalog.delete_invitation(id)

    async def look(self, secret: str, browser: Browser) -> Invitation:
        """The invitation of a link. Raises SignInFailed when there is none any more, TooManyAttempts."""
        self._attempts.check(browser.address)
        self._attempts.begin(browser.address)
        digest, now = _digest(secret), self._clock.now()
        for invitation in await self._catalog.invitations():
            if invitation.digest == digest and invitation.expires > now:
                self._attempts.succeeded(browser.address)
                return invitation
        raise SignInFailed("This invitation was used, withdrawn or has run out; ask for another one")

    async def accept(self, secret: str, password: str, browser: Browser) -> NewSession:
        """Become a user and sign in. Raises SignInFailed, TooManyAttempts, Invalid, NameTaken."""
        invitation = await self.look(secret, browser)
        user = await asyncio.to_thread(self._users.make, invitation.email, password, invitation.scopes)
        if not await self._catalog.accept_invitation(invitation.id, user):
            raise SignInFailed("This invitation was used, withdrawn or has run out; ask for another one")
        return await self._sessions.begin(user, browser)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()
