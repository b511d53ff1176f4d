"""Notices: senders, rules, and what became of what was told."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from segue.control.names import check_name
from segue.control.paging import Page, number_cursor, page, page_of_all
from segue.control.running import RunningEngine
from segue.control.workers import check_headers
from segue.core.notice_text import check_template, outgoing
from segue.core.notices import check_quiet
from segue.model.errors import Invalid, NameTaken, NotFound
from segue.model.events import Event, EventKind
from segue.model.ids import make_id
from segue.model.notices import (
    SECRETS,
    AmqpSender,
    EmailSender,
    Notice,
    NoticeState,
    QuietHours,
    Rule,
    Security,
    Sender,
    SenderSettings,
    Told,
    UrlSender,
)
from segue.ports.catalog import ProcessCatalog
from segue.ports.notices import NoticeCatalog, NoticeFilter
from segue.ports.notifier import Notifier, Undelivered
from segue.ports.outside import Chance, Clock

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_METHODS = frozenset({"POST", "PUT", "PATCH"})
_LONGEST_S = 60.0
_LONGEST_TEMPLATE = 100_000
_LONGEST_GROUP_S = 86_400
_TRASH_GROUP_S = 60
_IN_HEAPS = frozenset({EventKind.MESSAGE_IN_TRASH, EventKind.DATA_ERROR})


class TestResult(Struct, frozen=True, kw_only=True):
    """How a test went: `problem` is None when the notice was delivered."""

    __test__ = False

    problem: str | None
    took_ms: int


class Notices:
    """Configure who is told of what, and look at what was told."""

    def __init__(
        self,
        *,
        catalog: NoticeCatalog,
        processes: ProcessCatalog,
        notifier: Notifier | None,
        engine: RunningEngine,
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._catalog = catalog
        self._processes = processes
        self._notifier = notifier
        self._engine = engine
        self._clock = clock
        self._chance = chance

    # -- senders ------------------------------------------------------------------------------------------------------

    async def find_senders(self, after: str | None, limit: int) -> Page[Sender]:
        """Senders by name."""
        return page_of_all(await self._catalog.senders(), after, limit, lambda sender: sender.name)

    async def sender(self, name: str) -> Sender:
        """Raises NotFound."""
        for sender in await self._catalog.senders():
            if sender.name == name:
                return sender
        raise NotFound(f"There is no sender {name[:100]}")

    async def add_sender(self, name: str, settings: dict[str, Any]) -> Sender:
        """Make a sender. Raises NameTaken, or Invalid naming what is wrong."""
        check_name("sender", name)
        if any(sender.name == name for sender in await self._catalog.senders()):
            raise NameTaken(f"A sender {name} is there already")
        return await self._put(name, settings, None)

    async def put_sender(self, name: str, settings: dict[str, Any]) -> Sender:
        """Change a sender's settings; secrets that are not given stay if kind and target stay. Raises NotFound,
        Invalid."""
        return await self._put(name, settings, await self.sender(name))

    async def delete_sender(self, name: str) -> None:
        """Raises NotFound, and Conflict while a rule uses it."""
        await self._catalog.delete_sender(name)
        await self._engine.reload_notices()

    async def test_sender(self, name: str) -> TestResult:
        """Send a notice that says it is a test, at once and once. Raises NotFound."""
        sender = await self.sender(name)
        now = self._clock.now()
        event = Event(kind=EventKind.INSTANCE_FINISHED, at=now, detail="This is a test; nothing happened.")
        test = Notice(
            key=f"test.{make_id(now, self._chance.entropy(10))}",
            rule="test",
            sender=name,
            group="",
            state=NoticeState.PENDING,
            first_at=now,
            last_at=now,
            due=now,
            told=(Told(event=event),),
        )
        ready = outgoing(test, "test")
        data = {**ready.data, "type": "test", "title": "Test of Segue"}
        ready = replace(ready, type="test", title="Test of Segue", data=data)
        began = time.monotonic()
        problem = None
        try:
            if self._notifier is None:
                raise Undelivered("this process sends nothing")
            await self._notifier.send(sender.settings, ready, now)
        except Undelivered as error:
            problem = str(error)
        return TestResult(problem=problem, took_ms=round((time.monotonic() - began) * 1000))

    async def _put(self, name: str, given: dict[str, Any], old: Sender | None) -> Sender:
        merged = _with_secrets(given, old.settings if old is not None else None)
        if old is None and merged.get("kind") == "url" and "secret" not in given:
            merged["secret"] = "whsec_" + base64.b64encode(self._chance.entropy(24)).decode()
        try:
            settings = msgspec.convert(merged, SenderSettings)
        except msgspec.ValidationError as error:
            raise Invalid(f"settings: {error}") from None
        settings = check_settings(settings)
        created = old.created if old is not None else self._clock.now()
        await self._catalog.put_sender(Sender(name=name, settings=settings, created=created))
        await self._engine.reload_notices()
        return await self.sender(name)

    # -- rules --------------------------------------------------------------------------------------------------------

    async def find_rules(self, after: str | None, limit: int) -> Page[Rule]:
        """Rules, oldest first (their ids sort so)."""
        return page_of_all(await self._catalog.rules(), after, limit, lambda rule: rule.id)

    async def rule(self, id: str) -> Rule:
        """Raises NotFound."""
        for rule in await self._catalog.rules():
            if rule.id == id:
                return rule
        raise NotFound(f"There is no rule {id[:100]}")

    async def add_rule(self, wanted: Rule) -> Rule:
        """Make a rule; its id and instant are ours. It applies to what happens from now on. Raises Invalid."""
        now = self._clock.now()
        id_ = make_id(now, self._chance.entropy(10))
        if _IN_HEAPS.intersection(wanted.events) and not wanted.group_s:
            wanted = replace(wanted, group_s=_TRASH_GROUP_S)  # one notice for a heap of them, never one each
        return await self._put_rule(replace(wanted, id=id_, created=now))

    async def put_rule(self, wanted: Rule) -> Rule:
        """Change the rule with this id. Raises NotFound, Invalid."""
        await self.rule(wanted.id)
        return await self._put_rule(wanted)

    async def delete_rule(self, id: str) -> None:
        """Raises NotFound."""
        await self._catalog.delete_rule(id)
        await self._engine.reload_notices()

    async def _put_rule(self, rule: Rule) -> Rule:
        check_name("rule", rule.name)
        check_rule(rule)
        if not any(sender.name == rule.sender for sender in await self._catalog.senders()):
            raise Invalid(f"sender: there is no sender {rule.sender[:100]}")
        if rule.process is not None:
            try:
                await self._processes.process(rule.process)
            except NotFound:
                raise Invalid(f"process: there is no process {rule.process[:100]}") from None
        stored = await self._catalog.put_rule(rule)
        await self._engine.reload_notices()
        return stored

    # -- notices ------------------------------------------------------------------------------------------------------

    async def find(
        self, state: NoticeState | None, sender: str | None, rule: str | None, cursor: str | None, limit: int
    ) -> Page[Notice]:
        """The delivery log, newest first."""
        before = number_cursor(cursor) or None
        wanted = NoticeFilter(state=state, sender=sender, rule=rule, before=before, limit=limit + 1)
        return page(await self._catalog.notices(wanted), limit, lambda notice: str(notice.seq))

    async def get(self, key: str) -> Notice:
        """Raises NotFound."""
        found = await self._catalog.notice(key)
        if found is None:
            raise NotFound(f"There is no notice {key[:100]}")
        return found

    async def resend(self, key: str) -> Notice:
        """Try a notice again from the beginning, under the same key. Raises NotFound."""
        await self.get(key)
        notice = await self._catalog.resend_notice(key, self._clock.now())
        await self._engine.reload_notices()
        return notice

    async def names_of_rules(self) -> dict[str, str]:
        """The names of the rules by id."""
        return {rule.id: rule.name for rule in await self._catalog.rules()}


def _with_secrets(given: dict[str, Any], old: SenderSettings | None) -> dict[str, Any]:
    """The settings given, with the secrets of before where none are given and they would go to the same place."""
    if old is None:
        return dict(given)
    before: dict[str, Any] = msgspec.to_builtins(old)
    if before["kind"] != given.get("kind") or _target(before) != _target({**_defaults(before), **given}):
        return dict(given)
    kept = {name: before[name] for name in SECRETS[before["kind"]] if name not in given}
    return {**given, **kept}


def _defaults(before: dict[str, Any]) -> dict[str, Any]:
    return {"port": before.get("port")}


def _target(settings: dict[str, Any]) -> tuple[object, ...]:
    """Where secrets go. They never follow an address that somebody changes without knowing them."""
    url = urlsplit(str(settings.get("url", "")))
    return url.scheme, url.netloc, settings.get("host"), settings.get("port")


def check_settings(settings: SenderSettings) -> SenderSettings:
    """The settings as they are stored. Raises Invalid naming what is wrong."""
    if not 1 <= settings.timeout_s <= _LONGEST_S:
        raise Invalid(f"timeout_s: from 1 to {_LONGEST_S:g} seconds")
    if isinstance(settings, UrlSender):
        return _check_url(settings)
    if not settings.host or len(settings.host) > 253 or not settings.host.isprintable() or " " in settings.host:
        raise Invalid("host: give the name or address of the server")
    if not 1 <= settings.port <= 65_535:
        raise Invalid("port: from 1 to 65535")
    if isinstance(settings, EmailSender):
        _check_email(settings)
    else:
        _check_amqp(settings)
    return settings


def _check_url(settings: UrlSender) -> UrlSender:
    try:
        parts = urlsplit(settings.url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good, parts = False, urlsplit("")
    if not good or not settings.url.isascii() or any(c <= " " or c == "\x7f" for c in settings.url):
        raise Invalid("url: give an absolute address such as https://host/path")
    if parts.username is not None or parts.password is not None:
        raise Invalid("url: names and passwords do not belong into an address; give an Authorization header instead")
    if settings.method not in _METHODS:
        raise Invalid(f"method: one of {', '.join(sorted(_METHODS))}")
    if not settings.content_type.isascii() or not settings.content_type.isprintable():
        raise Invalid("content_type: printable ASCII")
    if settings.secret:
        try:
            raw = base64.b64decode(settings.secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            raise Invalid("secret: whsec_ and base64, as Standard Webhooks has it") from None
        if not 24 <= len(raw) <= 64:
            raise Invalid("secret: from 24 to 64 bytes in base64, as Standard Webhooks has it")
    _check_templates(template=settings.template)
    return replace(settings, headers=check_headers(settings.headers))


def _check_email(settings: EmailSender) -> None:
    if not settings.to or len(settings.to) > 50:
        raise Invalid("to: from 1 to 50 addresses")
    for what, address in (("sender", settings.sender), *(("to", each) for each in settings.to)):
        name, _, domain = address.rpartition("@")
        if not name or not domain or not address.isprintable() or len(address) > 320 or address.count("@") != 1:
            raise Invalid(f"{what}: {address[:100]!r} is no address of a mailbox")
    if settings.password and settings.security is Security.NONE and settings.host not in _LOOPBACK:
        raise Invalid("security: a password is not sent over a connection without TLS")
    _check_templates(subject=settings.subject, text=settings.text, html=settings.html)


def _check_amqp(settings: AmqpSender) -> None:
    for what, text in (("exchange", settings.exchange), ("routing_key", settings.routing_key)):
        if len(text.encode()) > 255:
            raise Invalid(f"{what}: at most 255 bytes")
    if not settings.vhost:
        raise Invalid("vhost: give a virtual host; the usual one is /")
    _check_templates(template=settings.template, routing_key=settings.routing_key)


def _check_templates(**templates: str) -> None:
    for what, template in templates.items():
        if len(template) > _LONGEST_TEMPLATE:
            raise Invalid(f"{what}: at most {_LONGEST_TEMPLATE} characters")
        check_template(what, template)


def check_rule(rule: Rule) -> None:
    """Raises Invalid naming what is wrong."""
    if not rule.events:
        raise Invalid("events: at least one kind of event")
    if rule.process is not None and rule.folder is not None:
        raise Invalid("process and folder: give one of them, or neither")
    for what, seconds in (("group_s", rule.group_s), ("repeat_s", rule.repeat_s)):
        if not 0 <= seconds <= _LONGEST_GROUP_S:
            raise Invalid(f"{what}: from 0 to {_LONGEST_GROUP_S} seconds")
    if rule.quiet is not None:
        check_quiet(rule.quiet)


def shown_settings(settings: SenderSettings) -> dict[str, Any]:
    """The settings without secrets; of those it is said which are set."""
    shown: dict[str, Any] = msgspec.to_builtins(settings)
    secret = {}
    for name in SECRETS[shown["kind"]]:
        value = shown.pop(name)
        secret[name] = sorted(value) if isinstance(value, dict) else bool(value)
    return {**shown, "secrets": secret}


def quiet_of(begins: str, ends: str, days: Sequence[int], zone: str) -> QuietHours:
    """Quiet hours from two times of day such as 22:00. Raises Invalid."""
    return QuietHours(begins=_minutes(begins), ends=_minutes(ends), days=tuple(sorted(set(days))), zone=zone)


def _minutes(text: str) -> int:
    hours, colon, minutes = text.partition(":")
    good = colon and hours.isdecimal() and minutes.isdecimal() and len(hours) <= 2 and len(minutes) == 2
    if not good or int(hours) > 23 or int(minutes) > 59:
        raise Invalid(f"quiet: {text[:20]!r} is no time of day such as 22:00")
    return int(hours) * 60 + int(minutes)


def clock_text(minutes: int) -> str:
    """Minutes of the day as a time of day such as 22:00."""
    return f"{minutes // 60:02}:{minutes % 60:02}"
