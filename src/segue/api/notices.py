"""What goes over the wire about notices."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from segue.api.schemas import In, Instant, Name, Out, Paged, Text
from segue.control.notices import clock_text, quiet_of, shown_settings
from segue.core.notice_text import data_of, title_of
from segue.model.events import EventKind
from segue.model.notices import GroupBy, Notice, NoticeState, QuietHours, Rule, Sender

Secret = Annotated[Text, Field(max_length=4000)]
Template = Annotated[Text, Field(max_length=100_000)]
Line = Annotated[Text, Field(max_length=1000)]
Seconds = Annotated[float, Field(ge=1, le=60)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class UrlSettingsIn(In):
    """Calls an address. `headers` and `secret` are write-only; without `secret` one is made."""

    kind: Literal["url"]
    url: Annotated[Text, Field(min_length=1, max_length=2000)]
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    headers: dict[Annotated[Text, Field(max_length=200)], Secret] | None = None
    secret: Secret | None = None
    template: Template = ""
    content_type: Annotated[Text, Field(min_length=1, max_length=200)] = "application/json"
    timeout_s: Seconds = 10


class EmailSettingsIn(In):
    """Sends mails. `password` is write-only."""

    kind: Literal["email"]
    host: Annotated[Text, Field(min_length=1, max_length=253)]
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Line = ""
    password: Secret | None = None
    sender: Annotated[Text, Field(min_length=1, max_length=320, description="address in From")]
    to: Annotated[list[Annotated[Text, Field(min_length=1, max_length=320)]], Field(min_length=1, max_length=50)]
    subject: Line = ""
    text: Template = ""
    html: Template = ""
    timeout_s: Seconds = 20


class AmqpSettingsIn(In):
    """Publishes to an exchange of an AMQP 0-9-1 broker. `password` is write-only."""

    kind: Literal["amqp"]
    host: Annotated[Text, Field(min_length=1, max_length=253)]
    port: Port = 5672
    tls: bool = False
    vhost: Annotated[Text, Field(min_length=1, max_length=255)] = "/"
    username: Line = "guest"
    password: Secret | None = None
    exchange: Annotated[Text, Field(max_length=255)] = ""
    routing_key: Annotated[Text, Field(max_length=255)] = "segue.{{ notice.type }}"
    template: Template = ""
    content_type: Annotated[Text, Field(min_length=1, max_length=200)] = "application/json"
    timeout_s: Seconds = 10


SettingsIn = Annotated[UrlSettingsIn | EmailSettingsIn | AmqpSettingsIn, Field(discriminator="kind")]


class SenderIn(In):
    """A sender to be made."""

    name: Name
    settings: SettingsIn


class SenderChangeIn(In):
    """A sender's new settings. Secrets that are not given stay, if kind and server stay."""

    settings: SettingsIn


class SenderOut(Out):
    """A sender. `settings` have no secrets; under `secrets` it says which are set. `error` is why the last try failed,
    null after one that went well; nothing is tried before `until`."""

    name: str
    kind: Literal["url", "email", "amqp"]
    settings: dict[str, Any]
    created: Instant
    delivered_at: Instant | None
    failed_at: Instant | None
    error: str | None
    failures: int
    until: Instant | None


class SenderTestOut(Out):
    """How a test went; `problem` says what is wrong."""

    ok: bool
    problem: str | None
    took_ms: int


class QuietModel(In):
    """From `begins` to `ends` (times of day such as 22:00, in `zone`) on `days` (0 is Monday) notices wait."""

    begins: Annotated[Text, Field(pattern=r"^\d{1,2}:\d\d$")]
    ends: Annotated[Text, Field(pattern=r"^\d{1,2}:\d\d$")]
    days: Annotated[
        list[Annotated[int, Field(ge=0, le=6)]],
        Field(min_length=1, max_length=7, default_factory=lambda: list(range(7))),
    ]
    zone: Annotated[Text, Field(min_length=1, max_length=100)] = "UTC"


class RuleIn(In):
    """Who is told of what. `group_s`: a digest, events are gathered so long into one notice; `repeat_s`: after a notice
    further events of the same kind, process and node are only counted for so long."""

    name: Name
    events: Annotated[list[str], Field(min_length=1, max_length=len(EventKind))]
    sender: Name
    process: Name | None = None
    folder: Annotated[Text, Field(min_length=1, max_length=800)] | None = None
    enabled: bool = True
    group_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    group_by: Literal["rule", "cause"] = "cause"
    repeat_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    quiet: QuietModel | None = None


