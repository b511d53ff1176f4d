"""Limits as people see and give them: every rule and where it comes from, what it leaves, who waits and how long."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from segue.control.running import RunningEngine
from segue.core.limit_rules import REASON, spacing_ms
from segue.core.limits import Slot
from segue.model.errors import Invalid, NotFound
from segue.model.graph import LimitRule
from segue.model.limits import GivenLimit
from segue.model.versions import Version
from segue.ports.catalog import ProcessCatalog
from segue.ports.given_limits import GivenLimitCatalog
from segue.ports.limits import LimitCatalog
from segue.ports.outside import Clock
from segue.ports.views import Views

MOST_RULES = 20
_MOST_PER_MS = 31 * 86_400_000


class KnownRule(Struct, frozen=True, kw_only=True):
    """A rule and its `origin`: a process `file` (with process, version and node), a `worker`, or a `person` (`by`).

    `used` calls count in its window now, those that run included.
    """

    calls: int
    per_ms: int
    origin: str
    used: int
    process: str | None = None
    version: int | None = None
    node: str | None = None
    by: str | None = None


class LimitState(Struct, frozen=True, kw_only=True):
    """One key: its rules, the calls that run, how many messages wait, and when the last of those is through."""

    key: str
    rules: tuple[KnownRule, ...]
    running: int
    waiting: int
    expected_end: int | None
    note: str = ""


class LimitStore(LimitCatalog, GivenLimitCatalog, ProcessCatalog, Views, Protocol):
    """Where all that is known of limits lies."""


class Limits:
    """Look at limits, give and take them away."""

    def __init__(self, store: LimitStore, engine: RunningEngine, clock: Clock) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._drawn: dict[int, tuple[tuple[str, LimitRule], ...]] = {}

    async def find(self) -> list[LimitState]:
        """Every key that a published version, a worker or a person has a rule for, by key."""
        now = self._clock.now()
        slots: dict[str, list[Slot]] = {}
        for slot in await self._store.slots():
            slots.setdefault(slot.key, []).append(slot)
        given = {limit.key: limit for limit in await self._store.given_limits()}
        rules = await self._rules(given, slots, now)
        waiting = await self._waiting(rules, now)
        return [self._state(key, rules[key], slots.get(key, []), waiting.get(key, 0), given) for key in sorted(rules)]

    async def get(self, key: str) -> LimitState:
        """Raises NotFound."""
        for state in await self.find():
            if state.key == key:
                return state
        raise NotFound(f"There is no limit for {key[:200]!r}")

    async def give(self, key: str, rules: tuple[LimitRule, ...], note: str, by: str) -> LimitState:
        """Have these rules hold for a key from now on, beside those of files and workers. Raises Invalid."""
        if not rules or len(rules) > MOST_RULES:
            raise Invalid(f"Give 1 to {MOST_RULES} rules")
        if any(rule.calls < 1 or not 1 <= rule.per_ms <= _MOST_PER_MS for rule in rules):
            raise Invalid(f"A rule allows at least 1 call in 1 to {_MOST_PER_MS} ms (31 days)")
        own = tuple(LimitRule(key=key, calls=rule.calls, per_ms=rule.per_ms) for rule in rules)
        await self._store.put_given_limit(GivenLimit(key=key, rules=own, by=by, at=self._clock.now(), note=note))
        await self._engine.reload_limits()
        return await self.get(key)

    async def take_away(self, key: str) -> None:
        """Take away what a person gave for a key. Raises NotFound."""
        if not await self._store.delete_given_limit(key):
            raise NotFound(f"Nobody has given a limit for {key[:200]!r}")
        await self._engine.reload_limits()

    async def _rules(
        self, given: dict[str, GivenLimit], slots: dict[str, list[Slot]], now: int
    ) -> dict[str, list[KnownRule]]:
        found: dict[str, list[KnownRule]] = {}

        def add(rule: LimitRule, origin: str, **whence: object) -> None:
            used = sum(slot.ended is None or slot.ended > now - rule.per_ms for slot in slots.get(rule.key, ()))
            known = KnownRule(calls=rule.calls, per_ms=rule.per_ms, origin=origin, used=used, **whence)  # type: ignore[arg-type]
            found.setdefault(rule.key, []).append(known)

        for version in await self._published():
            for node, rule in self._drawn[version.id]:
                add(rule, "file", process=version.process, version=version.number, node=node)
        for told in self._engine.told_limits():
            add(told, "worker")
        for limit in given.values():
            for rule in limit.rules:
                add(rule, "person", by=limit.by)
        return found

    async def _published(self) -> list[Version]:
        """The published versions, whose rules are known then. They never change, so each is read once."""
        published = await self._store.published()
        for gone in self._drawn.keys() - {version.id for version in published}:
            del self._drawn[gone]
        for version in published:
            if version.id not in self._drawn:
                nodes = (await self._store.content(version.id)).graph.nodes
                self._drawn[version.id] = tuple((node.id, rule) for node in nodes for rule in node.limits)
        return published

    async def _waiting(self, rules: dict[str, list[KnownRule]], now: int) -> dict[str, int]:
        """How many messages wait for each key: in lanes that are held for it, and each on its own."""
        counts: dict[str, int] = {}
        queues = {(queue.process, queue.version, queue.node): queue for queue in await self._store.queues(None, now)}
        for key, known in rules.items():
            parties = self._engine.waiting_for(key)
            places = {(rule.process, rule.version, rule.node) for rule in known if rule.process in parties}
            held = sum(queue.depth for place, queue in queues.items() if place in places)
            if held:
                counts[key] = counts.get(key, 0) + held
        for waits in await self._store.limited_queues():
            for key in waits.reason.removeprefix(REASON).split(", "):
                counts[key] = counts.get(key, 0) + waits.count
        return counts

    def _state(
        self, key: str, rules: list[KnownRule], slots: list[Slot], waiting: int, given: dict[str, GivenLimit]
    ) -> LimitState:
        step = spacing_ms(tuple(LimitRule(key=key, calls=rule.calls, per_ms=rule.per_ms) for rule in rules))
        return LimitState(
            key=key,
            rules=tuple(rules),
            running=sum(slot.ended is None for slot in slots),
            waiting=waiting,
            expected_end=self._clock.now() + int(waiting * step) if waiting else None,
            note=given[key].note if key in given else "",
        )
