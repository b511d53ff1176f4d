"""Operations on many messages, in memory."""

from __future__ import annotations

from msgspec.structs import replace

from segue.adapters.memory.state import State
from segue.model.operations import ENDED, Operation, OperationState


class MemoryOperations:
    """Implements `OperationCatalog`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def put_operation(self, operation: Operation) -> None:
        """See `OperationCatalog`."""
        self._state.check()
        self._state.operations[operation.id] = operation

    async def operations(self, state: OperationState | None, before: str | None, limit: int) -> list[Operation]:
        """See `OperationCatalog`."""
        found = sorted(self._state.operations.values(), key=lambda operation: operation.id, reverse=True)
        return [
            operation
            for operation in found
            if state in {None, operation.state} and (before is None or operation.id < before)
        ][:limit]

    async def operation(self, id: str) -> Operation | None:
        """See `OperationCatalog`."""
        return self._state.operations.get(id)

    async def progress(self, operation: Operation) -> None:
        """See `OperationCatalog`."""
        self._state.check()
        known = self._state.operations.get(operation.id)
        if known is not None and known.state not in ENDED:
            self._state.operations[operation.id] = replace(operation, state=known.state, finished=known.finished)

    async def turn(self, id: str, state: OperationState, at: int, error: str | None = None) -> bool:
        """See `OperationCatalog`."""
        self._state.check()
        known = self._state.operations.get(id)
        if known is None or known.state in ENDED:
            return False
        finished = at if state in ENDED else None
        self._state.operations[id] = replace(known, state=state, finished=finished, error=error or known.error)
        return True

    async def acted(self, operation: str) -> int:
        """See `OperationCatalog`."""
        return sum(act.operation == operation for _, act in self._state.acts)
