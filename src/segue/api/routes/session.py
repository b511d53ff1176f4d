"""Signing in and out, one's own sessions and password, and the first administrator."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from segue.api import session
from segue.api.access import Known, UseCases
from segue.api.deeds import Deed
from segue.api.gate import SCOPES, Caller
from segue.api.people import FirstAdminIn, FirstAdminOut, PasswordIn, SessionOut, SignInIn, WhoOut
from segue.api.schemas import Text
from segue.control.sessions import Browser, NewSession, csrf_of
from segue.control.users import role_of
from segue.model.errors import Invalid

router = APIRouter(prefix="/api/v1", tags=["session"])


@router.post("/session")
async def sign_in(use: UseCases, request: Request, response: Response, who: SignInIn, deed: Deed) -> WhoOut:
    """Sign in with e-mail and password; the answer sets the session's cookie."""
    session.check_site(session.shown(request.scope))
    made = await use.sessions.sign_in(who.email, who.password, browser_of(request))
    deed.by = made.user.email
    return begun(request, response, made)


@router.get("/session")
async def who_am_i(request: Request, caller: Known) -> WhoOut:
    """Who is calling and what they may do; for a session also what its changes need as X-CSRF-Token."""
    csrf = csrf_of(session.shown(request.scope).text) if caller.session is not None else None
    return _who(caller, csrf)


@router.delete("/session", status_code=204)
async def sign_out(use: UseCases, request: Request, response: Response, caller: Known) -> None:
    """Sign out: the session ends here and not only in the browser."""
    await use.sessions.end(caller.id, _own(caller))
    response.headers["set-cookie"] = session.clear_cookie(_secure(request))


@router.get("/sessions")
async def list_sessions(use: UseCases, caller: Known) -> list[SessionOut]:
    """One's own sessions, the last begun first."""
    found = await use.sessions.find(caller.id)
    return [SessionOut.model_validate(one).model_copy(update={"current": one.id == caller.session}) for one in found]


@router.delete("/sessions/{id}", status_code=204)
async def end_session(use: UseCases, caller: Known, id: Annotated[Text, Path(min_length=1, max_length=100)]) -> None:
    """End one of one's own sessions."""
    await use.sessions.end(caller.id, id)


@router.put("/session/password", status_code=204)
async def change_password(use: UseCases, caller: Known, wanted: PasswordIn) -> None:
    """Change one's password; all other sessions of one's own end."""
    await use.sessions.change_password(caller.id, wanted.old, wanted.new, _own(caller))


@router.get("/setup")
async def is_first(use: UseCases) -> FirstAdminOut:
    """Whether the first administrator is still to be made."""
    return FirstAdminOut(needed=await use.sessions.is_first())


@router.post("/setup")
async def make_first(use: UseCases, request: Request, response: Response, who: FirstAdminIn, deed: Deed) -> WhoOut:
    """Make the first administrator with the secret of the link that the server printed, and sign in."""
    session.check_site(session.shown(request.scope))
    made = await use.sessions.make_first(who.secret, who.email, who.password, browser_of(request))
    deed.by = made.user.email
    return begun(request, response, made)


def begun(request: Request, response: Response, made: NewSession) -> WhoOut:
    """Answer that somebody is signed in, with the cookie."""
    response.headers["set-cookie"] = session.set_cookie(made, _secure(request))
    user = made.user
    caller = Caller(id=user.id, name=user.email, scopes=frozenset(user.scopes), session=made.session.id, kind="user")
    return _who(caller, csrf_of(made.text))


def _who(caller: Caller, csrf: str | None) -> WhoOut:
    return WhoOut(
        kind=caller.kind,
        name=caller.name,
        role=role_of(caller.scopes),
        scopes=[scope for scope in SCOPES if caller.may(scope)],
        csrf=csrf,
    )


def _own(caller: Caller) -> str:
    if caller.session is None:
        raise Invalid("This is for people who signed in with a password; a token has no session")
    return caller.session


def browser_of(request: Request) -> Browser:
    """Where a request comes from."""
    address = request.client.host if request.client is not None else ""
    return Browser(address=address, user_agent=request.headers.get("user-agent", ""))


def _secure(request: Request) -> bool:
    return session.is_secure(request.url.scheme, request.headers.get("x-forwarded-proto"))
