"""What people do with messages: user tasks and trash."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from segue.core.decide import decide, decide_discard, decide_edit, decide_move, decide_resend, decide_task
from segue.core.routing import Routes
from segue.model.errors import Conflict, MessageGone
from segue.model.graph import NodeKind
from segue.model.message import Child, Consumed, Edited, Message, Outcome, Place, Record, Returned, SetAside, Transition
from segue.model.start import Start
from tests.core.build import INSTANCE, NOW, TAKEN, action, cel, message, node, reply, routes

TASK = node("t", NodeKind.USER_TASK)
MADE = routes([TASK, action("a"), action("b")], "t > a", "t > b")
WAITING = message("t", headers={"x": "1", "process-id": "p"}, parent="m", place=Place.WAITING)
TRASHED = message("a", headers={"x": "1", "process-id": "p"}, parent="m", place=Place.TRASH, repeats=2)


def test_accepted_goes_on_as_it_is() -> None:
    done = decide_task(MADE, WAITING, True, None, None, NOW, "ann")
    assert isinstance(done.effect, Consumed)
    assert done.effect.outcome is Outcome.ACCEPTED
    assert [
        (child.node, child.body, child.headers["x"], child.headers["parent-id"]) for child in done.effect.children
    ] == [
        ("a", WAITING.body, "1", "p"),
        ("b", WAITING.body, "1", "p"),
    ]
    assert (done.by, done.at, done.record, done.message) == ("ann", NOW, Record(taken=NOW), WAITING)


def test_accepted_with_a_correction_and_without_believing_engine_headers() -> None:
    done = decide_task(MADE, WAITING, True, b"new", {"y": "2", "process-id": "forged", "result-code": "0"}, NOW, "ann")
    assert isinstance(done.effect, Consumed)
    child = done.effect.children[0]
    assert (child.body, child.headers) == (b"new", {"y": "2", "process-id": child.id, "parent-id": "p"})


def test_an_empty_correction_is_one() -> None:
    done = decide_task(MADE, WAITING, True, b"", {}, NOW, "ann")
    assert isinstance(done.effect, Consumed)
    assert done.effect.children[0].body == b""
    assert "x" not in done.effect.children[0].headers


def test_automatic_runs_pass_where_the_task_says_so_and_those_of_people_wait() -> None:
    asked = node("t", NodeKind.USER_TASK, passes=True)
    made = routes([action("c"), asked, action("a")], "c > t", "t > a")

    def child_of(headers: dict[str, str]) -> Child:
        done = decide(made, message("c", headers=headers), reply("0"), NOW, TAKEN, 0.5)
        assert isinstance(done.effect, Consumed)
        [child] = done.effect.children
        return child

    automatic, by_hand = child_of({}), child_of({"source": "ui"})
    assert (automatic.place, by_hand.place) == (Place.QUEUED, Place.WAITING)
    assert ("source" in automatic.headers, by_hand.headers["source"]) == (False, "ui")
    passed = decide(made, message("t", headers=automatic.headers, parent="m"), None, NOW, TAKEN, 0.5)
    assert isinstance(passed.effect, Consumed)
    assert [child.node for child in passed.effect.children] == ["a"]
    waits = decide(made, message("t", headers=by_hand.headers, parent="m"), None, NOW, TAKEN, 0.5)
    assert isinstance(waits.effect, SetAside)
    assert waits.effect.place is Place.WAITING


def test_who_began_a_run_stays_known_behind_a_task_and_is_not_believed_from_outside() -> None:
    waiting = message("t", headers={"source": "ui"}, place=Place.WAITING)
    done = decide_task(MADE, waiting, True, None, {"source": "auto", "y": "2"}, NOW, "ann")
    assert isinstance(done.effect, Consumed)
    assert [child.headers["source"] for child in done.effect.children] == ["ui", "ui"]
    forged = decide_task(MADE, WAITING, True, None, {"source": "ui"}, NOW, "ann")
    assert isinstance(forged.effect, Consumed)
    assert all("source" not in child.headers for child in forged.effect.children)


def test_rejected_ends() -> None:
    done = decide_task(MADE, WAITING, False, b"ignored", None, NOW, "ann")
    assert done.effect == Consumed(outcome=Outcome.REJECTED)


def test_accepted_without_a_way_on_goes_to_trash() -> None:
    made = routes([TASK, action("a")], "t > a", f0=cel("missing == 1"))
    done = decide_task(made, WAITING, True, None, None, NOW, "ann")
    assert isinstance(done.effect, SetAside)
    assert done.effect.reason_code == "condition-failed"
    assert [line.level for line in done.logs] == ["error"]


@pytest.mark.parametrize("place", [Place.QUEUED, Place.DELAYED, Place.TRASH])
def test_only_a_waiting_message_can_be_decided(place: Place) -> None:
    with pytest.raises(MessageGone):
        decide_task(MADE, message("t", place=place), True, None, None, NOW, "ann")


def test_only_at_a_user_task() -> None:
    with pytest.raises(Conflict, match="'a' is no user task"):
        decide_task(MADE, message("a", place=Place.WAITING), True, None, None, NOW, "ann")


def test_resend_returns_it_as_it_is_or_corrected() -> None:
    assert decide_resend(TRASHED, None, None, NOW, "ann").effect == Returned(body=TRASHED.body, headers=TRASHED.headers)
    corrected = decide_resend(TRASHED, b"new", {"y": "2", "process-id": "forged"}, NOW, "ann")
    assert corrected.effect == Returned(body=b"new", headers={"y": "2", "process-id": "p"})
    assert corrected.by == "ann"


def test_edit_leaves_it_where_it_is() -> None:
    assert decide_edit(TRASHED, b"new", None, NOW, "ann").effect == Edited(body=b"new", headers=TRASHED.headers)
    assert decide_edit(TRASHED, None, {"y": "2"}, NOW, "ann").effect == Edited(
        body=TRASHED.body, headers={"y": "2", "process-id": "p"}
    )


def test_discard_consumes_it() -> None:
    assert decide_discard(TRASHED, NOW, "ann").effect == Consumed(outcome=Outcome.DISCARDED)


def start() -> Start:
    return Start(
        process="orders",
        instance="i2",
        message="m2",
        at=1,
        body=b"b",
        headers={"x": "1", "process-id": "p"},
        version=4,
        entry="a",
    )


def test_move_starts_an_instance_that_names_its_origin() -> None:
    done = decide_move(TRASHED, start(), NOW, "ann")
    assert isinstance(done.effect, Consumed)
    assert (done.effect.outcome, done.effect.children) == (Outcome.MOVED, ())
    assert done.effect.starts == (
        Start(
            process="orders",
            instance="i2",
            message="m2",
            at=NOW,
            body=b"b",
            headers={"x": "1"},
            version=4,
            entry="a",
            origin=INSTANCE,
        ),
    )


TRASH_DECISIONS: list[Callable[[Message], Transition]] = [
    lambda gone: decide_resend(gone, None, None, NOW, "ann"),
    lambda gone: decide_edit(gone, None, None, NOW, "ann"),
    lambda gone: decide_discard(gone, NOW, "ann"),
    lambda gone: decide_move(gone, start(), NOW, "ann"),
]


@pytest.mark.parametrize("decision", TRASH_DECISIONS)
@pytest.mark.parametrize("place", [Place.QUEUED, Place.DELAYED, Place.WAITING])
def test_only_what_is_in_trash(decision: Callable[[Message], Transition], place: Place) -> None:
    with pytest.raises(MessageGone, match="not in trash any more"):
        decision(message("a", place=place))


def test_a_resend_from_a_gateway_is_decided_there_without_a_call() -> None:
    gate = node("x", NodeKind.EXCLUSIVE, default_flow="f1")
    made: Routes = routes([gate, action("a"), action("b")], "x > a", "x > b", f0=cel("total > 1"))
    stuck = message("x", body=b"{}", place=Place.TRASH)
    done = decide_resend(stuck, b'{"total":2}', None, NOW, "ann")
    assert isinstance(done.effect, Returned)
    assert [way.node for way in made.route("x", done.effect.body, done.effect.headers)] == ["a"]
