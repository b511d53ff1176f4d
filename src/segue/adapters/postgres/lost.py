"""Tickets that are with nobody: a queue was purged by hand, or the broker has lost what it had confirmed.

A process that could be given more tickets of a queue than there are, and sees the same messages ready all the time,
suspects that theirs are lost. It asks the others; whose ticket nobody has is published again. Where an answer gets lost
a worker is called again at worst.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence

from segue.adapters.postgres.asking import Asking
from segue.adapters.postgres.desk import Desk
from segue.adapters.postgres.tickets import Row
from segue.model.errors import BrokerUnavailable

log = logging.getLogger(__name__)

ASKED, ANSWERED = "whose-ticket", "my-ticket"
_AT_ONCE = 200


class Losses(Asking):
    """The part of a store with a broker that looks for tickets that are lost."""

    def lose_with(self) -> None:
        """Suspect nothing yet."""
        self._suspects: dict[str, tuple[float, Collection[int]]] = {}
        self._others_have: set[int] = set()

    async def look_for_lost(self) -> None:
        """Publish tickets that are lost for all that is known; looks at each queue once in a while."""
        waiting: dict[Desk, list[Row]] = {}
        for desk in list(self._desks.values()):
            if not desk.prefetch or len(desk.tickets) >= desk.prefetch:
                self._suspects.pop(desk.name, None)
            elif desk.missed and not self._parts.heart.others:
                desk.missed = False
                waiting[desk] = await self._without_ticket(desk)
            elif rows := await self._suspect(desk):
                waiting[desk] = rows
        if waiting and self._parts.heart.others:
            self._others_have.clear()
            for rows in waiting.values():
                self._parts.hints.give(ASKED, ",".join(str(row[0]) for row in rows))
            await asyncio.sleep(self._broker_settings.answer_s)
        for desk, rows in waiting.items():
            await self._publish_lost(desk, [row for row in rows if row[0] not in self._others_have])

    async def _suspect(self, desk: Desk) -> list[Row]:
        """The messages that were without a ticket the last time as well."""
        now = asyncio.get_running_loop().time()
        since, before = self._suspects.get(desk.name, (0.0, ()))
        if since and now - since < self._broker_settings.suspect_s:
            return []
        rows = await self._without_ticket(desk)
        self._suspects[desk.name] = (now, {row[0] for row in rows})
        return [row for row in rows if row[0] in before][:_AT_ONCE]

    async def _without_ticket(self, desk: Desk) -> list[Row]:
        """The first messages that are ready in a queue and nobody here has a ticket of."""
        return await self._rows.in_queue(desk.shelf, 0, self._have())

    async def _publish_lost(self, desk: Desk, rows: Sequence[Row]) -> None:
        if not rows or not desk.prefetch:
            return
        try:
            found = await self._broker.consume(
                desk.name, desk.shelf.version, desk.prefetch, single=bool(desk.shelf.ordered)
            )
            if found.tickets:
                return  # they may be among those that are waiting for somebody
            have = set(self._have())
            lost = [row for row in rows if row[0] not in have]
            async with self._alone():
                await self._publish(lost)
        except BrokerUnavailable:
            return
        if lost:
            log.warning("%d messages of queue %s had lost their tickets and have new ones", len(lost), desk.name)

    def _have(self) -> list[int]:
        """The numbers of all messages of which this process has the ticket, or is about to publish it."""
        tickets = [seq for desk in self._desks.values() for seq in desk.tickets]
        return [*self._taken, *self._settling, *tickets, *self._relay.numbers()]

    def hear_of_tickets(self, topic: str, texts: Sequence[str]) -> None:
        """Another process asks, or answers."""
        numbers = {int(number) for text in texts for number in text.split(",")}
        if topic == ANSWERED:
            self._others_have |= numbers
        elif mine := numbers.intersection(self._have()):
            self._parts.hints.give(ANSWERED, ",".join(map(str, mine)))
