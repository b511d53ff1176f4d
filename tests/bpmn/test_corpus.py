"""Every file of other tools, none held back: opened, counted by another method, unsupported parts named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from segue.bpmn import Dialect, read_file
from segue.bpmn.assign import assign
from segue.bpmn.settings import Binding
from segue.core.routing import Routes, entry_points
from segue.model.graph import Action, ActionKind, NodeKind

FOLDER = Path(__file__).parent.parent / "data" / "bpmn" / "miwg"
FILES = sorted(FOLDER.glob("*/*.bpmn"))
MODEL = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
# The naming rule of BPMN 2.0 for flow nodes, instead of the reader's table.
FLOW_NODE = re.compile(
    r".*(Event|Task|Gateway)|task|subProcess|adHocSubProcess|transaction|callActivity|callChoreography"
)
HOLDERS = {"process", "subProcess", "adHocSubProcess", "transaction"}
WRONGLY_DECLARED = {
    "GenMyModel-0.47/C.1.0-export.bpmn",
    "GenMyModel-0.47/C.1.0-roundtrip.bpmn",
    "GenMyModel-0.47/C.1.1-export.bpmn",
    "GenMyModel-0.47/C.1.1-roundtrip.bpmn",
}
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")


class Counted:
    """What a process holds, found with expat and names alone: (id, element, parent) of nodes, (id, ends) of flows."""

    def __init__(self, process: ET.Element) -> None:
        self.nodes: list[tuple[str | None, str, str | None]] = []
        self.flows: list[tuple[str | None, str, str]] = []
        self.dangling = 0
        ends = []
        for holder, parent in holders(process, None):
            for item in holder:
                name = item.tag.removeprefix(MODEL)
                if FLOW_NODE.fullmatch(name):
                    self.nodes.append((item.get("id"), name, parent))
                elif name == "sequenceFlow":
                    ends.append((item.get("id"), bare(item.get("sourceRef")), bare(item.get("targetRef"))))
        known = {id_ for id_, _, _ in self.nodes}
        for id_, source, target in ends:
            if source in known and target in known:
                self.flows.append((id_, source, target))
            else:
                self.dangling += 1


def holders(element: ET.Element, parent: str | None) -> Iterator[tuple[ET.Element, str | None]]:
    yield element, parent
    for item in element:
        if item.tag.removeprefix(MODEL) in HOLDERS:
            yield from holders(item, item.get("id"))


def bare(reference: str | None) -> str:
    return (reference or "").rpartition(":")[2]


def counted(path: Path) -> list[Counted]:
    data = path.read_bytes()
    if f"{path.parent.name}/{path.name}" in WRONGLY_DECLARED:
        text = data.decode("windows-1252")
        data = re.sub(r"encoding=(['\"])UTF-8\1", "", text, count=1).encode()
    return [Counted(item) for item in ET.fromstring(data).iter(f"{MODEL}process")]


def test_no_file_is_held_back() -> None:
    assert len(FILES) == 230


@each_file
def test_nodes_and_flows_are_those_of_an_independent_count(path: Path) -> None:
    result = read_file(path.read_bytes(), name=path.name)
    expected = counted(path)
    assert len(result.processes) == len(expected)
    for graph, count in zip(result.processes, expected, strict=True):
        assert len(graph.nodes) == len(count.nodes)
        assert len(graph.flows) == len(count.flows)
        assert sorted((node.id, node.element, node.parent or "") for node in graph.nodes) == sorted(
            (id_ or "", name, parent or "") for id_, name, parent in count.nodes
        )
        assert sorted((flow.source, flow.target) for flow in graph.flows) == sorted(
            (source, target) for _, source, target in count.flows
        )
    dangling = [item for item in result.findings if item.code == "dangling-flow"]
    assert len(dangling) == sum(count.dangling for count in expected)


@each_file
def test_every_unsupported_part_is_named(path: Path) -> None:
    result = read_file(path.read_bytes(), name=path.name)
    named = {item.node for item in result.findings if item.code in {"unsupported-element", "inside-sub-process"}}
    unsupported = {node.id for graph in result.processes for node in graph.nodes if node.kind is NodeKind.UNSUPPORTED}
    assert named == unsupported
    for item in result.findings:
        if item.code == "unsupported-element":
            assert item.line is not None
    for graph in result.processes:
        if any(node.kind is NodeKind.UNSUPPORTED for node in graph.nodes):
            assert not result.publishable(graph.key)


@each_file
def test_a_wrong_declaration_is_found_where_it_is(path: Path) -> None:
    result = read_file(path.read_bytes(), name=path.name)
    wrong = f"{path.parent.name}/{path.name}" in WRONGLY_DECLARED
    assert ("wrong-encoding" in {item.code for item in result.findings}) == wrong
    assert result.dialect is Dialect.BPMN


@each_file
def test_what_publishes_can_be_routed(path: Path) -> None:
    """Assign an action to every task: what then has no errors can be run, and the rest says why not."""
    data = path.read_bytes()
    result = read_file(data, name=path.name)
    binding = Binding(action=Action(kind=ActionKind.CUSTOM, worker="w", name="do"))
    for graph in result.processes:
        for node in graph.nodes:
            if node.kind is NodeKind.ACTION and node.action is None:
                data = assign(data, node.id, binding)
    again = read_file(data, name=path.name)
    assert "no-action" not in {item.code for item in again.findings}
    for graph in again.processes:
        if again.publishable(graph.key):
            assert entry_points(graph)
            routes = Routes(graph)
            for node in graph.nodes:
                routes.followers(node.id)
