"""What limits a process, from numbers alone."""

from __future__ import annotations

from typing import Any

import pytest

from segue.core.bottleneck import Cause, NodeNow, find
from segue.core.figures import CPU, LIMITED, REMOTE, WORK, WORKER, Figures


def figures(count: int = 100, call_ms: int = 10, remote_ms: int = 0, cpu_ms: int = 0, limited_ms: int = 0) -> Figures:
    made = Figures(counts={"ok": count})
    made.sketch(WORKER).add([call_ms * 1000] * count)
    made.sketch(WORK).add([call_ms] * count)
    for name, ms in ((REMOTE, remote_ms), (CPU, cpu_ms)):
        if ms:
            made.sketch(name).add([ms * 1000] * count)
    if limited_ms:
        made.sketch(LIMITED).add([limited_ms])
    return made


def node(name: str = "n", **fields: Any) -> NodeNow:
    usual: dict[str, Any] = {
        "node": name,
        "name": name,
        "depth": 100,
        "in_flight": 10,
        "prefetch": 10,
        "oldest_ms": 2_000,
        "held": None,
        "outages": False,
        "grows": 5.0,
        "figures": figures(),
        "usual": None,
        "window_ms": 10_000,
    }
    return NodeNow(**(usual | fields))


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({}, Cause.PREFETCH),
        ({"figures": figures(call_ms=200)}, Cause.WORKER_SLOW),
        ({"figures": figures(call_ms=200, remote_ms=150)}, Cause.REMOTE_SLOW),
        ({"figures": figures(call_ms=200), "usual": figures(call_ms=190)}, Cause.PREFETCH),
        ({"figures": figures(call_ms=20), "usual": figures(call_ms=9)}, Cause.WORKER_SLOW),
        ({"figures": figures(cpu_ms=9)}, Cause.WORKER_SLOW),
        ({"grows": -20.0}, Cause.QUEUE_AHEAD),
        ({"in_flight": 0, "prefetch": 1, "figures": figures(count=40)}, Cause.QUEUE_AHEAD),
        ({"in_flight": 0, "prefetch": 1, "figures": figures(count=900)}, Cause.PREFETCH),  # between two calls
        ({"held": "the limit of k is reached"}, Cause.LIMIT),
        ({"figures": figures(limited_ms=4_000), "in_flight": 1}, Cause.LIMIT),
        ({"held": "no answer", "outages": True}, Cause.WORKER_GONE),
        ({"depth": 0}, Cause.NONE),
        ({"figures": Figures(), "in_flight": 0, "held": "no answer", "outages": True}, Cause.WORKER_GONE),
    ],
)
def test_why_messages_wait(fields: dict[str, Any], cause: Cause) -> None:
    [found] = find([node(**fields)])
    assert found.cause is cause
    assert found.sentence
    assert (found.weight == 0) is (cause is Cause.NONE)


def test_the_node_where_most_waits_comes_first() -> None:
    nodes = [
        node("few", depth=3),
        node("many", depth=500),
        node("none", depth=0),
        node("old", depth=2, oldest_ms=90_000_000),
    ]
    assert [found.name for found in find(nodes)] == ["old", "many", "few", "none"]


def test_the_numbers_say_what_is_needed() -> None:
    [found] = find([node(figures=figures(count=500, call_ms=40, remote_ms=10), grows=25.0)])
    numbers = found.numbers
    assert (numbers.handled, numbers.arrives, numbers.needed) == (50.0, 75.0, 3.0)
    assert (numbers.call_ms, numbers.remote_ms, numbers.waiting_s) == (40.0, 10.0, 2.0)