class RuleOut(Out):
    """A rule."""

    id: str
    name: str
    events: list[EventKind]
    sender: str
    process: str | None
    folder: str | None
    enabled: bool
    group_s: int
    group_by: GroupBy
    repeat_s: int
    quiet: QuietModel | None
    created: Instant


class NoticeQuery(Paged):
    """Which notices to list."""

    state: NoticeState | None = None
    sender: Name | None = None
    rule: Annotated[Text, Field(max_length=100)] | None = None


class NoticeOut(Out):
    """A notice. `count` events are in it, `suppressed` more were only counted. `due` is the next try."""

    key: str
    rule: str
    rule_name: str
    sender: str
    state: NoticeState
    title: str
    first_at: Instant
    last_at: Instant
    due: Instant | None
    count: int
    suppressed: int
    attempts: int
    error: str | None
    delivered_at: Instant | None


class NoticeDetailOut(NoticeOut):
    """A notice with what it tells."""

    data: dict[str, Any]


def sender_out(sender: Sender) -> SenderOut:
    """The sender as it is shown: without secrets."""
    settings = shown_settings(sender.settings)
    return SenderOut(
        name=sender.name,
        kind=settings["kind"],
        settings=settings,
        created=sender.created,
        delivered_at=sender.delivered_at,
        failed_at=sender.failed_at,
        error=sender.error,
        failures=sender.failures,
        until=sender.until or None,
    )


def rule_of(wanted: RuleIn, id_: str) -> Rule:
    """The rule that is asked for. Raises ValueError for a kind of event that is not known, and Invalid."""
    quiet = wanted.quiet
    return Rule(
        id=id_,
        name=wanted.name,
        events=tuple(dict.fromkeys(EventKind(kind) for kind in wanted.events)),
        sender=wanted.sender,
        process=wanted.process,
        folder=None if wanted.folder is None else wanted.folder.strip("/"),
        enabled=wanted.enabled,
        group_s=wanted.group_s,
        group_by=GroupBy(wanted.group_by),
        repeat_s=wanted.repeat_s,
        quiet=None if quiet is None else quiet_of(quiet.begins, quiet.ends, quiet.days, quiet.zone),
    )


def rule_out(rule: Rule) -> RuleOut:
    """The rule as it is shown."""
    return RuleOut(
        id=rule.id,
        name=rule.name,
        events=list(rule.events),
        sender=rule.sender,
        process=rule.process,
        folder=rule.folder,
        enabled=rule.enabled,
        group_s=rule.group_s,
        group_by=rule.group_by,
        repeat_s=rule.repeat_s,
        quiet=None if rule.quiet is None else _quiet_out(rule.quiet),
        created=rule.created,
    )


def _quiet_out(quiet: QuietHours) -> QuietModel:
    return QuietModel(
        begins=clock_text(quiet.begins), ends=clock_text(quiet.ends), days=list(quiet.days), zone=quiet.zone
    )


def notice_out(notice: Notice, names: dict[str, str]) -> NoticeOut:
    """The notice in a list."""
    return NoticeOut(**_shared(notice, names))


def notice_detail_out(notice: Notice, names: dict[str, str]) -> NoticeDetailOut:
    """The notice with what it tells."""
    shared = _shared(notice, names)
    return NoticeDetailOut(**shared, data=data_of(notice, str(shared["rule_name"])))


def _shared(notice: Notice, names: dict[str, str]) -> dict[str, Any]:
    waits = notice.state in {NoticeState.GATHERING, NoticeState.PENDING}
    return {
        "key": notice.key,
        "rule": notice.rule,
        "rule_name": names.get(notice.rule, notice.rule),
        "sender": notice.sender,
        "state": notice.state,
        "title": title_of(notice),
        "first_at": notice.first_at,
        "last_at": notice.last_at,
        "due": notice.due if waits else None,
        "count": notice.count,
        "suppressed": notice.suppressed,
        "attempts": notice.attempts,
        "error": notice.error,
        "delivered_at": notice.delivered_at,
    }
