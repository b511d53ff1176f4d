"""Tells of services behind workers that do not answer, and of their return: by what workers say of their own calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from segue.model.events import Event, EventKind
from segue.ports.outside import Clock

FAILURES = 5
"""So many calls in a row, all of them without an answer or with a status of 500 and up, and the service is away."""

_FAILED_FROM = 500
_NO_ANSWER = 0

Place = tuple[str, int]
"""A process and the number of its version."""


class _Away(Struct):
    """Calls that have failed since the last good one, and whether that was told."""

    failures: int = 0
    told: bool = False


class ServiceWatch:
    """Takes the statuses of calls as they are added up; one service is a host that a version's workers call."""

    def __init__(self, tell: Callable[[Event], None], place: Callable[[int], Place | None], clock: Clock) -> None:
        self._tell = tell
        self._place = place
        self._clock = clock
        self._away: dict[tuple[int, str], _Away] = {}

    def called(self, version: int, node: str, host: str, statuses: Mapping[int, int]) -> None:
        """Some calls were made; `statuses` says how many were answered with which status, 0 being no answer."""
        key = (version, host)
        if any(_is_good(status) for status in statuses):
            away = self._away.pop(key, None)
            if away is not None and away.told:
                self._say(EventKind.SERVICE_BACK, key, node, f"{host} answers again")
            return
        away = self._away.setdefault(key, _Away())
        away.failures += sum(statuses.values())
        if away.failures >= FAILURES and not away.told:
            away.told = True
            last = max(statuses, default=_NO_ANSWER)
            answer = f"the last answer had status {last}" if last else "there was no answer"
            text = f"{host}: {away.failures} calls in a row failed, {answer}"
            self._say(EventKind.SERVICE_UNAVAILABLE, key, node, text)

    def _say(self, kind: EventKind, key: tuple[int, str], node: str, text: str) -> None:
        place = self._place(key[0])
        if place is not None:
            event = Event(kind=kind, at=self._clock.now(), process=place[0], version=place[1], node=node, detail=text)
            self._tell(event)


def _is_good(status: int) -> bool:
    return status != _NO_ANSWER and status < _FAILED_FROM
