"""Which element becomes which kind of node, and what timers and messages say."""

from __future__ import annotations

import pytest

from segue.bpmn.elements import FLOW_NODES
from segue.model.graph import MissedTicks, NodeKind, Timer, TimerKind
from tests.bpmn.build import ACTION, codes, condition, definitions, finding, flow, flow_of, line, node_of, process, task

EVENTS = ["message", "signal", "error", "escalation", "conditional", "link", "compensate", "cancel"]


def event(element: str, *kinds: str) -> str:
    inside = "".join(f"<{kind}EventDefinition/>" for kind in kinds)
    return f'<{element} id="x">{inside}</{element}>'


EXECUTABLE: list[tuple[str, NodeKind]] = [
    (event("startEvent"), NodeKind.START),
    (event("startEvent", "message"), NodeKind.START),
    (event("startEvent", "timer"), NodeKind.START),
    (event("endEvent"), NodeKind.END),
    (event("endEvent", "terminate"), NodeKind.TERMINATE),
    (event("intermediateThrowEvent"), NodeKind.PASS),
    (event("intermediateCatchEvent", "timer"), NodeKind.TIMER),
    (event("intermediateCatchEvent", "message"), NodeKind.MESSAGE),
    (event("boundaryEvent", "timer"), NodeKind.TIMER),
    (event("boundaryEvent", "message"), NodeKind.MESSAGE),
    (event("boundaryEvent", "error"), NodeKind.ERROR),
    ('<callActivity id="x"/>', NodeKind.CALL),
    ('<subProcess id="x"/>', NodeKind.SUB_PROCESS),
    ('<eventBasedGateway id="x"/>', NodeKind.EVENT_GATEWAY),
    ('<exclusiveGateway id="x"/>', NodeKind.EXCLUSIVE),
    ('<inclusiveGateway id="x"/>', NodeKind.INCLUSIVE),
    ('<parallelGateway id="x"/>', NodeKind.PARALLEL),
    ('<gateway id="x"/>', NodeKind.INCLUSIVE),
    ('<event id="x"/>', NodeKind.START),
    ('<userTask id="x"/>', NodeKind.USER_TASK),
    (task("x", element="userTask"), NodeKind.ACTION),
    *(
        (task("x", element=name), NodeKind.ACTION)
        for name in ("task", "serviceTask", "sendTask", "receiveTask", "scriptTask", "businessRuleTask", "manualTask")
    ),
]
UNSUPPORTED: list[str] = [
    *(event("startEvent", kind) for kind in EVENTS if kind != "message"),
    *(event("endEvent", kind) for kind in EVENTS),
    *(event("intermediateThrowEvent", kind) for kind in EVENTS),
    *(event("intermediateCatchEvent", kind) for kind in EVENTS if kind != "message"),
    *(event("boundaryEvent", kind) for kind in EVENTS if kind not in {"message", "error"}),
    event("intermediateCatchEvent"),
    event("startEvent", "message", "timer"),
    event("endEvent", "message", "terminate"),
    event("intermediateCatchEvent", "message", "timer"),
    event("boundaryEvent"),
    event("boundaryEvent", "timer", "message"),
    event("implicitThrowEvent"),
    '<subProcess id="x" triggeredByEvent="true"/>',
    '<transaction id="x"/>',
    '<adHocSubProcess id="x"/>',
    '<complexGateway id="x"/>',
    '<eventBasedGateway id="x" instantiate="true"/>',
    '<choreographyTask id="x"/>',
    '<subChoreography id="x"/>',
    '<callChoreography id="x"/>',
    task("x", ACTION + "<multiInstanceLoopCharacteristics/>"),
    task("x", ACTION + "<standardLoopCharacteristics/>"),
    task("x", attributes='isForCompensation="true"'),
]


@pytest.mark.parametrize(("element", "kind"), EXECUTABLE)
def test_executable(element: str, kind: NodeKind) -> None:
    data = process(element)
    assert node_of(data, "x").kind is kind
    assert "unsupported-element" not in codes(data)


