"""Which code may work on which schema.

Schemas change in two steps, so that processes of two releases can work on one store while they are replaced one after
the other, and that who has to go back can. A step to a newer schema lets the code of the release before go on: it adds,
and takes nothing away. What is not needed any more goes a release later, by a step that says in `oldest` from which
revision on code does without it. A store keeps the newest of these as a fact, and code that finds a schema newer than
what it knows goes by that. `tools/migration_rules.py` judges each step.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

FIRST = "0013"
"""The revision whose code is the first to ask; code of an older one refuses every newer schema."""

OLDEST = FIRST
"""The oldest revision whose code may work on the newest schema: what the newest `oldest` of the migrations says."""

FACT = "oldest"


def oldest_of(steps: Iterable[ModuleType]) -> str:
    """The oldest revision whose code may work on the schema that these steps make, all from the first one on."""
    return max((getattr(step, "oldest", FIRST) for step in steps), default=FIRST)


def lets_in(known: str, oldest: str | None) -> bool:
    """Whether code that knows this revision may work on a newer schema that says this of itself."""
    return oldest is not None and oldest <= known


def said_of(shown: str, found: str, known: str) -> str:
    """What is to be logged by code that is let in."""
    return f"{shown} has schema {found} of a newer Segue, which lets this one ({known}) go on: update it, too"
