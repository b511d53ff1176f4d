"""What a campaign is asked to do."""

from __future__ import annotations

import sys
import time
from random import Random

from msgspec import Struct

EMBEDDED, POSTGRES, SEVERAL, RABBITMQ, HOSTS, RABBITMQ_HOSTS = STORES = (
    "embedded",
    "postgres",
    "several",
    "rabbitmq",
    "hosts",
    "rabbitmq-hosts",
)
"""What a campaign may stand on: the data folder's own store; a PostgreSQL of the campaign's own; that, and on it a
process with the API, two that run every control service, and a timer service; these with RabbitMQ beside it; that
PostgreSQL, with the API on a host of its own and two hosts that run every control service and the timers, each host a
network namespace; and these with RabbitMQ beside it."""


class Plan(Struct, frozen=True, kw_only=True):
    """How many faults, the seed of everything random in it, and whether it says on stderr how far it is.

    `cases`: the names of those to be played, for a campaign that has such; empty: all. `store`: what it stands on,
    one of STORES.
    """

    faults: int
    seed: int
    cases: tuple[str, ...] = ()
    chatty: bool = True
    store: str = EMBEDDED

    def random(self) -> Random:
        """Dice that fall the same for the same seed. What they meet is not the same: that is up to the machine."""
        return Random(self.seed)

    def tell(self, campaign: str, text: str) -> None:
        """Say how far it is."""
        if self.chatty:
            print(f"{time.strftime('%H:%M:%S')} {campaign}: {text}", file=sys.stderr, flush=True)
