"""What may be set of the store on PostgreSQL."""

from __future__ import annotations

import os
import secrets
import socket

from msgspec import Struct
from msgspec.structs import replace


class PostgresSettings(Struct, frozen=True, kw_only=True):
    """Bounds of the store; counts in messages or operations, durations in seconds.

    `max_live`: live messages of a version at which starts are refused. `max_waiting`: operations waiting for the
    writer at which starts are refused. `history_bytes`: largest body that stays with the step of a message that has
    left; below 0 none does. `batch`: transitions in one transaction at most. `front_messages`: how many of one
    queue, `fronts_messages`: how many of all queues together, a process keeps in memory; `claim`: how many it takes
    for itself at once; beside others no more than it handles in `ahead_s`. `readers`, `takers`, `writers`:
    connections for what people look at, for taking, and for writing; the heart has one.

    `beat_s`: how often a process says that it lives. It is dead when it was silent for `silent_s`, or for `gone_s`
    with its connection lost. A process that was silent for `fence_s` hands nothing out before it was heard again.
    `idle_s`: what nobody asked for so long is given back to all. `takes_s`: how long a process that takes for a
    version is believed to go on; `look_s`: how often those that stand by look what has been left lying since the
    last look, and `helps_s` how long they then help; on a full host they look every `poll_s`. That is also how often
    everybody looks what is ready, whatever hints come. `unsure_s`: how long callers wait for the truth about a
    commit whose answer was lost. `own_clock`: what time it is for limits and leases says the database.
    `statement_s`: how long one statement may take; None for as long as it takes. `name`: what the database calls the
    connections of this process.
    """

    max_live: int = 5_000_000
    max_waiting: int = 20_000
    history_bytes: int = 16 << 10
    batch: int = 500
    front_messages: int = 1_000
    fronts_messages: int = 20_000
    claim: int = 250
    ahead_s: float = 0.05
    readers: int = 4
    takers: int = 2
    writers: int = 2
    connect_s: float = 5.0
    statement_s: float | None = 60.0
    beat_s: float = 0.4
    fence_s: float = 1.2
    gone_s: float = 1.5
    silent_s: float = 5.0
    idle_s: float = 2.0
    takes_s: float = 6.0
    look_s: float = 0.1
    helps_s: float = 1.0
    poll_s: float = 1.0
    unsure_s: float = 10.0
    recount_s: float = 15.0
    own_clock: bool = True
    name: str = "segue"


def about() -> str:
    """What this process says of itself."""
    return f"{socket.gethostname()}:{os.getpid()}"


def named(settings: PostgresSettings) -> PostgresSettings:
    """With a name that no other process has, so that the connections of one whose host has vanished can be found."""
    return replace(settings, name=f"segue {secrets.token_hex(4)} {about()}"[:63])
