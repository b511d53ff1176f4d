"""Control services of one version in several processes, seen as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from segue.model.services import LaneState, ServiceState, ServiceStatus


def together(states: Iterable[ServiceState]) -> list[ServiceState]:
    """One state for each version, by process and version: what its copies do, added up."""
    copies: dict[int, list[ServiceState]] = {}
    for state in states:
        copies.setdefault(state.version_id, []).append(state)
    found = [_one(some) for some in copies.values()]
    return sorted(found, key=lambda state: (state.process, state.version))


def _one(copies: Sequence[ServiceState]) -> ServiceState:
    if len(copies) == 1:
        return copies[0]
    running = [copy for copy in copies if copy.status is ServiceStatus.RUNNING]
    first = min(running or copies, key=lambda copy: copy.since)
    errors = [copy.last_error for copy in copies if copy.last_error is not None]
    cpu = [copy.cpu for copy in copies if copy.cpu is not None]
    return replace(
        first,
        restarts=sum(copy.restarts for copy in copies),
        last_error=errors[-1] if errors else None,
        lanes=_lanes(copies),
        pid=None,
        handled=sum(copy.handled for copy in copies),
        rate=sum(copy.rate for copy in copies),
        cpu=sum(cpu) if cpu else None,
        memory=None,
    )


def _lanes(copies: Sequence[ServiceState]) -> tuple[LaneState, ...]:
    """The lanes by node, in the order of the first copy that has any."""
    lanes: dict[str, LaneState] = {}
    for lane in (lane for copy in copies for lane in copy.lanes):
        known = lanes.get(lane.node)
        lanes[lane.node] = lane if known is None else _both(known, lane)
    return tuple(lanes.values())


def _both(one: LaneState, other: LaneState) -> LaneState:
    """Two lanes of a node. A prefetch of 1 is one message over all copies; a copy that waits says why, while another
    may not have called yet."""
    tries = [lane.held_until for lane in (one, other) if lane.held_until is not None]
    return replace(
        one,
        in_flight=one.in_flight + other.in_flight,
        prefetch=1 if one.prefetch == other.prefetch == 1 else one.prefetch + other.prefetch,
        held=one.held if one.held is not None else other.held,
        held_until=min(tries, default=None),
        outages=max(one.outages, other.outages),
    )
