"""The stores that a world may stand on: what a crash does to each, and how it is opened again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from segue.adapters.memory.store import MemoryStore
from segue.ports.outside import Clock
from segue.ports.store import Store


class Durable(Protocol):
    """What outlives a server. `name` is what people choose it by."""

    name: str

    def open(self) -> Store:
        """Return the store with all that was committed and nothing that was only in memory."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class DurableMemory:
    """The store in memory: its content is what would be on disk."""

    name = "memory"

    def __init__(self, clock: Clock) -> None:
        self._store = MemoryStore(clock)

    def open(self) -> Store:
        """Return the store as a restart finds it."""
        self._store.crash()
        return self._store

    def close(self) -> None:
        """Nothing is held."""


STORES: dict[str, Callable[[Clock], Durable]] = {"memory": DurableMemory}
"""How to make each store that can be simulated, by name."""
