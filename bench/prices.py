"""What each step costs, in seconds and bytes, from what `bench.costs` has measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

KEPT = Path(__file__).with_name("costs.json")
_BEATS, _LOOKS, _LEADS, _SAYS = 2.5, 1.0, 3.0, 0.5  # a second, of each process


class Prices(Struct, frozen=True, kw_only=True):
    """Seconds of a processor, of Segue's unless it says `store`; bytes. `group`, `change`: of a transaction, and of
    each change in it. `http`: a start taken in and answered; `call`: a worker called. `read`: the others' events looked
    at; `claim`: looking for what is free, `claimed` each message found. `seat`: what a process does each second in any
    case. `holder_s`: what each process adds to the beginning of a transaction."""

    actions: int
    group_s: float
    change_s: float
    store_group_s: float
    store_change_s: float
    http_s: float
    call_s: float
    worker_s: float
    load_s: float
    read_s: float
    read_each_s: float
    store_read_s: float
    store_read_each_s: float
    scan_s: float
    store_scan_s: float
    claim_s: float
    store_claim_s: float
    hear_s: float
    forget_s: float
    page_s: float
    seat_s: float
    holder_s: float
    log_bytes: float
    forget_log_bytes: float
    change_bytes: float
    hints: tuple[tuple[float, float], ...]
    seats: tuple[tuple[float, float], ...]

    def hint(self, processes: int) -> float:
        """The database's work for a hint that so many hear."""
        return _between(self.hints, processes)

    def store_seat(self, processes: int) -> float:
        """The database's work for one process each second, where there are so many."""
        return _between(self.seats, processes)


def _between(points: Sequence[tuple[float, float]], x: float) -> float:
    """The value at x on the line through these points, and on beyond the last two in their direction."""
    after = next((n for n, (at, _) in enumerate(points) if at >= x and n), len(points) - 1)
    (x0, y0), (x1, y1) = points[after - 1], points[after]
    return max(0.0, y0 + (y1 - y0) * (x - x0) / (x1 - x0))


def prices(measured: Mapping[str, Any]) -> Prices:
    """Prices from a measurement.

    What the store alone costs in a process is taken away from what the engine costs; the rest is divided between the
    API and the calls as the two spent it when they were processes of their own. What PostgreSQL spends in the engine
    beyond the store alone (its log, its upkeep) is laid on each change.
    """
    whole, apart = measured["engine"]["whole"], measured["engine"]["apart"]
    actions = int(measured["actions"])
    changes, commits = actions + 1, whole["rows"]["commits"]
    client, store = (measured["store"]["commit_us"][who] for who in ("client", "postgres"))
    rest = max(0.0, whole["cpu_us"]["segue"] - changes * client["each"] - commits * client["once"])
    api, control = apart["cpu_us"]["api"], apart["cpu_us"]["control"]
    share = api / (api + control)
    each = max(store["each"], (whole["cpu_us"]["postgres"] - commits * store["once"]) / changes)
    seats, care = measured["seats"], measured["care"]
    reads = {who: _line([(one["events"], one[f"{who}_cpu_us"]) for one in seats["events_us"]]) for who in _WHO}
    hints, beats = measured["fleet"]["hint_us"], measured["fleet"]["beat_us"]
    return Prices(
        actions=actions,
        group_s=client["once"] / 1e6,
        change_s=client["each"] / 1e6,
        store_group_s=store["once"] / 1e6,
        store_change_s=each / 1e6,
        http_s=rest * share / 1e6,
        call_s=rest * (1 - share) / actions / 1e6,
        worker_s=whole["cpu_us"]["worker"] / actions / 1e6,
        load_s=whole["cpu_us"]["load"] / 1e6,
        read_s=reads["client"][0] / 1e6,
        read_each_s=reads["client"][1] / 1e6,
        store_read_s=reads["postgres"][0] / 1e6,
        store_read_each_s=reads["postgres"][1] / 1e6,
        scan_s=seats["scan_us"][-1]["client_cpu_us"] / 1e6,
        store_scan_s=seats["scan_us"][-1]["postgres_cpu_us"] / 1e6,
        claim_s=seats["empty_claim_us"]["client_cpu_us"] / 1e6,
        store_claim_s=seats["empty_claim_us"]["postgres_cpu_us"] / 1e6,
        hear_s=_line([(one["processes"], one["client_cpu_us"]) for one in hints])[1] / 1e6,
        forget_s=care["forget_us"]["postgres_cpu_us"] / 1e6,
        page_s=care["page_us"]["postgres_cpu_us"] / 1e6,
        seat_s=_seat(seats, "client") / 1e6 + _BEATS * beats[-1]["client_cpu_us"] / 1e6,
        holder_s=0.05e-6,
        log_bytes=whole["rows"]["log_bytes"] / changes,
        forget_log_bytes=care["forget_log_bytes"] / changes,
        change_bytes=(whole["store_bytes"]["in"] + whole["store_bytes"]["out"]) / changes,
        hints=tuple((float(one["processes"]), one["postgres_cpu_us"] / 1e6) for one in hints),
        seats=tuple(
            (float(one["processes"]), (_seat(seats, "postgres") + _BEATS * one["postgres_cpu_us"]) / 1e6)
            for one in beats
        ),
    )


_WHO = ("client", "postgres")


def _seat(seats: Mapping[str, Any], who: str) -> float:
    """Microseconds a second of what a process does in any case, but for its beats."""
    cost = {name: seats[f"{name}_us"][f"{who}_cpu_us"] for name in ("look", "lead", "say", "members")}
    return _LOOKS * float(cost["look"]) + _LEADS * float(cost["lead"]) + _SAYS * float(cost["say"] + cost["members"])


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """From the first point to the last: what it costs once, and for each."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    each = max(0.0, (y1 - y0) / (x1 - x0))
    return max(0.0, y0 - each * x0), each


def kept() -> dict[str, Any]:
    """The measurement in the repository."""
    found: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return found
