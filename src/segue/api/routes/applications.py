"""Applications: what workers know how to be set up for, and setting it up for users."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from segue.api.access import Editor, Everything, UseCases, need
from segue.api.applications import (
    ActionIn,
    ActionStartedOut,
    ApplicationOut,
    ApplicationsOut,
    AuthorizeIn,
    AuthorizeOut,
    EventIn,
    InstalledOut,
    InstallIn,
    InstallOut,
    InstallQuery,
    InstallStateIn,
    MethodIn,
    MethodOut,
    PasswordFieldIn,
    SettingsIn,
)
from segue.api.compat.oauth import COOKIE, PATH
from segue.api.deeds import Deed
from segue.api.gate import Caller
from segue.api.schemas import Listed, Text
from segue.api.session import is_secure
from segue.control.applications import AUTHORIZATION_MS, DEFAULT_USER, Applications, Offered, Place
from segue.control.paging import page_of_all
from segue.model.applications import Application, InstalledApplication, MethodAnswer
from segue.model.errors import Conflict, Invalid
from segue.runtime.accept import StartRequest

router = APIRouter(prefix="/api/v1", tags=["applications"])

Part = Annotated[Text, Path(min_length=1, max_length=200)]


def _desk(use: UseCases) -> Applications:
    return use.applications


def _place(worker: Part, application: Part, user: Part) -> Place:
    return Place(worker, application, user)


Desk = Annotated[Applications, Depends(_desk)]
At = Annotated[Place, Depends(_place)]
_ONE = "/installs/{worker}/{application}/{user}"


@router.get("/applications", dependencies=need("read"), response_model=ApplicationsOut)
async def list_applications(desk: Desk) -> Offered:
    """List the applications of all workers."""
    return await desk.find()


@router.get("/applications/{worker}/{application}", dependencies=need("read"), response_model=ApplicationOut)
async def get_application(desk: Desk, worker: Part, application: Part) -> Application:
    """Show an application with its methods."""
    return await desk.get(worker, application)


@router.get("/installs", dependencies=need("read"))
async def list_installs(desk: Desk, query: Annotated[InstallQuery, Query()]) -> Listed[InstallOut]:
    """List what is installed for whom."""
    every = await desk.installs(query.worker, query.application, query.user)
    found = page_of_all(every, query.cursor, query.limit, lambda install: install.id)
    return Listed[InstallOut](items=[InstallOut.model_validate(each) for each in found.items], next=found.next)


@router.post("/installs", dependencies=need("edit"), status_code=201, response_model=InstalledOut)
async def install_application(desk: Desk, deed: Deed, wanted: InstallIn) -> InstalledApplication:
    """Install an application for a user. It is disabled until it is enabled."""
    place = Place(wanted.worker, wanted.application, wanted.user or DEFAULT_USER)
    deed.about = f"{place.worker}/{place.application}/{place.user}"
    return await desk.install(place)


@router.get(_ONE, dependencies=need("read"), response_model=InstalledOut)
async def get_install(desk: Desk, at: At) -> InstalledApplication:
    """Show an installed application: forms, events, actions. Passwords are never in it."""
    return await desk.installed(at)


@router.delete(_ONE, dependencies=need("edit"), status_code=204)
async def uninstall_application(desk: Desk, at: At) -> None:
    """Take an application away for a user, with its settings and webhooks."""
    await desk.uninstall(at)


@router.put(_ONE + "/settings", dependencies=need("edit"), response_model=InstalledOut)
async def put_install_settings(desk: Desk, at: At, deed: Deed, given: SettingsIn) -> InstalledApplication:
    """Save fields of its forms; those that are not given stay."""
    deed.detail = {"fields": sorted(f"{form}.{field}" for form, values in given.settings.items() for field in values)}
    return await desk.save_settings(at, given.settings)


@router.put(_ONE + "/password", dependencies=need("edit"), status_code=204)
async def put_install_password(desk: Desk, at: At, deed: Deed, given: PasswordFieldIn) -> None:
    """Save a password. It is never shown again."""
    deed.detail = {"field": f"{given.form}.{given.field}"}
    await desk.save_password(at, given.form, given.field, given.password)


@router.put(_ONE + "/state", dependencies=need("edit"), status_code=204)
async def put_install_state(desk: Desk, at: At, deed: Deed, state: InstallStateIn) -> None:
    """Let processes use it, or not."""
    deed.detail = {"enabled": state.enabled}
    await desk.set_enabled(at, state.enabled)


@router.post(_ONE + "/authorize", response_model=AuthorizeOut)
async def authorize_install(desk: Desk, caller: Editor, at: At, wanted: AuthorizeIn, request: Request) -> Response:
    """Begin an OAuth authorization: send the browser to `url`. It comes back once, within ten minutes.

    Begun by a session, it has to come back in the same browser.
    """
    _check_back(wanted.back, caller)
    browser = desk.browser_secret() if caller.kind == "user" else ""
    url = await desk.authorize(at, wanted.back, browser)
    answer = Response(AuthorizeOut(url=url).model_dump_json(), media_type="application/json")
    if browser:
        secure = is_secure(request.url.scheme, request.headers.get("x-forwarded-proto"))
        seconds = AUTHORIZATION_MS // 1000
        answer.set_cookie(COOKIE, browser, max_age=seconds, path=PATH, httponly=True, samesite="lax", secure=secure)
    return answer


@router.post(_ONE + "/methods/{method}", dependencies=need("edit"))
async def call_install_method(desk: Desk, at: At, method: Part, asked: MethodIn) -> MethodOut:
    """Ask a method of an application."""
    return _answered(await desk.call(at, method, asked.body))


@router.post(_ONE + "/actions/{action}", dependencies=need("start"), status_code=202)
async def run_install_action(desk: Desk, parts: Everything, at: At, action: Part, given: ActionIn) -> ActionStartedOut:
    """Start what a custom action starts, for the install's user. One that is about an address is for the browser."""
    found = await desk.action(at, action)
    if not found.process:
        raise Conflict(f"The action {action} starts no process: it is about the address {found.url}")
    body = found.body if given.body is None else given.body
    request = StartRequest(
        process=found.process,
        node=found.node or None,
        body=(body or "").encode("utf-8", "replace"),
        headers={"user": at.user},
    )
    accepted = await parts.engine.acceptor.start(request)
    return ActionStartedOut(instance=accepted.instance, process=accepted.process, version=accepted.version)


