"""What the HTTP face is made of; the composition root fills it in."""

from __future__ import annotations

from dataclasses import dataclass, field

from segue.api.gate import Gate
from segue.api.start import Intake, StartLimits
from segue.control.everything import Control
from segue.ports.outside import Clock
from segue.ports.views import Views
from segue.runtime.engine import Engine
from segue.runtime.remote_calls import RemoteCalls


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
    heartbeat_s: float = 15.0
    compat: str = "orchesty"
    remote_calls: RemoteCalls = field(default_factory=RemoteCalls)
