"""Connections: kept, dropped, limited, waited for, given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from segue.adapters.worker_http import HttpSettings, HttpWorkers
from segue.adapters.worker_http.connection import Connection
from segue.model.errors import Invalid
from segue.model.workers import Fault, WorkerReply
from segue.testing.contracts.worker_transport import PAYLOAD, call_to
from segue.testing.nasty import NastyServer, Visit

Make = Callable[..., HttpWorkers]


def begin(workers: HttpWorkers, url: str, timeout_ms: int = 60_000) -> asyncio.Task[WorkerReply]:
    return asyncio.create_task(workers.call(call_to(url, timeout_ms=timeout_ms)))


async def cancelled(*tasks: asyncio.Task[WorkerReply]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


class Gate:
    """A behaviour that answers when it is told to."""

    def __init__(self, server: NastyServer) -> None:
        self.open = asyncio.Event()
        server.behaviours["gate"] = self._answer

    async def _answer(self, visit: Visit) -> bool:
        body = await visit.read_body()
        await visit.server.note(visit.asked)
        await self.open.wait()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        return True


async def test_one_connection_serves_calls_one_after_another(workers: HttpWorkers, server: NastyServer) -> None:
    for _ in range(50):
        assert (await begin(workers, server.url())).body == PAYLOAD
    assert server.connections == 1
    assert {asked.connection for asked in server.asked} == {1}


async def test_different_actions_of_one_worker_share_connections(workers: HttpWorkers, server: NastyServer) -> None:
    await begin(workers, server.url("echo/one"))
    await begin(workers, server.url("echo/two?x=1"))
    assert [asked.path for asked in server.asked] == ["/echo/one", "/echo/two?x=1"]
    assert server.connections == 1


async def test_calls_at_once_have_a_connection_each_up_to_the_limit(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(connections=3)
    gate = Gate(server)
    calls = [begin(workers, server.url("gate")) for _ in range(7)]
    await server.saw(3)
    assert server.connections == 3
    gate.open.set()
    replies = await asyncio.gather(*calls)
    assert {reply.body for reply in replies} == {PAYLOAD}
    assert server.connections == 3
    assert len(server.asked) == 7


async def test_who_waits_is_served_in_order(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(connections=1)
    paths = [f"echo/{number}" for number in range(20)]
    await asyncio.gather(*(begin(workers, server.url(path)) for path in paths))
    assert [asked.path for asked in server.asked] == [f"/{path}" for path in paths]


async def test_waiting_in_line_counts_to_the_time_of_the_call(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(connections=1)
    first = begin(workers, server.url("silent"))
    await server.saw(1)
    late = await begin(workers, server.url(), timeout_ms=30)
    assert late.fault is Fault.TIMEOUT
    assert "1 other calls" in late.detail
    await cancelled(first)
    assert (await begin(workers, server.url())).fault is None


async def test_a_place_is_not_lost_when_one_in_line_gives_up(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(connections=1)
    gate = Gate(server)
    first = begin(workers, server.url("gate"))
    await server.saw(1)
    waiting = [begin(workers, server.url()) for _ in range(3)]
    await asyncio.sleep(0)
    await cancelled(waiting[0], waiting[1])
    gate.open.set()
    assert (await first).fault is None
    assert (await waiting[2]).fault is None
    assert (await begin(workers, server.url())).fault is None
    assert server.connections == 1


async def test_a_place_is_not_lost_when_it_comes_with_the_cancellation(
    make_workers: Make, server: NastyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = make_workers(connections=1)
    gate = Gate(server)
    first = begin(workers, server.url("gate"))
    await server.saw(1)
    second = begin(workers, server.url())
    await asyncio.sleep(0)
    pool = next(iter(workers._pools.values()))
    give_back = pool.give_back

    def cancelling(connection: Connection | None) -> None:
        give_back(connection)
        second.cancel()  # in the same turn: the place is given, and its taker has not gone on yet

    monkeypatch.setattr(pool, "give_back", cancelling)
    gate.open.set()
    await asyncio.wait([first, second])
    monkeypatch.undo()
    assert second.cancelled()
    assert (await begin(workers, server.url(), timeout_ms=5_000)).fault is None
    assert server.connections == 1


async def test_a_call_cancelled_while_it_connects_leaves_nothing(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(connections=1)
    for turns in range(12):
        call = begin(workers, server.url("silent"))
        for _ in range(turns):
            await asyncio.sleep(0)
        await cancelled(call)
    assert (await begin(workers, server.url(), timeout_ms=5_000)).fault is None
    await workers.close()
    await server.until(lambda: len(server.ended) == server.connections)
    assert not [pool for pool in workers._pools.values() if pool._open or pool._places]


async def test_after_no_time_at_all_nothing_is_left_open(workers: HttpWorkers, server: NastyServer) -> None:
    for _ in range(3):
        assert (await begin(workers, server.url("silent"), timeout_ms=0)).fault is Fault.TIMEOUT
    assert not [pool for pool in workers._pools.values() if pool._open or pool._places]


async def test_idle_connections_are_dropped(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(idle_ms=20)
    gate = Gate(server)
    calls = [begin(workers, server.url("gate")) for _ in range(3)]
    await server.saw(3)
    gate.open.set()
    await asyncio.gather(*calls)
    await server.until(lambda: len(server.ended) == 3)
    assert (await begin(workers, server.url())).fault is None
    assert server.connections == 4


async def test_each_idle_connection_has_its_own_time(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(idle_ms=60)
    gate = Gate(server)
    later = begin(workers, server.url("gate"))
    await server.saw(1)
    await begin(workers, server.url())
    # Lets some of the idle time of the second connection pass before the first begins to idle.
    assert (await begin(workers, server.url("silent", "localhost"), timeout_ms=20)).fault is Fault.TIMEOUT
    gate.open.set()
    assert (await later).fault is None
    await server.until(lambda: len(server.ended) == server.connections)


async def test_a_call_that_connects_while_the_transport_is_closed_ends_with_it(
    workers: HttpWorkers, server: NastyServer
) -> None:
    call = begin(workers, server.url())
    await asyncio.sleep(0)
    await workers.close()
    reply = await call
    assert (reply.fault, server.asked) == (Fault.CLOSED, [])
    await server.until(lambda: len(server.ended) == server.connections)


async def test_no_connection_is_used_past_its_idle_time(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(idle_ms=0)
    # One after the other in the same turn, so that the sweep of idle connections does not come between.
    await workers.call(call_to(server.url()))
    await workers.call(call_to(server.url()))
    assert server.connections == 2


async def test_no_connection_is_used_past_its_life(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(life_ms=0)
    await begin(workers, server.url())
    await begin(workers, server.url())
    assert server.connections == 2
    await server.until(lambda: server.ended == {1, 2})


async def test_a_worker_that_closes_what_idles_is_no_trouble(workers: HttpWorkers, server: NastyServer) -> None:
    """As Node.js does after 5 s: between two calls, and in the very moment of the next one."""
    assert (await begin(workers, server.url())).fault is None
    server.close_idle()
    await server.until_gone(1)
    assert (await begin(workers, server.url())).fault is None
    server.close_idle()  # the close is under way while the next call is sent
    assert (await begin(workers, server.url())).fault is None
    assert server.connections == 3


async def test_all_kept_connections_may_be_stale_at_once(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(connections=8)
    for _ in range(3):
        replies = await asyncio.gather(*(begin(workers, server.url("stale")) for _ in range(8)))
        assert {(reply.fault, reply.body) for reply in replies} == {(None, PAYLOAD)}


async def test_a_reset_of_a_kept_connection_is_no_fault_either(workers: HttpWorkers, server: NastyServer) -> None:
    async def resets(visit: Visit) -> bool:
        if visit.turn > 1:
            visit.reset()
            return False
        return await server.behaviours["echo"](visit)

    server.behaviours["resets"] = resets
    for _ in range(3):
        assert (await begin(workers, server.url("resets"))).fault is None
    assert server.connections == 3


async def test_other_calls_go_on_while_one_is_stuck(workers: HttpWorkers, server: NastyServer) -> None:
    stuck = begin(workers, server.url("silent"))
    await server.saw(1)
    for _ in range(10):
        assert (await begin(workers, server.url())).fault is None
    assert not stuck.done()
    await cancelled(stuck)


async def test_a_late_answer_is_never_the_answer_of_another_call(make_workers: Make, server: NastyServer) -> None:
    workers = make_workers(connections=1)
    gate = Gate(server)
    late = await begin(workers, server.url("gate/late"), timeout_ms=30)
    assert late.fault is Fault.TIMEOUT
    gate.open.set()
    for number in range(20):
        call = call_to(server.url())
        payload = b"call %d" % number
        reply = await workers.call(type(call)(url=call.url, headers={}, payload=payload, timeout_ms=60_000))
        assert reply.body == payload


async def test_a_shorter_time_after_a_longer_one_holds(workers: HttpWorkers, server: NastyServer) -> None:
    """The alarm of a connection is set for the longer time when the shorter one comes."""
    await begin(workers, server.url(), timeout_ms=3_600_000)
    assert (await begin(workers, server.url("silent"), timeout_ms=30)).fault is Fault.TIMEOUT
    assert server.connections == 1


async def test_a_longer_time_after_a_shorter_one_holds(make_workers: Make, server: NastyServer) -> None:
    """The alarm of a connection rings for a call that is over: the next one must not hear it."""
    workers = make_workers(connections=2)
    gate = Gate(server)
    await begin(workers, server.url(), timeout_ms=40)
    call = begin(workers, server.url("gate"))
    # When this one's time is over, that of the first is too.
    assert (await begin(workers, server.url("silent"), timeout_ms=80)).fault is Fault.TIMEOUT
    assert not call.done()
    gate.open.set()
    assert (await call).fault is None
    assert [asked.connection for asked in server.asked] == [1, 1, 2]


async def test_the_alarm_that_rang_for_a_call_that_is_over_is_set_again(
    workers: HttpWorkers, server: NastyServer
) -> None:
    await begin(workers, server.url(), timeout_ms=30)
    assert (await begin(workers, server.url("silent"), timeout_ms=90)).fault is Fault.TIMEOUT
    assert server.connections == 1


class ClosingTransport(asyncio.Transport):
    """Between the end that came from the other side and the loop's word of it; uvloop refuses writes then."""

    def is_closing(self) -> bool:
        return True

    def write(self, data: object) -> None:
        raise RuntimeError("unable to perform operation on a closed transport")

    def abort(self) -> None:
        """Nothing is left to do."""


