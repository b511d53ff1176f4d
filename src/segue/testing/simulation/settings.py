"""What a world is like, and how much of it there is: all of it follows from the seed unless it is said otherwise."""

from __future__ import annotations

from random import Random

from msgspec import Struct

from segue.testing.simulation.dice import happens
from segue.testing.simulation.faults import Kind, Point, Profile
from segue.testing.simulation.life import Bites
from segue.testing.simulation.ports import PORTS, methods_of
from segue.testing.simulation.services import Manners


class Settings(Struct, frozen=True, kw_only=True):
    """What may be said otherwise: kinds of fault left out, at most so many starts and acts of people, the store.

    A limit of None means what the seed says. A run with less is how a failure is made small.
    """

    without: frozenset[str] = frozenset()
    starts: int | None = None
    acts: int | None = None
    store: str = "memory"


LEFT_OUT = ("crash", "broken", "unavailable", "lost", "slow", "jump", "odd", "unlucky", "absence", "shuffle", "lazy")
"""What `Settings.without` may name."""


class Plan(Struct, frozen=True, kw_only=True):
    """One world before it begins."""

    profile: Profile
    points: tuple[Point, ...]
    manners: Manners
    crash_steps: tuple[int, ...]
    shuffle: bool
    laziness: float
    processes: int
    versions: int
    starts: int
    acts: int
    length_ms: int
    limits: bool
    audits: float
    bites: Bites


def make_plan(chance: Random, settings: Settings) -> Plan:
    """Draw a plan. What settings leave out is drawn all the same, so that the rest stays as it is."""
    left_out = settings.without
    quiet = happens(chance, 0.08)
    profile = Profile(
        unavailable=chance.choice([0, 0, 0.01, 0.04]),
        broken=chance.choice([0, 0, 0.002, 0.008, 0.05]),
        lost=chance.choice([0, 0, 0.02]),
        slow=chance.choice([0, 0.05, 0.2]),
        jump=chance.choice([0, 0, 0.0006]),
        crash_after=chance.choice([0, 0, 0.02, 0.05]),
        crashes=chance.choice([0, 1, 1, 2, 4]),
    )
    points = _points(chance)
    steps = tuple(sorted(chance.randrange(3_000) for _ in range(profile.crashes)))
    manners = Manners(
        odd=chance.choice([0.0, 0.15, 0.4]),
        unlucky=chance.choice([0.0, 0.03, 0.12]),
        absences=chance.choice([0, 1, 2]),
    )
    plan = Plan(
        profile=profile,
        points=points,
        manners=manners,
        crash_steps=steps,
        shuffle=chance.random() < 0.85,
        laziness=chance.choice([0.0, 0.0, 0.1, 0.4]),
        processes=chance.choice([1, 1, 2]),
        versions=chance.choice([1, 2, 3]),
        starts=chance.randint(4, 26),
        acts=chance.randint(2, 18),
        length_ms=chance.choice([5_000, 20_000, 60_000]),
        limits=happens(chance, 0.3),
        audits=1.0 if happens(chance, 0.1) else 1 / 16,
        bites=Bites(
            large_answer=chance.choice([1, 1, 400, 100_000]),
            piece=chance.choice([1, 2]),
            bite=chance.choice([1, 2, 100]),
        ),
    )
    return _reduced(plan, settings, left_out | (set(_ALL_FAULTS) if quiet else set()))


_ALL_FAULTS = ("crash", "broken", "unavailable", "lost", "jump")


def _points(chance: Random) -> tuple[Point, ...]:
    """Draw faults at certain calls of certain methods, so that rare ones get theirs."""
    points = []
    for _ in range(chance.randint(0, 3)):
        port, method = chance.choice(every_method())
        kind = chance.choice([Kind.CRASH, Kind.CRASH, Kind.UNAVAILABLE, Kind.BROKEN])
        number = chance.choice([1, 1, 2, 3, 8])
        points.append(Point(kind=kind, number=number, after=happens(chance, 0.5), port=port, method=method))
    if happens(chance, 0.5):
        points.append(Point(kind=Kind.CRASH, number=chance.randrange(1, 4_000), after=happens(chance, 0.5)))
    return tuple(points)


def every_method() -> list[tuple[str, str]]:
    """Return every method of every port, as (port, method)."""
    return [(port, method) for port, protocol in PORTS.items() for method in methods_of(protocol)]


def _reduced(plan: Plan, settings: Settings, left_out: set[str] | frozenset[str]) -> Plan:
    profile, manners = plan.profile, plan.manners
    points = tuple(point for point in plan.points if point.kind.value not in left_out)
    return Plan(
        profile=Profile(
            unavailable=0 if "unavailable" in left_out else profile.unavailable,
            broken=0 if "broken" in left_out else profile.broken,
            lost=0 if "lost" in left_out else profile.lost,
            slow=0 if "slow" in left_out else profile.slow,
            jump=0 if "jump" in left_out else profile.jump,
            crash_after=0 if "crash" in left_out else profile.crash_after,
            crashes=0 if "crash" in left_out else profile.crashes,
        ),
        points=points,
        manners=Manners(
            odd=0 if "odd" in left_out else manners.odd,
            unlucky=0 if "unlucky" in left_out else manners.unlucky,
            absences=0 if "absence" in left_out else manners.absences,
        ),
        crash_steps=() if "crash" in left_out else plan.crash_steps,
        shuffle=plan.shuffle and "shuffle" not in left_out,
        laziness=0 if "lazy" in left_out else plan.laziness,
        processes=plan.processes,
        versions=plan.versions,
        starts=plan.starts if settings.starts is None else min(plan.starts, settings.starts),
        acts=plan.acts if settings.acts is None else min(plan.acts, settings.acts),
        length_ms=plan.length_ms,
        limits=plan.limits,
        audits=plan.audits,
        bites=plan.bites,
    )