@pytest.mark.parametrize("element", UNSUPPORTED)
def test_unsupported_is_kept_and_named(element: str) -> None:
    data = process(element)
    assert node_of(data, "x").kind is NodeKind.UNSUPPORTED
    found = finding(data, "unsupported-element")
    assert found.node == "x"
    assert node_of(data, "x").element in found.message


def test_every_flow_node_of_bpmn_is_covered() -> None:
    covered = {element[1:].split()[0] for element in [*UNSUPPORTED, *(element for element, _ in EXECUTABLE)]}
    assert covered == FLOW_NODES


def test_an_event_definition_may_stand_elsewhere() -> None:
    data = definitions(
        '<terminateEventDefinition id="d"/><process id="P"><endEvent id="x"><eventDefinitionRef>tns:d'
        "</eventDefinitionRef></endEvent></process>"
    )
    assert node_of(data, "x").kind is NodeKind.TERMINATE


@pytest.mark.parametrize(
    ("message", "name"), [('<message id="m" name="order"/>', "order"), ('<message id="m"/>', "m"), ("", None)]
)
def test_the_message_of_a_start_event(message: str, name: str | None) -> None:
    start = '<startEvent id="x"><messageEventDefinition messageRef="tns:m"/></startEvent>'
    assert node_of(definitions(f'{message}<process id="P">{start}</process>'), "x").message_name == name


def timed(inside: str, element: str = "startEvent", schedule: str = "") -> bytes:
    extension = f"<extensionElements>{schedule}</extensionElements>" if schedule else ""
    start = f'<{element} id="x">{extension}<timerEventDefinition>{inside}</timerEventDefinition></{element}>'
    return line(task("a"), start=start) if element == "startEvent" else line(start)


@pytest.mark.parametrize(
    ("inside", "kind", "value"),
    [
        ("<timeCycle>R/PT5M</timeCycle>", TimerKind.CYCLE, "R/PT5M"),
        ("<timeCycle>*/5 * * * *</timeCycle>", TimerKind.CRON, "*/5 * * * *"),
        ("<timeCycle>0 0 9-17 * * MON-FRI</timeCycle>", TimerKind.CRON, "0 0 9-17 * * MON-FRI"),
        ("<timeCycle>@hourly</timeCycle>", TimerKind.CRON, "@hourly"),
        ("<timeDate>2030-01-31T08:00:00+01:00</timeDate>", TimerKind.DATE, "2030-01-31T08:00:00+01:00"),
        ("<timeDate/><timeCycle> R3/2030-01-01T00:00:00Z/P1D\n</timeCycle>", TimerKind.CYCLE,
         "R3/2030-01-01T00:00:00Z/P1D"),
        ('<timeCycle>="R/PT1H"</timeCycle>', TimerKind.CYCLE, "R/PT1H"),
    ],
)  # fmt: skip
def test_timers_of_start_events(inside: str, kind: TimerKind, value: str) -> None:
    data = timed(inside)
    assert node_of(data, "x").timer == Timer(kind=kind, value=value)
    assert codes(data) == set()


@pytest.mark.parametrize("text", ["PT30S", "P1DT12H", "P1M"])
def test_a_catching_timer_waits_for_a_duration(text: str) -> None:
    data = timed(f"<timeDuration>{text}</timeDuration>", "intermediateCatchEvent")
    assert node_of(data, "x").timer == Timer(kind=TimerKind.DURATION, value=text)
    assert codes(data) == set()


@pytest.mark.parametrize(
    "inside",
    [
        "<timeDuration>PT5M</timeDuration>",
        "<timeCycle>R3/PT5M</timeCycle>",
        "<timeCycle>every day</timeCycle>",
        "<timeCycle>61 * * * *</timeCycle>",
        "<timeDate>tomorrow</timeDate>",
        "<timeDate>${when}</timeDate>",
        "<timeDate>#{when}</timeDate>",
        "<timeCycle>= cycle(5)</timeCycle>",
        "<timeCycle>R/PT5M</timeCycle><timeDate>2030-01-01T00:00:00Z</timeDate>",
    ],
)
def test_a_timer_that_cannot_be_used(inside: str) -> None:
    assert finding(timed(inside), "bad-timer").node == "x"


