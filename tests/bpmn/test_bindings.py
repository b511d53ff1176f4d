"""How an action and its settings are read: from our own elements, and from the bindings of other tools."""

from __future__ import annotations

import pytest

from segue.bpmn.durations import fixed_duration, format_duration
from segue.bpmn.hashing import semantic_hash
from segue.bpmn.settings import ATTRIBUTES
from segue.model.graph import Action, ActionKind, LimitRule, NodeKind, RepeatPolicy
from tests.bpmn.build import codes, finding, graph_of, line, node_of, process, task

CONNECTOR = Action(kind=ActionKind.CONNECTOR, worker="crm", name="create")


def extended(inside: str, attributes: str = "", element: str = "serviceTask") -> bytes:
    return line(task("a", f"<extensionElements>{inside}</extensionElements>", element, attributes))


def test_all_of_our_settings() -> None:
    node = node_of(
        extended(
            '<segue:action kind="connector" worker="crm" name="create" application="hub" prefetch="7"'
            ' timeout="PT1M30S"/>'
            '<segue:repeat interval="PT30S" at-most="4"/>'
            '<segue:limit key="crm" calls="60" per="PT1M"/><segue:limit key="crm" calls="2" per="PT1S"/>'
        ),
        "a",
    )
    assert node.action == Action(kind=ActionKind.CONNECTOR, worker="crm", name="create", application="hub")
    assert (node.prefetch, node.timeout_ms) == (7, 90_000)
    assert node.repeat == RepeatPolicy(interval_ms=30_000, at_most=4)
    assert node.limits == (
        LimitRule(key="crm", calls=60, per_ms=60_000),
        LimitRule(key="crm", calls=2, per_ms=1_000),
    )


def test_settings_left_out_have_their_defaults() -> None:
    node = node_of(extended('<segue:action kind="connector" worker="crm" name="create"/>'), "a")
    assert (node.action, node.prefetch, node.timeout_ms, node.repeat, node.limits) == (CONNECTOR, 10, 60_000, None, ())


def action(**changes: str | None) -> str:
    fields = {"kind": "connector", "worker": "crm", "name": "create"} | changes
    return "<segue:action " + " ".join(f'{key}="{text}"' for key, text in fields.items() if text is not None) + "/>"


REPEAT = '<segue:repeat interval="PT30S" at-most="4"/>'
LIMIT = '<segue:limit key="crm" calls="60" per="PT1M"/>'


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        (action(kind="magic"), "kind"),
        (action(kind=None), "kind"),
        (action(worker=None), "worker"),
        (action(worker=" "), "worker"),
        (action(name=None), "action"),
        (action(name="x" * 201), "action"),
        (action(name="a&#10;b"), "action"),
        (action(prefetch="0"), "prefetch"),
        (action(prefetch="1001"), "prefetch"),
        (action(prefetch="ten"), "prefetch"),
        (action(prefetch="1.5"), "prefetch"),
        (action(prefetch="٣"), "prefetch"),
        (action(prefetch="9" * 30), "prefetch"),
        (action(priority="10"), "priority"),
        (action(priority="-1"), "priority"),
        (action(priority="high"), "priority"),
        (action(timeout="30"), "timeout"),
        (action(timeout="PT0S"), "timeout"),
        (action(timeout="PT0.01S"), "timeout"),
        (action(timeout="P2D"), "timeout"),
        (action(timeout="P1M"), "timeout"),
        (action(prefetsh="3"), "prefetsh"),
        (action() + action(), "more than one"),
        (action() + "<segue:magic/>", "magic"),
        (action() + REPEAT * 2, "more than one"),
        (action() + REPEAT.replace("PT30S", "30"), "interval"),
        (action() + REPEAT.replace('interval="PT30S"', ""), "interval"),
        (action() + REPEAT.replace('at-most="4"', ""), "at-most"),
        (action() + REPEAT.replace('"4"', '"0"'), "at-most"),
        (action() + LIMIT.replace("crm", ""), "key"),
        (action() + LIMIT.replace('calls="60"', ""), "calls"),
        (action() + LIMIT.replace('"60"', '"0"'), "calls"),
        (action() + LIMIT.replace('per="PT1M"', ""), "per"),
        (action() + LIMIT.replace("PT1M", "P32D"), "per"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(inside: str, named: str) -> None:
    found = finding(extended(inside), "bad-setting")
    assert found.node == "a"
    assert named in found.message


@pytest.mark.parametrize("element", ["exclusiveGateway", "startEvent", "endEvent"])
def test_a_setting_on_a_node_that_calls_nothing_is_an_error(element: str) -> None:
    data = process(f'<{element} id="a"><extensionElements>{action()}</extensionElements></{element}>')
    assert "bad-setting" in codes(data)


TASK = '<segue:task passes="{}"/>'


def test_a_user_task_may_let_automatic_runs_pass() -> None:
    assert node_of(extended(TASK.format("automatic"), element="userTask"), "a").passes
    assert not node_of(extended(TASK.format("none"), element="userTask"), "a").passes
    assert not node_of(extended("", element="userTask"), "a").passes
    assert semantic_hash(graph_of(extended(TASK.format("automatic"), element="userTask"))) != semantic_hash(
        graph_of(extended("", element="userTask"))
    )


@pytest.mark.parametrize(
    ("inside", "element", "named"),
    [
        (TASK.format("always"), "userTask", "passes is 'always'; it may be automatic or none"),
        (TASK.format("none") * 2, "userTask", "more than one segue:task"),
        ('<segue:task waits="true"/>', "userTask", "no attribute waits"),
        (TASK.format("automatic"), "serviceTask", "segue:task has no effect on a serviceTask"),
        (action() + TASK.format("automatic"), "userTask", "segue:task has no effect on a userTask"),
    ],
)
def test_what_is_said_of_a_user_task_and_cannot_be(inside: str, element: str, named: str) -> None:
    found = finding(extended(inside, element=element), "bad-setting")
    assert (found.node, named in found.message) == ("a", True)


def test_an_action_makes_a_user_task_call_it() -> None:
    node = node_of(extended(action(), element="userTask"), "a")
    assert (node.kind, node.action) == (NodeKind.ACTION, CONNECTOR)


ZEEBE = '<zeebe:taskDefinition type="{}"/>'
EXTERNAL = 'camunda:type="external" camunda:topic="{}"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("charge-card", Action(kind=ActionKind.CUSTOM, worker="default", name="charge-card")),
        ("io.camunda:http-json:1", Action(kind=ActionKind.CUSTOM, worker="default", name="io.camunda:http-json:1")),
        ("shop/ship", Action(kind=ActionKind.CUSTOM, worker="shop", name="ship")),
        ("shop/batch/list", Action(kind=ActionKind.BATCH, worker="shop", name="list")),
        ("shop/connector/a/b", Action(kind=ActionKind.CONNECTOR, worker="shop", name="a/b")),
        ("one/two/three", Action(kind=ActionKind.CUSTOM, worker="default", name="one/two/three")),
    ],
)
def test_bindings_of_other_tools(text: str, expected: Action) -> None:
    assert node_of(extended(ZEEBE.format(text)), "a").action == expected
    assert node_of(line(task("a", "", attributes=EXTERNAL.format(text))), "a").action == expected
    for uri in ("http://operaton.org/schema/1.0/bpmn", "http://flowable.org/bpmn"):
        attributes = f'xmlns:o="{uri}" o:type="external-worker" o:topic="{text}"'
        assert node_of(line(task("a", "", attributes=attributes)), "a").action == expected


