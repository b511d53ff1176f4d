"""Notices, as scripts."""

from __future__ import annotations

from collections.abc import Sequence

from segue.adapters.sql import notices, views
from segue.adapters.sql.ports.scripted import Scripted
from segue.model.events import Event, EventKind
from segue.model.notices import Attempt, Notice, Rule, Sender
from segue.model.versions import Instance
from segue.ports.notices import NoticeFilter, Scan


class Notices(Scripted):
    """Implements `NoticeCatalog`."""

    async def note_events(self, events: Sequence[Event]) -> None:
        """See `EventIntake`."""
        await self._change(lambda: notices.note_events(events))

    async def senders(self) -> list[Sender]:
        """See `NoticeCatalog`."""
        return await self._read(lambda: notices.senders(self._secrets))

    async def put_sender(self, sender: Sender) -> None:
        """See `NoticeCatalog`."""
        await self._change(lambda: notices.put_sender(sender, self._secrets))

    async def delete_sender(self, name: str) -> None:
        """See `NoticeCatalog`."""
        await self._change(lambda: notices.delete_sender(name))

    async def note_sender(self, sender: Sender) -> None:
        """See `NoticeCatalog`."""
        await self._change(lambda: notices.note_sender(sender))

    async def rules(self) -> list[Rule]:
        """See `NoticeCatalog`."""
        return await self._read(notices.rules)

    async def put_rule(self, rule: Rule) -> Rule:
        """See `NoticeCatalog`."""
        return await self._change(lambda: notices.put_rule(rule))

    async def delete_rule(self, id: str) -> None:
        """See `NoticeCatalog`."""
        await self._change(lambda: notices.delete_rule(id))

    async def position(self) -> int:
        """See `NoticeCatalog`."""
        return await self._read(notices.position)

    async def scan_events(self, after: int, kinds: Sequence[EventKind], limit: int) -> Scan:
        """See `NoticeCatalog`."""
        return await self._read(lambda: notices.scan_events(after, kinds, limit))

    async def reports(self, instances: Sequence[str]) -> list[Instance]:
        """See `NoticeCatalog`."""
        return await self._read(lambda: views.instances_of(instances))

    async def advance(self, seen: int, to: int, made: Sequence[Notice]) -> bool:
        """See `NoticeCatalog`."""
        return await self._change(lambda: notices.advance(seen, to, made), alone=True)

    async def gathering(self) -> list[Notice]:
        """See `NoticeCatalog`."""
        return await self._read(notices.gathering)

    async def close_gathering(self, now: int) -> int:
        """See `NoticeCatalog`."""
        return await self._change(lambda: notices.close_gathering(now))

    async def latest_notices(self, groups: Sequence[tuple[str, str]]) -> list[Notice]:
        """See `NoticeCatalog`."""
        return await self._read(lambda: notices.latest_notices(groups))

    async def claim_notices(self, sender: str, now: int, until: int, limit: int) -> list[Notice]:
        """See `NoticeCatalog`."""
        return await self._change(lambda: notices.claim_notices(sender, now, until, limit))

    async def record_attempts(self, attempts: Sequence[Attempt]) -> None:
        """See `NoticeCatalog`."""
        await self._change(lambda: notices.record_attempts(attempts))

    async def dues(self) -> dict[str, int]:
        """See `NoticeCatalog`."""
        return await self._read(notices.dues)

    async def notices(self, filter: NoticeFilter) -> list[Notice]:
        """See `NoticeCatalog`."""
        return await self._read(lambda: notices.notices(filter))

    async def notice(self, key: str) -> Notice | None:
        """See `NoticeCatalog`."""
        return await self._read(lambda: notices.find_notice(key))

    async def resend_notice(self, key: str, now: int) -> Notice:
        """See `NoticeCatalog`."""
        return await self._change(lambda: notices.resend_notice(key, now))

    async def prune_notices(self, before: int, limit: int) -> int:
        """See `NoticeCatalog`."""
        return await self._change(lambda: notices.prune_notices(before, limit))
