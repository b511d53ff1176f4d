"""Draws processes by chance: chains, splits, gateways, batches, timers, user tasks, ways back, ends of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from segue.model.graph import (
    Action,
    ActionKind,
    Flow,
    LimitRule,
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
}
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
        self._reset()

    def draw(self, process: str, *, scheduled: bool) -> Drawing:
        """Return a drawing. With `scheduled` it has a timer start event beside the plain one."""
        self._reset()
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

    def _reset(self) -> None:
        self._nodes: list[Node] = []
        self._flows: list[Flow] = []
        self._tests: dict[str, Holds] = {}
        self._numbers: dict[str, int] = {}
        self._copies = 1.0

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
        node = self._nodes[index]
        self._nodes[index] = Node(id=node.id, kind=node.kind, element=node.element, default_flow=flow_id)

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
        return self._join(ends, task)

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
        return self._join(ends, self._node(NodeKind.USER_TASK, "Person", name="look at it"))

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
        return self._merged(branches)

    def _branch(self, gateway: str, depth: int, test: tuple[str, Holds] | None) -> list[str]:
        """Draw what follows a gateway on one flow; the open ends of it, none if it ends there."""
        first = self._node(NodeKind.PASS, "Pass")
        self._flow(gateway, first, test)
        ends = self._sequence([first], self._chance.randint(0, 1 if depth else 2), depth + 1)
        if happens(self._chance, 0.2):
            self._close(ends)
            return []
        return ends

    def _merged(self, ends: list[str]) -> list[str]:
        if not ends or happens(self._chance, 0.4):
            return ends
        return self._join(ends, self._node(NodeKind.EXCLUSIVE, "Merge"))

    def _parallel(self, ends: list[str], depth: int) -> list[str]:
        self._copies *= 2
        gateway = self._node(NodeKind.PARALLEL, "Both")
        self._join(ends, gateway)
        return self._merged([end for _ in range(2) for end in self._branch(gateway, depth, None)])

    def _fork(self, ends: list[str], depth: int) -> list[str]:
        self._copies *= 2
        [task] = self._task(ends, depth)
        return [end for _ in range(2) for end in self._branch(task, depth, None)]

    def _way_back(self, ends: list[str], depth: int) -> list[str]:
        [task] = self._task(ends, depth)
        gateway = self._node(NodeKind.EXCLUSIVE, "Again")
        self._flow(task, gateway)
        self._flow(gateway, task, AGAIN)
        onward = self._node(NodeKind.PASS, "Pass")
        self._default(gateway, self._flow(gateway, onward))
        return [onward]

    def _close(self, ends: list[str]) -> None:
        if not ends:
            return
        if happens(self._chance, 0.25) and self._copies > 1.2:
            self._join(ends, self._node(NodeKind.TERMINATE, "Terminate"))
        else:
            self._join(ends, self._node(NodeKind.END, "End"))
