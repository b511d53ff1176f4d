"""Planted bugs of what is done to many: large batches that are staged, operations on many messages, shared limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from segue.adapters.memory.messages import MemoryMessages
from segue.adapters.memory.settle import Settling
from segue.adapters.memory.views import MemoryViews
from segue.control.operations import Operations
from segue.core import batch
from segue.model.message import Child, Consumed, Transition
from segue.model.operations import Operation
from segue.runtime import spreading
from segue.runtime.fair_limits import FairLimits, Party, _Key
from tests.simulation.plants import plant


@plant
def the_last_of_what_is_staged_at_once_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    bites = spreading._bites

    def wrong(children: Sequence[Child]) -> Iterator[Sequence[Child]]:
        yield from bites(children[:-1] if len(children) > 1 else children)

    patch.setattr(spreading, "_bites", wrong)


@plant
def each_piece_of_a_large_batch_counts_from_the_beginning(patch: pytest.MonkeyPatch) -> None:
    offspring = batch.offspring

    def wrong(routes: Any, message: Any, contents: Any, now: int, first: int = 0, **more: Any) -> Any:
        return offspring(routes, message, contents, now, 0, **more)

    patch.setattr(batch, "offspring", wrong)


@plant
def a_batch_is_settled_while_its_children_stay_beside(patch: pytest.MonkeyPatch) -> None:
    consume = Settling._consume

    def wrong(self: Settling, transition: Transition, effect: Consumed, live: Any) -> None:
        if effect.staged is not None and effect.staged.count > 2:
            self._state.spreads[effect.staged.spread].pop()
        consume(self, transition, effect, live)

    patch.setattr(Settling, "_consume", wrong)


@plant
def what_was_staged_before_a_crash_is_staged_on(patch: pytest.MonkeyPatch) -> None:
    """One row of what nobody waits for any more is taken for a child of whoever stages next."""
    begin = MemoryMessages.begin_spread

    async def wrong(self: MemoryMessages) -> Any:
        left = [children for children in self._state.spreads.values() if children]
        staged = await begin(self)
        if left:
            self._state.spreads[staged.spread] = left[0]
            return replace(staged, count=len(left[0]))
        return staged

    patch.setattr(MemoryMessages, "begin_spread", wrong)
    patch.setattr(MemoryMessages, "drop_spread", _nothing)


@plant
def an_operation_takes_what_comes_after_it(patch: pytest.MonkeyPatch) -> None:
    placed = MemoryViews.placed

    async def wrong(self: MemoryViews, filter: Any) -> Any:
        found = await placed(self, replace(filter, upto=None))
        return [replace(each, since=0) for each in found] if filter.upto is not None else found

    patch.setattr(MemoryViews, "placed", wrong)


@plant
def an_operation_leaves_the_last_of_each_bite(patch: pytest.MonkeyPatch) -> None:
    decide = Operations._decide

    async def wrong(self: Operations, operation: Operation, found: Any) -> Any:
        transitions, error = await decide(self, operation, found)
        return transitions[:-1] if len(transitions) > 1 else transitions, error

    patch.setattr(Operations, "_decide", wrong)


@plant
def an_operation_forgets_after_a_crash_what_it_did_last(patch: pytest.MonkeyPatch) -> None:
    async def wrong(self: Operations, operation: Operation) -> Operation:
        return operation

    patch.setattr(Operations, "_recounted", wrong)


@plant
def an_operation_corrects_only_the_first(patch: pytest.MonkeyPatch) -> None:
    transition = Operations._transition
    seen: set[str] = set()

    async def wrong(self: Operations, operation: Operation, placed: Any, change: Any) -> Transition:
        if operation.id in seen:
            change = type(change)()
        seen.add(operation.id)
        return await transition(self, operation, placed, change)

    patch.setattr(Operations, "_transition", wrong)


@plant
def whoever_comes_first_takes_all_of_a_limit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FairLimits, "_others_first", lambda self, party, keys, now: False)


@plant
def whoever_has_had_most_of_a_limit_goes_first(patch: pytest.MonkeyPatch) -> None:
    order = _Key.order

    def wrong(self: _Key, party: str, now: int) -> tuple[int, int]:
        count, turn = order(self, party, now)
        return -count, -turn

    patch.setattr(_Key, "order", wrong)


@plant
def a_priority_counts_for_nothing(patch: pytest.MonkeyPatch) -> None:
    first_at = _Key.first_at

    def wrong(self: _Key, party: Party, now: int) -> int:
        return first_at(self, (party[0], max((its for _, its in self.waiting), default=0)), now)

    patch.setattr(_Key, "first_at", wrong)


async def _nothing(*_: Any) -> None:
    return
