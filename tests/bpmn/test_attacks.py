"""Files made to hurt: each is refused with a finding, quickly, without looking at anything outside the file."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.bpmn import read_file
from segue.bpmn.definitions import MAX_FLOWS, MAX_NODES
from segue.bpmn.markup import MAX_ATTRIBUTE, MAX_ATTRIBUTES, MAX_BYTES
from segue.model.graph import Severity
from tests.bpmn.build import ACTION, codes, condition, definitions, flow, line, process, read, task

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.bpmn", line(task("a")))
    return target.getvalue()


ATTACKS: dict[str, tuple[bytes, str]] = {
    "doctype": (b"<!DOCTYPE definitions>" + line(task("a")), "doctype-refused"),
    "billion laughs": (f"<!DOCTYPE a [{LAUGHS}]><a>&l9;</a>".encode(), "doctype-refused"),
    "laughs in an attribute": (f"<!DOCTYPE a [{LAUGHS}]><a b='&l9;'/>".encode(), "doctype-refused"),
    "external entity": (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "doctype-refused"),
    "external DTD": (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>', "doctype-refused"),
    "doctype after comments": (b"<?xml version='1.0'?>\n<!-- <a> -->\n<?p i?>\n<!DOCTYPE a><a/>", "doctype-refused"),
    "doctype in UTF-16": ("\ufeff<!DOCTYPE a><a/>".encode("utf-16-le"), "doctype-refused"),
    "doctype in UTF-7": (b"<?xml version='1.0' encoding='UTF-7'?>+ADw-!DOCTYPE a+AD4-<a/>", "not-well-formed"),
    "undeclared entity": (b"<a>&nbsp;</a>", "not-well-formed"),
    "depth 100,000": (b"<a>" * 100_000 + b"</a>" * 100_000, "too-deep"),
    "depth of sub-processes": (
        process('<subProcess id="s">' * 300 + "</subProcess>" * 300).replace(b'id="s"', b""),
        "too-deep",
    ),
    "5 MB and a byte": (line(task("a")).ljust(MAX_BYTES + 1), "too-large"),
    "nodes": (process("".join(f'<task id="t{n}"/>' for n in range(MAX_NODES + 1))), "too-many-nodes"),
    "flows": (
        process('<task id="a"/>' + '<sequenceFlow sourceRef="a" targetRef="a"/>' * (MAX_FLOWS + 1)),
        "too-many-nodes",
    ),
    "elements": (b"<a>" + b"<b/>" * 900_000 + b"</a>", "too-many-elements"),
    "empty elements": (b"<a>" + b"<b/>" * 300_000 + b"</a>", "too-many-elements"),
    "text elements": (b"<a>" + b"<b>x</b>" * 200_001 + b"</a>", "too-many-elements"),
    "attribute of 4 MB": (b'<a b="' + b"x" * 4_000_000 + b'"/>', "attribute-too-long"),
    "attribute a little too long": (f'<a b="{"x" * (MAX_ATTRIBUTE + 1)}"/>'.encode(), "attribute-too-long"),
    "attributes": (
        ("<a " + " ".join(f'a{n}=""' for n in range(MAX_ATTRIBUTES + 1)) + "/>").encode(),
        "attribute-too-long",
    ),
    "400,000 attributes": (
        ("<a " + " ".join(f'a{n}=""' for n in range(400_000)) + "/>").encode(),
        "attribute-too-long",
    ),
    "namespaces": (("<a " + " ".join(f'xmlns:a{n}="u{n}"' for n in range(150_000)) + "/>").encode(), "not-bpmn"),
    "name of 4 MB": (b"<" + b"a" * 4_000_000 + b"/>", "not-well-formed"),
    "control character": (line(task("a")).replace(b'"crm"', b'"\x01"'), "not-well-formed"),
    "surrogate": (line(task("a")).replace(b'"crm"', b'"&#xD800;"'), "not-well-formed"),
    "invalid UTF-8": (b"\xff\xfe\xfd\xfc" * 10, "not-a-process-file"),
    "zip": (zipped(), "not-a-process-file"),
    "gzip": (b"\x1f\x8b\x08" + bytes(range(256)), "not-a-process-file"),
    "nothing": (b"", "empty-file"),
    "byte order mark alone": (b"\xef\xbb\xbf", "empty-file"),
    "half a UTF-16 character": (b"\xff\xfe<", "not-a-process-file"),
    "zeros": (b"\0" * 1000, "not-a-process-file"),
    "text": (b"hello", "not-a-process-file"),
    "HTML": (b"<!doctype html><html></html>", "doctype-refused"),
    "an open comment": (b"<!-- " * 100_000, "not-well-formed"),
    "an open instruction": (b"<?a " * 100_000, "not-well-formed"),
    "only closing tags": (b"</a>" * 100_000, "not-well-formed"),
    "JSON of depth 100,000": (b"[" * 100_000, "not-bpmn"),
    "JSON objects of depth 100,000": (b'{"a":' * 100_000, "not-well-formed"),
    "JSON cut off": (b'{"nodes":[', "not-well-formed"),
    "JSON of another shape": (b'{"nodes":{}}', "not-bpmn"),
    "JSON node without id": (b'{"nodes":[{}],"connections":[]}', "not-bpmn"),
    "JSON nodes": (
        b'{"connections":[],"nodes":[' + b",".join(b'{"id":"%d"}' % n for n in range(MAX_NODES + 1)) + b"]}",
        "too-many-nodes",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_with_a_finding(name: str) -> None:
    data, code = ATTACKS[name]
    result = read(data)
    assert code in {item.code for item in result.findings}
    assert result.processes == ()
    assert not result.publishable()


def test_what_is_just_within_the_limits_is_read() -> None:
    assert read(line(task("a")).ljust(MAX_BYTES)).publishable()
    many = "".join(f'<task id="t{n}"/>' for n in range(MAX_NODES))
    assert len(read(process(many)).processes[0].nodes) == MAX_NODES
    long = line(task("a", attributes=f'name="{"x" * MAX_ATTRIBUTE}"'))
    assert "attribute-too-long" not in codes(long)


QUADRATIC = {
    "one id for all nodes": '<task id="a"/>' * MAX_NODES,
    "one id for all flows": '<task id="a"/>' + '<sequenceFlow id="f" sourceRef="a" targetRef="a"/>' * MAX_FLOWS,
    "flows that lead nowhere": "".join(f'<task id="x:{n}"/>' for n in range(MAX_NODES - 1))
    + '<sequenceFlow sourceRef="y:nobody" targetRef="y:nothing"/>' * MAX_FLOWS,
    "branches without condition": '<startEvent id="s"/><exclusiveGateway id="g"/><task id="a"/>'
    + '<sequenceFlow name="n" sourceRef="g" targetRef="a"/>' * MAX_FLOWS,
    "a chain of gateways": "".join(f'<exclusiveGateway id="g{n}"/>' for n in range(MAX_NODES))
    + "".join(flow(f"g{n}", f"g{(n + 1) % MAX_NODES}") for n in range(MAX_NODES)),
    "event definitions by reference": '<startEvent id="s">'
    + "<eventDefinitionRef>q:nobody</eventDefinitionRef>" * 50_000
    + "</startEvent>",
    "limits": task("a", ACTION.replace("</ext", '<segue:limit key="k" calls="1" per="PT1S"/>' * 20_000 + "</ext")),
}


@pytest.mark.parametrize("name", QUADRATIC)
def test_size_within_the_limits_does_not_stall(name: str) -> None:
    """Each would take very long if a lookup walked a list; the suite's time limit would end it."""
    assert read(process(QUADRATIC[name])).findings


