"""Each finding code: the smallest file that gives it, its severity and its place, and the page that explains it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segue.bpmn.findings import CODES
from segue.model.graph import Severity
from tests.bpmn.build import (
    ACTION,
    codes,
    condition,
    definitions,
    finding,
    flow,
    line,
    process,
    read,
    task,
)

PAGE = Path(__file__).parent.parent.parent / "docs" / "bpmn.md"
GATE = '<exclusiveGateway id="g"/>'
START, END = '<startEvent id="start"/>', '<endEvent id="end"/>'


def split(first: str, second: str, gate: str = GATE) -> bytes:
    """Return a process with a gateway and two branches, whose flows hold the given inside."""
    parts = (START, gate, task("a"), task("b"), flow("start", "g"), flow("g", "a", first), flow("g", "b", second))
    return process("".join(parts))


def timer(inside: str, element: str = "intermediateCatchEvent", more: str = "") -> str:
    return f'<{element} id="t">{more}<timerEventDefinition>{inside}</timerEventDefinition></{element}>'


def tplg(inside: str) -> bytes:
    return process(
        inside + task("a", "", "task", 'pipes:pipesType="batch" name="a" pipes:sdkHost="w"') + flow("e", "a")
    )


SAMPLES: dict[str, bytes] = {
    "empty-file": b" \n",
    "too-large": b" " * 5_000_001,
    "not-a-process-file": b"PK\x03\x04 and so on",
    "doctype-refused": b"<?xml version='1.0'?><!-- x --><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "not-well-formed": b"<definitions><process></definitions>",
    "too-deep": b"<a>" * 300 + b"</a>" * 300,
    "too-many-elements": b"<a>" + b"<b/>" * 400_001 + b"</a>",
    "too-many-nodes": process("".join(f'<task id="t{number}"/>' for number in range(2_001))),
    "attribute-too-long": f'<a b="{"x" * 256_001}"/>'.encode(),
    "not-bpmn": b"<package xmlns='http://www.wfmc.org/2008/XPDL2.1'/>",
    "no-process": definitions('<message id="m"/>'),
    "several-processes": definitions(
        f'<process id="P">{START}</process><process id="Q"><startEvent id="s"/></process>'
    ),
    "wrong-encoding": b"<?xml version='1.0' encoding='UTF-8'?>" + line(task("a")).replace(b'"crm"', b'"\xfc"'),
    "missing-id": process(f'{START}{task("a")}<sequenceFlow sourceRef="start" targetRef="a"/>'),
    "duplicate-id": line(task("a"), task("a")),
    "dangling-flow": line(task("a")).replace(b'targetRef="end"', b'targetRef="nowhere"'),
    "drawn-only": definitions('<collaboration id="c"><participant id="x"/></collaboration><process id="P"/>'),
    "priority-without-limit": line(task("a", ACTION.replace("name=", 'priority="3" name='))),
    "foreign-element": line(task("a")).replace(b"<startEvent", b"<x:note xmlns:x='x'/><startEvent"),
    "unknown-element": line(task("a")).replace(b"<startEvent", b"<superTask id='u'/><startEvent"),
    "unsupported-element": line('<complexGateway id="c"/>'),
    "inside-sub-process": line(f'<transaction id="s">{task("a")}</transaction>'),
    "sub-process-start": line(f'<subProcess id="s">{task("a")}</subProcess>'),
    "sub-process-end": line(f'<subProcess id="s"><startEvent id="i"/>{task("a")}{flow("i", "a")}</subProcess>'),
    "flow-crosses": line('<subProcess id="s"><startEvent id="i"/><endEvent id="o"/></subProcess>' + task("a")).replace(
        b"</process>", flow("i", "a").encode() + b"</process>"
    ),
    "boundary-misplaced": line(task("a"), '<boundaryEvent id="b"><errorEventDefinition/></boundaryEvent>'),
    "event-gateway-targets": line('<eventBasedGateway id="g"/>', task("a")),
    "join-alone": process(
        START
        + GATE.replace("/>", ' default="g-b"/>')
        + '<parallelGateway id="h"/>'
        + task("a")
        + task("b")
        + flow("start", "g")
        + flow("g", "a", condition("x"))
        + flow("g", "b")
        + flow("a", "h")
        + flow("b", "h")
        + END
        + flow("h", "end")
    ),
    "no-called-process": line('<callActivity id="c"/>'),
    "no-message-name": line('<intermediateCatchEvent id="m"><messageEventDefinition/></intermediateCatchEvent>'),
    "bad-key": line(
        '<intermediateCatchEvent id="m"><extensionElements><segue:message key="a +"/></extensionElements>'
        "<messageEventDefinition/></intermediateCatchEvent>"
    ),
    "no-action": line('<task id="a"/>'),
    "bad-binding": line(task("a", '<extensionElements><zeebe:taskDefinition type="=x"/></extensionElements>')),
    "bad-setting": line(task("a", ACTION.replace("connector", "magic"))),
    "ignored-setting": line(
        task("a", '<extensionElements><zeebe:taskDefinition type="x"/><zeebe:ioMapping/></extensionElements>')
    ),
    "worker-address": tplg('<event id="e" name="e"/>'),
    "timer-empty": line(timer("")),
    "schedule-missing": tplg('<event id="e" name="e" pipes:pipesType="cron"/>'),
    "bad-timer": line(timer("<timeDuration>5 minutes</timeDuration>")),
    "no-start-event": process(task("a")),
    "start-with-incoming": process(START + task("a") + flow("start", "a") + flow("a", "start")),
    "end-with-outgoing": process(START + END + task("a") + flow("start", "end") + flow("end", "a")),
    "start-without-outgoing": process(START),
    "gateway-without-outgoing": line(GATE).replace(b'sourceRef="g"', b'sourceRef="start"'),
    "unreachable": line(task("a")).replace(b"<startEvent", task("alone").encode() + b"<startEvent"),
    "endless-pass": process(
        START + GATE + '<exclusiveGateway id="h" default="h-g"/>' + flow("start", "g") + flow("g", "h") + flow("h", "g")
    ),
    "duplicate-name": process(
        '<startEvent id="s" name="x"/><startEvent id="t" name="x"/>' + task("a") + flow("s", "a") + flow("t", "a")
    ),
    "branch-without-condition": split("", condition("true")),
    "condition-to-write": split("", condition("true")).replace(b'id="g-a"', b'id="g-a" name="urgent"'),
    "bad-condition": split(condition("a +"), condition("true")),
    "condition-without-effect": split(condition("true"), condition("true"), '<parallelGateway id="g"/>'),
    "default-flow-unknown": split(condition("true"), condition("true"), '<exclusiveGateway id="g" default="x"/>'),
}


def test_a_plain_process_has_no_findings() -> None:
    result = read(line(task("a"), task("b")))
    assert result.findings == ()
    assert result.publishable()


def test_every_code_has_a_sample() -> None:
    assert SAMPLES.keys() == CODES.keys()


@pytest.mark.parametrize("code", CODES)
def test_the_sample_gives_the_code(code: str) -> None:
    found = [item for item in read(SAMPLES[code]).findings if item.code == code]
    assert found
    assert {item.severity for item in found} == {CODES[code][0]}
    for item in found:
        assert item.message.endswith(".")
        assert len(item.message) < 400


@pytest.mark.parametrize("code", [code for code, (severity, _) in CODES.items() if severity is Severity.ERROR])
def test_an_error_blocks_publishing(code: str) -> None:
    assert not read(SAMPLES[code]).publishable()


@pytest.mark.parametrize(
    "code",
    ["unsupported-element", "no-action", "bad-binding", "bad-setting", "timer-empty", "bad-timer", "sub-process-start",
     "start-with-incoming", "end-with-outgoing", "unreachable", "branch-without-condition", "bad-condition",
     "duplicate-name", "dangling-flow"],
)  # fmt: skip
def test_a_finding_about_an_element_names_it_and_its_line(code: str) -> None:
    found = next(item for item in read(b"\n\n" + SAMPLES[code]).findings if item.code == code)
    assert found.node
    assert found.line == 3
    assert found.process == "P"


def test_the_page_explains_exactly_these_codes() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning|info) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == {code: severity.value for code, (severity, _) in CODES.items()}
    assert len(rows) == len(CODES)


def test_findings_of_one_process_do_not_block_another() -> None:
    good = f'<process id="P" isExecutable="true">{START}{task("a")}{flow("start", "a")}</process>'
    data = definitions(good + '<process id="Q"><task id="x"/></process>')
    result = read(data)
    assert result.main is not None
    assert result.main.key == "P"
    assert result.publishable()
    assert not result.publishable("Q")
    assert {item.code for item in result.findings_for("Q")} == {"no-start-event", "no-action"}


def test_choosing_a_process_answers_which_one_is_meant() -> None:
    one = "".join(f'<process id="{key}">{{}}</process>' for key in "PQ")
    parts = [f'<startEvent id="s{key}"/>{task(f"a{key}")}{flow(f"s{key}", f"a{key}")}' for key in "PQ"]
    result = read(definitions(one.format(*parts)))
    assert result.main is None
    assert not result.publishable()
    assert result.publishable("P")
    assert result.publishable("Q")
    assert not result.publishable("R")


def test_a_label_becomes_a_thing_to_do() -> None:
    found = finding(SAMPLES["condition-to-write"], "condition-to-write")
    assert found.node == "g-a"
    assert "'urgent'" in found.message


def test_a_condition_that_cannot_be_read_is_not_also_missing() -> None:
    assert "branch-without-condition" not in codes(SAMPLES["bad-condition"])


def test_a_condition_on_the_default_flow_has_no_effect() -> None:
    data = split(condition("true"), condition("true"), '<exclusiveGateway id="g" default="g-b"/>')
    assert finding(data, "condition-without-effect").node == "g-b"


def test_a_bad_condition_names_its_position() -> None:
    assert re.search(r"line \d|column \d|position \d", finding(SAMPLES["bad-condition"], "bad-condition").message)


def test_a_loop_with_an_action_in_it_is_fine() -> None:
    gate = '<exclusiveGateway id="g" default="g-end"/>'
    flows = flow("start", "a") + flow("a", "g") + flow("g", "a", condition("again")) + flow("g", "end")
    assert codes(process(START + task("a") + gate + END + flows)) == set()


def test_a_gateway_that_joins_exclusively_is_fine() -> None:
    data = split(condition("x"), condition("!x")).replace(
        b"</process>", (GATE.replace('"g"', '"j"') + flow("a", "j") + flow("b", "j") + "</process>").encode()
    )
    assert codes(data) == {"gateway-without-outgoing"}


def test_a_chosen_process_without_nodes_is_an_error() -> None:
    result = read(definitions(f'<process id="P">{START}{task("a")}{flow("start", "a")}</process><process id="Q"/>'))
    assert result.publishable("P")
    assert not result.publishable("Q")
    assert [item.code for item in result.findings_for("Q")] == ["no-process"]
    assert result.findings_for() == ()


def test_a_loop_of_passing_events_is_a_loop_too() -> None:
    throw = '<intermediateThrowEvent id="g"/><intermediateThrowEvent id="h"/>'
    data = process(START + throw + flow("start", "g") + flow("g", "h") + flow("h", "g"))
    assert finding(data, "endless-pass").node == "g"


def test_what_follows_a_boundary_event_is_reachable() -> None:
    boundary = timer("<timeDuration>PT1H</timeDuration>", "boundaryEvent").replace('"t"', '"late" attachedToRef="a"')
    data = process(START + task("a") + task("b") + boundary + flow("start", "a") + flow("late", "b"))
    assert codes(data) == set()


def test_a_gateway_that_leads_to_itself_is_a_loop() -> None:
    data = process(START + '<exclusiveGateway id="g" default="g-g"/>' + flow("start", "g") + flow("g", "g"))
    assert finding(data, "endless-pass").node == "g"
