"""Small graphs, messages and replies for tests of the core."""

from __future__ import annotations

from typing import Any

import msgspec

from segue.core.conditions import translate
from segue.core.routing import Routes
from segue.model.graph import Action, ActionKind, Condition, Flow, Node, NodeKind, ProcessGraph, Timer, TimerKind
from segue.model.message import Message
from segue.model.workers import WorkerReply

INSTANCE = "01981f2e-6c00-7000-8000-00000000000a"
MESSAGE = "01981f2e-6c00-7000-8000-00000000000b"
NOW = 1_760_000_000_000
TAKEN = NOW - 50

ELEMENTS = {
    NodeKind.START: "startEvent",
    NodeKind.END: "endEvent",
    NodeKind.TERMINATE: "endEvent",
    NodeKind.ACTION: "serviceTask",
    NodeKind.USER_TASK: "userTask",
    NodeKind.TIMER: "intermediateCatchEvent",
    NodeKind.EXCLUSIVE: "exclusiveGateway",
    NodeKind.INCLUSIVE: "inclusiveGateway",
    NodeKind.PARALLEL: "parallelGateway",
    NodeKind.PASS: "intermediateThrowEvent",
    NodeKind.SUB_PROCESS: "subProcess",
    NodeKind.CALL: "callActivity",
    NodeKind.EVENT_GATEWAY: "eventBasedGateway",
    NodeKind.MESSAGE: "intermediateCatchEvent",
    NodeKind.ERROR: "boundaryEvent",
    NodeKind.UNSUPPORTED: "complexGateway",
}


def node(id_: str, kind: NodeKind, **fields: Any) -> Node:
    return Node(id=id_, kind=kind, element=ELEMENTS[kind], **fields)


def action(id_: str, kind: ActionKind = ActionKind.CONNECTOR, **fields: Any) -> Node:
    return node(id_, NodeKind.ACTION, action=Action(kind=kind, worker="crm", name=id_), **fields)


def timer(id_: str, value: str = "PT1H", kind: TimerKind = TimerKind.DURATION) -> Node:
    return node(id_, NodeKind.TIMER, timer=Timer(kind=kind, value=value))


def cel(source: str) -> Condition:
    translated, problem = translate(source, "cel")
    assert problem is None, problem
    return Condition(source=source, language="cel", cel=translated)


def broken(source: str) -> Condition:
    """A condition without translation."""
    return Condition(source=source, language="groovy", cel=None)


def flows(*lines: str, **conditions: Condition) -> tuple[Flow, ...]:
    """Flows written as `a > b`; the n-th is called `fn`. Conditions by flow id."""
    made = []
    for index, text in enumerate(lines):
        source, target = (part.strip() for part in text.split(">"))
        id_ = f"f{index}"
        made.append(Flow(id=id_, source=source, target=target, condition=conditions.get(id_)))
    return tuple(made)


def graph(nodes: list[Node], made: tuple[Flow, ...]) -> ProcessGraph:
    return ProcessGraph(key="orders", name="Orders", nodes=tuple(nodes), flows=made)


def routes(nodes: list[Node], *lines: str, **conditions: Condition) -> Routes:
    return Routes(graph(nodes, flows(*lines, **conditions)))


def message(at: str, body: bytes = b'{"total":5}', headers: dict[str, str] | None = None, **fields: Any) -> Message:
    given: dict[str, Any] = {"id": MESSAGE, "version": 3, "instance": INSTANCE, "entered": NOW - 100, **fields}
    return Message(node=at, body=body, headers=headers or {}, **given)


def envelope(headers: dict[str, Any] | None, body: Any = '{"total":7}', **extra: Any) -> bytes:
    return msgspec.json.encode({"headers": headers, "body": body, **extra})


def reply(code: Any = "0", body: Any = '{"total":7}', status: int = 200, /, **headers: Any) -> WorkerReply:
    """An answer as a worker gives it. Underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if code is not None:
        named["result-code"] = code
    return WorkerReply(status=status, body=envelope(named, body), elapsed_us=1_500)
