"""Who is calling: bearer tokens, checked against the SHA-256 digests in the store."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import Literal, get_args

from msgspec import Struct

from segue.model.errors import ScopeMissing, Unauthenticated
from segue.ports.catalog import Token, TokenCatalog
from segue.ports.outside import Clock

Scope = Literal["start", "read", "operate", "edit", "worker", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

# A token that another process revoked stops working this much later at the latest (ms).
_FRESH = 5_000
# A wrong token is not looked up again for this long (ms), so that guessing costs the store nothing.
_FORGOTTEN = 2_000
_BOUND = 10_000


class Caller(Struct, frozen=True, kw_only=True):
    """A known caller. The scope `admin` contains all others."""

    id: str
    name: str
    scopes: frozenset[str]
    kind: Literal["token", "user"] = "token"
    session: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether this caller has the scope."""
        return scope in self.scopes or "admin" in self.scopes


def check_scope(caller: Caller, scope: Scope) -> None:
    """Raises ScopeMissing unless the caller has the scope."""
    if not caller.may(scope):
        have = ", ".join(sorted(caller.scopes)) or "none"
        who = f"a {caller.kind} with the scope {scope}; the {caller.kind} {caller.name}"
        raise ScopeMissing(f"This needs {who} has: {have}")


class Gate:
    """Turns the Authorization header into a caller, mostly from memory: the start route asks it for every request."""

    def __init__(self, tokens: TokenCatalog, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[int, Caller | None]] = OrderedDict()
        self._used: dict[str, int] = {}

    async def caller(self, authorization: str | None, scope: Scope | None) -> Caller:
        """The caller, who has the scope. Raises Unauthenticated or ScopeMissing."""
        if authorization is None:
            raise Unauthenticated("This needs credentials: send the header `Authorization: Bearer TOKEN`")
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text:
            raise Unauthenticated("The Authorization header is not of the form `Bearer TOKEN`")
        caller = await self._caller(sha256(text.encode("latin-1", "replace")).digest())
        if caller is None:
            raise Unauthenticated("The token is not known here: it was mistyped, revoked, or is of another server")
        if scope is not None:
            check_scope(caller, scope)
        return caller

    def forget(self) -> None:
        """Ask the store again for every token: one was made or revoked."""
        self._known.clear()

    async def note_use(self) -> None:
        """Write down when tokens were last used."""
        used, self._used = self._used, {}
        if used:
            await self._tokens.touch_tokens(list(used.items()))

    async def _caller(self, digest: bytes) -> Caller | None:
        now = self._clock.now()
        entry = self._known.get(digest)
        if entry is None or entry[0] <= now:
            entry = await self._look_up(digest, now)
        caller = entry[1]
        if caller is not None:
            self._used[caller.id] = now
        return caller

    async def _look_up(self, digest: bytes, now: int) -> tuple[int, Caller | None]:
        token = await self._tokens.token_by_digest(digest)
        entry = (now + _FORGOTTEN, None) if token is None else (now + _FRESH, _caller_of(token))
        self._known[digest] = entry
        self._known.move_to_end(digest)
        if len(self._known) > _BOUND:
            self._known.popitem(last=False)
        return entry


def _caller_of(token: Token) -> Caller:
    return Caller(id=token.id, name=token.name, scopes=frozenset(token.scopes))
