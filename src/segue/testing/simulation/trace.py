"""What happened, in order: the proof that a seed gives the same run, and what is shown when a promise is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b

Field = str | int | float | bool | bytes | None
Entry = tuple[int, str, str | None, tuple[Field, ...]]


class Trace:
    """Entries of (ms since the world began, what, instance or None, details).

    Entries without an instance concern all of them.
    """

    def __init__(self, elapsed: Callable[[], int]) -> None:
        self.entries: list[Entry] = []
        self._elapsed = elapsed

    def add(self, what: str, instance: str | None, *details: Field) -> None:
        """Note that something happened now."""
        self.entries.append((self._elapsed(), what, instance, details))

    def digest(self) -> str:
        """Return a hash of all of it; equal for equal runs, in any process."""
        state = blake2b(digest_size=16)
        for entry in self.entries:
            state.update(repr(entry).encode())
        return state.hexdigest()

    def lines(self, instance: str | None = None) -> Iterator[str]:
        """Yield the entries for people, those that concern the instance; without one, all."""
        for at, what, whose, details in self.entries:
            if instance is not None and whose is not None and whose != instance:
                continue
            words = " ".join(_text(detail) for detail in details)
            name = "" if whose is None else f" {short(whose)}"
            yield f"{at / 1000:10.3f} s  {what}{name}  {words}".rstrip()


def short(id_: str | None) -> str:
    """Return the end of an id, which tells it from the others of a small world."""
    return "-" if id_ is None else id_[-6:]


def _text(detail: Field) -> str:
    if isinstance(detail, bytes):
        detail = detail.decode(errors="replace")
    text = str(detail)
    return text if len(text) <= 120 else text[:119] + "…"
