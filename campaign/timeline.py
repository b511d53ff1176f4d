"""Which versions were enabled when, as far as somebody outside can know it.

A switch takes effect somewhere between its request and its answer. So an instant may have several possible states, and
an answer is right when it is right for one of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from campaign.book import Call
from campaign.check import mark
from campaign.load import Refusal, Start


class Timeline:
    """The states of a process, each as the set of its enabled versions. It begins with the first of them, known."""

    def __init__(self, enabled: frozenset[int]) -> None:
        self._states = [enabled]
        self._sent: list[float] = [float("-inf")]
        self._known: list[float] = [float("-inf")]

    @property
    def now(self) -> frozenset[int]:
        """The newest state."""
        return self._states[-1]

    def change(self, sent: float, known: float, enabled: frozenset[int]) -> None:
        """Note a switch: it was asked for at `sent`, and at `known` the state was certainly this."""
        self._sent.append(sent)
        self._known.append(known)
        self._states.append(enabled)

    def possible(self, begin: float, end: float) -> Sequence[frozenset[int]]:
        """All states that may have held at some instant from `begin` to `end`."""
        # State k may hold from the request that made it until the answer to the request that ended it.
        first = max(bisect_left(self._known, begin) - 1, 0)
        return self._states[first : bisect_right(self._sent, end)]


def wrong_answers(timeline: Timeline, starts: Sequence[Start], refusals: Sequence[Refusal]) -> list[str]:
    """Starts that went to another version than the highest enabled one, and refusals while one was enabled (P4)."""
    problems = []
    for start in starts:
        highest = {max(state) for state in timeline.possible(start.sent, start.answered) if state}
        if start.version not in highest:
            wanted = ", ".join(map(str, sorted(highest)))
            problems.append(f"start {start.number} went to version {start.version}; the highest enabled was {wanted}")
    return problems + [
        f"start {refusal.number} was refused while a version was enabled: {refusal.detail}"
        for refusal in refusals
        if refusal.code == "no-enabled-version" and all(timeline.possible(refusal.sent, refusal.answered))
    ]


def strays(starts: Sequence[Start], calls: Sequence[Call]) -> list[str]:
    """Calls of an instance by another version than it was accepted on: by the action's mark, and by the engine's id."""
    version = {start.instance: start.version for start in starts}
    numbers: dict[str, int] = {}
    problems = []
    for call in calls:
        accepted = version.get(call.instance)
        if accepted is None:
            continue
        if mark(call.action) != accepted or numbers.setdefault(call.version_id, accepted) != accepted:
            where = f"{call.action} with the version id {call.version_id}"
            problems.append(f"start {call.number} was accepted on version {accepted} and came to {where}")
    return problems
