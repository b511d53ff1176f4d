"""Applications: which there are, installing them for users, their settings, their authorization and their events."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from msgspec import Struct

from segue.control.settings_forms import check_password, check_settings
from segue.control.targets import check_target
from segue.control.tokens import base62
from segue.model.applications import Application, CustomAction, InstalledApplication, MethodAnswer
from segue.model.documents import Document, DocumentKind, PendingAuthorization
from segue.model.errors import Conflict, Invalid, NotFound, SegueError, WorkerTrouble
from segue.model.workers import Worker
from segue.ports.catalog import ProcessCatalog, WorkerCatalog
from segue.ports.documents import AuthorizationCatalog, DocumentCatalog, DocumentFilter
from segue.ports.outside import ApplicationWorkers, Chance, Clock

DEFAULT_USER = "orchesty"
"""The user for whom installs are that are for nobody in particular: Orchesty's own."""

AUTHORIZATION_MS = 600_000
_STATE_BYTES = 32
# What would tear the addresses and filters apart into which workers put the name.
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


class Offered(Struct, frozen=True, kw_only=True):
    """All applications, and the workers that could not be asked with what was wrong."""

    items: list[Application]
    troubles: dict[str, str]


class Install(Struct, frozen=True, kw_only=True):
    """An install as it is stored; its settings are the worker's own. Instants in ms."""

    id: str
    application: str
    worker: str
    user: str
    enabled: bool
    expires: int | None
    created: int
    updated: int


class _Begun(Struct, kw_only=True):
    """An authorization under way: of what, the state that the worker expects back, where the browser goes then.

    `browser` is the digest of what the browser that began it can show, "" when that was no browser.
    """

    worker: str
    application: str
    user: str
    state: str | None
    back: str
    browser: str


class Place(Struct, frozen=True):
    """An application of a worker, for a user."""

    worker: str
    application: str
    user: str


