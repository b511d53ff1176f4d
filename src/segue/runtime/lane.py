"""A lane: one node of a control service, with the messages it has in flight and whether it is held."""

from __future__ import annotations

from segue.model.graph import Node
from segue.model.services import LaneState


class Lane:
    """How many messages of a node may be in flight now.

    Normally its prefetch. After a call without an answer the lane is held until the next try is due, and then lets
    one message through at a time until a call is answered: so an outage costs a call per try, not one per message.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.ordered = node.prefetch == 1
        self.in_flight = 0
        self.pumping = False
        self.hinted = False
        self.outages = 0
        # Until when a limit that is reached is no news.
        self.told_until = 0
        self._held_until = 0
        self._held: str | None = None

    @property
    def held_until(self) -> int:
        """The instant of the next try; 0 when the lane is open."""
        return self._held_until

    def room(self, now: int) -> int:
        """How many more messages may be taken at `now`; negative while more are in flight than that."""
        if now < self._held_until:
            return min(0, -self.in_flight)
        allowed = 1 if self.outages else self.node.prefetch
        return allowed - self.in_flight

    def may_go_on(self, now: int) -> bool:
        """Whether one that is in flight, and done, may be followed by another."""
        return now >= self._held_until and self.room(now) >= 0

    def hold(self, until: int, reason: str) -> None:
        """Take nothing before `until`, because of `reason`."""
        self._held_until = max(self._held_until, until)
        self._held = reason

    def lift(self) -> None:
        """Take again before the instant of the next try, if it was not an outage that held the lane."""
        if not self.outages:
            self._held_until = 0

    def note_outage(self, now: int, until: int, reason: str) -> bool:
        """A call brought no answer. True when this is news: the first since the last answer.

        Calls that were in flight together count as one try.
        """
        first = self.outages == 0
        if now >= self._held_until:
            self.outages += 1
        self.hold(until, reason)
        return first

    def note_answer(self) -> bool:
        """A call was answered, so the lane is open. True when this is news."""
        news = self.outages > 0
        self.outages = 0
        self._held_until = 0
        self._held = None
        return news

    def state(self, now: int) -> LaneState:
        """What people see of the lane at `now`."""
        waiting = self._held is not None
        return LaneState(
            node=self.node.id,
            name=self.node.label,
            in_flight=self.in_flight,
            prefetch=self.node.prefetch,
            held=self._held,
            held_until=self._held_until if waiting and self._held_until > now else None,
            outages=self.outages,
        )
