"""Taking messages by tickets: asking the broker for them, reading what they stand for, using them up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from segue.adapters.postgres.asking import BrokerSettings
from segue.adapters.postgres.desk import Desk
from segue.adapters.postgres.lost import Losses
from segue.adapters.postgres.parts import Parts
from segue.adapters.postgres.relay import Relay
from segue.adapters.postgres.shelf import Shelf
from segue.adapters.postgres.tickets import PAGE
from segue.adapters.sql.live import Held
from segue.core.poison import decide_poison
from segue.model.errors import BrokerUnavailable, SegueError, StoreUnavailable
from segue.model.message import Message
from segue.ports.broker import Broker, Delivery

log = logging.getLogger(__name__)

_FRESH, _FRESH_BYTES = 1_000, 16 << 10
_LONGEST_S = 10.0
_AGAIN_S = 0.2


class Dropped(Struct):
    """Tickets that were dropped: their message was `finished` or unknown, or they were `doubled`. `poison` counts
    messages that went to trash since they were given out too often."""

    finished: int = 0
    doubled: int = 0
    poison: int = 0


class Gathering(Losses):
    """The part of a store with a broker that takes. Implements `BrokerListener`.

    A shelf holds messages whose tickets this process has, and which were not taken yet; of an ordered queue all that
    was read of the line, in which tickets decide no more than whose turn it is.
    """

    def gather_with(self, parts: Parts, broker: Broker, settings: BrokerSettings, relay: Relay) -> None:
        """Take by the tickets of this broker."""
        super().gather_with(parts, broker, settings, relay)
        self.lose_with()
        self.dropped = Dropped()
        self._unread: list[Delivery] = []
        self._reading: asyncio.Task[None] | None = None

    # -- taking -------------------------------------------------------------------------------------------------------

    async def take(self, version: int, node: str, limit: int, now: int, ordered: bool) -> list[Message]:
        """See `MessageStore.take`. Waits for tickets that are known to be on their way; nothing while the broker is
        away."""
        desk = self._desk_of(version, node) or await self._make_desk(version, node)
        if desk is None:
            return []
        desk.shelf.asked = self._loop.time()
        if desk.shelf.ordered is not ordered:
            await self._turn(desk.shelf, ordered)
        desk.takers += 1
        try:
            taken = await self._take(desk, limit, now)
        except BrokerUnavailable:
            return []
        finally:
            desk.takers -= 1
        for held in taken:
            self._taken[held.seq] = held
        return list(taken)

    async def _take(self, desk: Desk, limit: int, now: int) -> list[Held]:
        shelf = desk.shelf
        fallen = shelf.falls_due(now)
        if fallen:
            await self._take_due(shelf, limit, now)
        await self._attend(desk, limit)
        if shelf.ordered:
            return await self._take_in_line(desk, limit, now, fallen=fallen)
        if desk.raised or not shelf.has_ready(now):
            await self._gather(desk, limit)
        return shelf.take(limit, now)

    async def _gather(self, desk: Desk, limit: int) -> None:
        """Wait for tickets of what is ready now, as many as can be taken."""
        give_up = self._loop.time() + _LONGEST_S
        ready: set[int] | None = None
        while not desk.raised or not desk.in_line(limit):
            if not await self._wait(desk, give_up):
                return
            if ready is None:
                ready = set(desk.coming or ())
            if (
                not desk.raised
                and len(desk.shelf)
                and (len(desk.shelf) >= limit or ready.isdisjoint(desk.coming or ()))
            ):
                return
            await self._attend(desk, limit)  # others may have taken what came, and are not done with it

    async def nodes_ready(self, version: int, now: int) -> list[str]:
        """See `MessageStore.nodes_ready`. With other processes it may name nodes whose messages they have."""
        found = set(await self._rows.ready(version, now, [*self._taken, *self._settling]))
        for shelf in list(self._shelves.get(version, {}).values()):
            if not shelf.ordered or (self._parts.heart.others and not shelf.leased):
                continue
            if await self._line_moves(shelf, now):
                found.add(shelf.node)
            else:
                found.discard(shelf.node)
        return sorted(found)

    async def _turn(self, shelf: Shelf, ordered: bool) -> None:
        before, shelf.ordered = shelf.ordered, ordered
        desk = self._desk_of(shelf.version, shelf.node)
        if before is None or desk is None:
            if ordered:
                shelf.clear()
            return
        shelf.clear()
        here = [delivery for seq, delivery in desk.tickets.items() if seq not in self._taken]
        for delivery in here:
            del desk.tickets[delivery.number]
        desk.coming = None
        self.delivered(here)

    async def _take_due(self, shelf: Shelf, limit: int, now: int) -> None:
        """Take what has fallen due, for which there are no tickets; of an ordered queue it is in the line."""
        if shelf.ordered:
            shelf.due_at = await self._rows.next_due(shelf, now)
            return
        count = max(limit, shelf.claim)
        known = [*(held.seq for held in shelf), *self._taken, *self._settling]
        shelf.put_all(await self._rows.claim_due(shelf, self._parts.heart.id, count, now, known))

    async def _take_in_line(self, desk: Desk, limit: int, now: int, *, fallen: bool) -> list[Held]:
        """Take from an ordered queue: who has a ticket of it may read the line, which the rows are."""
        shelf, heart = desk.shelf, self._parts.heart
        if heart.others:
            if not heart.sure:
                await heart.confirm()
            if not desk.tickets and not fallen:
                await self._let_go(shelf)
                return []
        if not shelf.leased:
            await asyncio.shield(self._load(shelf, limit, now))
            if not shelf.leased:
                return []
        give_up = self._loop.time() + _LONGEST_S
        while True:
            while self._wants_more(shelf, limit, now):
                await asyncio.shield(self._load(shelf, limit, now))
            head = shelf.head()
            if desk.tickets or head is None or head.due:
                return shelf.take(limit, now)
            if not await self._wait(desk, give_up):
                return []

    async def _let_go(self, shelf: Shelf) -> None:
        """Let another have an ordered queue of which nothing is in hand here."""
        if shelf.leased and not self.busy(shelf):
            shelf.clear()
            await self._parts.claims.unlease(shelf, self._parts.heart.id)

    def _put_back(self, held: Held) -> None:
        desk = self._desk_of(held.version, held.node)
        if desk is None or desk.shelf.ordered:
            super()._put_back(held)
            return
        self._lost.discard(held.seq)
        if held.due or held.seq in desk.tickets:  # else the broker gives its ticket to somebody, perhaps to us
            desk.shelf.put(replace(held))
        desk.news.set()

    def _done(self, version: int, node: str, seq: int) -> None:
        """A message is not in its queue any more, or not until it is due: its ticket is used up."""
        self._fresh.pop(seq, None)
        desk = self._desks_by_node.get((version, node))
        if desk is not None:
            desk.came(seq)
            if (delivery := desk.tickets.pop(seq, None)) is not None:
                self._broker.acknowledge(delivery)

    def _keep_fresh(self, held: Held) -> None:
        """Keep a message in memory until its ticket comes, so that it need not be read."""
        if len(held.body) <= _FRESH_BYTES:
            if len(self._fresh) >= _FRESH:
                del self._fresh[next(iter(self._fresh))]
            self._fresh[held.seq] = held

    # -- the broker tells ---------------------------------------------------------------------------------------------

    def delivered(self, deliveries: Sequence[Delivery]) -> None:
        """See `BrokerListener`."""
        woken: dict[Desk, int] = {}
        for delivery in deliveries:
            desk = self._desks.get(delivery.queue)
            if desk is None:
                self._broker.acknowledge(delivery)
            elif delivery.number in desk.tickets:
                self.dropped.doubled += 1
                self._broker.acknowledge(delivery)
                desk.came(delivery.number)
            else:
                desk.tickets[delivery.number] = delivery
                if self._place(desk, delivery):
                    woken[desk] = woken.get(desk, 0) + 1
        self._tell(woken)
        if self._unread and (self._reading is None or self._reading.done()):
            self._reading = self._spawn(self._read_tickets())

    def _tell(self, woken: dict[Desk, int]) -> None:
        """Say what can be taken, unless there are as many who are about to."""
        for desk, count in woken.items():
            if desk.takers < count:
                self.tell_ready(desk.shelf.version, desk.shelf.node)

    def _place(self, desk: Desk, delivery: Delivery) -> bool:
        """Put the message of a ticket on its shelf if it is in memory, else have it read; whether it can be taken."""
        number = delivery.number
        if number in self._taken or number in self._settling or number in desk.shelf:
            desk.came(number)
            return bool(desk.shelf.ordered)
        held = self._fresh.get(number)
        # Nothing overtakes what is being read.
        if self._unread or held is None or held.id != delivery.id or desk.shelf.ordered or self._is_poison(delivery):
            self._unread.append(delivery)
            return False
        del self._fresh[number]
        desk.shelf.put(held)
        desk.came(number)
        return True

    def _is_poison(self, delivery: Delivery) -> bool:
        return delivery.count >= self._broker_settings.deliveries

    def interrupted(self, queues: Sequence[str]) -> None:
        """See `BrokerListener`. What was taken goes on; what was not is given out anew."""
        for name in queues:
            desk = self._desks.get(name)
            if desk is not None:
                for seq, delivery in desk.tickets.items():
                    self._broker.give_back(delivery)  # in case its queue is there
                    if not desk.shelf.ordered:
                        desk.shelf.remove(seq)
                desk.void()
                self.tell_ready(desk.shelf.version, desk.shelf.node)

    def connected(self) -> None:
        """See `BrokerListener`."""
        for desk in list(self._desks.values()):
            self.tell_ready(desk.shelf.version, desk.shelf.node)

    # -- reading ------------------------------------------------------------------------------------------------------

    async def _read_tickets(self) -> None:
        """Read the messages of tickets, as many together as there are."""
        while self._unread:
            page = self._unread[:PAGE]
            fresh = {one.number: self._fresh.pop(one.number) for one in page if one.number in self._fresh}
            now = self._parts.clock.now()
            try:
                rows = await self._rows.read([one.number for one in page if one.number not in fresh], now)
            except StoreUnavailable:
                self._fresh.update(fresh)
                await asyncio.sleep(_AGAIN_S)
                continue
            del self._unread[: len(page)]
            found = fresh | {held.seq: held for held in rows}
            woken: dict[Desk, int] = {}
            for delivery in page:
                desk = self._desks.get(delivery.queue)
                if desk is None or desk.tickets.get(delivery.number) is not delivery:
                    continue  # it is void by now
                await self._sort(desk, delivery, found.get(delivery.number), now)
                desk.came(delivery.number)
                woken[desk] = woken.get(desk, 0) + 1
            self._tell(woken)

    async def _sort(self, desk: Desk, delivery: Delivery, held: Held | None, now: int) -> None:
        """Use a ticket for its message, or drop it: the message is finished, or has a new ticket when it is due."""
        shelf = desk.shelf
        if held is None or held.id != delivery.id or held.due:
            self.dropped.finished += 1
            del desk.tickets[delivery.number]
            self._broker.acknowledge(delivery)
            return
        if self._is_poison(delivery) and held.seq not in self._taken and held.seq not in self._settling:
            shelf.remove(held.seq)
            if await self._to_trash(held, delivery.count, now):
                return
        if shelf.ordered:
            shelf.more = shelf.more or held.seq not in shelf
        elif held.seq not in self._taken and held.seq not in self._settling:
            shelf.put(held)

    async def _to_trash(self, held: Held, count: int, now: int) -> bool:
        try:
            [done] = await self.settle([decide_poison(held, count, now)])
        except SegueError:
            return False
        self.dropped.poison += done
        return done

    async def _give_back_idle(self, before: float) -> None:
        """Let others have what nobody here has asked for since then."""
        for desk in list(self._desks.values()):
            shelf = desk.shelf
            if shelf.asked >= before or not (desk.prefetch or shelf.leased) or self.busy(shelf):
                continue
            deliveries = list(desk.tickets.values())
            due = [held.seq for held in shelf if held.due]
            if due and not shelf.ordered:
                await self._parts.claims.give_back(due, self._parts.heart.id)
            await self._let_go(shelf)
            with contextlib.suppress(BrokerUnavailable):  # then its tickets went back with the connection
                await self._broker.cancel(desk.name)
            desk.void()
            shelf.clear()
            for delivery in deliveries:
                self._broker.give_back(delivery)
            if deliveries:
                self._parts.hints.give("ready", f"{shelf.version}:0:{shelf.node}")
