"""The process files, and the pictures that are drawn from them."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from demo.children import ROOT
from demo.draw import draw
from demo.stage import PROCESSES
from segue.bpmn.reader import read_file
from segue.model.graph import NodeKind, ProcessGraph, TimerKind


def graph_of(process: str) -> ProcessGraph:
    file = ROOT / "demo" / "processes" / f"{process}.bpmn"
    result = read_file(file.read_bytes(), name=file.name)
    assert result.findings == ()
    return result.processes[0]


@pytest.mark.parametrize("process", PROCESSES)
def test_every_action_that_a_file_names_is_offered_by_its_worker(process: str) -> None:
    for node in graph_of(process).nodes:
        if node.action is not None:
            worker = importlib.import_module(f"demo.workers.{node.action.worker}").worker
            offered = {(str(kind), name) for kind, name in worker.actions}
            assert (str(node.action.kind), node.action.name) in offered


def test_the_order_process_has_all_that_the_demo_promises() -> None:
    graph = graph_of("order-import")
    kinds = [node.kind for node in graph.nodes]
    actions = {str(node.action.kind) for node in graph.nodes if node.action}
    assert len(graph.nodes) >= 8
    assert actions == {"batch", "custom", "connector"}
    assert kinds.count(NodeKind.EXCLUSIVE) == 2
    assert NodeKind.PARALLEL in kinds
    assert any(node.default_flow for node in graph.nodes)
    assert sum(flow.condition is not None for flow in graph.flows) == 2


def test_the_closing_is_started_by_a_timer() -> None:
    start = next(node for node in graph_of("closing").nodes if node.kind is NodeKind.START)
    assert start.timer is not None
    assert start.timer.kind is TimerKind.CYCLE


def test_the_files_are_in_the_form_of_another_tool() -> None:
    for process in PROCESSES:
        source = (ROOT / "demo" / "processes" / f"{process}.bpmn").read_text(encoding="utf-8")
        assert "segue" not in source
        assert "bpmndi:BPMNDiagram" in source


@pytest.mark.parametrize("process", PROCESSES)
def test_the_picture_in_the_docs_is_drawn_from_the_file(process: str) -> None:
    source = (ROOT / "demo" / "processes" / f"{process}.bpmn").read_bytes()
    picture = ROOT / "docs" / "pictures" / f"{process}.svg"
    assert picture.read_text(encoding="utf-8") == draw(source), (
        f"{picture.name} is old: python -m demo.draw demo/processes/{process}.bpmn > docs/pictures/{process}.svg"
    )


def test_every_element_with_a_shape_is_in_the_picture() -> None:
    source = Path(ROOT / "demo" / "processes" / "order-import.bpmn").read_bytes()
    picture = draw(source)
    assert picture.count("<polygon") == 3
    assert picture.count("<circle") == 3
    assert picture.count('fill="#e6f6ec"') == 3
    assert picture.count("<polyline") == 15 + 2
