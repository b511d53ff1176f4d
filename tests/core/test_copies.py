"""Control services of one version in several processes, seen as one."""

from __future__ import annotations

from msgspec.structs import replace

from segue.core.copies import together
from segue.model.services import LaneState, ServiceState, ServiceStatus

LANE = LaneState(node="a", name="A", in_flight=2, prefetch=10, held=None, held_until=None)
ONE = ServiceState(
    version_id=1, process="p", version=1, status=ServiceStatus.RUNNING, since=5, restarts=1, last_error=None,
    lanes=(LANE, replace(LANE, node="b", prefetch=1)), handled=10, rate=1.5, cpu=0.5, memory=7, pid=3,
)  # fmt: skip


def test_one_alone_is_as_it_is() -> None:
    other = replace(ONE, version_id=2, version=2)
    assert together([other, ONE]) == [ONE, other]


def test_what_copies_do_is_added_up_but_for_a_prefetch_of_one() -> None:
    held = replace(LANE, in_flight=1, prefetch=5, held="refused the connection", held_until=9, outages=2)
    lanes = (held, replace(LANE, node="b", prefetch=1))
    two = replace(ONE, since=3, restarts=2, last_error="it fell over", lanes=lanes)
    [seen] = together([ONE, two])
    assert (seen.since, seen.restarts, seen.last_error) == (3, 3, "it fell over")
    assert (seen.handled, seen.rate, seen.cpu) == (20, 3, 1)
    assert (seen.pid, seen.memory) == (None, None)
    first, second = seen.lanes
    assert (first.in_flight, first.prefetch, first.held, first.held_until, first.outages) == (
        3, 15, "refused the connection", 9, 2,
    )  # fmt: skip
    assert (second.node, second.in_flight, second.prefetch) == ("b", 4, 1)


def test_one_that_runs_is_more_than_one_that_does_not() -> None:
    stopped = replace(ONE, status=ServiceStatus.STOPPED, since=1, cpu=None)
    [seen] = together([stopped, replace(ONE, cpu=None)])
    assert (seen.status, seen.since, seen.cpu) == (ServiceStatus.RUNNING, 5, None)
