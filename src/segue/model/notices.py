"""Notices: what people and systems are told, by which rule, through which sender, and what became of it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from segue.model.events import Event, EventKind
from segue.model.versions import Instance


class UrlSender(Struct, frozen=True, kw_only=True, tag="url", tag_field="kind"):
    """Calls an address. `headers` and `secret` (`whsec_…`, signs as Standard Webhooks do) are secret.

    Without a template the body is the notice as JSON.
    """

    url: str
    method: str = "POST"
    headers: dict[str, str] = {}
    secret: str = ""
    template: str = ""
    content_type: str = "application/json"
    timeout_s: float = 10.0


class Security(StrEnum):
    """How the connection to a mail or message server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class EmailSender(Struct, frozen=True, kw_only=True, tag="email", tag_field="kind"):
    """Sends mails with a text and an HTML part. `password` is secret. Templates are optional."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    timeout_s: float = 20.0


class AmqpSender(Struct, frozen=True, kw_only=True, tag="amqp", tag_field="kind"):
    """Publishes to an exchange and waits for the broker's confirmation. `password` is secret."""

    host: str
    port: int = 5672
    tls: bool = False
    vhost: str = "/"
    username: str = "guest"
    password: str = ""
    exchange: str = ""
    routing_key: str = "segue.{{ notice.type }}"
    template: str = ""
    content_type: str = "application/json"
    timeout_s: float = 10.0


SenderSettings = UrlSender | EmailSender | AmqpSender

SECRETS: dict[str, tuple[str, ...]] = {
    "url": ("headers", "secret"),
    "email": ("password",),
    "amqp": ("password",),
}
"""The fields of each kind of sender that are never shown."""


class Sender(Struct, frozen=True, kw_only=True):
    """A way out. `error` is why the last try failed, None after one that went well; `failures` counts those in a row.

    `until`: nothing is tried before this instant.
    """

    name: str
    settings: SenderSettings
    created: int = 0
    delivered_at: int | None = None
    failed_at: int | None = None
    error: str | None = None
    failures: int = 0
    until: int = 0


class QuietHours(Struct, frozen=True, kw_only=True):
    """From `begins` to `ends` (minutes of the day in `zone`) on `days` (0 is Monday) notices wait.

    A span over midnight belongs to the day on which it begins.
    """

    begins: int
    ends: int
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    zone: str = "UTC"


class GroupBy(StrEnum):
    """What a digest gathers into one notice: all events of the rule, or those of one kind, process and node."""

    RULE = "rule"
    CAUSE = "cause"


class Rule(Struct, frozen=True, kw_only=True):
    """Who is told of what. `process` or `folder` (with what is below it) narrow it; neither means everything.

    `group_s`: events are gathered so long into one notice; 0 means each on its own. `repeat_s`: after a notice,
    further events of the same kind, process and node are only counted for so long. `since` is the number of the event
    after which the rule applies.
    """

    id: str
    name: str
    events: tuple[EventKind, ...]
    sender: str
    process: str | None = None
    folder: str | None = None
    enabled: bool = True
    group_s: int = 0
    group_by: GroupBy = GroupBy.CAUSE
    repeat_s: int = 0
    quiet: QuietHours | None = None
    created: int = 0
    since: int = 0


class NoticeState(StrEnum):
    """What has become of a notice."""

    GATHERING = "gathering"
    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event in a notice; for one about the end of an instance with the report of it."""

    event: Event
    report: Instance | None = None


class Notice(Struct, frozen=True, kw_only=True):
    """One notice. `key` is the same whenever it is sent, so that a receiver can drop the repeat.

    `told` are its first events, `count` how many there are; `suppressed` more came within the rule's `repeat_s`.
    `due` is the instant of the next try, `attempts` how many there were. `seq` is its number in the store.
    """

    key: str
    rule: str
    sender: str
    group: str
    state: NoticeState
    first_at: int
    last_at: int
    due: int
    told: tuple[Told, ...]
    count: int = 1
    suppressed: int = 0
    attempts: int = 0
    error: str | None = None
    delivered_at: int | None = None
    seq: int = 0


class Attempt(Struct, frozen=True, kw_only=True):
    """How one try to deliver went. Without an error it was delivered; `due` is the next try, None: given up."""

    key: str
    at: int
    error: str | None = None
    due: int | None = None


class Outgoing(Struct, frozen=True, kw_only=True):
    """A notice ready to be sent.

    `key` is the same at every try. `type` is the kind of event, or `digest` for several kinds in one. `at` is the
    instant of its last event. `data` is what the templates see as `notice`, and what is sent as JSON without one.
    """

    key: str
    type: str
    at: int
    title: str
    text: str
    html: str
    data: dict[str, object]
