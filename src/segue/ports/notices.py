"""What is kept of notices: senders, rules, and the notices themselves, which are outbox and delivery log in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from segue.model.events import Event, EventKind
from segue.model.notices import Attempt, Notice, NoticeState, Rule, Sender
from segue.model.versions import Instance


class NoticeFilter(Struct, frozen=True, kw_only=True):
    """Notices to list, newest first. `before` is the number of the last one of the page before."""

    state: NoticeState | None = None
    sender: str | None = None
    rule: str | None = None
    before: int | None = None
    limit: int = 50


class Scan(Struct, frozen=True, kw_only=True):
    """Events of the kinds asked for, in order, and the number up to which all of them have been seen."""

    events: tuple[Event, ...]
    seen: int


class EventIntake(Protocol):
    """N1 What `note_events` was given is stored whole and in order, numbered after all before, and told to the
    listeners of `MessageStore.on_events`."""

    async def note_events(self, events: Sequence[Event]) -> None:
        """Store events that no settle caused. Raises StoreUnavailable."""
        ...


class NoticeCatalog(EventIntake, Protocol):
    """Senders, rules and notices.

    N2 `advance` is whole: the position moves and the notices are stored, or nothing; and nothing happens when the
       position is not the one the caller has seen. So an event becomes a notice once, whatever crashes.
    N3 Of a notice with a known key the content is replaced (events, counts); number, state and attempts stay.
    N4 A claimed notice is given to one caller, until the lease ends or an attempt is recorded. Earliest due first.
    N5 What is delivered stays so.
    N6 Settings of senders are stored encrypted.
    N7 A rule applies to events after its `since`, which is the newest event when it was put first.
    N8 Pruned are only notices that are delivered or given up, and older than the instant.
    """

    async def senders(self) -> list[Sender]:
        """All of them by name, with their secrets. Raises Invalid when one cannot be opened."""
        ...

    async def put_sender(self, sender: Sender) -> None:
        """Store a sender, or replace the settings of the one with this name."""
        ...

    async def delete_sender(self, name: str) -> None:
        """Raises NotFound, and Conflict while a rule uses it. Notices that wait for it are given up."""
        ...

    async def note_sender(self, sender: Sender) -> None:
        """Store how a sender is doing; one that is gone stays so."""
        ...

    async def rules(self) -> list[Rule]:
        """All of them, oldest first."""
        ...

    async def put_rule(self, rule: Rule) -> Rule:
        """Store a rule, or replace the one with this id. Raises NotFound when there is no such sender."""
        ...

    async def delete_rule(self, id: str) -> None:
        """Raises NotFound. Notices that it has made stay."""
        ...

    async def position(self) -> int:
        """The number of the event up to which notices have been made."""
        ...

    async def scan_events(self, after: int, kinds: Sequence[EventKind], limit: int) -> Scan:
        """Look at up to `limit` events after this number."""
        ...

    async def reports(self, instances: Sequence[str]) -> list[Instance]:
        """Those of these instances that are there, as `Views.instance` shows them."""
        ...

    async def advance(self, seen: int, to: int, made: Sequence[Notice]) -> bool:
        """Move the position from `seen` to `to` and store the notices; False when it is not at `seen`."""
        ...

    async def gathering(self) -> list[Notice]:
        """Notices that still gather events."""
        ...

    async def close_gathering(self, now: int) -> int:
        """Let notices whose time of gathering is over be sent; how many there were."""
        ...

    async def latest_notices(self, groups: Sequence[tuple[str, str]]) -> list[Notice]:
        """The newest notice of each of these groups (rule id, group) that has one."""
        ...

    async def claim_notices(self, sender: str, now: int, until: int, limit: int) -> list[Notice]:
        """Take up to `limit` due notices of a sender; they are due again at `until`. Counts the attempt."""
        ...

    async def record_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Store how attempts went."""
        ...

    async def dues(self) -> dict[str, int]:
        """The earliest due instant of what waits for each sender, and under "" that of what still gathers."""
        ...

    async def notices(self, filter: NoticeFilter) -> list[Notice]: ...

    async def notice(self, key: str) -> Notice | None: ...

    async def resend_notice(self, key: str, now: int) -> Notice:
        """Try a notice again from the beginning, under the same key. Raises NotFound."""
        ...

    async def prune_notices(self, before: int, limit: int) -> int:
        """Remove up to `limit` old ones; how many there were."""
        ...