@pytest.mark.parametrize(
    "text",
    ["x" * 5_000, "(" * 2_000 + ")" * 2_000, "a.all(b, " * 9 + "true" + ")" * 9, "[" * 4_000, "'"],
)
def test_a_hostile_condition_is_a_finding(text: str) -> None:
    gate = '<exclusiveGateway id="g" default="g-b"/>'
    nodes = '<startEvent id="s"/>' + gate + task("a") + task("b")
    data = process(nodes + flow("s", "g") + flow("g", "a", condition(text)) + flow("g", "b"))
    assert codes(data) == {"bad-condition"}


@given(st.binary(max_size=300))
def test_any_bytes_give_a_result(data: bytes) -> None:
    result = read_file(data, name="x")
    assert result.processes or any(item.severity is Severity.ERROR for item in result.findings)


@given(st.binary(max_size=20), st.integers(0, 2_000), st.integers(0, 30))
def test_a_damaged_file_gives_a_result(noise: bytes, at: int, cut: int) -> None:
    whole = definitions(f'<process id="P"><startEvent id="s"/>{task("a")}{flow("s", "a", condition("x"))}</process>')
    at %= len(whole)
    result = read_file(whole[:at] + noise + whole[at + cut :], name="x.bpmn")
    assert result.processes or any(item.severity is Severity.ERROR for item in result.findings)
