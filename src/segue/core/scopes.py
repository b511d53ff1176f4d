"""Scopes: which messages belong together, as a path that a message carries and its children inherit.

A scope is a path of segments, each ending in "/", outermost first. "" is that of a message which belongs to nothing
but its instance. The letter of a segment says what was opened, the number which node of the graph it was (the place of
the node in it), and the text after the dot tells one opening from every other one:

| segment | opened by | what is in it |
|---|---|---|
| `f` | a split | the branches, until a join has them all |
| `s` | the entry into a sub-process | everything in the sub-process, and the boundary events that watch it |
| `g` | the arrival at an activity that boundary events watch | its message, and those events |
| `w`, `n` | within `g` or `s`: a boundary event that waits to happen | it alone; `n` does not interrupt |
| `r` | an event-based gateway | an event each, of which the first ends the others |
| `c` | at the root only: a call | all of a called instance; the text is the id of the message that called |

So "what ends with it" and "what is there still" are both questions about the beginning of a text.
"""

from __future__ import annotations

from hashlib import blake2b

from msgspec import Struct

FORK, PART, GUARD, WATCH, REMIND, RACE, CALL = "f", "s", "g", "w", "n", "r", "c"

DEEPEST_CALL = 100
"""A call that is nested deeper than this is refused: a process that calls itself would never end."""


class Leaving(Struct, frozen=True):
    """What leaving a scope means: the scope that goes on, and the one whose other messages end, "" for none."""

    base: str
    clears: str = ""


def segment(kind: str, index: int, *key: object) -> str:
    """Return a segment that is the same for the same node and key, and for no other."""
    digest = blake2b("\0".join(map(str, key)).encode(), digest_size=8)
    return f"{kind}{index}.{digest.hexdigest()}/"


def numbered(kind: str, index: int, number: int) -> str:
    """Return a segment that says a number: how often a boundary event has happened before."""
    return f"{kind}{index}.{number}/"


def number_of(part: str) -> int:
    """Return the number that a segment says."""
    return int(part[part.index(".") + 1 : -1])


def call_scope(message_id: str, caller: str) -> str:
    """Return the scope of an instance that the message calls; `caller` is that of the message itself."""
    return f"{CALL}{call_depth(caller) + 1}.{message_id}/"


def call_depth(scope: str) -> int:
    """Return how many calls are around a message."""
    return int(scope[1 : scope.index(".")]) if scope.startswith(CALL) else 0


def caller_of(scope: str) -> str | None:
    """Return the id of the message that called the instance; None for one that nobody called."""
    return scope[scope.index(".") + 1 : scope.index("/")] if scope.startswith(CALL) else None


def segments(scope: str) -> list[str]:
    """Return the segments, outermost first."""
    return [part + "/" for part in scope.split("/")[:-1]]


def kind_of(part: str) -> str:
    """Return the letter of a segment."""
    return part[0]


def index_of(part: str) -> int:
    """Return the place in the graph of the node that opened a segment."""
    return int(part[1 : part.index(".")])


def around(scope: str) -> str:
    """Return the scope without its last segment."""
    return scope[: scope.rfind("/", 0, -1) + 1]


def last_kind(scope: str) -> str:
    """Return the letter of the last segment, "" without one."""
    return scope[scope.rfind("/", 0, -1) + 1] if scope else ""


def enclosing(scope: str) -> list[str]:
    """Return every scope that the message is in whose end somebody may wait for: of splits and of sub-processes."""
    found, path = [], ""
    for part in segments(scope):
        path += part
        if part[0] in {FORK, PART}:
            found.append(path)
    return found


def beyond(scope: str) -> str:
    """Return the first text after all that begin with the scope, in the order of their bytes."""
    return scope[:-1] + "0"


def opened_by(scope: str, kind: str, index: int) -> str | None:
    """Return the innermost scope around that a node opened, None without one."""
    parts = segments(scope)
    for number in range(len(parts), 0, -1):
        if parts[number - 1].startswith(f"{kind}{index}."):
            return "".join(parts[:number])
    return None


def leaving(scope: str) -> Leaving:
    """Return what it means that a message leaves its node with children.

    A message that was watched ends those who watched it; one of a race the others; a boundary event that happens
    ends the activity, unless it only reminds.
    """
    kind = last_kind(scope)
    if kind in {GUARD, RACE}:
        return Leaving(around(scope), scope)
    if kind == WATCH:
        watched = around(scope)
        return Leaving(around(watched), watched)
    if kind == REMIND:
        return Leaving(around(around(scope)))
    return Leaving(scope)


def dropping(scope: str) -> str:
    """Return the scope that ends when a message is dropped without going on: who watches it has nothing to watch."""
    return scope if last_kind(scope) == GUARD else ""
