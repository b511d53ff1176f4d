"""Who a request is from: the bearer token that it carries, or else the cookie of a session."""

from __future__ import annotations

from starlette.types import Scope

from segue.api.gate import Caller, Gate
from segue.api.gate import Scope as Right
from segue.api.session import caller_of, shown
from segue.control.sessions import Sessions


class Entrance:
    """Asked once for every request that needs credentials."""

    def __init__(self, gate: Gate, sessions: Sessions) -> None:
        self._gate = gate
        self._sessions = sessions

    async def caller(self, scope: Scope, right: Right | None) -> Caller:
        """The caller, who has the right. Raises Unauthenticated, CrossSite or ScopeMissing."""
        authorization = _authorization(scope)
        if authorization is None and (request := shown(scope)).text:
            return await caller_of(self._sessions, request, right)
        return await self._gate.caller(authorization, right)


def _authorization(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            found: str = value.decode("latin-1")
            return found
    return None
