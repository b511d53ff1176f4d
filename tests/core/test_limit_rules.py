"""Which limits a call falls under."""

from __future__ import annotations

import pytest

from segue.core.limit_rules import Falls, decide_waiting, falls_under, spacing_ms
from segue.model.graph import Action, ActionKind, LimitRule, Node, NodeKind
from segue.model.message import Kept, Outcome
from tests.core.build import NOW, message


def rule(key: str, calls: int = 5, seconds: int = 60) -> LimitRule:
    return LimitRule(key=key, calls=calls, per_ms=seconds * 1000)


def at(kind: ActionKind = ActionKind.CONNECTOR, application: str | None = "crm", *limits: LimitRule) -> Node:
    action = Action(kind=kind, worker="w", name="a", application=application)
    return Node(id="a", kind=NodeKind.ACTION, element="serviceTask", action=action, limits=limits)


def keys(falls: Falls | None) -> tuple[str, ...]:
    return () if falls is None else falls.keys


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("orchesty|crm;60;5", ("orchesty|crm",)),
        ("ann|w:crm;60;5;|w:crm;1;10", ("ann|w:crm", "|w:crm")),
        ("ann|erp;60;5;|crm;60;5", ("|crm",)),
        ("ann|crm;60", ()),
        ("ann|crm;0;5;|crm;60;0;x|crm;a;b", ()),
        ("crm;60;5", ()),
        ("crm|;60;5", ()),
        ("", ()),
        (";;;;;;", ()),
    ],
)
def test_what_a_worker_writes_counts_for_its_application(written: str, found: tuple[str, ...]) -> None:
    for kind in (ActionKind.CONNECTOR, ActionKind.BATCH):
        falls = falls_under(at(kind), message("a", headers={"limiter-key": written}), {})
        assert keys(falls) == found
        assert falls is None or (falls.personal and len(falls.told) == len(found))
    assert falls_under(at(ActionKind.CUSTOM), message("a", headers={"limiter-key": written}), {}) is None
    assert falls_under(at(application=None), message("a", headers={"limiter-key": written}), {}) is None


@pytest.mark.parametrize(
    ("key", "user", "personal"),
    [
        ("|crm", "ann", False),
        ("|w:crm", "ann", False),
        ("ann|crm", "ann", True),
        ("ann|w:crm", "ann", True),
        ("ann|", "ann", True),
        ("orchesty|crm", None, True),
    ],
)
def test_what_people_give_counts_by_application_and_user(key: str, user: str | None, personal: bool) -> None:
    given = {key: (rule(key),), "bob|crm": (rule("bob|crm"),), "|erp": (rule("|erp"),)}
    headers = {} if user is None else {"user": user}
    falls = falls_under(at(), message("a", headers=headers), given)
    assert keys(falls) == (key,)
    assert falls is not None
    assert falls.personal is personal


def test_all_of_them_hold_at_once() -> None:
    own, given = rule("erp", 60), {"erp": (rule("erp", 10, 1), rule("erp", 100, 60)), "|crm": (rule("|crm"),)}
    falls = falls_under(at(ActionKind.CONNECTOR, "crm", own), message("a", headers={"limiter-key": "x|crm;1;1"}), given)
    assert falls is not None
    assert falls.rules == (own, *given["erp"], rule("x|crm", 1, 1), rule("|crm"))
    assert spacing_ms(falls.rules) == 12_000


def test_without_any_nothing_is_asked() -> None:
    assert falls_under(at(), message("a"), {}) is None
    assert falls_under(at(ActionKind.CUSTOM), message("a"), {"|crm": (rule("|crm"),)}) is None
    assert falls_under(at(ActionKind.CUSTOM, None, rule("k")), message("a"), {}) == Falls((rule("k"),))


def test_a_message_that_waits_keeps_what_it_has_and_is_told_of_once() -> None:
    falls = Falls((rule("ann|crm"), rule("|crm")), (), personal=True)
    waiting = decide_waiting(message("a", repeats=2, outages=1), falls, NOW + 500, NOW)
    effect = waiting.effect
    assert isinstance(effect, Kept)
    assert (effect.outcome, effect.due, effect.repeats, effect.outages) == (Outcome.LIMITED, NOW + 500, 2, 1)
    assert effect.reason == "Waits for the limit of ann|crm, |crm"
    assert len(waiting.logs) == 1
    again = decide_waiting(message("a", reason=effect.reason), falls, NOW, NOW)
    assert again.logs == ()
    assert isinstance(again.effect, Kept)
    assert again.effect.due == NOW + 1
