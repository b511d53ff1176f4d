"""The process files of the campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from xml.sax.saxutils import quoteattr

from msgspec import Struct

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SEGUE = "https://segue.dev/bpmn/1"


class Limit(Struct, frozen=True):
    """At most so many calls in any window of a length, for a key."""

    key: str
    calls: int
    per: str


class Task(Struct, frozen=True):
    """One action of a process: the node's id, the action that it calls, and its limits."""

    id: str
    action: str
    kind: str = "connector"
    limits: Sequence[Limit] = ()


def draw(
    tasks: Sequence[Task],
    flows: Sequence[tuple[str, str]],
    worker: str,
    prefetch: int = 10,
    timeout: str = "PT1S",
) -> bytes:
    """A process file with a start event `start`, the tasks, and an end event after each task that nothing follows."""
    left = {source for source, _ in flows}
    ends = {task.id: f"end-{task.id}" for task in tasks if task.id not in left}
    nodes = [
        f"<b:serviceTask id={quoteattr(task.id)}><b:extensionElements><segue:action kind={quoteattr(task.kind)}"
        f' worker={quoteattr(worker)} name={quoteattr(task.action)} prefetch="{prefetch}" timeout="{timeout}"/>'
        f"{''.join(map(_limit, task.limits))}</b:extensionElements></b:serviceTask>"
        for task in tasks
    ]
    nodes += [f"<b:endEvent id={quoteattr(end)}/>" for end in ends.values()]
    nodes += [
        f'<b:sequenceFlow id="f{index}" sourceRef={quoteattr(source)} targetRef={quoteattr(target)}/>'
        for index, (source, target) in enumerate([*flows, *ends.items()])
    ]
    return (
        f'<b:definitions xmlns:b="{BPMN}" xmlns:segue="{SEGUE}" targetNamespace="campaign">'
        f'<b:process id="campaign" isExecutable="true"><b:startEvent id="start"/>{"".join(nodes)}</b:process>'
        "</b:definitions>"
    ).encode()


def _limit(limit: Limit) -> str:
    return f'<segue:limit key={quoteattr(limit.key)} calls="{limit.calls}" per="{limit.per}"/>'


def chain(actions: Sequence[str], worker: str, prefetch: int = 10, timeout: str = "PT1S") -> bytes:
    """Start, these actions in a row, end. The nodes bear the actions' names."""
    flows = list(pairwise(["start", *actions]))
    return draw([Task(name, name) for name in actions], flows, worker, prefetch, timeout)


def tree(worker: str, prefetch: int = 10) -> bytes:
    """A process that copies and splits: `first` goes to `left` and to `split`, each of whose two items to `last`."""
    tasks = [Task("first", "first"), Task("left", "left"), Task("split", "split", "batch"), Task("last", "last")]
    flows = [("start", "first"), ("first", "left"), ("first", "split"), ("split", "last")]
    return draw(tasks, flows, worker, prefetch)


TREE = {"first": 1, "left": 1, "split": 1, "last": 2}
"""Messages of one instance of `tree` at each action."""


def meeting(worker: str, prefetch: int = 10) -> bytes:
    """As `tree`, but what was copied and split comes together again before `middle`; a timer watches `left`."""
    tasks = [Task("first", "first"), Task("left", "left"), Task("split", "split", "batch"), Task("last", "last")]
    tasks.append(Task("middle", "middle"))
    flows = [("start", "first"), ("first", "left"), ("first", "split"), ("split", "last")]
    flows += [("left", "join"), ("last", "join"), ("join", "middle")]
    hour = "<b:timerEventDefinition><b:timeDuration>PT1H</b:timeDuration></b:timerEventDefinition>"
    more = f'<b:parallelGateway id="join"/><b:boundaryEvent id="late" attachedToRef="left">{hour}</b:boundaryEvent>'
    more += '<b:endEvent id="too-late"/>'
    drawn = draw(tasks, [*flows, ("late", "too-late")], worker, prefetch)
    return drawn.replace(b'<b:startEvent id="start"/>', b'<b:startEvent id="start"/>' + more.encode())


MEETING = TREE | {"middle": 1}
"""Messages of one instance of `meeting` at each action."""

MEETING_BESIDE = 5
"""Its messages that come to no action: three that wait at the join, the one they become, the timer's."""


def fan(worker: str, prefetch: int = 10) -> bytes:
    """One call of `many`; each of its items goes through `first` and `last` at a time, which meet at a join."""
    tasks = [Task("many", "many", "batch"), Task("first", "first"), Task("last", "last")]
    flows = [("start", "many"), ("many", "fork"), ("fork", "first"), ("fork", "last")]
    flows += [("first", "join"), ("last", "join"), ("join", "end")]
    more = '<b:parallelGateway id="fork"/><b:parallelGateway id="join"/><b:endEvent id="end"/>'
    drawn = draw(tasks, flows, worker, prefetch, timeout="PT60S")
    return drawn.replace(b'<b:startEvent id="start"/>', b'<b:startEvent id="start"/>' + more.encode())


FAN_BESIDE = 3
"""Messages of each item of `fan` that come to no action: two that wait at the join, and the one they become."""


def ticking() -> bytes:
    """A process that a timer starts every second, and that ends at once."""
    second = "<b:timerEventDefinition><b:timeCycle>R/PT1S</b:timeCycle></b:timerEventDefinition>"
    return (
        f'<b:definitions xmlns:b="{BPMN}" targetNamespace="campaign"><b:process id="ticking" isExecutable="true">'
        f'<b:startEvent id="tick">{second}</b:startEvent><b:endEvent id="end"/>'
        '<b:sequenceFlow id="flow" sourceRef="tick" targetRef="end"/></b:process></b:definitions>'
    ).encode()
