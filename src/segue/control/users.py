"""Users: people who sign in with a password. Only a hash of it is stored."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from typing import Literal

from msgspec.structs import replace

from segue.control.passwords import SALT_BYTES, hash_password
from segue.control.tokens import SCOPES
from segue.model.errors import Invalid, NameTaken, NotFound
from segue.model.ids import make_id
from segue.ports.catalog import User, UserCatalog
from segue.ports.outside import Chance, Clock

_SHORTEST, _LONGEST = 8, 1024
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,255}")


RoleName = Literal["viewer", "operator", "editor", "admin", "other"]
# What a role may do. `admin` contains all scopes.
ROLES: dict[RoleName, tuple[str, ...]] = {
    "viewer": ("read",),
    "operator": ("start", "read", "operate"),
    "editor": ("start", "read", "operate", "edit"),
    "admin": ("admin",),
}


class Users:
    """Make and change users."""

    def __init__(self, catalog: UserCatalog, clock: Clock, chance: Chance) -> None:
        self._catalog = catalog
        self._clock = clock
        self._chance = chance

    async def create(self, email: str, password: str, scopes: tuple[str, ...] = ("admin",)) -> User:
        """Make a user. Raises Invalid for an address or password that cannot be, NameTaken."""
        user = await asyncio.to_thread(self.make, email, password, scopes)
        if await self._catalog.user_by_email(user.email) is not None:
            raise NameTaken(f"There is a user {user.email} already")
        await self._catalog.put_user(user)
        return user

    def make(self, email: str, password: str, scopes: tuple[str, ...]) -> User:
        """A user who is not stored yet. Raises Invalid. Takes a fraction of a second of computing."""
        address = check_email(email)
        check_password(password)
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown:
            raise Invalid(f"unknown scope {', '.join(unknown)}; there are: {', '.join(SCOPES)}")
        now = self._clock.now()
        return User(
            id=make_id(now, self._chance.entropy(10)),
            email=address,
            password=hash_password(password, self._chance.entropy(SALT_BYTES)),
            scopes=scopes,
            created=now,
        )

    async def find(self) -> list[User]:
        """All users, oldest first."""
        return await self._catalog.users()

    async def set_role(self, id: str, role: RoleName) -> User:
        """Another role for a user. Raises Invalid, NotFound, and Conflict for the last administrator."""
        if role not in ROLES:
            raise Invalid(f"role: there is no {role[:100]!r}; there are: {', '.join(ROLES)}")
        changed = replace(await self._get(id), scopes=ROLES[role])
        await self._catalog.change_user(changed, unless_last="admin")
        return changed

    async def set_password(self, id: str, password: str) -> None:
        """Another password for a user. Raises Invalid, NotFound."""
        check_password(password)
        await self._get(id)
        hashed = await asyncio.to_thread(hash_password, password, self._chance.entropy(SALT_BYTES))
        # Looked at again after the time that the hash took: another role given meanwhile stays.
        await self._catalog.change_user(replace(await self._get(id), password=hashed))

    async def renew_hash(self, user: User, password: str) -> None:
        """Store a hash of today's kind for a password just shown to be right, unless it was changed meanwhile."""
        hashed = await asyncio.to_thread(hash_password, password, self._chance.entropy(SALT_BYTES))
        now = next((one for one in await self._catalog.users() if one.id == user.id), None)
        if now is not None and now.password == user.password:
            await self._catalog.change_user(replace(now, password=hashed))

    async def delete(self, id: str) -> None:
        """Forget a user, whose sessions end. Raises NotFound, and Conflict for the last administrator."""
        await self._catalog.delete_user(id, unless_last="admin")

    async def _get(self, id: str) -> User:
        for user in await self._catalog.users():
            if user.id == id:
                return user
        raise NotFound(f"There is no user {id[:100]}")


def role_of(scopes: Collection[str]) -> RoleName:
    """The name of the role that has these scopes, or `other`."""
    return next((role for role, has in ROLES.items() if set(has) == set(scopes)), "other")


def check_email(email: str) -> str:
    """The address in lower case. Raises Invalid for what is none."""
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address):
        raise Invalid(f"email {email[:100]!r}: is no e-mail address")
    return address


def check_password(password: str) -> None:
    """Raises Invalid for a password that is too short or too long."""
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise Invalid(f"password: use {_SHORTEST} to {_LONGEST} characters")
