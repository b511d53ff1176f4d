"""A row of docs/results.md, and short ways to make one happen."""

from __future__ import annotations

from typing import NamedTuple

from segue.core.routing import Routes
from segue.model.graph import ActionKind, Node, NodeKind, RepeatPolicy
from segue.model.message import Message
from segue.model.workers import Fault, WorkerReply
from tests.core.build import action, broken, cel, envelope, message, node, reply, routes


class Row(NamedTuple):
    """One row: what a reader of the page sees, and how to make it happen."""

    at: str
    when: str
    then: str
    why: str
    log: str
    routes: Routes
    message: Message
    reply: WorkerReply | None

    @property
    def shown(self) -> tuple[str, ...]:
        return self.at, self.when, self.then, self.why, self.log


def called(node: Node) -> Routes:
    """The node between a start and two followers."""
    return routes([node, action("next"), action("other")], f"{node.id} > next", f"{node.id} > other")


CONNECTOR = called(action("call"))
BATCH = called(action("call", ActionKind.BATCH))
RULED = called(action("call", repeat=RepeatPolicy(interval_ms=5_000, at_most=3)))
ITEMS = '[{"body":"a","headers":{}},{"body":"b","headers":null}]'
ON = "goes on to its followers"
AGAIN = "stays, is called again later"
TRASH = "to trash, as before the call"
ENDS = "ends here"


def answered(when: str, then: str, why: str, log: str, answer: WorkerReply, **fields: int) -> Row:
    return Row("connector, custom", when, then, why, log, CONNECTOR, message("call", **fields), answer)


def batched(when: str, then: str, why: str, log: str, answer: WorkerReply, **fields: int) -> Row:
    return Row("batch", when, then, why, log, BATCH, message("call", headers={"cursor": "2"}, **fields), answer)


def fault(when: str, kind: Fault) -> Row:
    return Row("any action", when, AGAIN, kind.value, "warning", CONNECTOR, message("call"), WorkerReply(fault=kind))


def status(when: str, number: int, then: str, why: str, log: str) -> Row:
    answer = WorkerReply(status=number, body=envelope({"result-code": "0"}))
    return Row("any action", when, then, why, log, CONNECTOR, message("call"), answer)


def limited(when: str, number: int, headers: dict[str, str]) -> Row:
    answer = WorkerReply(status=number, body=b"slow down", headers=headers)
    return Row("any action", when, AGAIN, "limit", "info", CONNECTOR, message("call"), answer)


def passing(when: str, then: str, why: str, log: str, at: Node, *others: Node, **conditions: str) -> Row:
    """A message at a node without action; flows lead from it to each of the others."""
    lines = [f"{at.id} > {other.id}" for other in others]
    made = {id_: broken(text) if text.startswith("?") else cel(text) for id_, text in conditions.items()}
    return Row(KINDS[at.kind], when, then, why, log, routes([at, *others], *lines, **made), message(at.id), None)


def leading(when: str, then: str, why: str, log: str, *others: Node, lines: tuple[str, ...], **conditions: str) -> Row:
    """A connector answered with 0; what then lies on the way."""
    made = {id_: broken(text) if text.startswith("?") else cel(text) for id_, text in conditions.items()}
    return Row(
        "on the way", when, then, why, log, routes([action("call"), *others], *lines, **made), message("call"), reply()
    )


KINDS = {
    NodeKind.START: "start event",
    NodeKind.END: "end event",
    NodeKind.TERMINATE: "terminate end event",
    NodeKind.USER_TASK: "user task",
    NodeKind.TIMER: "timer",
    NodeKind.EXCLUSIVE: "exclusive gateway",
    NodeKind.INCLUSIVE: "inclusive gateway",
    NodeKind.PARALLEL: "parallel gateway",
    NodeKind.PASS: "other event",
    NodeKind.SUB_PROCESS: "sub-process",
    NodeKind.CALL: "call activity",
    NodeKind.EVENT_GATEWAY: "event-based gateway",
    NodeKind.MESSAGE: "message event",
    NodeKind.ERROR: "error boundary event",
    NodeKind.UNSUPPORTED: "unsupported element",
}

A, B, C = action("a"), action("b"), action("c")
CALL = node("sub", NodeKind.CALL, calls="billing")
PAID = node("paid", NodeKind.MESSAGE, message_name="paid", correlation="string(total)")
KEYLESS = node("paid", NodeKind.MESSAGE, message_name="paid", correlation="body.missing")


def meeting(at: Node, when: str, then: str, why: str, log: str, **fields: str) -> Row:
    """A message with these fields at a node where messages meet, before one follower."""
    return Row(KINDS[at.kind], when, then, why, log, routes([at, A], f"{at.id} > a"), message(at.id, **fields), None)


def caught(when: str, code: str | None, then: str, why: str, log: str, answer: WorkerReply) -> Row:  # noqa: PLR0917
    """An action with an error boundary event on it fails."""
    event = node("oops", NodeKind.ERROR, attached_to="call", error_code=code)
    drawn = routes([action("call"), event, A, B], "call > a", "oops > b")
    return Row("any action with an error boundary event", when, then, why, log, drawn, message("call"), answer)


def gateway(kind: NodeKind, default: str | None = None) -> Node:
    return node("gate", kind, default_flow=default)
