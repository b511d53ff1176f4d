"""What workers say about the calls they make to other systems, summed up since this process began."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

_BOUND = 2_000


class RemoteTotal(Struct, kw_only=True):
    """Calls to other systems from one node for one application: how many, how many failed, and their time (ms)."""

    application: str
    node: str
    calls: int = 0
    failures: int = 0
    ms: float = 0.0


class RemoteCalls:
    """Sums by application and node; the pairs seen longest ago are forgotten beyond a bound."""

    def __init__(self) -> None:
        self._totals: OrderedDict[tuple[str, str], RemoteTotal] = OrderedDict()

    def note(self, application: str, node: str, ms: float, status: int | None) -> None:
        """Count one call; `status` is what the other system answered, None when that is not known."""
        key = (application, node)
        total = self._totals.get(key)
        if total is None:
            total = self._totals[key] = RemoteTotal(application=application, node=node)
            if len(self._totals) > _BOUND:
                self._totals.popitem(last=False)
        self._totals.move_to_end(key)
        total.calls += 1
        total.failures += status is not None and status >= 400
        total.ms += max(ms, 0.0)

    def totals(self) -> list[RemoteTotal]:
        """All sums, by application and node."""
        return [self._totals[key] for key in sorted(self._totals)]
