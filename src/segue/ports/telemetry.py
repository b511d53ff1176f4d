"""Telling an observability system what was done: spans, and sums that grow."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

Value = str | int | float | bool


class Span(Struct, frozen=True, kw_only=True):
    """One handling of a message. Instants in ms; `error` is why it failed, None when it did not.

    `consumer`: an action was called; otherwise it only passed a node.
    """

    trace: str
    span: str
    parent: str
    name: str
    begins: int
    ends: int
    attributes: dict[str, Value]
    consumer: bool
    error: str | None = None


class Telemetry(Protocol):
    """S1 `span` returns at once, whatever becomes of the receiver. S2 What cannot be kept is counted in `dropped`."""

    def span(self, span: Span) -> None: ...

    async def close(self) -> None: ...
