"""Who may do what: every route without a token, with a wrong one, and with each scope."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

import pytest

from segue.api.app import routes
from segue.api.description import scope_of
from segue.api.front import HEALTH, READY
from segue.api.gate import SCOPES, Gate
from segue.control import tokens
from segue.model.errors import ScopeMissing, Unauthenticated
from segue.ports.catalog import Token
from tests.site import Site

# Open to strangers: that the server is there, and what one does to get credentials.
OPEN = {
    ("GET", HEALTH),
    ("GET", READY),
    ("POST", "/api/v1/session"),
    ("GET", "/api/v1/setup"),
    ("POST", "/api/v1/setup"),
    ("POST", "/api/v1/invitations/look"),
    ("POST", "/api/v1/invitations/accept"),
}
# For whoever is known: about oneself.
STREAMS = ("/api/v1/events", "/api/v1/logs/tail")

SELF = {
    ("GET", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("PUT", "/api/v1/session/password"),
    ("GET", "/api/v1/sessions"),
    ("DELETE", "/api/v1/sessions/nothing"),
}
METHODS = {"get", "put", "post", "delete", "patch"}


async def operations(site: Site) -> list[tuple[str, str, str | None]]:
    """Every (method, path, scope) that the document names, with something in place of the parameters."""
    document = await site.get("/api/v1/openapi.json")
    found = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                filled = path.replace("{number}", "1")
                found.append((method.upper(), re.sub(r"{\w+}", "nothing", filled), operation.get("x-scope")))
    return found


async def test_no_route_answers_strangers(site: Site) -> None:
    found = await operations(site)
    assert len(found) > 35
    for method, path, _ in found:
        if (method, path) in OPEN:
            continue
        for token in (None, "sgt_wrong", ""):
            answer = await site.call(method, path, token=token)
            assert (answer.status, answer.code) == (401, "unauthenticated"), (method, path, token)
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_paths_that_are_not_there_do_not_answer_strangers_either(site: Site) -> None:
    for path in ("/", "/api/v1/nothing", "/api/v1/openapi.json", "/metrics", "/docs", "/processes/x"):
        assert (await site.call("GET", path, token=None)).status in {401, 404, 405}
    assert (await site.call("GET", "/api/v1/nothing", token=None)).status == 401
    assert (await site.call("GET", "/api/v1/nothing")).code == "not-found"


async def test_each_scope_opens_what_it_says_and_nothing_else(site: Site) -> None:
    for method, path, needed in await operations(site):
        if path in STREAMS or (method, path) in OPEN | SELF:
            continue
        assert needed is not None, path
        for scope in SCOPES:
            answer = await site.call(method, path, token=scope)
            if scope in {needed, "admin"}:
                assert answer.status not in {401, 403}, (method, path, scope)
            else:
                assert (answer.status, answer.code) == (403, "scope-missing"), (method, path, scope)
                assert needed in answer.json["detail"]


async def test_every_route_says_which_scope_it_needs(site: Site) -> None:
    pages = {("GET", "/docs/errors/{code}")}
    free = {(method, route.path) for route in routes() if scope_of(route) is None for method in route.methods}
    assert {(method, path.replace("{id}", "nothing")) for method, path in free} == OPEN | SELF | pages
    documented = {(method, path) for method, path, _ in await operations(site)}
    assert len(documented) == len([route for route in routes() if route.include_in_schema]) + 2
    for method, path, scope in await operations(site):
        assert (scope is None) == ((method, path) in OPEN | SELF)
        if scope == "read":
            assert method == "GET"


def test_the_scopes_are_the_same_everywhere() -> None:
    assert SCOPES == tokens.SCOPES


async def test_health_needs_no_credentials(site: Site) -> None:
    answer = await site.call("GET", HEALTH, token=None)
    assert answer.json == {"status": "ok", "version": "0.0.test"}


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer  ", "bearer", "sgt_x", "Bearer \u00ff"])
async def test_other_forms_of_credentials_are_refused(site: Site, header: str) -> None:
    answer = await site.call("GET", "/api/v1/audit", token=None, headers={"Authorization": header})
    assert answer.code == "unauthenticated"


async def test_every_answer_bears_the_security_headers(site: Site) -> None:
    for method, path in (("GET", HEALTH), ("GET", "/nothing"), ("POST", "/processes/x/start"), ("GET", "/metrics")):
        headers = (await site.call(method, path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


async def test_a_revoked_token_opens_nothing_at_once(site: Site) -> None:
    made = await site.post("/api/v1/tokens", {"name": "short", "scopes": ["read"]})
    assert (await site.call("GET", "/api/v1/audit", token=made["token"])).status == 200
    assert (await site.call("DELETE", f"/api/v1/tokens/{made['id']}")).status == 204
    assert (await site.call("GET", "/api/v1/audit", token=made["token"])).status == 401


class Catalog:
    """Tokens in a dictionary, and how often they were looked up."""

    def __init__(self) -> None:
        self.known: dict[bytes, Token] = {}
        self.asked = 0
        self.touched: list[tuple[str, int]] = []

    async def token_by_digest(self, digest: bytes) -> Token | None:
        self.asked += 1
        return self.known.get(digest)

    async def touch_tokens(self, used: Any) -> None:
        self.touched += used

    def add(self, text: str) -> None:
        digest = sha256(text.encode()).digest()
        self.known[digest] = Token(id=text, name=text, digest=digest, scopes=("read",), created=0)


class Hand:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = 1_000_000

    def now(self) -> int:
        return self.at


async def test_a_known_token_is_looked_up_once_in_five_seconds() -> None:
    catalog, clock = Catalog(), Hand()
    catalog.add("t")
    gate = Gate(catalog, clock)  # type: ignore[arg-type]
    for _ in range(10):
        await gate.caller("Bearer t", "read")
    assert catalog.asked == 1
    catalog.known.clear()
    clock.at += 4_999
    await gate.caller("Bearer t", "read")
    clock.at += 1
    with pytest.raises(Unauthenticated):
        await gate.caller("Bearer t", "read")


async def test_a_wrong_token_is_not_looked_up_again_and_again_but_soon_learned() -> None:
    catalog, clock = Catalog(), Hand()
    gate = Gate(catalog, clock)  # type: ignore[arg-type]
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            await gate.caller("Bearer new", None)
    assert catalog.asked == 1
    catalog.add("new")
    clock.at += 2_000
    assert (await gate.caller("Bearer new", None)).name == "new"


async def test_guessing_does_not_fill_the_memory() -> None:
    catalog, clock = Catalog(), Hand()
    gate = Gate(catalog, clock)  # type: ignore[arg-type]
    for number in range(10_050):
        with pytest.raises(Unauthenticated):
            await gate.caller(f"Bearer {number}", None)
    assert len(gate._known) == 10_000


async def test_the_use_of_tokens_is_noted_once_for_many_requests() -> None:
    catalog, clock = Catalog(), Hand()
    catalog.add("t")
    gate = Gate(catalog, clock)  # type: ignore[arg-type]
    await gate.caller("Bearer t", None)
    clock.at += 7
    await gate.caller("Bearer t", None)
    with pytest.raises(ScopeMissing):
        await gate.caller("Bearer t", "admin")
    await gate.note_use()
    await gate.note_use()
    assert catalog.touched == [("t", 1_000_007)]
