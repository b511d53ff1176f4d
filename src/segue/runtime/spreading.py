"""Spreading: storing the children of a large transition a few hundred at a time, before it is settled.

Between two of these bites everybody else has a turn, in this process and at the store; so a batch of a hundred thousand
items holds nobody up, and not much more than its answer is in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from segue.core.decide import LargeBatch
from segue.model.errors import SegueError, StoreUnavailable
from segue.model.message import Child, Consumed, Message, Staged, Transition
from segue.ports.messages import MessageStore

T = TypeVar("T")

PIECE = 100
"""Items decided between two turns of the others."""
SIZE = 512 * 1024
"""Bytes of bodies that are staged at once, or one body that is larger."""
_MOST = 200
_RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


async def spread(
    store: MessageStore, message: Message, large: LargeBatch, stopping: Callable[[], bool], size: int = PIECE
) -> Transition:
    """Stage what a large batch brings, and return the transition that makes all of it true.

    About `size` are decided at a time. While the store cannot write it is tried again, so that the action is not
    called twice for the store's sake; raises StoreUnavailable once `stopping` says so.
    """
    staged = await _persist(store.begin_spread, stopping)
    kept = False
    try:
        for piece in large.pieces(size):
            for bite in _bites(piece):
                staged = await _persist(partial(store.stage, staged, message, bite), stopping)
            await asyncio.sleep(0)  # everybody's turn, also when a piece had no children
        transition = large.transition
        if transition is None:
            raise AssertionError("a large batch that was gone through has no transition")
        if large.whole and isinstance(transition.effect, Consumed):
            kept = True
            return replace(transition, effect=replace(transition.effect, staged=staged))
        return transition
    finally:
        if not kept:
            await _forget(store, staged)


async def drop(store: MessageStore, transition: Transition) -> None:
    """Forget what was staged for a transition that was stale."""
    if isinstance(transition.effect, Consumed) and transition.effect.staged is not None:
        await _forget(store, transition.effect.staged)


async def _forget(store: MessageStore, staged: Staged) -> None:
    """What cannot be forgotten now is seen by nobody, and is gone when the store is opened again."""
    with contextlib.suppress(SegueError):
        await store.drop_spread(staged)


async def _persist(work: Callable[[], Awaitable[T]], stopping: Callable[[], bool]) -> T:
    tries = 0
    while True:
        try:
            return await work()
        except StoreUnavailable:
            if stopping():
                raise
            await asyncio.sleep(_RETRY_S[min(tries, len(_RETRY_S) - 1)])
            tries += 1


def _bites(children: Sequence[Child]) -> Iterator[Sequence[Child]]:
    """Split children so that none of the parts holds the store up."""
    begin, size = 0, 0
    for end, child in enumerate(children):
        if end > begin and (size + len(child.body) > SIZE or end - begin >= _MOST):
            yield children[begin:end]
            begin, size = end, 0
        size += len(child.body)
    if begin < len(children):
        yield children[begin:]
