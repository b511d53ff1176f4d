"""What the HTTP face is made of; the composition root fills it in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from segue.api.gate import Gate
from segue.api.start import Intake, StartLimits
from segue.control.everything import Control
from segue.ports.outside import Clock
from segue.ports.views import Views
from segue.runtime.engine import Engine
from segue.runtime.remote_calls import RemoteCalls


class SettingFact(Struct, frozen=True, kw_only=True):
    """A setting for people to see: its value as text, masked where it is a secret, and who decided it."""

    name: str
    value: str
    origin: str
    about: str


@dataclass(frozen=True, kw_only=True)
class About:
    """What the server can say of itself. `disk` answers the bytes of the store and the bytes that are free."""

    started: int = 0
    store: str = "memory"
    settings: Sequence[SettingFact] = ()
    disk: Callable[[], tuple[int | None, int | None]] = lambda: (None, None)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything the routes reach. `version` is that of the program, `compat` the platform whose routes are served."""

    control: Control
    engine: Engine
    views: Views
    gate: Gate
    intake: Intake
    clock: Clock
    limits: StartLimits
    version: str
    about: About = field(default_factory=About)
    heartbeat_s: float = 15.0
    compat: str = "orchesty"
    remote_calls: RemoteCalls = field(default_factory=RemoteCalls)
