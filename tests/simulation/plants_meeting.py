"""Planted bugs of messages that meet: joins, sub-processes, boundary events, calls and message events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from segue.adapters.memory import settle
from segue.adapters.memory.settle import Settling
from segue.core import children, joins, scopes, verdict
from segue.core.joins import Crowd
from segue.core.routing import Routes
from segue.core.scopes import Leaving
from segue.core.shape import Shape
from segue.model.message import Child, Message
from tests.simulation.plants import plant


@plant
def a_join_does_not_wait(patch: pytest.MonkeyPatch) -> None:
    def wrong(routes: Routes, scope: str, crowds: Sequence[Crowd]) -> list[str]:
        return sorted({crowd.node for crowd in crowds if crowd.joins})

    patch.setattr(settle, "complete", wrong)


@plant
def a_join_waits_for_every_branch_whatever_became_of_it(patch: pytest.MonkeyPatch) -> None:
    def wrong(routes: Routes, scope: str, crowds: Sequence[Crowd]) -> list[str]:
        return joins.complete(routes, scope, crowds) if len({crowd.node for crowd in crowds}) == 1 else []

    patch.setattr(settle, "complete", wrong)


@plant
def who_waits_at_a_join_is_not_told_that_the_last_branch_ended(patch: pytest.MonkeyPatch) -> None:
    touch = Settling._touch

    def wrong(self: Settling, message: Message, at: int) -> None:
        if message.seq in self._state.live:
            touch(self, message, at)

    patch.setattr(Settling, "_touch", wrong)


@plant
def what_was_joined_stays_in_its_split(patch: pytest.MonkeyPatch) -> None:
    met = joins.met

    def wrong(routes: Routes, scope: str, *args: Any) -> Child:
        return replace(met(routes, scope, *args), scope=scope)

    patch.setattr(settle, "met", wrong)


@plant
def a_join_keeps_only_the_first_body(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(joins, "together", lambda bodies, branches: branches[0].body)


@plant
def all_splits_at_a_gateway_are_one(patch: pytest.MonkeyPatch) -> None:
    segment = scopes.segment
    patch.setattr(children.scopes, "segment", lambda kind, index, *key: segment(kind, index))


@plant
def a_sub_process_goes_on_when_the_first_of_it_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Shape, "gathering", frozenset())


@plant
def nothing_ends_with_the_first_event_of_a_race(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Settling, "_clear", lambda *_: None)


@plant
def a_late_timer_leaves_the_activity_as_it_is(patch: pytest.MonkeyPatch) -> None:
    leaving = scopes.leaving

    def wrong(scope: str) -> Leaving:
        found = leaving(scope)
        return Leaving(found.base) if scopes.last_kind(scope) == scopes.WATCH else found

    patch.setattr(children.scopes, "leaving", wrong)


@plant
def the_watch_over_a_stopped_activity_goes_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict.scopes, "dropping", lambda scope: "")


@plant
def an_error_event_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Shape, "catcher", lambda self, node_id, code: None)


@plant
def nobody_is_called_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Settling, "_call_back", lambda *_: None)


@plant
def a_failed_call_counts_as_a_good_one(patch: pytest.MonkeyPatch) -> None:
    from segue.model.versions import InstanceState  # noqa: PLC0415 - used here alone

    called_back = settle.called_back

    def wrong(node: Any, message: Message, state: InstanceState, result: Any) -> Any:
        return called_back(node, message, InstanceState.FINISHED, result)

    patch.setattr(settle, "called_back", wrong)


@plant
def what_was_called_outlives_who_called_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Settling, "_cancel_called", lambda *_: None)


@plant
def a_split_forgets_where_it_was(patch: pytest.MonkeyPatch) -> None:
    """The scope of a child is what was opened last, without what is around it."""
    child = children._child

    def wrong(*args: Any) -> Child:
        made = child(*args)
        parts = scopes.segments(made.scope)
        return replace(made, scope="".join(parts[-1:]))

    patch.setattr(children, "_child", wrong)
