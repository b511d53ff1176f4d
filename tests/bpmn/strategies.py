"""Hypothesis strategies for process graphs that every tool could have drawn."""

from __future__ import annotations

from hypothesis import strategies as st

from segue.core.conditions import translate
from segue.model.graph import (
    Action,
    ActionKind,
    Condition,
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

# Text that a person may type: no control characters, no white space at the ends, nothing that is a surrogate.
names = st.text(
    st.characters(
        min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cc", "Cs", "Cn", "Zs", "Zl", "Zp", "Cf")
    ),
    min_size=1,
    max_size=12,
)
actions = st.builds(Action, kind=st.sampled_from(ActionKind), worker=names, name=names, application=st.none() | names)
repeats = st.builds(
    RepeatPolicy,
    interval_ms=st.integers(100, 2_678_400_000),
    at_most=st.integers(1, 1_000_000),
    backoff=st.integers(1, 100),
    longest_ms=st.just(0) | st.integers(100, 2_678_400_000),
    jitter=st.integers(0, 100),
)
limits = st.builds(LimitRule, key=names, calls=st.integers(1, 1_000_000_000), per_ms=st.integers(1, 2_678_400_000))
start_timers = st.builds(
    Timer,
    kind=st.just(TimerKind.CYCLE),
    value=st.sampled_from(["R/PT5M", "R/2030-01-01T00:00:00Z/P1D"]),
    zone=st.sampled_from([None, "Europe/Prague", "America/New_York"]),
    missed=st.sampled_from(MissedTicks),
    body=st.sampled_from(["", "{}", '{"a": "<&>"}', "two\nlines\tand a tab"]),
) | st.builds(Timer, kind=st.just(TimerKind.CRON), value=st.sampled_from(["*/5 * * * *", "0 8 * * 1-5"]))
waits = st.builds(Timer, kind=st.just(TimerKind.DURATION), value=st.sampled_from(["PT30S", "P1D"])) | st.builds(
    Timer, kind=st.just(TimerKind.DATE), value=st.just("2030-01-31T08:00:00+01:00")
)
conditions = st.sampled_from(
    [("total > 5", ""), ("${a eq 1}", ""), ("=a and b", ""), ("body.x == '<&\">'", "cel"), ("a = 1", "feel")]
).map(lambda pair: Condition(source=pair[0], language=pair[1], cel=translate(*pair)[0]))

ELEMENTS = {
    NodeKind.ACTION: ["task", "serviceTask", "sendTask", "scriptTask", "businessRuleTask", "userTask"],
    NodeKind.USER_TASK: ["userTask"],
    NodeKind.TIMER: ["intermediateCatchEvent"],
    NodeKind.PASS: ["intermediateThrowEvent"],
    NodeKind.EXCLUSIVE: ["exclusiveGateway"],
    NodeKind.INCLUSIVE: ["inclusiveGateway"],
    NodeKind.PARALLEL: ["parallelGateway"],
    NodeKind.START: ["startEvent"],
    NodeKind.END: ["endEvent"],
    NodeKind.TERMINATE: ["endEvent"],
}


@st.composite
def nodes(draw: st.DrawFn, id_: str, kind: NodeKind) -> Node:
    """A node of a kind with everything that it may carry."""
    common = {
        "id": id_,
        "kind": kind,
        "element": draw(st.sampled_from(ELEMENTS[kind])),
        "name": draw(st.just("") | names),
    }
    if kind is NodeKind.ACTION:
        return Node(
            **common,
            action=draw(actions),
            prefetch=draw(st.integers(1, 1000)),
            timeout_ms=draw(st.integers(100, 86_400_000)),
            priority=draw(st.integers(0, 9)),
            repeat=draw(st.none() | repeats),
            limits=tuple(draw(st.lists(limits, max_size=3))),
        )
    if kind is NodeKind.TIMER:
        return Node(**common, timer=draw(waits))
    if kind is NodeKind.START:
        timer = draw(st.none() | start_timers)
        message = draw(st.none() | names) if timer is None else None
        return Node(**common, timer=timer, message_name=message)
    if kind is NodeKind.USER_TASK:
        return Node(**common, passes=draw(st.booleans()))
    return Node(**common)


@st.composite
def graphs(draw: st.DrawFn, kinds: tuple[NodeKind, ...] = tuple(ELEMENTS)) -> ProcessGraph:
    """A graph of up to ten nodes of these kinds, with any flows among them, made of readable ids."""
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=10))
    made = [draw(nodes(f"{kind.value}_{number}", kind)) for number, kind in enumerate(chosen)]
    ends = st.tuples(st.sampled_from(made), st.sampled_from(made))
    flows = [
        Flow(id=f"f{number}", source=source.id, target=target.id, name=draw(st.just("") | names),
             condition=draw(st.none() | conditions))
        for number, (source, target) in enumerate(draw(st.lists(ends, max_size=12)))
    ]  # fmt: skip
    deciding = {NodeKind.EXCLUSIVE, NodeKind.INCLUSIVE, NodeKind.ACTION}
    whole = []
    for node in made:
        leaving = [flow.id for flow in flows if flow.source == node.id]
        default = draw(st.none() | st.sampled_from(leaving)) if leaving and node.kind in deciding else None
        fields = {name: getattr(node, name) for name in node.__struct_fields__}
        whole.append(Node(**{**fields, "default_flow": default}))
    return ProcessGraph(
        key="P",
        name=draw(st.just("") | names),
        nodes=tuple(whole),
        flows=tuple(flows),
        executable=draw(st.none() | st.booleans()),
    )