@pytest.mark.parametrize("text", ["", "=worker", "${topic}", "/x", "x/"])
def test_a_foreign_binding_that_cannot_be_read(text: str) -> None:
    assert codes(extended(ZEEBE.format(text))) == {"bad-binding", "no-action"}


def test_other_implementations_leave_the_task_unbound() -> None:
    data = line(task("a", "", attributes='camunda:class="org.example.Do" camunda:topic="x"'))
    assert codes(data) == {"no-action"}


def test_the_first_binding_counts() -> None:
    pipes = 'pipes:pipesType="batch" name="p" pipes:sdkHostName="pipes"'
    everything = f"{pipes} {EXTERNAL.format('camunda/x')}"
    names = []
    for inside in (action() + ZEEBE.format("zeebe/x"), ZEEBE.format("zeebe/x")):
        for attributes in (everything, EXTERNAL.format("camunda/x")):
            bound = node_of(extended(inside, attributes), "a").action
            names.append(bound and bound.worker)
    assert names == ["crm", "crm", "pipes", "zeebe"]


def test_our_repeat_and_limit_add_to_a_foreign_action() -> None:
    node = node_of(extended(ZEEBE.format("shop/ship") + REPEAT + LIMIT), "a")
    assert node.action == Action(kind=ActionKind.CUSTOM, worker="shop", name="ship")
    assert (node.repeat is not None, len(node.limits)) == (True, 1)


@pytest.mark.parametrize("mapping", ["<zeebe:ioMapping/>", "<camunda:inputOutput/>"])
def test_mappings_are_not_applied_and_said_so(mapping: str) -> None:
    assert codes(extended(ZEEBE.format("x") + mapping)) == {"ignored-setting"}
    assert codes(extended(action() + mapping)) == {"ignored-setting"}


@pytest.mark.parametrize(
    ("text", "ms"),
    [("PT1S", 1_000), ("PT0.25S", 250), ("P1W", 604_800_000), ("P1DT1H1M1S", 90_061_000), ("PT90M", 5_400_000)],
)
def test_durations(text: str, ms: int) -> None:
    assert fixed_duration(text) == ms
    assert fixed_duration(format_duration(ms)) == ms


@pytest.mark.parametrize("text", ["", "1S", "PT", "P", "P1Y", "P1M", "-PT1S", "PT1,S", "pt1s", "PT1S ."])
def test_what_is_no_duration_of_a_fixed_length(text: str) -> None:
    assert fixed_duration(text) is None


def test_the_attributes_are_those_of_the_model() -> None:
    """A field added to the model needs an attribute here, or it could not be drawn."""
    assert len(ATTRIBUTES["repeat"]) == len(RepeatPolicy.__struct_fields__)
    assert len(ATTRIBUTES["limit"]) == len(LimitRule.__struct_fields__)
    assert ATTRIBUTES["action"] - {"prefetch", "timeout", "priority"} == set(Action.__struct_fields__)
