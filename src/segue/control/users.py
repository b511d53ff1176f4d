"""Users: people who sign in with a password. Only a hash of it is stored."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

from segue.control.tokens import SCOPES
from segue.model.errors import Invalid, NameTaken
from segue.model.ids import make_id
from segue.ports.catalog import User, UserCatalog
from segue.ports.outside import Chance, Clock

# One of the equivalent settings of the OWASP Password Storage Cheat Sheet: N = 2^15, r = 8, p = 3, 32 MiB.
_LOG_N, _R, _P = 15, 8, 3
_SALT_BYTES, _KEY_BYTES = 16, 32
_SHORTEST, _LONGEST = 8, 1024
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,255}")


class Users:
    """Make users."""

    def __init__(self, catalog: UserCatalog, clock: Clock, chance: Chance) -> None:
        self._catalog = catalog
        self._clock = clock
        self._chance = chance

    async def create(self, email: str, password: str, scopes: tuple[str, ...] = ("admin",)) -> User:
        """Make a user. Raises Invalid for an address or password that cannot be, NameTaken."""
        address = email.strip().lower()
        if not _EMAIL.fullmatch(address):
            raise Invalid(f"email {email[:100]!r}: is no e-mail address")
        if not _SHORTEST <= len(password) <= _LONGEST:
            raise Invalid(f"password: use {_SHORTEST} to {_LONGEST} characters")
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown:
            raise Invalid(f"unknown scope {', '.join(unknown)}; there are: {', '.join(SCOPES)}")
        if await self._catalog.user_by_email(address) is not None:
            raise NameTaken(f"There is a user {address} already")
        now = self._clock.now()
        user = User(
            id=make_id(now, self._chance.entropy(10)),
            email=address,
            password=hash_password(password, self._chance.entropy(_SALT_BYTES)),
            scopes=scopes,
            created=now,
        )
        await self._catalog.put_user(user)
        return user


def hash_password(password: str, salt: bytes) -> str:
    """The password through scrypt (RFC 7914), with its parameters, so that they can be raised later."""
    key = _scrypt(password, salt, _LOG_N, _R, _P)
    return f"scrypt${_LOG_N}${_R}${_P}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def password_is(password: str, stored: str) -> bool:
    """Whether `stored` was made from this password; False also for what is no such hash."""
    try:
        method, log_n, r, p, salt, key = stored.split("$")
        if method != "scrypt":
            return False
        made = _scrypt(password, base64.b64decode(salt), int(log_n), int(r), int(p))
        return hmac.compare_digest(made, base64.b64decode(key))
    except (ValueError, binascii.Error):
        return False


def _scrypt(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    memory = 128 * r * (1 << log_n) * 2
    raw = password.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(raw, salt=salt, n=1 << log_n, r=r, p=p, maxmem=memory, dklen=_KEY_BYTES)
