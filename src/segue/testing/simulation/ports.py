"""Stand-ins for ports: every method of a Protocol goes through a gate, none is left out.

The gate belongs to a life of the server. It may let a call pass late, refuse it, or end the life before the call or
after it; and it tells the witnesses what went through.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Protocol

from segue.ports.outside import Chance, Clock, WorkerDirectory, WorkerTransport
from segue.ports.store import Store

Method = Callable[..., Any]

PORTS: dict[str, type] = {
    "store": Store,
    "transport": WorkerTransport,
    "clock": Clock,
    "chance": Chance,
    "directory": WorkerDirectory,
}
"""The ports that the engine and the use cases of people stand on."""


class PortCall:
    """One call of a port under way. `told` once the witnesses have heard that it was done."""

    __slots__ = ("args", "method", "port", "told")

    def __init__(self, port: str, method: str, args: tuple[Any, ...]) -> None:
        self.port = port
        self.method = method
        self.args = args
        self.told = False


CALL: ContextVar[PortCall | None] = ContextVar("segue-simulated-call", default=None)
"""The call in which the current code runs. A store that commits on its own finds there what it commits."""


class Gate(Protocol):
    """What calls of ports go through."""

    async def pass_async(self, port: str, name: str, method: Method, args: tuple[Any, ...]) -> Any:
        """Make a call of a method that is awaited."""
        ...

    def pass_sync(self, port: str, name: str, method: Method, args: tuple[Any, ...]) -> Any:
        """Make a call of a method that is not awaited."""
        ...


class StandIn:
    """An object that has the methods of one port, each of which goes through a gate."""


def stand_in(protocol: type, port: str, target: object, gate: Gate) -> Any:
    """Return a stand-in for `target`, which implements the protocol."""
    made = StandIn()
    for name, signature in methods_of(protocol).items():
        method = getattr(target, name)
        if signature.awaited:
            setattr(made, name, _awaited(gate, port, name, method, signature))
        else:
            setattr(made, name, _direct(gate, port, name, method, signature))
    return made


class Signature:
    """How a method of a port is called."""

    def __init__(self, function: Method) -> None:
        self.awaited = inspect.iscoroutinefunction(function)
        self._signature = inspect.signature(function)

    def positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return all arguments in the order of the signature."""
        if not kwargs:
            return args
        bound = self._signature.bind(None, *args, **kwargs)
        return bound.args[1:]


@lru_cache(maxsize=64)
def methods_of(protocol: type) -> dict[str, Signature]:
    """Return all methods that a Protocol asks for, its bases' included, by name."""
    return {
        name: Signature(getattr(protocol, name))
        for name in sorted(dir(protocol))
        if not name.startswith("_") and inspect.isfunction(getattr(protocol, name))
    }


def _awaited(gate: Gate, port: str, name: str, method: Method, signature: Signature) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        return await gate.pass_async(port, name, method, signature.positional(args, kwargs))

    return call


def _direct(gate: Gate, port: str, name: str, method: Method, signature: Signature) -> Method:
    def call(*args: Any, **kwargs: Any) -> Any:
        return gate.pass_sync(port, name, method, signature.positional(args, kwargs))

    return call