class Applications:
    """What people do with applications."""

    def __init__(  # noqa: PLR0917 - what it stands on
        self,
        workers: WorkerCatalog,
        asking: ApplicationWorkers,
        documents: DocumentCatalog,
        authorizations: AuthorizationCatalog,
        processes: ProcessCatalog,
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._workers = workers
        self._asking = asking
        self._documents = documents
        self._authorizations = authorizations
        self._processes = processes
        self._clock = clock
        self._chance = chance
        self._changing: dict[Place, asyncio.Lock] = {}

    # -- looking ------------------------------------------------------------------------------------------------------

    async def find(self) -> Offered:
        """All applications of all workers, by worker and key; a worker that is away is named with its trouble."""
        workers = await self._workers.workers()
        answers = await asyncio.gather(
            *(self._asking.applications(worker) for worker in workers), return_exceptions=True
        )
        found: list[Application] = []
        troubles: dict[str, str] = {}
        for worker, answer in zip(workers, answers, strict=True):
            if isinstance(answer, SegueError):
                troubles[worker.name] = answer.detail
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += sorted(answer, key=lambda application: application.key)
        return Offered(items=found, troubles=troubles)

    async def get(self, worker: str, key: str) -> Application:
        """An application with its methods. Raises NotFound, WorkerTrouble."""
        asked = await self._worker(worker)
        known = {application.key for application in await self._asking.applications(asked)}
        if key not in known:
            raise NotFound(f"Worker {worker!r} has no application {key[:100]!r}")
        return await self._asking.application(asked, key)

    async def installs(self, worker: str | None, application: str | None, user: str | None) -> list[Install]:
        """What is installed, oldest first. A worker that does not sign its documents has those that nobody signed."""
        wanted = DocumentFilter(
            kind=DocumentKind.INSTALL,
            workers=None if worker is None else [worker, ""],
            applications=None if application is None else [application],
            users=None if user is None else [user],
        )
        return [_seen(document) for document in await self._documents.documents(wanted)]

    async def installed(self, place: Place) -> InstalledApplication:
        """How an application is installed: its forms, events and actions. Raises NotFound, WorkerTrouble."""
        await self._install(place)
        return await self._asking.installed(await self._worker(place.worker), place.application, place.user)

    # -- changing -----------------------------------------------------------------------------------------------------

    async def install(self, place: Place) -> InstalledApplication:
        """Install an application for a user; it is disabled then. Raises NotFound, Conflict, Invalid."""
        check_user(place.user)
        async with self._alone(place):
            application = await self.get(place.worker, place.application)
            if not application.installable:
                raise Conflict(f"The application {place.application} is not there to be installed")
            if await self._documents.documents(_filter(place)):
                raise Conflict(f"The application {place.application} is installed for {place.user} already")
            worker = await self._worker(place.worker)
            await self._asking.install(worker, place.application, place.user)
            return await self._asking.installed(worker, place.application, place.user)

    async def uninstall(self, place: Place) -> None:
        """Disable it and take it away, with its webhooks. Raises NotFound, WorkerTrouble, WorkerRefused."""
        async with self._alone(place):
            install = await self._install(place)
            worker = await self._worker(place.worker)
            await self._unsubscribe_all(worker, place)
            if install.enabled:
                await self._asking.set_enabled(worker, place.application, place.user, enabled=False)
            await self._asking.uninstall(worker, place.application, place.user)
            if await self._documents.documents(_filter(place)):
                raise WorkerTrouble(f"Worker {place.worker!r} says it took {place.application} away and did not")
            await self._forget_webhooks(place)

    async def set_enabled(self, place: Place, enabled: bool) -> None:
        """Let processes use it, or not. Raises NotFound."""
        async with self._alone(place):
            await self._install(place)
            await self._asking.set_enabled(await self._worker(place.worker), place.application, place.user, enabled)

    async def save_settings(self, place: Place, settings: Mapping[str, Mapping[str, Any]]) -> InstalledApplication:
        """Save fields by form. Raises NotFound, and Invalid for a form, field or value that there is not."""
        async with self._alone(place):
            installed = await self.installed(place)
            checked = check_settings(installed.forms, settings)
            worker = await self._worker(place.worker)
            await self._asking.save_settings(worker, place.application, place.user, checked)
            return await self._asking.installed(worker, place.application, place.user)

    async def save_password(self, place: Place, form: str, field: str, password: str) -> None:
        """Save a password; it is never shown again. Raises NotFound, Invalid."""
        async with self._alone(place):
            check_password((await self.installed(place)).forms, form, field)
            worker = await self._worker(place.worker)
            await self._asking.save_password(worker, place.application, place.user, form, field, password)

    async def action(self, place: Place, name: str) -> CustomAction:
        """What a custom action of an installed application does. Raises NotFound."""
        for action in (await self.installed(place)).actions:
            if action.name == name:
                return action
        raise NotFound(f"The application {place.application} has no action {name[:100]!r}")

    async def call(self, place: Place, method: str, body: Any) -> MethodAnswer:
        """Ask a method that the application offers; None as body asks without one. Raises NotFound, WorkerRefused."""
        application = await self.get(place.worker, place.application)
        if not _METHOD.fullmatch(method) or method not in application.methods:
            raise NotFound(f"The application {place.application} has no method {method[:100]!r}")
        return await self._asking.call(await self._worker(place.worker), place.application, method, body)

    # -- events -------------------------------------------------------------------------------------------------------

    async def subscribe(self, place: Place, event: str, process: str, node: str | None) -> InstalledApplication:
        """Let an event start a process. Raises NotFound, and Conflict when nothing came of it."""
        await check_target(self._processes, process, node or "")
        async with self._alone(place):
            self._check_event(await self.installed(place), event)
            worker = await self._worker(place.worker)
            await self._asking.subscribe(worker, place.application, place.user, event, process, node)
            installed = await self._asking.installed(worker, place.application, place.user)
            if not any(known.name == event and known.enabled for known in installed.events):
                # The SDK answers alike whether it subscribed or did not, for want of an authorization, say.
                raise Conflict(f"The event {event} is not subscribed; is the application authorized?")
            return installed

    async def unsubscribe(self, place: Place, event: str) -> InstalledApplication:
        """Let an event start nothing any more. Raises NotFound."""
        async with self._alone(place):
            installed = await self.installed(place)
            known = self._check_event(installed, event)
            worker = await self._worker(place.worker)
            if known.enabled:
                await self._asking.unsubscribe(worker, place.application, place.user, event, known.process)
            return await self._asking.installed(worker, place.application, place.user)

    @staticmethod
    def _check_event(installed: InstalledApplication, event: str) -> Any:
        for known in installed.events:
            if known.name == event:
                return known
        raise NotFound(f"The application {installed.application.key} has no event {event[:100]!r}")

    async def _unsubscribe_all(self, worker: Worker, place: Place) -> None:
        """Tell the other system that its events are not wanted any more, as far as it can be told."""
        with contextlib.suppress(SegueError):
            for event in (await self._asking.installed(worker, place.application, place.user)).events:
                if event.enabled:
                    await self._asking.unsubscribe(worker, place.application, place.user, event.name, event.process)

    async def _forget_webhooks(self, place: Place) -> None:
        wanted = DocumentFilter(
            kind=DocumentKind.WEBHOOK,
            applications=[place.application],
            users=[place.user],
            workers=[place.worker, ""],
        )
        ids = [document.id for document in await self._documents.documents(wanted)]
        if ids:
            await self._documents.delete_documents(DocumentKind.WEBHOOK, ids, self._clock.now())

    # -- authorization ------------------------------------------------------------------------------------------------

    def browser_secret(self) -> str:
        """What a browser that begins an authorization can show when it comes back."""
        return base62(self._chance.entropy(_STATE_BYTES))

    async def authorize(self, place: Place, back: str, browser: str) -> str:
        """Begin an authorization; the address to send the browser to.

        The state in it is ours: random, good for one return within ten minutes, and from this browser alone when it is
        one (`browser`). The worker's own would be the same every time. Raises NotFound, WorkerRefused.
        """
        await self._install(place)
        worker = await self._worker(place.worker)
        address = await self._asking.authorize(worker, place.application, place.user, back)
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise WorkerTrouble(f"Worker {place.worker!r} gave an address for the authorization that is none")
        query = parse_qsl(parts.query, keep_blank_values=True)
        given = dict(query).get("state")
        state = base62(self._chance.entropy(_STATE_BYTES))
        begun = _Begun(
            worker=place.worker,
            application=place.application,
            user=place.user,
            state=given,
            back=back,
            browser=_digest(browser) if browser else "",
        )
        now = self._clock.now()
        pending = PendingAuthorization(
            digest=bytes.fromhex(_digest(state)), expires=now + AUTHORIZATION_MS, content=msgspec.json.encode(begun)
        )
        await self._authorizations.put_authorization(pending, now)
        kept = [(name, value) for name, value in query if name != "state"]
        return urlunsplit(parts._replace(query=urlencode([*kept, ("state", state)])))

    async def authorized(self, answer: Mapping[str, str], browser: str) -> str:
        """End an authorization with what the other system gave the browser; where the browser goes now.

        Raises Invalid for a state that was not given out, was used, has ended, or belongs to another browser.
        """
        state = answer.get("state", "")
        now = self._clock.now()
        pending = await self._authorizations.take_authorization(bytes.fromhex(_digest(state)), now) if state else None
        if pending is None:
            raise Invalid("This authorization was not begun here, was used before, or took too long: begin it again")
        begun = msgspec.json.decode(pending.content, type=_Begun)
        if begun.browser and begun.browser != _digest(browser):
            raise Invalid("This authorization was begun in another browser: begin it again in this one")
        if "error" in answer:  # RFC 6749, 4.1.2.1: the other system, or the person there, said no
            return _with_result(begun.back, "refused")
        said = {name: value for name, value in answer.items() if name != "state"}
        if begun.state is not None:
            said["state"] = begun.state
        worker = await self._worker(begun.worker)
        await self._asking.authorized(worker, begun.application, begun.user, said)
        return _with_result(begun.back, "done")

    # -- finding ------------------------------------------------------------------------------------------------------

    async def _worker(self, name: str) -> Worker:
        for worker in await self._workers.workers():
            if worker.name == name:
                return worker
        raise NotFound(f"There is no worker {name[:100]}")

    async def _install(self, place: Place) -> Install:
        found = await self._documents.documents(_filter(place))
        if not found:
            raise NotFound(f"The application {place.application[:100]} is not installed for {place.user[:100]}")
        return _seen(found[0])

    def _alone(self, place: Place) -> asyncio.Lock:
        """Changes of one install follow one another: a worker looks and writes in two steps."""
        for idle in [known for known, lock in self._changing.items() if not lock.locked()]:
            if idle != place:
                del self._changing[idle]
        return self._changing.setdefault(place, asyncio.Lock())


def check_user(user: str) -> str:
    """`user`, for whom something is installed. Raises Invalid."""
    if not _USER.fullmatch(user):
        rule = "use 1 to 100 letters, digits, dots, dashes, underscores, @ and +, a letter or digit first"
        raise Invalid(f"user {user[:120]!r}: {rule}")
    return user


def _filter(place: Place) -> DocumentFilter:
    return DocumentFilter(
        kind=DocumentKind.INSTALL,
        users=[place.user],
        applications=[place.application],
        workers=[place.worker, ""],
    )


def _seen(document: Document) -> Install:
    return Install(
        id=document.id,
        application=document.application,
        worker=document.worker,
        user=document.user,
        enabled=document.enabled,
        expires=document.expires,
        created=document.created,
        updated=document.updated,
    )


def _with_result(back: str, result: str) -> str:
    parts = urlsplit(back)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("authorization", result)]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
