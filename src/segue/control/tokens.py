"""API tokens: made once, shown once, stored as a digest."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from msgspec import Struct

from segue.control.names import check_name
from segue.control.paging import Page, page_of_all
from segue.model.errors import Invalid, NotFound
from segue.model.ids import make_id
from segue.ports.catalog import Token, TokenCatalog
from segue.ports.outside import Chance, Clock

SCOPES = ("start", "read", "operate", "edit", "worker", "admin")
_PREFIX = "sgt_"
_BYTES = 32
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class NewToken(Struct, frozen=True, kw_only=True):
    """A token just made. `text` is what callers send; it is nowhere else and cannot be had again."""

    token: Token
    text: str


class Tokens:
    """Make, list and revoke tokens."""

    def __init__(self, catalog: TokenCatalog, clock: Clock, chance: Chance) -> None:
        self._catalog = catalog
        self._clock = clock
        self._chance = chance

    async def create(self, name: str, scopes: Sequence[str]) -> NewToken:
        """Make a token of 32 random bytes. Raises Invalid for a bad name or an unknown scope."""
        check_name("token", name)
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            wrong = f"unknown scope {', '.join(unknown)}" if unknown else "a token needs a scope"
            raise Invalid(f"{wrong}; there are: {', '.join(SCOPES)}")
        now = self._clock.now()
        text = _PREFIX + base62(self._chance.entropy(_BYTES))
        token = Token(
            id=make_id(now, self._chance.entropy(10)),
            name=name,
            digest=sha256(text.encode()).digest(),
            scopes=tuple(scope for scope in SCOPES if scope in scopes),
            created=now,
        )
        await self._catalog.put_token(token)
        return NewToken(token=token, text=text)

    async def find(self, after: str | None, limit: int) -> Page[Token]:
        """Tokens, oldest first (their ids sort so)."""
        return page_of_all(await self._catalog.tokens(), after, limit, lambda token: token.id)

    async def revoke(self, id: str) -> None:
        """The token opens nothing any more. Raises NotFound."""
        if not any(token.id == id for token in await self._catalog.tokens()):
            raise NotFound(f"There is no token {id[:100]}")
        await self._catalog.delete_token(id)


def base62(raw: bytes) -> str:
    """The bytes as one number in digits and letters, always of the same length for as many bytes."""
    number = int.from_bytes(raw, "big")
    length = len(_encode(int.from_bytes(b"\xff" * len(raw), "big")))
    return _encode(number).rjust(length, _DIGITS[0])


def _encode(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text