async def test_a_connection_that_is_about_to_end_is_neither_used_nor_written_to() -> None:
    connection = Connection(asyncio.get_running_loop(), HttpSettings(), set())
    connection.connection_made(ClosingTransport())
    assert not connection.usable
    reply = await connection.exchange(b"head", b"payload", asyncio.get_running_loop().time() + 60)
    assert (reply.fault, connection.answered) == (Fault.CLOSED, False)


async def test_ipv6(workers: HttpWorkers) -> None:
    async with NastyServer(host="::1") as server:
        assert (await begin(workers, server.url())).body == PAYLOAD
        assert f"Host: [::1]:{server.port}\r\n".encode() in server.asked[0].head


async def test_a_name_is_resolved(workers: HttpWorkers, server: NastyServer) -> None:
    assert (await begin(workers, server.url(host="localhost"))).body == PAYLOAD


async def test_connections_of_one_host_are_not_used_for_another(workers: HttpWorkers, server: NastyServer) -> None:
    await begin(workers, server.url())
    await begin(workers, server.url(host="localhost"))
    assert server.connections == 2


async def test_the_request_as_the_worker_sees_it(workers: HttpWorkers, server: NastyServer) -> None:
    call = call_to(
        server.url("echo/a b".replace(" ", "%20")), headers={"Content-Type": "application/json", "X-Key": "s"}
    )
    await workers.call(call)
    lines = server.asked[0].head.decode().split("\r\n")
    assert lines[0] == "POST /echo/a%20b HTTP/1.1"
    assert lines[1] == f"Host: 127.0.0.1:{server.port}"
    fields = {line.partition(":")[0]: line.partition(": ")[2] for line in lines[2:-2]}
    assert fields.pop("User-Agent").startswith("segue/")
    assert fields == {
        "Accept-Encoding": "identity",
        "Content-Length": str(len(PAYLOAD)),
        "Content-Type": "application/json",
        "X-Key": "s",
    }
    assert server.asked[0].body == PAYLOAD


@pytest.mark.parametrize("name", ["connections", "answer_limit", "head_limit"])
async def test_a_setting_that_cannot_work_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match=name):
        HttpSettings(**{name: 0})  # type: ignore[arg-type]
