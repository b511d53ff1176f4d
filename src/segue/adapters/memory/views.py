"""The views in memory."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from segue.adapters.memory.state import Live, Run, State, copy_message
from segue.core.causes import cause_of
from segue.core.ledger import END_EVENTS
from segue.core.searching import Match, is_match
from segue.core.statistics import Timing
from segue.model.events import Event
from segue.model.ledger import Audit, LedgerLine, QueueState
from segue.model.message import WAITING_PLACES, Message, Place
from segue.model.operations import Act
from segue.model.versions import Instance, InstanceState, Step, VersionState
from segue.ports.outside import Clock
from segue.ports.views import (
    Cause,
    Content,
    Found,
    InstanceFilter,
    Minute,
    NodeCount,
    Passed,
    PlacedFilter,
    PlacedMessage,
    StoredLog,
)


class MemoryViews:
    """Implements `Views`."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def instances(self, filter: InstanceFilter) -> list[Instance]:
        """See `Views`."""
        runs = list(self._state.runs.values())
        if filter.before is not None:
            keys = list(self._state.runs)
            runs = runs[: keys.index(filter.before)] if filter.before in self._state.runs else []
        found = (self._instance(run) for run in reversed(runs))
        return [instance for instance in found if _wanted(instance, filter)][: filter.limit]

    async def instance(self, id: str) -> Instance | None:
        """See `Views`."""
        run = self._state.runs.get(id)
        return self._instance(run) if run is not None else None

    async def search(self, filter: InstanceFilter, match: Match, budget_ms: int) -> Found:
        """See `Views`."""
        state = self._state
        held: dict[str, list[tuple[dict[str, str], bytes]]] = {}
        for done in state.done.values():
            if done.headers is not None and done.body is not None:
                held.setdefault(done.instance, []).append((done.headers, done.body))
        for live in state.live.values():
            held.setdefault(live.message.instance, []).append((live.message.headers, live.message.body))
        everything = await self.instances(replace(filter, limit=len(state.runs) + 1))
        found = [one for one in everything if any(is_match(match, *content) for content in held.get(one.id, ()))]
        shown = found[: filter.limit]
        more = len(found) > filter.limit
        return Found(instances=shown, next=shown[-1].id if more else None, reached=shown[-1].started if more else None)

    async def recent_steps(self, version: int, bound: int) -> list[Timing]:
        """See `Views`."""
        state = self._state
        newest = max(state.done, default=0)
        return [
            Timing(**{name: getattr(done.step, name) for name in Timing.__struct_fields__})
            for seq, done in sorted(state.done.items())
            if seq > newest - bound and done.version == version
        ]

    async def passed(self, version: int, node: str, bound: int, limit: int) -> list[Passed]:
        """See `Views`."""
        newest = max(self._state.done, default=0)
        found = [
            Passed(
                message=done.step.message,
                instance=done.instance,
                outcome=done.step.outcome,
                taken=done.step.taken,
                ended=done.step.ended,
            )
            for seq, done in sorted(self._state.done.items(), reverse=True)
            if seq > newest - bound and (done.version, done.step.node) == (version, node)
        ]
        return found[:limit]

    async def traffic(self, process: str | None, since: int) -> list[Minute]:
        """See `Views`."""
        started: Counter[int] = Counter()
        failed: Counter[int] = Counter()
        for run in self._state.runs.values():
            if run.started >= since and process in {None, self._state.versions[run.version].version.process}:
                at = run.started - run.started % 60_000
                started[at] += 1
                failed[at] += run.state is InstanceState.FAILED
        return [Minute(at=at, started=count, failed=failed[at]) for at, count in sorted(started.items())]

    async def message_content(self, instance: str, message: str) -> Content | None:
        """See `Views`."""
        for live in self._state.live.values():
            if (live.message.instance, live.message.id) == (instance, message):
                held = live.message
                return Content(message=message, node=held.node, headers=dict(held.headers), body=held.body)
        for _, done in sorted(self._state.done.items(), reverse=True):
            if (done.instance, done.step.message) == (instance, message):
                return Content(message=message, node=done.step.node, headers=done.headers, body=done.body)
        return None

    def _instance(self, run: Run) -> Instance:
        owner = self._state.versions[run.version].version
        handled = sum(done.instance == run.id for done in self._state.done.values())
        return Instance(
            id=run.id,
            process=owner.process,
            version=owner.number,
            state=run.state,
            started=run.started,
            finished=run.finished,
            live=run.tally.live,
            trash=run.tally.trash,
            ok=handled - run.tally.failed - run.tally.cancelled,
            failed=run.tally.failed,
            start_node=run.start_node,
            origin=run.origin,
        )

    async def instance_messages(self, id: str, limit: int = 1000) -> list[Message]:
        """See `Views`."""
        now = self._clock.now()
        return [copy_message(live.message, now) for live in self._state.of_instance(id)[:limit]]

    async def instance_steps(self, id: str, limit: int = 1000) -> list[Step]:
        """See `Views`."""
        return [done.step for _, done in sorted(self._state.done.items()) if done.instance == id][:limit]

    async def queues(self, process: str | None, now: int) -> list[QueueState]:
        """See `Views`."""
        found = []
        beside = Counter(
            (live.message.version, live.message.node)
            for live in self._state.live.values()
            if live.message.place > Place.TRASH
        )
        places = {key: self._state.queues.get(key, {}) for key in {**beside, **self._state.queues}}
        for (version, node), queue in places.items():
            owner = self._state.versions[version].version
            if not (queue or beside[version, node]) or process not in {None, owner.process}:
                continue
            messages = {seq: live.message for seq, live in queue.items()}
            ready = [message for _, message in sorted(messages.items()) if message.due <= now]
            in_flight = sum(seq in self._state.taken for seq in messages)
            found.append(
                QueueState(
                    process=owner.process,
                    version=owner.number,
                    version_id=version,
                    node=node,
                    depth=max(0, len(ready) - in_flight),
                    in_flight=in_flight,
                    delayed=len(messages) - len(ready),
                    oldest_ms=max(0, now - ready[0].entered) if ready else 0,
                    waiting=beside[version, node],
                )
            )
        return sorted(found, key=lambda state: (state.process, state.version, state.node))

    async def placed(self, filter: PlacedFilter) -> list[PlacedMessage]:
        """See `Views`."""
        found = []
        for seq, live in sorted(self._state.live.items()):
            message = live.message
            owner = self._state.versions[message.version].version
            if (
                seq > filter.after
                and message.place is filter.place
                and filter.process in {None, owner.process}
                and filter.version in {None, owner.number}
                and filter.node in {None, message.node}
                and filter.reason_code in {None, message.reason_code}
                and filter.reason in {None, message.reason}
                and filter.instance in {None, message.instance}
                and (filter.upto is None or seq <= filter.upto)
                and (filter.ids is None or message.id in filter.ids)
                and filter.cause in {None, _cause(message)}
                and (filter.text is None or filter.text.lower() in (message.reason or "").lower())
            ):
                found.append(self._placed(live))
        return found[: filter.limit]

    async def placed_count(self, filter: PlacedFilter) -> tuple[int, int]:
        """See `Views`."""
        found = await self.placed(replace(filter, limit=len(self._state.live)))
        return len(found), max((placed.message.seq for placed in found), default=0)

    async def causes(self, filter: PlacedFilter) -> list[Cause]:
        """See `Views`."""
        groups: dict[tuple[str, str], list[PlacedMessage]] = {}
        for placed in await self.placed(replace(filter, limit=len(self._state.live))):
            if placed.cause is not None:
                groups.setdefault((placed.process, placed.cause), []).append(placed)
        ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[1][0].message.seq))
        return [_group(process, cause, members) for (process, cause), members in ordered[: filter.limit]]

    async def placed_nodes(self, filter: PlacedFilter) -> list[NodeCount]:
        """See `Views`."""
        groups: dict[tuple[str, int, int, str], list[int]] = {}
        for placed in await self.placed(replace(filter, limit=len(self._state.live))):
            at = (placed.process, placed.version, placed.message.version, placed.message.node)
            groups.setdefault(at, []).append(placed.since)
        found = [
            NodeCount(process=process, version=version, version_id=key, node=node, count=len(since), oldest=min(since))
            for (process, version, key, node), since in groups.items()
        ]
        found.sort(key=lambda each: (-each.count, each.process, each.version, each.node))
        return found[: filter.limit]

    async def acts(self, message: str) -> list[Act]:
        """See `Views`."""
        return [act for _, act in self._state.acts if act.message == message]

    async def placed_message(self, id: str, place: Place) -> PlacedMessage | None:
        """See `Views`."""
        for live in self._state.live.values():
            if live.message.id == id and live.message.place is place:
                return self._placed(live)
        return None

    def _placed(self, live: Live) -> PlacedMessage:
        message = live.message
        owner = self._state.versions[message.version].version
        return PlacedMessage(
            message=copy_message(message, self._clock.now()),
            process=owner.process,
            version=owner.number,
            since=live.since,
            cause=_cause(message),
        )

    async def logs(self, instance: str | None, process: str | None, after: int, limit: int) -> list[StoredLog]:
        """See `Views`."""
        found = (
            line
            for line in self._state.logs
            if line.seq > after and instance in {None, line.instance} and process in {None, line.process}
        )
        return list(found)[:limit]

    async def events(self, after: int, limit: int) -> list[Event]:
        """See `Views`."""
        return [event for event in self._state.events if event.seq > after][:limit]

    async def audit(self, now: int) -> Audit:
        """See `Views`."""
        lines = [self._line(key, now) for key in self._state.versions]
        shown = [line for line in lines if line is not None]
        shown.sort(key=lambda line: (line.process, line.version))
        return Audit(versions=tuple(shown), faults=tuple(self._faults()))

    def _line(self, key: int, now: int) -> LedgerLine | None:
        state = self._state
        version = state.versions[key].version
        places = Counter(copy_message(live.message, now).place for live in state.of_version(key))
        done = [item.step for item in state.done.values() if item.version == key]
        carried = state.carried.get(key)
        accepted = sum(run.version == key for run in state.runs.values())
        if version.state is VersionState.DRAFT and not accepted:
            return None
        return LedgerLine(
            process=version.process,
            version=version.number,
            accepted=accepted + (carried.accepted if carried else 0),
            produced=sum(step.produced for step in done) + (carried.produced if carried else 0),
            consumed=len(done) + (carried.consumed if carried else 0),
            queued=places[Place.QUEUED],
            delayed=places[Place.DELAYED],
            waiting=sum(places[place] for place in WAITING_PLACES),
            trash=places[Place.TRASH],
        )

    def _faults(self) -> list[str]:
        state = self._state
        faults = []
        children = Counter(live.above for live in state.live.values())
        children.update(done.above for done in state.done.values())
        for seq, done in state.done.items():
            there = children.pop(seq, 0)
            if there != done.step.produced:
                faults.append(
                    f"instance {done.instance}: message {done.step.message} produced {done.step.produced} messages,"
                    f" and {there} are there"
                )
        children.pop(None, None)
        faults += [f"{n} messages come from message number {seq}, which never left" for seq, n in children.items()]
        ends = Counter(event.instance for event in state.events if event.kind in END_EVENTS.values())
        for run in state.runs.values():
            messages = state.of_instance(run.id)
            trash = sum(live.message.place is Place.TRASH for live in messages)
            if (run.tally.live, run.tally.trash) != (len(messages), trash):
                faults.append(f"instance {run.id} counts {run.tally.live} live messages, and {len(messages)} are there")
            if ends[run.id] != (0 if messages else 1):
                faults.append(f"instance {run.id} has {len(messages)} live messages, and ended {ends[run.id]} times")
        known = {live.message.instance for live in state.live.values()}
        known.update(done.instance for done in state.done.values())
        faults += [f"messages belong to instance {key}, which does not exist" for key in known - set(state.runs)]
        return faults


def _cause(message: Message) -> str | None:
    """The fingerprint of a failed message."""
    if message.place is not Place.TRASH:
        return None
    return cause_of(message.node, message.reason_code, message.reason)


def _group(process: str, cause: str, members: list[PlacedMessage]) -> Cause:
    first = members[0].message
    return Cause(
        cause=cause,
        process=process,
        node=first.node,
        reason_code=first.reason_code,
        reason=first.reason,
        count=len(members),
        oldest=min(placed.since for placed in members),
        newest=max(placed.since for placed in members),
        versions=tuple(sorted({placed.version for placed in members})),
        version_id=first.version,
    )


def _wanted(instance: Instance, filter: InstanceFilter) -> bool:
    return (
        filter.process in {None, instance.process}
        and filter.version in {None, instance.version}
        and filter.state in {None, instance.state}
        and (filter.since is None or instance.started >= filter.since)
        and (filter.until is None or instance.started < filter.until)
    )
