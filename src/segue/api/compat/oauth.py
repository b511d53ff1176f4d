"""Where browsers come back to from an authorization: an address that workers have told the other system."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from segue.api.calls import Answer, Call
from segue.control.applications import Applications
from segue.model.errors import SegueError

PATH = "/api/applications/authorize/token"
COOKIE = "segue_authorization"
"""Shows that a browser which comes back is the one that was sent; set when an authorization begins."""

_LONGEST_VALUE = 8_000


class Authorizations:
    """Ends authorizations. No credentials: what the browser has is the one-time state."""

    def __init__(self, applications: Applications) -> None:
        self._applications = applications

    async def answer(self, call: Call) -> Answer:
        """Send the browser where it began, or say what went wrong."""
        query = call.query.decode("latin-1")
        answer = {name: value[:_LONGEST_VALUE] for name, value in parse_qsl(query, max_num_fields=50)}
        try:
            back = await self._applications.authorized(answer, cookie_of(call.header(b"cookie") or ""))
        except SegueError as error:
            text = f"The authorization did not work: {error.detail}\n"
            return Answer(error.status, text.encode(), b"text/plain; charset=utf-8")
        clear = f"{COOKIE}=; Path={PATH}; Max-Age=0; HttpOnly; SameSite=Lax".encode()
        return Answer(303, b"", b"text/plain", ((b"location", back.encode()), (b"set-cookie", clear)))


def cookie_of(text: str) -> str:
    """The value of our cookie in a Cookie header, "" without it."""
    try:
        found = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""
