"""Draws processes by chance: chains, splits, gateways, batches, timers, user tasks, ways back, ends of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from msgspec.structs import replace

from segue.model.graph import (
    Action,
    ActionKind,
    Bodies,
    Flow,
    LimitRule,
    Meeting,
    MissedTicks,
    Node,
    NodeKind,
    ProcessGraph,
    RepeatPolicy,
    Timer,
    TimerKind,
)
from segue.testing.simulation.dice import happens, pick
from segue.testing.simulation.drawing import AGAIN, TESTS, Drawing, Holds, condition

Element = Callable[[list[str], int], list[str]]

_MOST_COPIES = 5
_ELEMENTS = {
    NodeKind.ACTION: "serviceTask",
    NodeKind.USER_TASK: "userTask",
    NodeKind.TIMER: "intermediateCatchEvent",
    NodeKind.EXCLUSIVE: "exclusiveGateway",
    NodeKind.INCLUSIVE: "inclusiveGateway",
    NodeKind.PARALLEL: "parallelGateway",
    NodeKind.PASS: "intermediateThrowEvent",
    NodeKind.START: "startEvent",
    NodeKind.END: "endEvent",
    NodeKind.TERMINATE: "endEvent",
    NodeKind.SUB_PROCESS: "subProcess",
    NodeKind.CALL: "callActivity",
    NodeKind.EVENT_GATEWAY: "eventBasedGateway",
    NodeKind.MESSAGE: "intermediateCatchEvent",
    NodeKind.ERROR: "boundaryEvent",
}
MESSAGE = "paid"
NARROW = LimitRule(key="narrow", calls=2, per_ms=1_000)
_WAITS = ("PT0.05S", "PT2S", "PT40S")
_SCHEDULES = (
    Timer(kind=TimerKind.CYCLE, value="R/PT7S", body='{"n":1,"kind":"a","big":false,"round":0}'),
    Timer(kind=TimerKind.CYCLE, value="R/2030-03-17T17:46:45Z/PT20S", missed=MissedTicks.ALL),
    Timer(kind=TimerKind.CYCLE, value="R4/2030-03-17T17:46:50Z/PT10S", missed=MissedTicks.SKIP),
    Timer(kind=TimerKind.CRON, value="* * * * *", zone="Europe/Prague"),
)


class Drawer:
    """Draws one version after the other; nodes of the same name are in all of them, so that messages may change over.

    `workers` are the names of the workers that offer actions. With `limits`, some nodes get one.
    """

    def __init__(self, chance: Random, workers: Sequence[str], *, limits: bool = False) -> None:
        self._chance = chance
        self._workers = workers
        self._limits = limits
        self._called: Sequence[str] = ()
        self._reset()

    def draw(self, process: str, *, scheduled: bool, called: Sequence[str] = ()) -> Drawing:
        """Return a drawing. With `scheduled` it has a timer start event beside the plain one; it may call the processes
        `called`."""
        self._reset()
        self._called = called
        chance = self._chance
        first = self._node(NodeKind.START, "Start", name=chance.choice(["", "begin"]))
        ends = [first]
        if scheduled:
            ends.append(self._node(NodeKind.START, "Tick", timer=chance.choice(_SCHEDULES)))
        elif happens(chance, 0.2):
            ends.append(self._node(NodeKind.START, "Other", name="other door"))
        ends = self._sequence(ends, chance.randint(1, 4), depth=0)
        self._close(ends)
        graph = ProcessGraph(key=process, name=process, nodes=tuple(self._nodes), flows=tuple(self._flows))
        return Drawing(graph, dict(self._tests))

    def narrow(self, process: str, priority: int = 0) -> Drawing:
        """Return a drawing with one action, which shares the limit `NARROW` with all others that are drawn so."""
        self._reset()
        start = self._node(NodeKind.START, "Start")
        action = Action(kind=ActionKind.CONNECTOR, worker=self._workers[0], name="narrow")
        task = self._node(NodeKind.ACTION, "Task", action=action, limits=(NARROW,), priority=priority)
        self._close(self._join([start], task))
        graph = ProcessGraph(key=process, name=process, nodes=tuple(self._nodes), flows=tuple(self._flows))
        return Drawing(graph, {})

    def _reset(self) -> None:
        self._nodes: list[Node] = []
        self._flows: list[Flow] = []
        self._tests: dict[str, Holds] = {}
        self._numbers: dict[str, int] = {}
        self._copies = 1.0
        self._part: str | None = None
        self._called = ()

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _node(
        self,
        kind: NodeKind,
        prefix: str,
        *,
        name: str = "",
        action: Action | None = None,
        timer: Timer | None = None,
        prefetch: int = 10,
        timeout_ms: int = 60_000,
        repeat: RepeatPolicy | None = None,
        limits: tuple[LimitRule, ...] = (),
        **more: Any,
    ) -> str:
        number = self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        node = Node(
            id=f"{prefix}_{number}",
            kind=kind,
            element=_ELEMENTS[kind],
            name=name,
            action=action,
            timer=timer,
            prefetch=prefetch,
            timeout_ms=timeout_ms,
            repeat=repeat,
            limits=limits,
            parent=self._part,
            **more,
        )
        self._nodes.append(node)
        return node.id

    def _flow(self, source: str, target: str, test: tuple[str, Holds] | None = None) -> str:
        flow_id = f"Flow_{len(self._flows) + 1}"
        chosen = None if test is None else condition(test[0])
        self._flows.append(Flow(id=flow_id, source=source, target=target, condition=chosen))
        if test is not None:
            self._tests[flow_id] = test[1]
        return flow_id

    def _join(self, ends: Sequence[str], target: str) -> list[str]:
        for end in ends:
            self._flow(end, target)
        return [target]

    def _default(self, gateway: str, flow_id: str) -> None:
        index = next(i for i, node in enumerate(self._nodes) if node.id == gateway)
        self._nodes[index] = replace(self._nodes[index], default_flow=flow_id)

    # -- elements -----------------------------------------------------------------------------------------------------

    def _sequence(self, ends: list[str], length: int, depth: int) -> list[str]:
        for _ in range(length):
            ends = self._element(ends, depth)
        return ends

    def _element(self, ends: list[str], depth: int) -> list[str]:
        deep = 0.0 if depth > 1 else 1.0
        wide = deep if self._copies < _MOST_COPIES else 0.0
        elements: tuple[tuple[float, Element], ...] = (
            (5.0, self._task),
            (1.0 if self._copies < _MOST_COPIES else 0.0, self._batch),
            (0.8, self._timer),
            (0.6, self._user_task),
            (0.3, self._passing),
            (1.2 * deep, self._exclusive),
            (0.7 * wide, self._inclusive),
            (0.7 * wide, self._parallel),
            (0.5 * wide, self._fork),
            (0.4 * deep, self._way_back),
            (0.8 * deep, self._sub_process),
            (0.5 * deep, self._race),
            (0.8 if self._called else 0.0, self._call),
        )
        return pick(self._chance, elements)(ends, depth)

    def _task(self, ends: list[str], _depth: int = 0, kind: ActionKind | None = None) -> list[str]:
        chance = self._chance
        number = self._numbers.get("Task", 0) + 1
        kind = kind or pick(chance, ((4.0, ActionKind.CONNECTOR), (1.0, ActionKind.CUSTOM)))
        repeat = None
        if happens(chance, 0.2):
            repeat = RepeatPolicy(interval_ms=chance.choice([50, 800, 4000]), at_most=chance.randint(1, 4))
        task = self._node(
            NodeKind.ACTION,
            "Task",
            name=chance.choice(["", f"do {number}"]),
            action=Action(kind=kind, worker=chance.choice(self._workers), name=f"action {number}"),
            prefetch=pick(chance, ((0.35, 1), (0.25, 2), (0.4, 10))),
            timeout_ms=chance.choice([300, 2_000, 10_000]),
            repeat=repeat,
            limits=self._some_limits(),
        )
        return [*self._join(ends, task), *self._boundary(task, 0.12)]

    def _some_limits(self) -> tuple[LimitRule, ...]:
        chance = self._chance
        if not self._limits or not happens(chance, 0.3):
            return ()
        key = chance.choice(["crm", "shop"])
        calls, per_ms = {"crm": (2, 1_000), "shop": (5, 3_000)}[key]
        return (LimitRule(key=key, calls=calls, per_ms=per_ms),)

    def _batch(self, ends: list[str], depth: int) -> list[str]:
        self._copies *= 1.7
        return self._task(ends, depth, ActionKind.BATCH)

    def _timer(self, ends: list[str], _depth: int) -> list[str]:
        chance = self._chance
        timer = pick(
            chance,
            (
                (3.0, Timer(kind=TimerKind.DURATION, value=chance.choice(["PT0.05S", "PT2S", "PT40S"]))),
                (0.5, Timer(kind=TimerKind.DATE, value="2030-03-17T17:47:30Z")),
                (0.5, Timer(kind=TimerKind.DATE, value="2030-03-17T17:46:00Z")),
            ),
        )
        prefetch = pick(chance, ((0.3, 1), (0.7, 10)))
        return self._join(ends, self._node(NodeKind.TIMER, "Timer", timer=timer, prefetch=prefetch))

    def _user_task(self, ends: list[str], _depth: int) -> list[str]:
        passes = happens(self._chance, 0.35)
        task = self._node(NodeKind.USER_TASK, "Person", name="look at it", passes=passes)
        return [*self._join(ends, task), *self._boundary(task, 0.3)]

    def _boundary(self, activity: str, often: float) -> list[str]:
        """Perhaps draw events on an activity; the open ends behind them."""
        chance = self._chance
        ends = []
        if happens(chance, often):
            ends.append(self._node(NodeKind.ERROR, "Error", attached_to=activity))
        if happens(chance, often):
            timer = Timer(kind=TimerKind.DURATION, value=chance.choice(_WAITS))
            interrupting = self._copies >= _MOST_COPIES or happens(chance, 0.6)
            self._copies *= 1.0 if interrupting else 1.5
            late = self._node(NodeKind.TIMER, "Late", timer=timer, attached_to=activity, interrupting=interrupting)
            ends.append(late)
        if happens(chance, often / 3):
            ends.append(self._listener("Stopped", attached_to=activity))
        return [end for each in ends for end in self._behind(each)]

    def _behind(self, event: str) -> list[str]:
        """What follows a boundary event: nothing much."""
        if happens(self._chance, 0.5):
            return [event]
        self._close([event])
        return []

    def _sub_process(self, ends: list[str], depth: int) -> list[str]:
        chance, outer = self._chance, self._part
        part = self._node(NodeKind.SUB_PROCESS, "Part", meeting=self._meeting())
        self._join(ends, part)
        self._part = part
        start = self._node(NodeKind.START, "Inside")
        inner = self._sequence([start], chance.randint(1, 2), depth + 1)
        if inner:
            kind = NodeKind.TERMINATE if happens(chance, 0.15) else NodeKind.END
            self._join(inner, self._node(kind, "Out"))
        self._part = outer
        return [part, *self._boundary(part, 0.3)]

    def _meeting(self) -> Meeting | None:
        return Meeting(bodies=Bodies.LIST) if happens(self._chance, 0.15) else None

    def _race(self, ends: list[str], _depth: int) -> list[str]:
        gateway = self._node(NodeKind.EVENT_GATEWAY, "Race")
        self._join(ends, gateway)
        timer = Timer(kind=TimerKind.DURATION, value=self._chance.choice(_WAITS))
        late = self._node(NodeKind.TIMER, "Timer", timer=timer)
        paid = self._listener("Paid")
        return [*self._join([gateway], late), *self._join([gateway], paid)]

    def _listener(self, prefix: str, **more: Any) -> str:
        return self._node(NodeKind.MESSAGE, prefix, message_name=MESSAGE, correlation="body.kind", **more)

    def _call(self, ends: list[str], _depth: int) -> list[str]:
        call = self._node(NodeKind.CALL, "Call", calls=self._chance.choice(self._called))
        return [*self._join(ends, call), *self._boundary(call, 0.25)]

    def _passing(self, ends: list[str], _depth: int) -> list[str]:
        return self._join(ends, self._node(NodeKind.PASS, "Pass"))

    def _exclusive(self, ends: list[str], depth: int) -> list[str]:
        return self._deciding(ends, depth, NodeKind.EXCLUSIVE, "Choice")

    def _inclusive(self, ends: list[str], depth: int) -> list[str]:
        self._copies *= 1.5
        return self._deciding(ends, depth, NodeKind.INCLUSIVE, "Some")

    def _deciding(self, ends: list[str], depth: int, kind: NodeKind, prefix: str) -> list[str]:
        chance = self._chance
        gateway = self._node(kind, prefix)
        self._join(ends, gateway)
        tests: list[tuple[str, Holds] | None] = [*chance.sample(TESTS, chance.randint(1, 2))]
        if happens(chance, 0.8):
            tests.insert(chance.randrange(len(tests) + 1), None)
        branches = []
        for test in tests:
            flows_before = len(self._flows)
            branches += self._branch(gateway, depth, test)
            if test is None:
                self._default(gateway, self._flows[flows_before].id)
        return self._met(branches) if kind is NodeKind.INCLUSIVE else self._merged(branches)

    def _branch(self, gateway: str, depth: int, test: tuple[str, Holds] | None) -> list[str]:
        """Draw what follows a gateway on one flow; the open ends of it, none if it ends there."""
        first = self._node(NodeKind.PASS, "Pass")
        self._flow(gateway, first, test)
        ends = self._sequence([first], self._chance.randint(0, 1 if depth else 2), depth + 1)
        if happens(self._chance, 0.2):
            self._close(ends)
            return []
        return ends

    def _met(self, ends: list[str]) -> list[str]:
        """Perhaps join what was split."""
        if len(ends) < 2 or happens(self._chance, 0.4):
            return self._merged(ends)
        kind = self._chance.choice([NodeKind.PARALLEL, NodeKind.INCLUSIVE])
        return self._join(ends, self._node(kind, "Join", meeting=self._meeting()))

    def _merged(self, ends: list[str]) -> list[str]:
        if not ends or happens(self._chance, 0.4):
            return ends
        return self._join(ends, self._node(NodeKind.EXCLUSIVE, "Merge"))

    def _parallel(self, ends: list[str], depth: int) -> list[str]:
        self._copies *= 2
        gateway = self._node(NodeKind.PARALLEL, "Both")
        self._join(ends, gateway)
        return self._met([end for _ in range(2) for end in self._branch(gateway, depth, None)])

    def _fork(self, ends: list[str], depth: int) -> list[str]:
        self._copies *= 2
        task, *more = self._task(ends, depth)
        return self._met([end for _ in range(2) for end in self._branch(task, depth, None)] + more)

    def _way_back(self, ends: list[str], depth: int) -> list[str]:
        task, *more = self._task(ends, depth)
        gateway = self._node(NodeKind.EXCLUSIVE, "Again")
        self._flow(task, gateway)
        self._flow(gateway, task, AGAIN)
        onward = self._node(NodeKind.PASS, "Pass")
        self._default(gateway, self._flow(gateway, onward))
        return [onward, *more]

    def _close(self, ends: list[str]) -> None:
        if not ends:
            return
        if happens(self._chance, 0.25) and self._copies > 1.2:
            self._join(ends, self._node(NodeKind.TERMINATE, "Terminate"))
        else:
            self._join(ends, self._node(NodeKind.END, "End"))
