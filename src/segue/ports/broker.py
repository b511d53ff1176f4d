"""A broker between the store and those who work: it says who may work on which message, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Ticket(Struct, frozen=True, gc=False):
    """Stands for a message that is ready: who is given it may work on that message. `number` and `id` are the
    message's; `queue` is the name of the broker's queue."""

    queue: str
    number: int
    id: str


class Delivery(Struct, frozen=True, gc=False):
    """A ticket that was given to this process. `count`: how often it was given to somebody before; `session` and `tag`
    are the broker's own."""

    queue: str
    number: int
    id: str
    count: int
    session: int
    channel: int
    tag: int


class Found(Struct, frozen=True):
    """What was found when the tickets of a queue were asked for: how many lie there, how many others ask for them."""

    tickets: int
    consumers: int


class BrokerListener(Protocol):
    """Whoever works with tickets. Called in the event loop."""

    def delivered(self, deliveries: Sequence[Delivery]) -> None:
        """These tickets are this process' now."""
        ...

    def interrupted(self, queues: Sequence[str]) -> None:
        """Tickets of these queues that this process had are void, and no more will come before they are asked for."""
        ...

    def connected(self) -> None:
        """The broker can be used again."""
        ...


class Broker(Protocol):
    """Guarantees:

    B1  A ticket whose `publish` was answered is on the broker's disk, or its queue was not there.
    B2  Tickets of a queue are given in the order in which they came; one that is given back is before later ones.
    B3  A ticket is with one process until it is acknowledged or given back, or that process' connection is gone.
    B4  Removing a queue touches no other.
    B5  While the broker takes nothing, `blocked` is true; whatever happens to it, it is used again once it is there.
    """

    @property
    def blocked(self) -> str:
        """Why the broker takes nothing now; empty when it does."""
        ...

    async def start(self, listener: BrokerListener) -> None:
        """Begin to connect; returns when connected, or when the first try has failed."""
        ...

    async def publish(self, tickets: Sequence[Ticket]) -> None:
        """Put tickets into their queues. Raises BrokerUnavailable; some may be there all the same then."""
        ...

    async def consume(self, queue: str, group: int, prefetch: int, *, single: bool) -> Found:
        """Ask for up to `prefetch` tickets of a queue, which is made if need be; asking again may raise that. What was
        found is of before. `single`: of all who ask one is given tickets, as long as it lives. Trouble with a
        queue reaches no queues but those of its `group`. Raises BrokerUnavailable."""
        ...

    async def cancel(self, queue: str) -> None:
        """Ask for no more tickets; those that were given stay. Raises BrokerUnavailable."""
        ...

    def acknowledge(self, delivery: Delivery) -> None:
        """A ticket is used up."""
        ...

    def give_back(self, delivery: Delivery) -> None:
        """Let another have a ticket."""
        ...

    async def remove(self, queues: Sequence[str]) -> None:
        """Remove queues with all that is in them, if they are there. Raises BrokerUnavailable."""
        ...

    async def close(self) -> None:
        """End in order. Tickets that were given are free again."""
        ...
