"""The operations of one transaction, done one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from segue.adapters.sql.accept import Accepting
from segue.adapters.sql.changes import Changes
from segue.adapters.sql.live import Held
from segue.adapters.sql.operations import AcceptOperation, CallOperation, Operation, SettleOperation
from segue.adapters.sql.settle import Settling
from segue.model.errors import SegueError
from segue.model.message import Child, Consumed, Kept, Place, SetAside, Transition
from segue.model.start import Accepted

# Bound once: before Python 3.12, every look at an enumeration's member costs a call.
_WAITING = Place.WAITING
_FEW = 50


def perform(
    group: Sequence[Operation],
    changes: Changes,
    accepting: Accepting,
    *,
    trusting: bool,
    admit: Callable[[], None],
    call: Callable[[CallOperation], None],
) -> None:
    """Do the operations of a transaction, and write what they change; each has its value or its error then.

    `trusting`: messages that were taken here are where they were, which writing finds out. `admit` raises what refuses
    every start now; `call` does a call. Raises OutOfDateError when something was not where it was trusted to be.
    """
    settling = Settling(changes, accepting)
    accepting.look_up([operation.start for operation in group if isinstance(operation, AcceptOperation)])
    for operation in group:
        operation.error = None
        try:
            if isinstance(operation, AcceptOperation):
                operation.value = _accept(operation, accepting, admit)
            elif isinstance(operation, SettleOperation):
                taken = operation.taken if trusting else [False] * len(operation.taken)
                operation.value = settling.settle(operation.transitions, taken)
            elif isinstance(operation, CallOperation):
                call(operation)
                accepting.forget()
        except SegueError as error:
            operation.error = error
    changes.write()
    settling.finish()


def needs_alone(operation: Operation) -> bool:
    """Return whether an operation must see no other change beside it, of any process: it looks at more than it changes.

    A message that ends its instance looks at all messages of it, a tick at what the tick before has started.
    """
    if isinstance(operation, SettleOperation):
        return any(isinstance(each.effect, Consumed) and each.effect.terminate for each in operation.transitions)
    if isinstance(operation, CallOperation):
        return operation.alone
    return isinstance(operation, AcceptOperation) and operation.start.tick is not None


def weight(operation: Operation) -> int:
    """Return how many changes an operation is."""
    if isinstance(operation, SettleOperation):
        count = len(operation.transitions)
        for transition in operation.transitions:
            count += len(children_of(transition))
        return count
    return operation.weight if isinstance(operation, CallOperation) else 1


def is_short(operation: Operation) -> bool:
    """Return whether an operation is short for sure: its statements are few, and touch only rows that it brings.

    Not so is what looks at other messages: the end of an instance or a scope, what meets, a call, a large batch.
    """
    if isinstance(operation, SettleOperation):
        return all(map(_is_short_transition, operation.transitions))
    return isinstance(operation, AcceptOperation) and operation.start.tick is None


def looked_into(group: Sequence[Operation]) -> set[int]:
    """Return the numbers of the instances that these operations change, if one of them looks at other messages of an
    instance: it locks that, so all have to be locked in order before. Empty when none does."""
    settles = [operation for operation in group if isinstance(operation, SettleOperation)]
    if all(map(is_short, settles)):
        return set()
    messages = [transition.message for operation in settles for transition in operation.transitions]
    return {message.run for message in messages if isinstance(message, Held)}


def _is_short_transition(transition: Transition) -> bool:
    effect = transition.effect
    if isinstance(effect, Consumed):
        if effect.terminate or effect.clears or effect.starts or effect.staged is not None:
            return False
        if len(effect.children) > _FEW or any(child.scope for child in effect.children):
            return False
    elif not isinstance(effect, Kept | SetAside) or (isinstance(effect, SetAside) and effect.starts):
        return False
    # One that people decide on may have called an instance, all of which ends with it.
    return transition.message.place < _WAITING and not transition.message.scope


def children_of(transition: Transition) -> Sequence[Child]:
    """The children that a transition stores itself."""
    return transition.effect.children if isinstance(transition.effect, Consumed) else ()


def _accept(operation: AcceptOperation, accepting: Accepting, admit: Callable[[], None]) -> Accepted:
    admit()
    return accepting.accept(operation.start)
