"""Cookies: how a browser that is signed in shows who it is, and how a change proves to come from our own page."""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie

from msgspec import Struct
from starlette.types import Scope

from segue.api.gate import Caller, check_scope
from segue.api.gate import Scope as Right
from segue.control.sessions import LIFETIME_MS, NewSession, Sessions, csrf_of
from segue.model.errors import CrossSite, Unauthenticated

COOKIE = "segue_session"
CSRF_HEADER = "X-CSRF-Token"
_READING = {"GET", "HEAD"}
_OURS = {"same-origin", "none"}


class Shown(Struct, frozen=True):
    """What of a request says who is calling without a token."""

    text: str
    csrf: str
    site: str
    reading: bool


def shown(scope: Scope) -> Shown:
    """Read the cookie and what goes with it; the text is empty when there is no session cookie."""
    fields = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _READ}
    return Shown(
        text=_cookie(fields.get(b"cookie", "")),
        csrf=fields.get(b"x-csrf-token", ""),
        site=fields.get(b"sec-fetch-site", ""),
        reading=scope["method"] in _READING,
    )


_READ = {b"cookie", b"x-csrf-token", b"sec-fetch-site"}


def check_site(request: Shown) -> None:
    """Raises CrossSite when the browser says that a page of somebody else asks."""
    if request.site and request.site not in _OURS:
        raise CrossSite("Another site asked for this; only pages of this server may")


async def caller_of(sessions: Sessions, request: Shown, right: Right | None) -> Caller:
    """Who is signed in. Raises Unauthenticated, CrossSite, ScopeMissing."""
    found = await sessions.of(request.text)
    if found is None:
        raise Unauthenticated("The session has ended: sign in again")
    if not request.reading:
        check_site(request)
        if not hmac.compare_digest(request.csrf.encode(), csrf_of(request.text).encode()):
            raise CrossSite(f"A change by a session needs the header {CSRF_HEADER}; GET /api/v1/session answers it")
    user, session = found.user, found.session
    caller = Caller(id=user.id, name=user.email, scopes=frozenset(user.scopes), session=session.id, kind="user")
    if right is not None:
        check_scope(caller, right)
    return caller


def set_cookie(made: NewSession, secure: bool) -> str:
    """The Set-Cookie header that begins a session."""
    return _set_cookie(made.text, LIFETIME_MS // 1000, secure)


def clear_cookie(secure: bool) -> str:
    """The Set-Cookie header that makes the browser forget it."""
    return _set_cookie("", 0, secure)


def is_secure(scheme: str, forwarded: str | None) -> bool:
    """Whether the browser speaks TLS, to us or to the proxy before us."""
    return scheme == "https" or (forwarded or "").split(",")[0].strip().lower() == "https"


def _set_cookie(text: str, seconds: int, secure: bool) -> str:
    end = "; Secure" if secure else ""
    return f"{COOKIE}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{end}"


def _cookie(header: str) -> str:
    if COOKIE not in header:
        return ""
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""
