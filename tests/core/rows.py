"""The rows of docs/results.md: everything that can happen to a message, and how to make it happen."""

from __future__ import annotations

from typing import NamedTuple

from segue.core.routing import Routes
from segue.model.graph import ActionKind, Node, NodeKind, RepeatPolicy, TimerKind
from segue.model.message import Message
from segue.model.workers import Fault, WorkerReply
from tests.core.build import NOW, action, broken, cel, envelope, message, node, reply, routes, timer


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
    NodeKind.UNSUPPORTED: "unsupported element",
}

A, B, C = action("a"), action("b"), action("c")


def gateway(kind: NodeKind, default: str | None = None) -> Node:
    return node("gate", kind, default_flow=default)


ROWS = [
    # -- what a worker answers
    answered("`0`", ON, "ok", "–", reply("0")),
    answered("`0` as a number", ON, "ok", "–", reply(0)),
    answered(
        "`1001`, executions left", AGAIN, "repeat", "info", reply("1001", repeat_interval="60", repeat_max_hops="2")
    ),
    answered(
        "`1001` as HTTP headers (PHP)",
        AGAIN,
        "repeat",
        "info",
        WorkerReply(
            status=200, body=b"<x/>", headers={"result-code": "1001", "repeat-interval": "60", "repeat-max-hops": "2"}
        ),
    ),
    answered(
        "`1001`, none left",
        TRASH,
        "repeats-used-up",
        "error",
        reply("1001", repeat_interval="60", repeat_max_hops="2"),
        repeats=1,
    ),
    answered(
        "`1001` without whole numbers in `repeat-interval`, `repeat-max-hops`",
        TRASH,
        "bad-repeat",
        "error",
        reply("1001", repeat_interval="soon"),
    ),
    Row(
        "connector, custom",
        "`1001`, and the node has a repeat rule of its own",
        AGAIN,
        "repeat",
        "info",
        RULED,
        message("call"),
        reply("1001"),
    ),
    answered(
        "`1002` with ids of followers in `force-target-queue`",
        "goes on to these followers only",
        "ok",
        "info",
        reply("1002", force_target_queue="other"),
    ),
    answered(
        "`1002` with an id that is no follower",
        TRASH,
        "unknown-follower",
        "error",
        reply("1002", force_target_queue="other,nobody"),
    ),
    answered("`1002` without ids", TRASH, "no-follower", "error", reply("1002")),
    answered("`1003`", ENDS, "stopped", "info", reply("1003")),
    answered("`1004`", AGAIN, "limit", "info", reply("1004")),
    answered("`1005`", ON, "ok", "warning", reply("1005")),
    answered("`1006`", TRASH, "failed", "error", reply("1006")),
    answered("`1010`", ON, "ok", "warning", reply("1010", cursor="3")),
    answered("`1011`", ON, "ok", "warning", reply("1011", cursor="3")),
    answered("`2001`, `2002`, `2003`", ON, "ok", "warning", reply("2002")),
    answered("any other number", ON, "ok", "warning", reply("9999")),
    answered("no number", ON, "ok", "warning", reply("done")),
    answered("an envelope without `result-code`", TRASH, "no-result-code", "error", reply(None)),
    answered(
        "a `result-code` of null",
        TRASH,
        "no-result-code",
        "error",
        WorkerReply(status=200, body=envelope({"result-code": None})),
    ),
    batched("`0` with items", "each item goes on to the followers", "ok", "–", reply("0", ITEMS)),
    batched("`0` with `[]`", ENDS, "ok", "–", reply("0", "[]")),
    batched(
        "`0`, `1002` or `1010` with a body that is no array of items",
        TRASH,
        "bad-batch",
        "error",
        reply("0", '{"a":1}'),
    ),
    batched(
        "`1001`, executions left", AGAIN, "repeat", "info", reply("1001", repeat_interval="60", repeat_max_hops="2")
    ),
    batched(
        "`1002`", "each item goes on to the followers", "ok", "–", reply("1002", ITEMS, force_target_queue="other")
    ),
    batched("`1003`", ENDS, "stopped", "info", reply("1003", ITEMS)),
    batched("`1004`", AGAIN, "limit", "info", reply("1004")),
    batched("`1006`", TRASH, "failed", "error", reply("1006")),
    batched(
        "`1010` with `cursor`",
        "each item goes on to the followers, and the next page is asked for",
        "ok",
        "–",
        reply("1010", ITEMS, cursor="3"),
    ),
    batched("`1011` with `cursor`", "the next page is asked for", "ok", "–", reply("1011", ITEMS, cursor="3")),
    batched("`1010`, `1011` without `cursor`", TRASH, "no-cursor", "error", reply("1011", "[]")),
    batched("any other code", "each item goes on to the followers", "ok", "warning", reply("2001", ITEMS)),
    # -- what HTTP answers
    status("status below 200", 101, AGAIN, "garbage", "warning"),
    Row(
        "any action",
        "status 2xx, body is no envelope",
        AGAIN,
        "garbage",
        "warning",
        CONNECTOR,
        message("call"),
        WorkerReply(status=200, body=b"<html>"),
    ),
    Row(
        "any action",
        "status 2xx without body",
        AGAIN,
        "garbage",
        "warning",
        CONNECTOR,
        message("call"),
        WorkerReply(status=204),
    ),
    status("status 3xx", 302, TRASH, "status", "error"),
    status("status 4xx", 404, TRASH, "status", "error"),
    status("status 500", 500, TRASH, "status", "error"),
    status("status above 500", 503, AGAIN, "unavailable", "warning"),
    # -- no answer
    fault("the connection is refused", Fault.REFUSED),
    fault("the worker's host name does not resolve", Fault.UNRESOLVED),
    fault("no whole answer within the node's timeout", Fault.TIMEOUT),
    fault("the connection closes before the answer is whole", Fault.CLOSED),
    fault("TLS fails", Fault.TLS),
    fault("the answer is no HTTP", Fault.GARBAGE),
    fault("the answer is larger than allowed", Fault.TOO_LARGE),
    fault("no worker is registered under the name", Fault.UNKNOWN_WORKER),
    fault("the worker's address or headers cannot be sent", Fault.UNSENDABLE),
    # -- nodes without action
    passing("a message is there", ON, "ok", "–", node("start", NodeKind.START), A, B),
    passing(
        "a condition on a flow is true",
        "goes on over this flow and those without condition",
        "ok",
        "–",
        node("start", NodeKind.START),
        A,
        B,
        C,
        f1="total == 5",
        f2="total == 6",
    ),
    passing("a message is there", ENDS, "ok", "–", node("end", NodeKind.END)),
    passing("a message is there", "the instance ends", "ok", "–", node("stop", NodeKind.TERMINATE)),
    passing(
        "a message comes from the start", "waits for a person", "user-task", "–", node("task", NodeKind.USER_TASK), A
    ),
    passing("not due", AGAIN, "timer", "–", timer("timer"), A),
    Row("timer", "due", ON, "ok", "–", routes([timer("timer"), A], "timer > a"), message("timer", due=NOW), None),
    passing("the timer cannot be read", "to trash", "bad-timer", "error", timer("timer", "soon"), A),
    passing(
        "conditions are true",
        "goes on over the first such flow",
        "ok",
        "–",
        gateway(NodeKind.EXCLUSIVE),
        A,
        B,
        C,
        f0="total > 9",
        f1="total > 3",
        f2="total > 4",
    ),
    passing(
        "none is true",
        "goes on over the default flow",
        "ok",
        "–",
        gateway(NodeKind.EXCLUSIVE, "f1"),
        A,
        B,
        f0="total > 9",
    ),
    passing(
        "none is true, no default flow",
        "to trash",
        "no-flow",
        "error",
        gateway(NodeKind.EXCLUSIVE),
        A,
        B,
        f0="total > 9",
        f1="total > 8",
    ),
    passing(
        "a condition has no answer",
        "to trash",
        "condition-failed",
        "error",
        gateway(NodeKind.EXCLUSIVE),
        A,
        B,
        f0="missing > 9",
    ),
    passing(
        "a condition has no translation",
        "to trash",
        "condition-failed",
        "error",
        gateway(NodeKind.EXCLUSIVE),
        A,
        B,
        f0="?x",
    ),
    passing(
        "conditions are true",
        "goes on over all such flows",
        "ok",
        "–",
        gateway(NodeKind.INCLUSIVE),
        A,
        B,
        C,
        f0="total > 9",
        f1="total > 3",
        f2="total > 4",
    ),
    passing(
        "none is true",
        "goes on over the default flow",
        "ok",
        "–",
        gateway(NodeKind.INCLUSIVE, "f1"),
        A,
        B,
        f0="total > 9",
    ),
    passing(
        "none is true, no default flow",
        "to trash",
        "no-flow",
        "error",
        gateway(NodeKind.INCLUSIVE),
        A,
        B,
        f0="total > 9",
        f1="total > 8",
    ),
    passing(
        "a condition has no answer",
        "to trash",
        "condition-failed",
        "error",
        gateway(NodeKind.INCLUSIVE),
        A,
        B,
        f0="total > 3",
        f1="missing",
    ),
    passing(
        "a message is there", "goes on over all flows", "ok", "–", gateway(NodeKind.PARALLEL), A, B, f0="total > 9"
    ),
    passing("a message is there", ON, "ok", "–", node("event", NodeKind.PASS), A),
    passing("a message is there", "to trash", "not-executable", "error", node("odd", NodeKind.UNSUPPORTED), A),
    # -- what lies between an action that answered and the next queues
    leading("nothing follows", ENDS, "ok", "–", lines=()),
    leading("end event", ENDS, "ok", "–", node("end", NodeKind.END), lines=("call > end",)),
    leading(
        "terminate end event",
        "the instance ends",
        "ok",
        "–",
        A,
        node("stop", NodeKind.TERMINATE),
        lines=("call > a", "call > stop"),
    ),
    leading(
        "user task", "its child waits for a person", "ok", "–", node("task", NodeKind.USER_TASK), lines=("call > task",)
    ),
    leading("timer", "its child waits until due", "ok", "–", timer("timer"), lines=("call > timer",)),
    leading(
        "timer of which the date has passed",
        "its child is due there at once",
        "ok",
        "–",
        timer("timer", "2020-01-01T00:00:00Z", TimerKind.DATE),
        lines=("call > timer",),
    ),
    leading(
        "timer that cannot be read",
        "its child goes to trash there",
        "bad-timer",
        "error",
        timer("timer", "soon"),
        lines=("call > timer",),
    ),
    leading(
        "gateway that finds no flow",
        "its child goes to trash there",
        "no-flow",
        "error",
        gateway(NodeKind.EXCLUSIVE),
        A,
        B,
        lines=("call > gate", "gate > a", "gate > b"),
        f1="total > 9",
        f2="total > 8",
    ),
    leading(
        "gateway whose condition has no answer",
        "its child goes to trash there",
        "condition-failed",
        "error",
        gateway(NodeKind.INCLUSIVE),
        A,
        B,
        lines=("call > gate", "gate > a", "gate > b"),
        f1="missing",
    ),
    leading(
        "gateways in a circle",
        "its child goes to trash there",
        "loop",
        "error",
        node("x", NodeKind.EXCLUSIVE),
        node("y", NodeKind.PASS),
        lines=("call > x", "x > y", "y > x"),
    ),
    leading(
        "element that is not executable",
        "its child goes to trash there",
        "not-executable",
        "error",
        node("odd", NodeKind.UNSUPPORTED),
        lines=("call > odd",),
    ),
    leading(
        "condition on a flow out of the task has no answer",
        TRASH,
        "condition-failed",
        "error",
        A,
        lines=("call > a",),
        f0="missing",
    ),
    leading(
        "all flows out of the task have conditions, none is true",
        TRASH,
        "no-flow",
        "error",
        A,
        lines=("call > a",),
        f0="total > 9",
    ),
    leading(
        "gateways that split into more than 10,000 flows",
        TRASH,
        "too-wide",
        "error",
        *(node(f"p{n}", NodeKind.PARALLEL) for n in range(15)),
        *(node(f"x{n}", NodeKind.EXCLUSIVE) for n in range(15)),
        A,
        lines=(
            "call > p0",
            *(f"p{n} > x{n}" for n in range(15)),
            *(f"p{n} > x{n}" for n in range(15)),
            *(f"x{n} > p{n + 1}" for n in range(14)),
            "x14 > a",
        ),
    ),
]
