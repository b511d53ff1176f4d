"""Who calls a route of the original platform."""

from __future__ import annotations

from segue.api.calls import Call
from segue.api.gate import Caller, Gate, Scope
from segue.model.errors import Unauthenticated

API_KEY = b"orchesty-api-key"


async def caller_of(call: Call, gate: Gate, right: Scope) -> Caller:
    """The caller by the token in `orchesty-api-key`, or in `Authorization` with or without `Bearer`.

    A session's cookie does not count. Raises Unauthenticated, ScopeMissing.
    """
    key = call.header(API_KEY) or call.header(b"authorization")
    if not key:
        raise Unauthenticated("Header orchesty-api-key is missing")
    scheme, _, rest = key.partition(" ")
    text = rest.strip() if scheme.lower() == "bearer" else key
    return await gate.caller(f"Bearer {text}", right)
