"""Signing in with a password: cookies, changes from our own pages only, lockout, roles, users."""

from __future__ import annotations

import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from segue.api.session import COOKIE, is_secure
from segue.control.attempts import Attempts
from segue.control.sessions import Browser as Origin
from segue.control.users import ROLES
from segue.model.errors import TooManyAttempts
from tests.api.test_access import OPEN, SELF, STREAMS, Hand, operations
from tests.files import user_task
from tests.site import Answer, Site
from tests.site import site as make_site

EMAIL, PASSWORD = "ann@example.org", "correct horse"
# What an earlier version stored of it.
OF_SCRYPT = "scrypt$15$8$3$c2FsdCBvZiBhbiBvbGQgMQ==$bidkV0KETo0oQwDFD9zF9vXfspUPA4bSSOgHL6av9TU="


class Browser:
    """Keeps one cookie, and sends what our page sends."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cookie = ""
        self.csrf = ""

    async def call(self, method: str, path: str, *, csrf: str | None = None, **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        headers["Cookie"] = f"other=1; {COOKIE}={self.cookie}"
        headers["X-CSRF-Token"] = self.csrf if csrf is None else csrf
        return await self.site.call(method, path, token=None, headers=headers, **options)

    async def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> Answer:
        answer = await self.site.call(
            "POST", "/api/v1/session", token=None, json={"email": email, "password": password}
        )
        if answer.status == 200:
            self.take(answer)
        return answer

    def take(self, answer: Answer) -> None:
        found = re.match(rf"{COOKIE}=(\w*); (.*)", answer.headers["set-cookie"])
        assert found is not None
        self.cookie, self.csrf = found[1], answer.json["csrf"] if answer.content else ""


@pytest.fixture
async def known(site: Site) -> Site:
    await site.control.users.create(EMAIL, PASSWORD)
    return site


async def test_a_session_opens_what_a_token_opens(known: Site) -> None:
    browser = Browser(known)
    answer = await browser.sign_in(" Ann@Example.ORG ")
    assert answer.json["name"] == EMAIL
    assert answer.json["scopes"] == ["start", "read", "operate", "edit", "worker", "admin"]
    again = await browser.call("GET", "/api/v1/session")
    assert again.json == answer.json
    assert (await browser.call("POST", "/api/v1/processes", json={"name": "p"})).status == 201
    assert (await browser.call("POST", "/processes/p/start", json={})).code == "no-enabled-version"


async def test_what_a_person_starts_waits_where_automatic_runs_pass(known: Site) -> None:
    await known.deploy("orders", user_task("automatic"))
    browser = Browser(known)
    await browser.sign_in()
    started = await browser.call("POST", "/processes/orders/start", json={"a": 1})
    assert [task["id"] for task in await known.tasks(1)] == [started.json["message"]]


async def test_signing_in_makes_an_old_hash_new(known: Site) -> None:
    """The password stays, the role given meanwhile stays, and a wrong password changes nothing."""
    [user] = await known.control.users.find()
    await known.store.change_user(replace(user, password=OF_SCRYPT))
    assert (await Browser(known).sign_in(password="correct house")).code == "sign-in-failed"
    assert [one.password for one in await known.control.users.find()] == [OF_SCRYPT]
    assert (await Browser(known).sign_in()).status == 200
    [renewed] = await known.control.users.find()
    assert renewed.password.startswith("$argon2id$")
    assert renewed.scopes == user.scopes
    assert (await Browser(known).sign_in()).status == 200
    assert await known.control.users.find() == [renewed]


async def test_an_old_hash_is_not_renewed_over_another_password(known: Site) -> None:
    [user] = await known.control.users.find()
    old = replace(user, password=OF_SCRYPT)
    await known.control.users.set_password(user.id, "another horse")
    await known.control.users.renew_hash(old, PASSWORD)
    assert (await Browser(known).sign_in()).code == "sign-in-failed"
    assert (await Browser(known).sign_in(password="another horse")).status == 200


async def test_the_cookie_is_kept_from_scripts_other_sites_and_the_store(known: Site) -> None:
    browser = Browser(known)
    answer = await browser.sign_in()
    flags = answer.headers["set-cookie"].split("; ")[1:]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(flags)
    assert "Secure" not in flags
    assert browser.cookie.encode() not in answer.content
    (stored,) = await known.store.sessions()
    assert stored.digest == sha256(browser.cookie.encode()).digest()


def test_over_tls_the_cookie_stays_there() -> None:
    assert is_secure("https", None)
    assert is_secure("http", "https, http")
    assert not is_secure("http", None)


@pytest.mark.parametrize("csrf", ["", "0" * 64, "\u00e9"])
async def test_a_change_without_our_page_is_refused(known: Site, csrf: str) -> None:
    browser = Browser(known)
    await browser.sign_in()
    for method, path in (("POST", "/api/v1/processes"), ("POST", "/processes/p/start"), ("DELETE", "/api/v1/session")):
        answer = await browser.call(method, path, csrf=csrf, json={"name": "p"})
        assert (answer.status, answer.code) == (403, "cross-site")
    assert (await browser.call("GET", "/api/v1/processes")).json["items"] == []


@pytest.mark.parametrize("site_header", ["cross-site", "same-site"])
async def test_other_sites_neither_change_nor_sign_in(known: Site, site_header: str) -> None:
    browser = Browser(known)
    await browser.sign_in()
    from_there = {"Sec-Fetch-Site": site_header}
    assert (
        await browser.call("POST", "/api/v1/processes", headers=from_there, json={"name": "p"})
    ).code == "cross-site"
    body = {"email": EMAIL, "password": PASSWORD}
    assert (await browser.call("POST", "/api/v1/session", headers=from_there, json=body)).code == "cross-site"


async def test_a_session_chosen_by_somebody_else_is_not_taken_over(known: Site) -> None:
    browser = Browser(known)
    browser.cookie = "chosen"
    body = {"email": EMAIL, "password": PASSWORD}
    answer = await browser.call("POST", "/api/v1/session", json=body)
    browser.take(answer)
    assert browser.cookie != "chosen"
    browser.cookie = "chosen"
    assert (await browser.call("GET", "/api/v1/session")).code == "unauthenticated"


async def test_signing_out_ends_the_session_on_the_server(known: Site) -> None:
    browser = Browser(known)
    await browser.sign_in()
    answer = await browser.call("DELETE", "/api/v1/session")
    assert answer.status == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await browser.call("GET", "/api/v1/audit")).code == "unauthenticated"


async def test_one_sees_and_ends_ones_own_sessions_only(known: Site) -> None:
    one, two, other = Browser(known), Browser(known), Browser(known)
    await known.control.users.create("bob@example.org", PASSWORD)
    await one.sign_in()
    await two.sign_in()
    await other.sign_in("bob@example.org")
    listed = (await one.call("GET", "/api/v1/sessions")).json
    assert [entry["current"] for entry in listed] == [False, True]
    assert listed[0]["address"] == "127.0.0.1"
    foreign = (await other.call("GET", "/api/v1/sessions")).json[0]["id"]
    assert (await one.call("DELETE", f"/api/v1/sessions/{foreign}")).code == "not-found"
    assert (await one.call("DELETE", f"/api/v1/sessions/{listed[0]['id']}")).status == 204
    assert (await two.call("GET", "/api/v1/session")).status == 401
    assert (await other.call("GET", "/api/v1/session")).status == 200


async def test_another_password_ends_the_other_sessions(known: Site) -> None:
    one, two = Browser(known), Browser(known)
    await one.sign_in()
    await two.sign_in()
    path = "/api/v1/session/password"
    assert (await one.call("PUT", path, json={"old": "wrong", "new": "battery staple"})).code == "sign-in-failed"
    assert (await one.call("PUT", path, json={"old": PASSWORD, "new": "short"})).code == "invalid"
    assert (await one.call("PUT", path, json={"old": PASSWORD, "new": "battery staple"})).status == 204
    assert (await one.call("GET", "/api/v1/session")).status == 200
    assert (await two.call("GET", "/api/v1/session")).status == 401
    assert (await two.sign_in()).code == "sign-in-failed"
    assert (await two.sign_in(password="battery staple")).status == 200


async def test_an_unknown_address_and_a_wrong_password_look_the_same(known: Site) -> None:
    browser = Browser(known)
    wrong, unknown = await browser.sign_in(password="wrong"), await browser.sign_in("nobody@example.org")
    assert wrong.code == "sign-in-failed"
    assert (wrong.status, wrong.json) == (unknown.status, unknown.json)


async def test_after_five_failures_even_the_right_password_waits(known: Site) -> None:
    browser = Browser(known)
    for _ in range(5):
        assert (await browser.sign_in(password="wrong")).code == "sign-in-failed"
    answer = await browser.sign_in()
    assert (answer.status, answer.code) == (429, "too-many-attempts")
    assert 25 <= int(answer.headers["retry-after"]) <= 30


def test_each_further_failure_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    clock = Hand()
    attempts = Attempts(clock, 2)
    waits = []
    for _ in range(9):
        attempts.begin("a")
        try:
            attempts.check("a")
        except TooManyAttempts as error:
            waits.append(error.retry_after)
            clock.at += error.retry_after * 1000
        attempts.check("a")
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    attempts.succeeded("a")
    attempts.begin("a")
    attempts.check("a")


def test_old_failures_are_forgotten_and_the_memory_is_bounded() -> None:
    clock = Hand()
    attempts = Attempts(clock, 2)
    attempts.begin("a")
    clock.at += 3_600_001
    attempts.begin("a")
    attempts.check("a")
    for number in range(10_100):
        attempts.begin(str(number))
    assert len(attempts._records) == 10_000


async def test_a_session_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with make_site(tmp_path / "data") as site:
        await site.control.users.create(EMAIL, PASSWORD)
        browser = Browser(site)
        await browser.sign_in()
        clock = site.control.sessions._clock
        now = clock.now()
        text = browser.cookie
        monkeypatch.setattr(type(clock), "now", lambda _: now + 23 * 3_600_000)
        assert await site.control.sessions.of(text) is not None  # and is used by that
        monkeypatch.setattr(type(clock), "now", lambda _: now + 46 * 3_600_000)
        assert await site.control.sessions.of(text) is not None
        monkeypatch.setattr(type(clock), "now", lambda _: now + 71 * 3_600_000)
        assert await site.control.sessions.of(text) is None
        monkeypatch.setattr(type(clock), "now", lambda _: now + 169 * 3_600_000)
        await site.control.sessions.sign_in(EMAIL, PASSWORD, Origin())
        assert len(await site.store.sessions()) == 1


async def test_the_first_administrator_is_made_once_with_the_printed_secret(site: Site) -> None:
    path, body = "/api/v1/setup", {"email": EMAIL, "password": PASSWORD}
    assert (await site.get(path, token=None)) == {"needed": True}
    secret = await site.control.sessions.offer_first()
    assert (await site.call("POST", path, token=None, json={**body, "secret": "guess"})).code == "sign-in-failed"
    short = {**body, "password": "short", "secret": secret}
    assert (await site.call("POST", path, token=None, json=short)).code == "invalid"
    browser = Browser(site)
    made = await site.call("POST", path, token=None, json={**body, "secret": secret})
    browser.take(made)
    assert made.json["role"] == "admin"
    assert (await browser.call("GET", "/api/v1/users")).json[0]["email"] == EMAIL
    assert (await site.get(path, token=None)) == {"needed": False}
    second = {"email": "eve@example.org", "password": PASSWORD, "secret": secret}
    assert (await site.call("POST", path, token=None, json=second)).code == "conflict"
    assert await site.control.sessions.offer_first() is None


async def test_every_role_on_every_route(site: Site) -> None:
    roles = {role: Browser(site) for role in ROLES}
    for role, scopes in ROLES.items():
        await site.control.users.create(f"{role}@example.org", PASSWORD, scopes)
        assert (await roles[role].sign_in(f"{role}@example.org")).json["role"] == role
    checked = 0
    for method, path, needed in await operations(site):
        if (method, path) in OPEN | SELF or path in STREAMS:
            continue
        for role, browser in roles.items():
            answer = await browser.call(method, path)
            if needed in ROLES[role] or role == "admin":
                assert answer.status not in {401, 403}, (method, path, role)
            else:
                assert (answer.status, answer.code) == (403, "scope-missing"), (method, path, role)
            checked += 1
    assert checked == 4 * (len(await operations(site)) - len(OPEN | SELF) - len(STREAMS))
    sys.stdout.write(f"{checked} pairs of route and role were asked\n")
    assert checked > 150


async def test_users_get_roles_and_the_last_administrator_stays(known: Site) -> None:
    browser, bob = Browser(known), Browser(known)
    await browser.sign_in()
    wanted = {"email": "bob@example.org", "password": PASSWORD, "role": "viewer"}
    made = (await browser.call("POST", "/api/v1/users", json=wanted)).json
    assert (await browser.call("POST", "/api/v1/users", json=wanted)).code == "name-taken"
    await bob.sign_in("bob@example.org")
    assert (await bob.call("POST", "/api/v1/processes", json={"name": "p"})).code == "scope-missing"
    assert (await browser.call("PUT", f"/api/v1/users/{made['id']}", json={"role": "editor"})).json["role"] == "editor"
    assert (await bob.call("POST", "/api/v1/processes", json={"name": "p"})).status == 201
    assert (await browser.call("DELETE", f"/api/v1/users/{made['id']}")).status == 204
    assert (await bob.call("GET", "/api/v1/processes")).status == 401
    own = (await browser.call("GET", "/api/v1/users")).json[0]["id"]
    assert (await browser.call("PUT", f"/api/v1/users/{own}", json={"role": "viewer"})).code == "conflict"
    assert (await browser.call("DELETE", f"/api/v1/users/{own}")).code == "conflict"
    assert (await browser.call("DELETE", "/api/v1/users/nobody")).code == "not-found"
    assert "password" not in (await browser.call("GET", "/api/v1/users")).content.decode()


async def test_a_token_has_no_session_to_end(site: Site) -> None:
    assert (await site.get("/api/v1/session", token="read"))["csrf"] is None
    assert (await site.call("DELETE", "/api/v1/session", token="read")).code == "invalid"
    change = {"old": PASSWORD, "new": PASSWORD}
    assert (await site.call("PUT", "/api/v1/session/password", token="read", json=change)).code == "invalid"
