"""Planted bugs: each a small change of the real code, of a kind that people really make.

A plant patches and nothing else; the worlds of `test_planted.py` must notice it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from segue.adapters.memory.limits import MemoryLimits
from segue.adapters.memory.messages import MemoryMessages
from segue.adapters.memory.settle import Settling
from segue.core import children, decide
from segue.model.errors import StoreUnavailable
from segue.model.ids import child_id
from segue.model.message import Consumed, Kept, Message, Outcome, SetAside, Transition
from segue.model.start import Start
from segue.model.versions import VersionState
from segue.runtime import control_service, schedules
from segue.runtime.control_service import ControlService
from segue.runtime.lane import Lane
from segue.runtime.limiter import Limiter

Plant = Callable[[pytest.MonkeyPatch], None]
PLANTS: dict[str, Plant] = {}


def plant(function: Plant) -> Plant:
    """Add a bug to the list, under its function's name."""
    PLANTS[function.__name__] = function
    return function


def _effect(patch: pytest.MonkeyPatch, change: Callable[[Transition], Transition]) -> None:
    """Change every decision."""

    def wrong(*args: Any) -> Transition:
        return change(decide.decide(*args))

    patch.setattr(control_service, "decide", wrong)


@plant
def a_wake_up_is_lost_while_the_lane_is_being_filled(patch: pytest.MonkeyPatch) -> None:
    def wake(self: ControlService, node: str) -> None:
        lane = self._lanes.get(node)
        if lane is None or self._stopping or lane.in_flight or lane.pumping:
            return
        lane.pumping = True
        self._spawn(self._pump(lane))

    patch.setattr(ControlService, "wake", wake)


@plant
def nothing_rings_when_a_delay_is_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ControlService, "_wake_at", lambda self, due: None)


@plant
def a_held_lane_is_never_let_go(patch: pytest.MonkeyPatch) -> None:
    def note_outage(self: Lane, now: int, until: int, reason: str) -> bool:
        self.outages += 1
        self.hold(1 << 60, reason)
        return True

    patch.setattr(Lane, "note_outage", note_outage)


@plant
def an_outage_counts_as_a_failure(patch: pytest.MonkeyPatch) -> None:
    def change(transition: Transition) -> Transition:
        effect = transition.effect
        if isinstance(effect, Kept) and effect.outcome is Outcome.OUTAGE:
            return replace(transition, effect=SetAside(reason=effect.reason, reason_code=effect.reason_code))
        return transition

    _effect(patch, change)


@plant
def repeats_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    def change(transition: Transition) -> Transition:
        effect = transition.effect
        if isinstance(effect, Kept) and effect.outcome is Outcome.REPEAT:
            return replace(transition, effect=replace(effect, repeats=0))
        return transition

    _effect(patch, change)


@plant
def the_last_child_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    def change(transition: Transition) -> Transition:
        effect = transition.effect
        if isinstance(effect, Consumed) and len(effect.children) > 1:
            return replace(transition, effect=replace(effect, children=effect.children[:-1]))
        return transition

    _effect(patch, change)


