"""docs/results.md is the table of everything that can happen to a message. Here each of its rows happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.core.decide import decide
from segue.model.graph import NodeKind
from segue.model.message import Consumed, Kept, Outcome, Place, SetAside, Transition
from segue.model.workers import Fault
from tests.core.build import NOW, TAKEN
from tests.core.row import AGAIN, BATCH, ENDS, ON, TRASH, Row
from tests.core.rows import ROWS

DOCUMENT = Path(__file__).parents[2] / "docs" / "results.md"


def spoken(row: Row, transition: Transition) -> str:
    """What the transition does, in the words of the table."""
    effect = transition.effect
    if isinstance(effect, Kept):
        return AGAIN
    if isinstance(effect, SetAside):
        waits = {
            Place.WAITING: "waits for a person",
            Place.CALLING: "waits for the called instance",
            Place.LISTENING: "waits for a message",
        }
        if effect.place in waits:
            return waits[effect.place]
        return "to trash" if row.reply is None else TRASH
    assert isinstance(effect, Consumed)
    return _spoken_of_children(row, effect)


def _spoken_of_children(row: Row, effect: Consumed) -> str:
    if effect.terminate:
        return "the instance ends"
    if not effect.children:
        return ENDS
    again = [child for child in effect.children if child.node == row.message.node]
    items = [child for child in effect.children if child.node != row.message.node]
    if row.routes is BATCH:
        assert [(child.node, child.body) for child in items] in (
            [],
            [(n, b) for b in (b"a", b"b") for n in ("next", "other")],
        )
        said = ["each item goes on to the followers"] * bool(items) + ["the next page is asked for"] * bool(again)
        return ", and ".join(said)
    assert not again
    return _spoken_of_places(row, effect)


_PLACES = {
    frozenset({Place.TRASH}): "its child goes to trash there",
    frozenset({Place.WAITING}): "its child waits for a person",
    frozenset({Place.JOINING}): "its child waits for the others",
    frozenset({Place.LISTENING}): "its child waits for a message",
    frozenset({Place.DELAYED, Place.LISTENING}): "a child waits at each event",
    frozenset({Place.DELAYED}): "its child waits until due",
}


def _spoken_of_places(row: Row, effect: Consumed) -> str:
    places = frozenset(child.place for child in effect.children)
    if effect.outcome is Outcome.FAILED:
        return "goes on over the boundary event"
    if places in _PLACES:
        assert all(child.due > NOW for child in effect.children if child.place is Place.DELAYED)
        return _PLACES[places]
    assert places == {Place.QUEUED}
    if any(node.kind is NodeKind.SUB_PROCESS for node in row.routes.nodes.values()):
        return ON
    if any(row.routes.nodes[child.node].kind is NodeKind.TIMER for child in effect.children):
        return "its child is due there at once"
    took = [flow.id for flow in row.routes.graph.flows if flow.target in {child.node for child in effect.children}]
    offered = [flow.id for flow in row.routes.graph.flows]
    if row.at == "connector, custom" and took != offered:
        return "goes on to these followers only"
    if row.at.endswith("gateway") or took != offered:
        return _spoken_of_flows(row, took, offered)
    return ON


def _spoken_of_flows(row: Row, took: list[str], offered: list[str]) -> str:
    kind = row.routes.nodes[row.message.node].kind
    default = row.routes.nodes[row.message.node].default_flow
    if took == [default]:
        return "goes on over the default flow"
    if kind is NodeKind.EXCLUSIVE:
        assert took == ["f1"]
        return "goes on over the first such flow"
    if kind is NodeKind.INCLUSIVE:
        assert took == ["f1", "f2"]
        return "goes on over all such flows"
    if kind is NodeKind.PARALLEL:
        assert took == offered
        return "goes on over all flows"
    assert took == ["f0", "f1"]
    return "goes on over this flow and those without condition"


def reason_of(transition: Transition) -> str:
    """The reason code of what is in trash or kept, else the outcome."""
    effect = transition.effect
    if isinstance(effect, Consumed):
        codes = {child.reason_code for child in effect.children if child.place is Place.TRASH}
        return codes.pop() or "" if codes else effect.outcome.value
    assert isinstance(effect, Kept | SetAside)
    return effect.reason_code


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.at}: {row.when}" for row in ROWS])
def test_row_happens(row: Row) -> None:
    transition = decide(row.routes, row.message, row.reply, NOW, TAKEN, 0.5)
    levels = sorted({line.level for line in transition.logs}) or ["–"]
    assert (spoken(row, transition), reason_of(transition), *levels) == (row.then, row.why, row.log)


def table_rows() -> list[tuple[str, ...]]:
    """The rows of the tables of the page that have five columns, without their heads."""
    found = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
        if line.startswith("|") and len(cells) == 5 and not set(line) <= set("|- :"):
            found.append(cells)
    return [cells for cells in found if cells[0] != "at"]


def test_the_page_has_exactly_these_rows() -> None:
    assert table_rows() == [row.shown for row in ROWS]


def test_every_fault_has_a_row() -> None:
    assert {row.reply.fault for row in ROWS if row.reply and row.reply.fault} == set(Fault)


def test_every_node_kind_has_a_row() -> None:
    kinds = {row.routes.nodes[row.message.node].kind for row in ROWS}
    assert kinds == set(NodeKind)


def test_every_outcome_of_the_core_has_a_row_or_is_a_persons() -> None:
    kept = {Outcome.REPEAT, Outcome.OUTAGE, Outcome.LIMITED, Outcome.WAITING}
    persons = {Outcome.ACCEPTED, Outcome.REJECTED, Outcome.DISCARDED, Outcome.CANCELLED, Outcome.MOVED}
    effects = [decide(row.routes, row.message, row.reply, NOW, TAKEN, 0.5).effect for row in ROWS]
    seen = {effect.outcome for effect in effects if isinstance(effect, Consumed | Kept)}
    assert seen == {Outcome.OK, Outcome.STOPPED, Outcome.FAILED} | kept
    assert set(Outcome) == seen | persons | {Outcome.JOINED}
