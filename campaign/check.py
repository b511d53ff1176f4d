"""The end of a campaign: what was answered, what the account says and what the worker saw, held against each other.

Three books that nobody shares: the load's log of answers, the server's instances and ledger, the worker's calls.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from campaign.book import Call
from campaign.load import Start

PLACES = ("queued", "delayed", "waiting", "trash")


class Verdict(Struct):
    """What the comparison found. `problems` says in sentences what the numbers say, and what no number says."""

    accepted: int
    lost: int
    doubled: int
    repeated_calls: int
    messages: int
    problems: list[str]


class Books(Struct, kw_only=True):
    """The three books of one process. `shape`: messages of one instance at each action, without the version's mark;
    `beside`: its messages that come to no action."""

    starts: Sequence[Start]
    instances: Sequence[Mapping[str, Any]]
    lines: Sequence[Mapping[str, Any]]
    calls: Sequence[Call]
    shape: Mapping[str, int]
    beside: int = 0


def compare(books: Books) -> Verdict:
    """Hold the books against each other once nothing is left to do."""
    lost: dict[str, str] = {}
    doubled: dict[str, str] = {}
    _compare_account(books, lost, doubled)
    seen = _messages(books.calls)
    for start in books.starts:
        _compare_calls(start, seen.get(start.instance, {}), books.shape, lost, doubled)
    problems = [*lost.values(), *doubled.values(), *_strangers(books, seen), *_ledger(books)]
    times = Counter((call.message, call.run) for call in books.calls)
    return Verdict(
        accepted=len(books.starts),
        lost=len(lost),
        doubled=len(doubled),
        repeated_calls=sum(times.values()) - len(times),
        messages=sum(line["consumed"] for line in books.lines),
        problems=problems,
    )


def _compare_account(books: Books, lost: dict[str, str], doubled: dict[str, str]) -> None:
    """Every answered instance is there once, finished, on the version that was answered; and no other is there."""
    listed: dict[str, Mapping[str, Any]] = {}
    for instance in books.instances:
        if instance["id"] in listed:
            doubled[instance["id"]] = f"instance {instance['id']} is listed twice"
        listed[instance["id"]] = instance
    answered: dict[str, int] = {}
    for start in books.starts:
        if start.instance in answered:
            doubled[start.instance] = f"starts {answered[start.instance]} and {start.number} are one instance"
        answered[start.instance] = start.number
        found = listed.get(start.instance)
        if found is None:
            lost[start.instance] = f"start {start.number} was answered, and its instance {start.instance} is not there"
        elif (found["state"], found["version"]) != ("finished", start.version):
            is_now = f"{found['state']} on version {found['version']}"
            lost[start.instance] = f"start {start.number} was answered with version {start.version} and is {is_now}"
    for stranger in listed.keys() - answered.keys():
        doubled[stranger] = f"instance {stranger} is there, and no start was answered with it"


def _messages(calls: Iterable[Call]) -> dict[str, dict[str, set[str]]]:
    """The ids of the messages that the worker saw, by instance and action."""
    seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for call in calls:
        seen[call.instance][plain(call.action)].add(call.message)
    return seen


def plain(action: str) -> str:
    """The name of an action without the mark of its version."""
    return action.rpartition("-")[2]


def mark(action: str) -> int:
    """The version in the name of an action, such as 2 in `v2-first`; 0 for a name without one."""
    prefix = action.rpartition("-")[0]
    return int(prefix.removeprefix("v")) if prefix else 0


def _compare_calls(
    start: Start,
    seen: Mapping[str, set[str]],
    shape: Mapping[str, int],
    lost: dict[str, str],
    doubled: dict[str, str],
) -> None:
    """The worker saw as many messages of the instance at each action as the drawing says."""
    for action in shape.keys() | seen.keys():
        found, wanted = len(seen.get(action, ())), shape.get(action, 0)
        said = f"start {start.number}: {found} messages reached {action} instead of {wanted}"
        if found < wanted:
            lost[start.instance] = said
        elif found > wanted:
            doubled[start.instance] = said


def _strangers(books: Books, seen: Mapping[str, object]) -> list[str]:
    """What the worker saw that nobody started; and calls with another number than their instance was started with."""
    numbers = {start.instance: start.number for start in books.starts}
    unknown = [f"the worker was called for instance {key}, which nobody started" for key in seen if key not in numbers]
    mixed = {call.instance for call in books.calls if numbers.get(call.instance, call.number) != call.number}
    return unknown + [f"the worker got the body of another start for instance {key}" for key in sorted(mixed)]


def _ledger(books: Books) -> list[str]:
    """The sums of the ledger are those that so many instances of this shape make, and nothing is left."""
    size = sum(books.shape.values()) + books.beside
    total = {name: sum(line[name] for line in books.lines) for name in ("accepted", "produced", "consumed", *PLACES)}
    accepted = len(books.starts)
    wanted = {"accepted": accepted, "produced": accepted * (size - 1), "consumed": accepted * size}
    wanted |= dict.fromkeys(PLACES, 0)
    wrong = [name for name in wanted if total[name] != wanted[name]]
    return [f"the ledger has {total[name]} {name} instead of {wanted[name]}" for name in wrong]