@plant
def items_of_a_batch_share_an_id(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(children, "child_id", lambda parent, follower, index: child_id(parent, follower, 0))


@plant
def trash_keeps_what_the_worker_made_of_the_message(patch: pytest.MonkeyPatch) -> None:
    move = Settling._move

    def wrong(self: Settling, transition: Transition, effect: Any, live: Any) -> None:
        if isinstance(effect, SetAside):
            live.message.body = b'{"after": "the call"}'
        move(self, transition, effect, live)

    patch.setattr(Settling, "_move", wrong)


@plant
def a_late_settle_is_taken_for_a_good_one(patch: pytest.MonkeyPatch) -> None:
    settle = Settling.settle

    def wrong(self: Settling, transition: Transition) -> bool:
        settle(self, transition)
        return True

    patch.setattr(Settling, "settle", wrong)


@plant
def terminate_forgets_the_others(patch: pytest.MonkeyPatch) -> None:
    consume = Settling._consume

    def wrong(self: Settling, transition: Transition, effect: Consumed, live: Any) -> None:
        consume(self, transition, replace(effect, terminate=False), live)

    patch.setattr(Settling, "_consume", wrong)


@plant
def a_message_starts_on_the_oldest_enabled_version(patch: pytest.MonkeyPatch) -> None:
    def wrong(process: str, versions: list[Any]) -> Any:
        return next(version for version in versions if version.state is VersionState.ENABLED)

    patch.setattr("segue.adapters.memory.settle.choose_version", wrong)


@plant
def a_known_key_starts_another_instance(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Settling, "_known", lambda self, start: None)


@plant
def a_start_is_answered_before_it_is_stored(patch: pytest.MonkeyPatch) -> None:
    accept = Settling.accept
    count = iter(range(1 << 60))

    def wrong(self: Settling, start: Start) -> Any:
        accepted = accept(self, start)
        if next(count) % 7 == 6:
            for seq in [seq for seq, live in self._state.live.items() if live.message.id == start.message]:
                self._state.remove(seq)
            self._state.runs.pop(start.instance, None)
        return accepted

    patch.setattr(Settling, "accept", wrong)


@plant
def the_end_is_told_twice(patch: pytest.MonkeyPatch) -> None:
    event = Settling._event

    def wrong(self: Settling, kind: Any, *args: Any, **more: Any) -> None:
        event(self, kind, *args, **more)
        if kind.value == "instance-finished":
            event(self, kind, *args, **more)

    patch.setattr(Settling, "_event", wrong)


@plant
def a_message_that_is_given_back_goes_to_the_end(patch: pytest.MonkeyPatch) -> None:
    take = MemoryMessages.take

    async def wrong(self: MemoryMessages, *where: Any) -> Any:
        version, node, limit, now, _ordered = where
        return await take(self, version, node, limit, now, ordered=False)

    patch.setattr(MemoryMessages, "take", wrong)


@plant
def an_ordered_lane_takes_two(patch: pytest.MonkeyPatch) -> None:
    room = Lane.room
    patch.setattr(Lane, "room", lambda self, now: room(self, now) + (1 if self.ordered and not self.outages else 0))


@plant
def a_crash_forgets_what_is_delayed(patch: pytest.MonkeyPatch) -> None:
    crash = MemoryMessages.crash

    def wrong(self: MemoryMessages) -> None:
        crash(self)
        for seq in [seq for seq, live in self._state.live.items() if live.message.due]:
            self._state.remove(seq)

    patch.setattr(MemoryMessages, "crash", wrong)


@plant
def a_taken_message_can_be_taken_again(patch: pytest.MonkeyPatch) -> None:
    take = MemoryMessages.take
    count = iter(range(1 << 60))

    async def wrong(self: MemoryMessages, *args: Any) -> list[Message]:
        taken = await take(self, *args)
        if next(count) % 5 == 4:
            for message in taken:
                del self._state.taken[message.seq]
        return taken

    patch.setattr(MemoryMessages, "take", wrong)


@plant
def a_gateway_takes_every_branch(patch: pytest.MonkeyPatch) -> None:
    from segue.core import routing  # noqa: PLC0415 - the module, to patch its function

    def wrong(node: Any, exits: Any, facts: Any) -> Any:
        yield from exits

    patch.setattr(routing, "_chosen", wrong)


@plant
def a_tick_is_fired_without_being_noted(patch: pytest.MonkeyPatch) -> None:
    accept = Settling.accept
    patch.setattr(Settling, "accept", lambda self, start: accept(self, replace(start, tick=None)))
    patch.setattr(schedules.Scheduler, "_record", _nothing)


async def _nothing(*_: Any) -> None:
    return


@plant
def limits_begin_anew_after_a_restart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Limiter, "load", _nothing)


@plant
def a_limit_is_written_down_after_the_call(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryLimits, "put_slots", _nothing)


@plant
def a_disk_that_is_full_loses_the_answer(patch: pytest.MonkeyPatch) -> None:
    async def wrong(self: ControlService, transition: Transition) -> Transition:
        try:
            await self._around.store.settle([transition])
        except StoreUnavailable:
            return transition
        return transition

    patch.setattr(ControlService, "_settle", wrong)
