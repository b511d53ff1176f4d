"""Operations on many messages, as scripts."""

from __future__ import annotations

from segue.adapters.sql import bulk
from segue.adapters.sql.ports.scripted import Scripted
from segue.model.operations import Operation, OperationState


class Bulk(Scripted):
    """Implements `OperationCatalog`."""

    async def put_operation(self, operation: Operation) -> None:
        """See `OperationCatalog`."""
        await self._change(lambda: bulk.put_operation(operation))

    async def operations(self, state: OperationState | None, before: str | None, limit: int) -> list[Operation]:
        """See `OperationCatalog`."""
        return await self._read(lambda: bulk.operations(state, before, limit))

    async def operation(self, id: str) -> Operation | None:
        """See `OperationCatalog`."""
        return await self._read(lambda: bulk.find_operation(id))

    async def progress(self, operation: Operation) -> None:
        """See `OperationCatalog`."""
        await self._change(lambda: bulk.progress(operation))

    async def turn(self, id: str, state: OperationState, at: int, error: str | None = None) -> bool:
        """See `OperationCatalog`."""
        return await self._change(lambda: bulk.turn(id, state, at, error))

    async def acted(self, operation: str) -> int:
        """See `OperationCatalog`."""
        return await self._read(lambda: bulk.acted(operation))
