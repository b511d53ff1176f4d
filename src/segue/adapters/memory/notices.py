"""Notices in memory."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from segue.adapters.memory.state import State
from segue.model.errors import Conflict, NotFound
from segue.model.events import Event, EventKind
from segue.model.notices import Attempt, Notice, NoticeState, Rule, Sender
from segue.model.versions import Instance
from segue.ports.messages import EventListener
from segue.ports.notices import NoticeFilter, Scan
from segue.ports.views import Views

_OVER = frozenset({NoticeState.DELIVERED, NoticeState.GIVEN_UP})


class Board(Struct, kw_only=True):
    """Everything of notices that is durable."""

    senders: dict[str, Sender] = {}
    rules: dict[str, Rule] = {}
    notices: dict[str, Notice] = {}
    position: int = 0
    number: int = 0


class MemoryNotices:
    """Implements `NoticeCatalog`."""

    def __init__(self, state: State, tell: EventListener, views: Views) -> None:
        self._state = state
        self._tell_events = tell
        self._views = views
        self._board = Board()

    async def note_events(self, events: Sequence[Event]) -> None:
        """See `EventIntake`."""
        self._state.check()
        stored = [replace(event, seq=self._state.number("event")) for event in events]
        self._state.events += stored
        self._tell_events(stored)

    async def senders(self) -> list[Sender]:
        """See `NoticeCatalog`."""
        return [sender for _, sender in sorted(self._board.senders.items())]

    async def put_sender(self, sender: Sender) -> None:
        """See `NoticeCatalog`."""
        self._state.check()
        old = self._board.senders.get(sender.name)
        if old is not None:
            sender = replace(old, settings=sender.settings, until=0, failures=0)
        self._board.senders[sender.name] = sender

    async def delete_sender(self, name: str) -> None:
        """See `NoticeCatalog`."""
        self._state.check()
        board = self._board
        if name not in board.senders:
            raise NotFound(f"no sender is named {name!r}")
        if any(rule.sender == name for rule in board.rules.values()):
            raise Conflict(f"the sender {name!r} is used by a rule; change or remove the rule first")
        for notice in list(board.notices.values()):
            if notice.sender == name and notice.state not in _OVER:
                gone = replace(notice, state=NoticeState.GIVEN_UP, error="the sender was removed")
                board.notices[notice.key] = gone
        del board.senders[name]

    async def note_sender(self, sender: Sender) -> None:
        """See `NoticeCatalog`."""
        self._state.check()
        old = self._board.senders.get(sender.name)
        if old is not None:
            self._board.senders[sender.name] = replace(sender, settings=old.settings, created=old.created)

    async def rules(self) -> list[Rule]:
        """See `NoticeCatalog`."""
        return sorted(self._board.rules.values(), key=lambda rule: (rule.created, rule.id))

    async def put_rule(self, rule: Rule) -> Rule:
        """See `NoticeCatalog`."""
        self._state.check()
        board = self._board
        if rule.sender not in board.senders:
            raise NotFound(f"no sender is named {rule.sender!r}")
        newest = self._state.events[-1].seq if self._state.events else 0
        if not any(known.enabled for known in board.rules.values()):
            board.position = newest
        old = board.rules.get(rule.id)
        since = old.since if old is not None and old.enabled else newest
        board.rules[rule.id] = replace(rule, since=since, created=old.created if old is not None else rule.created)
        return board.rules[rule.id]

    async def delete_rule(self, id: str) -> None:
        """See `NoticeCatalog`."""
        self._state.check()
        if self._board.rules.pop(id, None) is None:
            raise NotFound(f"no rule has the id {id!r}")

    async def position(self) -> int:
        """See `NoticeCatalog`."""
        return self._board.position

    async def scan_events(self, after: int, kinds: Sequence[EventKind], limit: int) -> Scan:
        """See `NoticeCatalog`."""
        looked = [event for event in self._state.events if event.seq > after][:limit]
        found = tuple(event for event in looked if event.kind in kinds)
        return Scan(events=found, seen=looked[-1].seq if looked else after)

    async def reports(self, instances: Sequence[str]) -> list[Instance]:
        """See `NoticeCatalog`."""
        found = [await self._views.instance(instance) for instance in dict.fromkeys(instances)]
        return [instance for instance in found if instance is not None]

    async def advance(self, seen: int, to: int, made: Sequence[Notice]) -> bool:
        """See `NoticeCatalog`."""
        self._state.check()
        board = self._board
        if board.position != seen:
            return False
        for notice in made:
            old = board.notices.get(notice.key)
            if old is None:
                board.number += 1
                board.notices[notice.key] = replace(notice, seq=board.number)
            else:
                content = {"told": notice.told, "count": notice.count, "suppressed": notice.suppressed}
                board.notices[notice.key] = replace(old, last_at=notice.last_at, **content)
        board.position = to
        return True

    async def gathering(self) -> list[Notice]:
        """See `NoticeCatalog`."""
        return [notice for notice in self._board.notices.values() if notice.state is NoticeState.GATHERING]

    async def close_gathering(self, now: int) -> int:
        """See `NoticeCatalog`."""
        self._state.check()
        over = [notice for notice in await self.gathering() if notice.due <= now]
        for notice in over:
            self._board.notices[notice.key] = replace(notice, state=NoticeState.PENDING)
        return len(over)

    async def latest_notices(self, groups: Sequence[tuple[str, str]]) -> list[Notice]:
        """See `NoticeCatalog`."""
        latest = {(notice.rule, notice.group): notice for notice in self._board.notices.values()}
        return [latest[group] for group in groups if group in latest]

    async def claim_notices(self, sender: str, now: int, until: int, limit: int) -> list[Notice]:
        """See `NoticeCatalog`."""
        self._state.check()
        waiting = [notice for notice in self._pending() if notice.sender == sender and notice.due <= now]
        claimed = []
        for notice in sorted(waiting, key=lambda notice: (notice.due, notice.seq))[:limit]:
            taken = self._board.notices[notice.key] = replace(notice, due=until, attempts=notice.attempts + 1)
            claimed.append(taken)
        return claimed

    async def record_attempts(self, attempts: Sequence[Attempt]) -> None:
        """See `NoticeCatalog`."""
        self._state.check()
        for attempt in attempts:
            notice = self._board.notices.get(attempt.key)
            if notice is None or notice.state is NoticeState.DELIVERED:
                continue
            if attempt.error is None:
                after = replace(notice, state=NoticeState.DELIVERED, delivered_at=attempt.at, error=None)
            elif notice.state is not NoticeState.PENDING:
                continue
            elif attempt.due is None:
                after = replace(notice, state=NoticeState.GIVEN_UP, error=attempt.error)
            else:
                after = replace(notice, due=attempt.due, error=attempt.error)
            self._board.notices[attempt.key] = after

    async def dues(self) -> dict[str, int]:
        """See `NoticeCatalog`."""
        found: dict[str, int] = {}
        for notice in self._board.notices.values():
            name = {NoticeState.PENDING: notice.sender, NoticeState.GATHERING: ""}.get(notice.state)
            if name is not None:
                found[name] = min(notice.due, found.get(name, notice.due))
        return found

    async def notices(self, filter: NoticeFilter) -> list[Notice]:
        """See `NoticeCatalog`."""
        found = [
            notice
            for notice in reversed(self._board.notices.values())
            if filter.state in {None, notice.state}
            and filter.sender in {None, notice.sender}
            and filter.rule in {None, notice.rule}
            and (filter.before is None or notice.seq < filter.before)
        ]
        return found[: filter.limit]

    async def notice(self, key: str) -> Notice | None:
        """See `NoticeCatalog`."""
        return self._board.notices.get(key)

    async def resend_notice(self, key: str, now: int) -> Notice:
        """See `NoticeCatalog`."""
        self._state.check()
        notice = self._board.notices.get(key)
        if notice is None:
            raise NotFound(f"no notice has the key {key!r}")
        again = replace(
            notice, state=NoticeState.PENDING, due=now, attempts=0, error=None, delivered_at=None, last_at=now
        )
        self._board.notices[key] = again
        return again

    async def prune_notices(self, before: int, limit: int) -> int:
        """See `NoticeCatalog`."""
        self._state.check()
        old = [
            notice.key for notice in self._board.notices.values() if notice.state in _OVER and notice.last_at < before
        ][:limit]
        for key in old:
            del self._board.notices[key]
        return len(old)

    def _pending(self) -> list[Notice]:
        return [notice for notice in self._board.notices.values() if notice.state is NoticeState.PENDING]
