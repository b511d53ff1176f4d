"""Assigning an action inside a file: exactly that is read afterwards, and nothing else has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from segue.bpmn.assign import assign
from segue.bpmn.diff import ItemDiff, diff
from segue.bpmn.settings import Binding
from segue.bpmn.spans import spans_of, spliced
from segue.model.errors import Invalid, NodeNotFound
from segue.model.graph import Action, ActionKind, LimitRule, NodeKind, ProcessGraph, RepeatPolicy
from tests.bpmn.build import ACTION, codes, graph_of, line, node_of, process, read, task
from tests.bpmn.strategies import actions, limits, repeats
from tests.bpmn.test_corpus import FILES, FOLDER
from tests.bpmn.test_orchesty import CONTACTS, ORDERS

SHIP = Action(kind=ActionKind.BATCH, worker="shop", name='ship <&> "größer"', application="a'b")
FULL = Binding(
    action=SHIP,
    prefetch=3,
    priority=9,
    timeout_ms=1_500,
    repeat=RepeatPolicy(interval_ms=60_000, at_most=3),
    limits=(LimitRule(key="k", calls=1, per_ms=1_000), LimitRule(key="k", calls=9, per_ms=60_000)),
)
PLAIN = Binding(action=SHIP)
SHAPES = {
    "an empty tag": '<task id="a"/>',
    "an empty tag with a blank": "<task\n  name='x > y'\n  id = 'a' />",
    "an empty element": '<task id="a"></task>',
    "with text around": '\n    <task id="a">\n    </task>\n',
    "with documentation": '<task id="a"><documentation>why</documentation><incoming>f</incoming></task>',
    "with empty extensions": '<task id="a"><extensionElements/></task>',
    "with open extensions": '\n<task id="a">\n  <extensionElements>\n  </extensionElements>\n</task>\n',
    "with ours": f'\n<task id="a">\n  {ACTION}\n</task>\n',
    "with foreign ones": '<task id="a"><extensionElements><zeebe:taskDefinition type="x"/></extensionElements></task>',
    "with all of ours": '<task id="a"><extensionElements> <segue:repeat interval="PT1S" at-most="1"/>\n<zeebe:x/>'
    '<segue:limit key="k" calls="1" per="PT1S"/> <segue:action kind="custom" worker="w" name="n"></segue:action>'
    "</extensionElements></task>",
    "with another prefix": '<task id="a" xmlns:s="https://segue.dev/bpmn/1"><extensionElements>'
    '<s:action kind="custom" worker="w" name="n"/></extensionElements></task>',
    "with our prefix taken": '<task id="a" xmlns:segue="urn:other"/>',
    "with a prefixed tag": '<b:task xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" id="a"/>',
    "after a comment with a tag": '<!-- <task id="a"> --><task id="a"/>',
    "after text that looks like a tag": '<documentation><![CDATA[<task id="a">]]></documentation><task id="a"/>',
    "a user task": '<userTask id="a"/>',
}


def bound(graph: ProcessGraph, id_: str) -> Binding:
    node = next(node for node in graph.nodes if node.id == id_)
    return Binding(
        action=node.action,
        prefetch=node.prefetch,
        timeout_ms=node.timeout_ms,
        priority=node.priority,
        repeat=node.repeat,
        limits=node.limits,
    )


def without(data: bytes, id_: str) -> str:
    """Return the canonical XML of a file without our elements on one node, and without the white space around them."""
    root = etree.fromstring(data)
    for item in root.iter("{https://segue.dev/bpmn/1}*"):
        owner = item.getparent().getparent()
        if owner.get("id") == id_:
            item.getparent().remove(item)
    for item in root.iter("{http://www.omg.org/spec/BPMN/20100524/MODEL}extensionElements"):
        if len(item) == 0:
            item.getparent().remove(item)
    return etree.canonicalize(etree.tostring(root, encoding="unicode"), strip_text=True, rewrite_prefixes=True)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("binding", [FULL, PLAIN], ids=["full", "plain"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_is_assigned_is_read(shape: str, binding: Binding, newline: str) -> None:
    source = line(SHAPES[shape]).replace(b"\n", newline.encode())
    written = assign(source, "a", binding)
    found = bound(graph_of(written), "a")
    assert found.action == binding.action
    assert found.prefetch == (binding.prefetch or 10)
    assert found.timeout_ms == (binding.timeout_ms or 60_000)
    assert (found.repeat, found.limits) == (binding.repeat, binding.limits)
    assert "bad-setting" not in codes(written)
    assert assign(written, "a", binding) == written
    assert without(written, "a") == without(source, "a")
    assert b"\r" not in written.replace(b"\r\n", b"")
    if b"\r\n" in source:
        assert b"\n" not in written.replace(b"\r\n", b"")


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_before_and_behind_the_node_changes(shape: str) -> None:
    source = line(SHAPES[shape])
    written = assign(source, "a", FULL)
    start, end = source.index(b'<startEvent id="start"/>') + 24, source.index(b'<endEvent id="end"/>')
    assert written.startswith(source[:start])
    assert written.endswith(source[end:])


def test_taking_the_action_away_leaves_the_foreign_one() -> None:
    source = line(task("a", '<extensionElements><zeebe:taskDefinition type="w/n"/></extensionElements>'))
    written = assign(assign(source, "a", FULL), "a", Binding())
    assert written == source
    assert node_of(written, "a").action == Action(kind=ActionKind.CUSTOM, worker="w", name="n")


def test_it_looks_as_a_person_would_write_it() -> None:
    source = process('\n  <task id="a" name="x"/>\n').decode()
    written = assign(source.encode(), "a", Binding(action=SHIP, prefetch=3)).decode()
    assert written == source.replace(
        '  <task id="a" name="x"/>\n',
        '  <task id="a" name="x">\n'
        "    <extensionElements>\n"
        '      <segue:action kind="batch" worker="shop" name=\'ship &lt;&amp;&gt; "größer"\' application="a\'b"'
        ' prefetch="3"/>\n'
        "    </extensionElements>\n"
        "  </task>\n",
    )


def test_a_node_without_id_gets_the_one_it_is_called_by() -> None:
    source = process('<task name="x"/>')
    id_ = graph_of(source).nodes[0].id
    written = assign(source, id_, PLAIN)
    assert f'<task id="{id_}" name="x">'.encode() in written
    assert "missing-id" not in codes(written)


def test_of_two_nodes_with_one_id_the_named_one_is_bound() -> None:
    written = assign(process('<task id="a"/><task id="a"/>'), "a_2", PLAIN)
    assert [node.action for node in graph_of(written).nodes] == [None, SHIP]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "ascii", "latin-1"])
def test_the_encoding_stays(encoding: str) -> None:
    declared = {"utf-8-sig": "UTF-8", "cp1252": "windows-1252", "latin-1": "ISO-8859-1", "ascii": "US-ASCII"}.get(
        encoding, encoding
    )
    text = f'<?xml version="1.0" encoding="{declared}"?>\n' + line('<task id="a"/>').decode()
    name = "Łódź" if encoding != "utf-16" else "Łódź 🚲"
    source = text.encode(encoding)
    written = assign(source, "a", Binding(action=Action(kind=ActionKind.CUSTOM, worker="w", name=name)))
    assert written.startswith(source[:60])
    assert (node_of(written, "a").action or SHIP).name == name


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_task_of_other_tools_can_be_bound(path: Path) -> None:
    """In every file the last task is bound, and the difference names exactly that one."""
    source = path.read_bytes()
    tasks = [
        (graph, node.id)
        for graph in read(source).processes
        for node in graph.nodes
        if node.kind in {NodeKind.ACTION, NodeKind.USER_TASK}
    ]
    for graph, id_ in tasks[-1:]:
        written = assign(source, id_, FULL)
        again = read(written).process(graph.key)
        assert again is not None
        found = diff(graph, again)
        assert {item.node for item in (*found.settings.added, *found.settings.changed)} == {id_}
        assert (found.flows, found.process) == (ItemDiff(), ())
        assert len(written) < len(source) + 1_200


def test_no_sample_is_left_out() -> None:
    assert FOLDER.is_dir()
    assert len(FILES) == 230


@given(
    st.builds(
        Binding,
        action=actions,
        prefetch=st.none() | st.integers(1, 1000),
        timeout_ms=st.none() | st.integers(100, 86_400_000),
        priority=st.none() | st.integers(0, 9),
        repeat=st.none() | repeats,
        limits=st.lists(limits, max_size=3).map(tuple),
    ),
    st.sampled_from(sorted(SHAPES)),
)
def test_any_binding_is_read_as_it_was_assigned(binding: Binding, shape: str) -> None:
    found = bound(graph_of(assign(line(SHAPES[shape]), "a", binding)), "a")
    assert (found.action, found.repeat, found.limits) == (binding.action, binding.repeat, binding.limits)
    assert found.prefetch == (binding.prefetch if binding.prefetch is not None else 10)
    assert found.timeout_ms == (binding.timeout_ms if binding.timeout_ms is not None else 60_000)
    assert found.priority == (binding.priority or 0)


def custom(**changes: str) -> Action:
    return Action(**({"kind": ActionKind.CUSTOM, "worker": "w", "name": "n"} | changes))


@pytest.mark.parametrize(
    "binding",
    [
        Binding(prefetch=3),
        Binding(timeout_ms=3_000),
        Binding(priority=3),
        Binding(action=custom(name="")),
        Binding(action=custom(name="a\0b")),
        Binding(action=custom(name="a\nb")),
        Binding(action=custom(name=" a")),
        Binding(action=custom(worker="x" * 201)),
        Binding(action=SHIP, prefetch=0),
        Binding(action=SHIP, timeout_ms=1),
        Binding(action=SHIP, priority=10),
        Binding(action=SHIP, repeat=RepeatPolicy(interval_ms=1, at_most=1)),
        Binding(action=SHIP, limits=(LimitRule(key="", calls=1, per_ms=1),)),
    ],
)
@pytest.mark.parametrize("file", ["xml", "json"])
def test_a_binding_that_could_not_be_read_again_is_refused(binding: Binding, file: str) -> None:
    source, id_ = (line('<task id="a"/>'), "a") if file == "xml" else (CONTACTS, "2")
    with pytest.raises(Invalid):
        assign(source, id_, binding)


def test_what_cannot_be_bound_is_refused() -> None:
    source = line('<task id="a"/>')
    with pytest.raises(NodeNotFound):
        assign(source, "b", PLAIN)
    with pytest.raises(Invalid, match="startEvent"):
        assign(source, "start", PLAIN)
    for broken in (b"", b"<a", b"<a/>", b"PK\x03\x04", b"{", b"{}", b" " * 5_000_001, b"\xff\xfe<\0a\0\0"):
        with pytest.raises(Invalid):
            assign(broken, "a", PLAIN)


def test_orchesty_files_can_be_bound() -> None:
    written = assign(ORDERS, "Crm", FULL, name="orders.tplg")
    assert node_of(written, "Crm", "orders.tplg").action == SHIP
    assert node_of(assign(written, "Crm", Binding(), name="orders.tplg"), "Crm", "orders.tplg").action == Action(
        kind=ActionKind.CONNECTOR, worker="worker", name="crm-create"
    )


def test_json_files_can_be_bound() -> None:
    written = assign(CONTACTS, "4", FULL)
    found = bound(graph_of(written), "4")
    assert found == FULL
    before, after = json.loads(CONTACTS), json.loads(written)
    changed = after["nodes"].pop(3)
    before["nodes"].pop(3)
    assert before == after
    assert changed["position"] == {"x": 0, "y": 0}
    plain = node_of(assign(written, "4", PLAIN), "4")
    assert (plain.action, plain.prefetch, plain.repeat, plain.limits) == (SHIP, 1, None, ())


def test_a_breakpoint_in_json_can_be_given_an_action() -> None:
    node = node_of(assign(CONTACTS, "3", PLAIN), "3")
    assert (node.kind, node.action) == (NodeKind.ACTION, SHIP)


@given(st.text(alphabet="<>ab/ \n\"'=!-[]?é", max_size=60))
def test_spans_are_those_of_the_parser(text: str) -> None:
    whole = f"<r>{text}</r>"
    try:
        root = etree.fromstring(whole.encode())
    except etree.XMLSyntaxError:
        return
    tags = [element.tag for element in root.iter() if isinstance(element.tag, str)]
    spans = spans_of(whole)
    assert [span.tag for span in spans] == tags
    for span in spans:
        assert etree.fromstring(whole[span.start : span.end].encode()).tag == span.tag


def test_splicing() -> None:
    assert spliced("0123456789", [(8, 9, "x"), (2, 4, ""), (0, 0, "<")]) == "<014567x9"
