"""What the broker's client costs: tickets published with confirms into a quorum queue, taken and acknowledged.

`python -m bench.amqp` prints a line for each size of batch: tickets a second, processor time of this process and of
RabbitMQ for each. Nothing else is measured: no store, no engine.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

from segue.adapters.rabbitmq.address import read_address
from segue.adapters.rabbitmq.broker import RabbitBroker
from segue.ports.broker import Delivery, Ticket
from segue.testing.rabbitmq import Rabbit, running

BATCHES = (1, 10, 100, 500)
_PREFETCH = 200
_LEAST, _MOST = 400, 20_000


class _Counter:
    """Acknowledges what comes. Implements `BrokerListener`."""

    def __init__(self, broker: RabbitBroker) -> None:
        self._broker = broker
        self._left = 0
        self.done = asyncio.Event()

    def expect(self, count: int) -> None:
        """So many are to come."""
        self._left = count
        self.done.clear()

    def delivered(self, deliveries: Sequence[Delivery]) -> None:
        """See `BrokerListener`."""
        for delivery in deliveries:
            self._broker.acknowledge(delivery)
        self._left -= len(deliveries)
        if self._left <= 0:
            self.done.set()

    def interrupted(self, queues: Sequence[str]) -> None:
        """See `BrokerListener`."""

    def connected(self) -> None:
        """See `BrokerListener`."""


async def measure(rabbit: Rabbit, batch: int, count: int, rounds: int = 3) -> dict[str, object]:
    """The best of some rounds: `count` tickets through one queue, published `batch` at a time while some are taken."""
    broker = RabbitBroker(read_address(rabbit.url()))
    counter = _Counter(broker)
    await broker.start(counter)
    queue = f"bench{batch}"
    await broker.consume(queue, 1, _PREFETCH, single=False)
    tickets = [Ticket(queue, n, f"{n:032x}") for n in range(count)]
    best: dict[str, float] = {}
    for _ in range(rounds):
        counter.expect(count)
        wall, own, theirs = time.perf_counter(), time.process_time(), rabbit.cpu_s()
        for begin in range(0, count, batch):
            await broker.publish(tickets[begin : begin + batch])
        await counter.done.wait()
        wall = time.perf_counter() - wall
        found = {
            "rate_per_s": round(count / wall),
            "client_us": round((time.process_time() - own) / count * 1e6, 1),
            "broker_us": round((rabbit.cpu_s() - theirs) / count * 1e6, 1),
        }
        if not best or found["rate_per_s"] > best["rate_per_s"]:
            best = found
    await broker.remove([queue])
    await broker.close()
    return {"scenario": f"amqp batches of {batch}", "n": count} | best


def main() -> None:
    """Print the figures."""
    with running() as rabbit:
        for batch in BATCHES:
            count = min(_MOST, _LEAST * batch)
            print(json.dumps(asyncio.run(measure(rabbit, batch, count))), flush=True)


if __name__ == "__main__":
    main()
