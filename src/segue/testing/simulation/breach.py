"""Broken promises: what a checker says when it finds one."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct


class Breach(Struct, frozen=True, kw_only=True):
    """A promise that was broken: which one (P1 to P9, M1 to M13, liveness, …), how, and in which instance if in one."""

    promise: str
    text: str
    instance: str | None = None

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.promise}: {self.text}"


class Breaches:
    """Takes breaches from all checkers. The first one counts; what follows is mostly its consequence."""

    def __init__(self) -> None:
        self.first: Breach | None = None
        self.on_first: Callable[[], None] = lambda: None

    def note(self, promise: str, text: str, instance: str | None = None) -> None:
        """Say that a promise was broken."""
        if self.first is None:
            self.first = Breach(promise=promise, text=text, instance=instance)
            self.on_first()

    def unless(self, held: bool, promise: str, text: str, instance: str | None = None) -> None:
        """Say that a promise was broken unless it held."""
        if not held:
            self.note(promise, text, instance)
