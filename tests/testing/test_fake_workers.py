"""Workers in this process: plans, rules, slow functions, and what is remembered of calls."""

from __future__ import annotations

import asyncio

import pytest

from segue.model.workers import Fault, WorkerCall, WorkerReply
from segue.testing.worker import FakeWorkers, Trouble, echo, envelope, opened

CRM, PATH = "http://crm:8080", "/connector/create/action"
UNREACHED = [Fault.REFUSED, Fault.UNRESOLVED, Fault.TLS, Fault.UNSENDABLE, Fault.UNKNOWN_WORKER]


def call(url: str = CRM + PATH, *, body: str = "hi", timeout_ms: int = 60_000) -> WorkerCall:
    payload = b'{"headers":{"process-id":"p"},"body":"%b"}' % body.encode()
    return WorkerCall(url=url, headers={}, payload=payload, timeout_ms=timeout_ms)


@pytest.fixture
def workers() -> FakeWorkers:
    fake = FakeWorkers()
    fake.serve(CRM, PATH, echo)
    return fake


async def test_the_function_of_the_action_answers(workers: FakeWorkers) -> None:
    workers.serve(CRM + "/", "/batch/split/action", lambda made: envelope("[]", code="1003", headers={"a": "b"}))
    assert (await workers.call(call())).body == envelope("hi", headers={"process-id": "p"}).body
    split = await workers.call(call(CRM + "/batch/split/action"))
    assert split.body == envelope("[]", code="1003", headers={"a": "b"}).body
    assert [opened(made)[1] for made in workers.calls] == ["hi", "hi"]


async def test_an_action_that_nobody_serves_is_not_found(workers: FakeWorkers) -> None:
    reply = await workers.call(call(CRM + "/connector/other/action"))
    assert (reply.fault, reply.status) == (None, 404)


def test_an_envelope_may_lack_its_result_code() -> None:
    assert b"result-code" not in envelope(code=None).body
    assert envelope(status=500).status == 500


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.TIMEOUT])
async def test_every_fault_can_be_planned_some_times(workers: FakeWorkers, fault: Fault) -> None:
    workers.fail(CRM, fault, times=2)
    faults = [(await workers.call(call())).fault for _ in range(3)]
    assert faults == [fault, fault, None]
    assert len(workers.calls) == (1 if fault in UNREACHED else 3)


async def test_plans_follow_each_other_and_can_be_dropped(workers: FakeWorkers) -> None:
    workers.fail(CRM, Fault.REFUSED, times=1)
    workers.fail(CRM, Fault.GARBAGE)
    faults = [(await workers.call(call())).fault for _ in range(3)]
    assert faults == [Fault.REFUSED, Fault.GARBAGE, Fault.GARBAGE]
    workers.heal(CRM)
    assert (await workers.call(call())).fault is None


async def test_trouble_of_one_action_leaves_the_others(workers: FakeWorkers) -> None:
    workers.serve(CRM, "/batch/split/action", echo)
    workers.fail(CRM + PATH, Fault.REFUSED)
    assert (await workers.call(call())).fault is Fault.REFUSED
    assert (await workers.call(call(CRM + "/batch/split/action"))).fault is None


@pytest.mark.parametrize("handled", [True, False])
async def test_the_worker_may_have_done_its_work_when_the_answer_is_lost(handled: bool) -> None:
    done: list[str] = []

    def handler(made: WorkerCall) -> WorkerReply:
        done.append(opened(made)[1])
        return envelope()

    workers = FakeWorkers(rule=lambda made: Trouble(fault=Fault.CLOSED, handled=handled))
    workers.serve(CRM, PATH, handler)
    assert (await workers.call(call())).fault is Fault.CLOSED
    assert done == (["hi"] if handled else [])
    assert len(workers.calls) == 1


@pytest.mark.parametrize("fault", UNREACHED)
def test_nothing_is_handled_that_never_arrived(fault: Fault) -> None:
    with pytest.raises(ValueError, match=fault.value):
        Trouble(fault=fault, handled=True)


async def test_a_rule_is_asked_for_each_call_that_no_plan_covers() -> None:
    asked: list[str] = []

    def rule(made: WorkerCall) -> Trouble | None:
        asked.append(opened(made)[1])
        return Trouble(fault=Fault.GARBAGE) if len(asked) == 2 else None

    workers = FakeWorkers(rule=rule)
    workers.serve(CRM, PATH, echo)
    workers.fail(CRM, Fault.REFUSED, times=1)
    faults = [(await workers.call(call(body=body))).fault for body in "abcd"]
    assert faults == [Fault.REFUSED, None, Fault.GARBAGE, None]
    assert asked == ["b", "c", "d"]


async def test_waiting_is_told_to_the_given_clock_and_to_nothing_else() -> None:
    waited: list[int] = []

    async def wait(ms: int) -> None:
        waited.append(ms)

    workers = FakeWorkers(wait=wait, rule=lambda made: Trouble(fault=Fault.TIMEOUT))
    workers.serve(CRM, PATH, echo)
    reply = await workers.call(call(timeout_ms=7_000))
    assert (reply.fault, reply.elapsed_us) == (Fault.TIMEOUT, 7_000_000)
    assert set(waited) == {7_000}
    waited.clear()
    workers.rule = lambda made: Trouble(fault=Fault.CLOSED, after_ms=300)
    assert (await workers.call(call())).elapsed_us == 300_000
    assert 300 in waited
    waited.clear()
    workers.rule = None
    assert (await workers.call(call())).fault is None
    assert waited == []


async def test_a_slow_function_meets_the_time_of_the_call(workers: FakeWorkers) -> None:
    gate = asyncio.Event()

    async def slow(made: WorkerCall) -> WorkerReply:
        await gate.wait()
        return envelope("late")

    workers.serve(CRM, PATH, slow)
    assert (await workers.call(call(timeout_ms=10))).fault is Fault.TIMEOUT
    waiting = asyncio.create_task(workers.call(call()))
    await workers.reached(2)
    gate.set()
    assert (await waiting).body == envelope("late").body


async def test_the_error_of_a_function_is_the_error_of_its_test(workers: FakeWorkers) -> None:
    def broken(made: WorkerCall) -> WorkerReply:
        raise LookupError("mine")

    workers.serve(CRM, PATH, broken)
    with pytest.raises(LookupError, match="mine"):
        await workers.call(call())


async def test_a_cancelled_call_is_remembered(workers: FakeWorkers) -> None:
    workers.fail(CRM, Fault.TIMEOUT)
    waiting = asyncio.create_task(workers.call(call()))
    await workers.reached(1)
    waiting.cancel()
    await workers.gave_up(1)
    assert workers.abandoned == [call()]
