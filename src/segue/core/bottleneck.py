"""What limits a process now: the node at which messages wait most, and why they wait there.

For each node its queue and lane now are put together with its figures of the last minutes and how its queue has grown.
Messages wait at a node for one of these: a worker that does not answer; a limit; places for calls that are all taken,
by calls that take long in a service behind the worker, by calls that take long in the worker itself, or by calls that
take no longer than usual and are too few at once; or for those ahead of them, in a queue that is being worked off.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from segue.core.figures import CPU, LIMITED, REMOTE, WORK, WORKER, Figures


class Cause(StrEnum):
    """Why messages wait at a node."""

    WORKER_GONE = "worker-gone"
    LIMIT = "limit"
    REMOTE_SLOW = "remote-slow"
    WORKER_SLOW = "worker-slow"
    PREFETCH = "prefetch-too-small"
    QUEUE_AHEAD = "queue-ahead"
    NONE = "none"


class NodeNow(Struct, frozen=True, kw_only=True):
    """A node: its queue and lane now, and its figures of the last `window_ms`.

    `held` is why its lane takes nothing, `outages` whether that is because nobody answers. `grows` is how many
    messages a second the queue has grown by lately; below zero it shrinks. `usual` are the node's figures of a longer
    time before the window, None without any.
    """

    node: str
    name: str
    depth: int
    in_flight: int
    prefetch: int
    oldest_ms: int
    held: str | None
    outages: bool
    grows: float
    figures: Figures
    usual: Figures | None
    window_ms: int


class Numbers(Struct, frozen=True, kw_only=True):
    """What a node is judged by. Rates are messages a second; `needed` is how many calls have to be under way at once
    to keep up with what arrives; `waiting_s` is how long a message that arrives now has to wait."""

    depth: int
    in_flight: int
    prefetch: int
    arrives: float
    handled: float
    needed: float
    call_ms: float
    remote_ms: float
    cpu_ms: float
    usual_ms: float | None
    limited_ms: float
    waiting_s: float


class Finding(Struct, frozen=True, kw_only=True):
    """What is the matter at one node. `weight` orders the nodes: the time that those who wait there have to wait."""

    node: str
    name: str
    cause: Cause
    sentence: str
    numbers: Numbers
    weight: float


# A call is slow when it takes so many times what is usual at its node, or so many ms where nothing is known of it.
_SLOWER = 2.0
_SLOW_MS = 50.0
# More than this share of something is most of it.
_MOST = 0.5
# Places are short when this share of them is taken.
_TAKEN = 0.8
# A queue that shrinks by this share of what is handled is being worked off.
_SHRINKS = 0.05
# Waiting for a limit is what limits when it takes this share of the time.
_LIMITED = 0.2


def find(nodes: Sequence[NodeNow]) -> list[Finding]:
    """One finding for each node, the one that limits the process first; without waiting messages the cause is none."""
    return sorted((_judge(node) for node in nodes), key=lambda finding: (-finding.weight, finding.node))


def _judge(now: NodeNow) -> Finding:
    numbers = _numbers(now)
    weight = now.depth * max(numbers.waiting_s, now.oldest_ms / 1000)
    cause = _cause(now, numbers) if weight else Cause.NONE
    sentence = _sentence(cause, now, numbers)
    return Finding(
        node=now.node, name=now.name, cause=cause, sentence=sentence, numbers=numbers, weight=round(weight, 3)
    )


def _numbers(now: NodeNow) -> Numbers:
    figures, window_s = now.figures, max(now.window_ms, 1) / 1000
    handled = figures.executed() / window_s
    call_ms = _call_ms(figures)
    arrives = max(0.0, handled + now.grows)
    return Numbers(
        depth=now.depth,
        in_flight=now.in_flight,
        prefetch=now.prefetch,
        arrives=round(arrives, 2),
        handled=round(handled, 2),
        needed=round(arrives * call_ms / 1000, 2),
        call_ms=round(call_ms, 3),
        remote_ms=round(_per_call(figures, REMOTE) / 1000, 3),
        cpu_ms=round(_per_call(figures, CPU) / 1000, 3),
        usual_ms=round(_call_ms(now.usual), 3) if now.usual is not None and now.usual.executed() else None,
        limited_ms=float(figures.sketches[LIMITED].total) if LIMITED in figures.sketches else 0.0,
        waiting_s=round(now.depth / handled, 3) if handled else 0.0,
    )


def _cause(now: NodeNow, numbers: Numbers) -> Cause:
    if now.outages:
        return Cause.WORKER_GONE
    if now.held is not None or numbers.limited_ms >= _LIMITED * now.window_ms:
        return Cause.LIMIT
    if _taken(now, numbers) < _TAKEN * now.prefetch:  # there is room, so what waits waits for what is before it
        return Cause.QUEUE_AHEAD
    if numbers.call_ms and _slow(numbers):
        return Cause.REMOTE_SLOW if numbers.remote_ms >= _MOST * numbers.call_ms else Cause.WORKER_SLOW
    if now.grows <= -_SHRINKS * numbers.handled:
        return Cause.QUEUE_AHEAD
    if numbers.cpu_ms >= _MOST * numbers.call_ms > 0:  # more at once would compute no faster
        return Cause.WORKER_SLOW
    return Cause.PREFETCH


def _taken(now: NodeNow, numbers: Numbers) -> float:
    """Places that are taken: now, or on average. A moment alone may lie between a message and the next one."""
    return max(now.in_flight, numbers.handled * numbers.call_ms / 1000)


def _slow(numbers: Numbers) -> bool:
    if numbers.usual_ms:
        return numbers.call_ms >= _SLOWER * numbers.usual_ms
    return numbers.call_ms >= _SLOW_MS


def _sentence(cause: Cause, now: NodeNow, numbers: Numbers) -> str:
    name, waiting = now.name, f"{now.depth} messages wait"
    usual = "" if numbers.usual_ms is None else f" (usually {numbers.usual_ms:.0f} ms)"
    calls = f"a call takes {numbers.call_ms:.0f} ms{usual}"
    rates = f"{numbers.arrives:.1f} arrive and {numbers.handled:.1f} are handled a second"
    match cause:
        case Cause.WORKER_GONE:
            return f"{name}: {waiting}, because the worker does not answer: {now.held}"
        case Cause.LIMIT:
            waited = f"; waiting for it took {numbers.limited_ms / 1000:.1f} of the last {now.window_ms / 1000:.0f} s"
            return f"{name}: {waiting}, because {now.held or 'a limit is reached'}{waited}"
        case Cause.REMOTE_SLOW:
            share = 100 * numbers.remote_ms / numbers.call_ms
            return f"{name}: {waiting}; {calls}, of which {share:.0f} % are the services that the worker calls"
        case Cause.WORKER_SLOW:
            own = numbers.call_ms - numbers.remote_ms
            return f"{name}: {waiting}; {calls}, of which {own:.0f} ms are the worker's own"
        case Cause.PREFETCH:
            places = f"{numbers.needed:.1f} calls at once are needed, and prefetch allows {now.prefetch}"
            return f"{name}: {waiting}; {rates}; {calls}, so {places}"
        case Cause.QUEUE_AHEAD:
            left = f", done in about {now.depth / -now.grows:.0f} s" if now.grows < 0 else ""
            return f"{name}: {waiting} behind others that came before; {rates}{left}"
        case Cause.NONE:
            return f"{name}: nothing waits"


def _call_ms(figures: Figures | None) -> float:
    if figures is None:
        return 0.0
    worker, work = figures.sketches.get(WORKER), figures.sketches.get(WORK)
    if worker is not None:
        return worker.mean() / 1000
    return work.mean() if work is not None else 0.0


def _per_call(figures: Figures, name: str) -> float:
    """The mean over all calls: what was not measured at one took no time there."""
    worker, sketch = figures.sketches.get(WORKER), figures.sketches.get(name)
    return sketch.total / worker.count if worker is not None and sketch is not None and worker.count else 0.0
