"""What is kept of operations on many messages, so that they go on after a restart."""

from __future__ import annotations

from typing import Protocol

from segue.model.operations import Operation, OperationState


class OperationCatalog(Protocol):
    """Operations in the background.

    B1 An operation that `put_operation` answered is durable.
    B2 `progress` changes only an operation that has not ended, and never its state.
    B3 A state that has ended does not change; `turn` answers False then.
    """

    async def put_operation(self, operation: Operation) -> None:
        """Store a new operation. Raises StoreUnavailable."""
        ...

    async def operations(self, state: OperationState | None, before: str | None, limit: int) -> list[Operation]:
        """Operations, newest first. `before` is the id of the last one of the page before."""
        ...

    async def operation(self, id: str) -> Operation | None: ...

    async def progress(self, operation: Operation) -> None:
        """Store the counts, `after` and `error` of an operation."""
        ...

    async def turn(self, id: str, state: OperationState, at: int, error: str | None = None) -> bool:
        """Give the operation another state; whether it could be. `at` is when it ended, if it has."""
        ...

    async def acted(self, operation: str) -> int:
        """How many messages the operation has handled, counted from the acts."""
        ...