@pytest.mark.parametrize("inside", ["", "<timeDate/>", "<timeCycle>  </timeCycle>"])
def test_a_timer_that_does_not_say_when(inside: str) -> None:
    assert codes(timed(inside)) == {"timer-empty"}
    assert node_of(timed(inside), "x").timer is None


def test_a_schedule_of_our_own() -> None:
    schedule = '<segue:schedule zone="Europe/Prague" missed="all" body=\'{"a": 1}\'/>'
    timer = node_of(timed("<timeCycle>0 8 * * *</timeCycle>", schedule=schedule), "x").timer
    assert timer is not None
    assert (timer.zone, timer.missed, timer.body) == ("Europe/Prague", MissedTicks.ALL, '{"a": 1}')


@pytest.mark.parametrize(
    ("schedule", "code"),
    [
        ('<segue:schedule zone="Europe/Nowhere"/>', "bad-timer"),
        ('<segue:schedule missed="never"/>', "bad-setting"),
        ('<segue:schedule time="x"/>', "bad-setting"),
        ("<segue:schedule/><segue:schedule/>", "bad-setting"),
    ],
)
def test_a_schedule_that_cannot_be_used(schedule: str, code: str) -> None:
    assert code in codes(timed("<timeCycle>0 8 * * *</timeCycle>", schedule=schedule))


def test_a_schedule_without_timer_has_no_effect() -> None:
    start = '<startEvent id="x"><extensionElements><segue:schedule/></extensionElements></startEvent>'
    assert "bad-setting" in codes(line(task("a"), start=start))


def branch(inside: str, attributes: str = "") -> bytes:
    nodes = '<startEvent id="s"/><exclusiveGateway id="g" default="g-b"/>' + task("a") + task("b")
    return definitions(
        f'<process id="P">{nodes}{flow("s", "g")}{flow("g", "a", inside)}{flow("g", "b")}</process>', attributes
    )


@pytest.mark.parametrize(
    ("text", "attributes", "root", "language", "cel"),
    [
        ("body.total > 5", "", "", "", "body.total > 5"),
        ("total > 5", 'language="cel"', "", "cel", "total > 5"),
        ("${total eq 5}", "", "", "", "total == 5"),
        ("=a and b", "", "", "", "a && b"),
        ("a == 1", 'language="http://www.w3.org/1999/XPath"', "", "", "a == 1"),
        ("a == 1", "", 'expressionLanguage="http://www.w3.org/1999/XPath"', "", "a == 1"),
        ("a = 1", 'language="https://www.omg.org/spec/DMN/20191111/FEEL/"', "",
         "https://www.omg.org/spec/DMN/20191111/FEEL/", "a == 1"),
        ("a = 1", "", 'expressionLanguage="https://www.omg.org/spec/DMN/20191111/FEEL/"',
         "https://www.omg.org/spec/DMN/20191111/FEEL/", "a == 1"),
    ],
)  # fmt: skip
def test_a_condition_keeps_its_source_and_language(
    text: str, attributes: str, root: str, language: str, cel: str
) -> None:
    data = branch(condition(text, attributes), root)
    found = flow_of(data, "g-a").condition
    assert found is not None
    assert (found.source, found.language) == (text, language)
    assert (found.cel or "").replace(" ", "") == cel.replace(" ", "")
    assert codes(data) == set()


def test_an_untranslatable_condition_keeps_its_source() -> None:
    data = branch(condition("println a", 'language="groovy"'))
    found = flow_of(data, "g-a").condition
    assert found is not None
    assert (found.source, found.cel) == ("println a", None)
    assert codes(data) == {"bad-condition"}


def test_a_condition_in_another_file_is_refused() -> None:
    assert codes(branch(condition("", 'camunda:resource="x.js"'))) == {"bad-condition"}


def test_an_empty_condition_is_none() -> None:
    assert flow_of(branch("<conditionExpression/>"), "g-a").condition is None
    assert codes(branch("<conditionExpression/>")) == {"branch-without-condition"}