@router.put(_ONE + "/events/{event}", dependencies=need("edit"), response_model=InstalledOut)
async def subscribe_event(desk: Desk, at: At, event: Part, deed: Deed, wanted: EventIn) -> InstalledApplication:
    """Let an event of the application start a process."""
    deed.detail = {"process": wanted.process}
    return await desk.subscribe(at, event, wanted.process, wanted.node)


@router.delete(_ONE + "/events/{event}", dependencies=need("edit"), response_model=InstalledOut)
async def unsubscribe_event(desk: Desk, at: At, event: Part) -> InstalledApplication:
    """Let an event start nothing any more."""
    return await desk.unsubscribe(at, event)


def _check_back(back: str, caller: Caller) -> None:
    """Raises Invalid: a browser is only sent to our own pages, unless a program with a token says otherwise."""
    parts = urlsplit(back)
    ours = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isascii() and back.isprintable()
    elsewhere = caller.kind == "token" and parts.scheme in {"http", "https"} and bool(parts.hostname)
    if not ours and not (elsewhere and back.isascii() and back.isprintable()):
        raise Invalid("back: give a path of this server such as /applications")


def _answered(answer: MethodAnswer) -> MethodOut:
    """What was answered, inside JSON of ours: a worker's HTML never is a page of this server."""
    try:
        value: Any = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = answer.body.decode("utf-8", "replace")
        return MethodOut(status=answer.status, media_type=answer.media_type, text=text)
    return MethodOut(status=answer.status, media_type=answer.media_type, value=value)
