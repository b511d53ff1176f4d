"""What comes of a campaign."""

from __future__ import annotations

from typing import Self

from msgspec import Struct

from campaign.check import Verdict
from campaign.load import Load
from campaign.plan import Plan
from campaign.world import World

SHOWN = 10


class Result(Struct, kw_only=True):
    """One line of JSON.

    `accepted` counts instances; `lost` those that were accepted and did not come whole to their end, in the account or
    at the worker; `doubled` what is there twice or more often than drawn; `repeated_calls` calls that the worker saw
    again under the same message-id, which a crash may cause. `balanced`: every audit of the campaign did. `rate_per_s`
    are messages handled a second over the whole of the load, times without a server included. `problems` is empty when
    all that had to be shown was shown.
    """

    campaign: str
    faults: int
    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    repeated_calls: int = 0
    balanced: bool = True
    messages: int = 0
    seconds: float = 0.0
    rate_per_s: float = 0.0
    seed: int
    audits: int = 0
    notes: dict[str, int | float | str] = {}
    problems: list[str] = []

    @property
    def ok(self) -> bool:
        """Whether all that had to be shown was shown."""
        return self.balanced and not self.lost and not self.doubled and not self.problems

    @classmethod
    def empty(cls, campaign: str, plan: Plan) -> Self:
        """Nothing yet, to add to."""
        return cls(campaign=campaign, faults=plan.faults, seed=plan.seed)

    @classmethod
    def of(cls, campaign: str, plan: Plan, here: World, load: Load, verdict: Verdict) -> Self:
        """What came of one process under load; all that was wrong in its world goes into it."""
        return cls(
            campaign=campaign,
            faults=plan.faults,
            accepted=verdict.accepted,
            lost=verdict.lost,
            doubled=verdict.doubled,
            repeated_calls=verdict.repeated_calls,
            balanced=not here.unbalanced,
            messages=verdict.messages,
            seconds=round(load.seconds, 1),
            rate_per_s=round(verdict.messages / load.seconds, 1),
            seed=plan.seed,
            audits=here.audits,
            notes={
                "unanswered_starts": load.unanswered,
                "refused_starts": len(load.refusals),
                "lives": here.server.lives,
            },
            problems=shortened(here.problems + verdict.problems),
        )

    def add(self, other: Result) -> None:
        """Add what came of another part of the same campaign, except its faults and its times."""
        for name in ("accepted", "lost", "doubled", "repeated_calls", "messages", "audits"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name, value in other.notes.items():
            known = self.notes.get(name, 0)
            self.notes[name] = known + value if isinstance(value, int) and isinstance(known, int) else value
        self.balanced = self.balanced and other.balanced
        self.problems = self.problems + other.problems


def shortened(problems: list[str]) -> list[str]:
    """The first of them, and how many more there are."""
    more = len(problems) - SHOWN
    return problems if more <= 0 else [*problems[:SHOWN], f"... and {more} more"]
