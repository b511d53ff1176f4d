"""What enabling, disabling, switching or retiring a version would do, told before it is done."""

from __future__ import annotations

from msgspec import Struct

from segue.control.versions import Versions
from segue.core.versions import PUBLISHED, check_change
from segue.model.errors import Conflict
from segue.model.graph import Node, NodeKind
from segue.model.versions import InstanceState, Process, Version, VersionState
from segue.ports.catalog import ProcessCatalog
from segue.ports.views import InstanceFilter, Views

LOOKED_AT = 200
"""So many of a version's newest instances are looked at for its figures."""

_WANTED = {
    "enable": VersionState.ENABLED,
    "disable": VersionState.DISABLED,
    "switch": VersionState.ENABLED,
    "retire": VersionState.RETIRED,
}
STEPS = tuple(_WANTED)


class Entry(Struct, frozen=True, kw_only=True):
    """A way into a process: by a schedule, by a message (a webhook), or by a start request (`start`).

    `change` says what becomes of it: it `begins`, `ends`, `stays`, or is `changed`, when it stays with another timer.
    """

    kind: str
    node: str
    label: str
    change: str
    before: str | None = None
    after: str | None = None


class Consequences(Struct, frozen=True, kw_only=True):
    """What a step would do. `takes_before` and `takes_after` are the versions that take new messages; `disabled` those
    that a switch disables. `live` messages and `running` instances are on the version itself; with `more` there are
    more running ones than were counted."""

    step: str
    version: int
    possible: bool
    reason: str | None
    takes_before: int | None
    takes_after: int | None
    disabled: tuple[int, ...]
    live: int
    running: int
    more: bool
    entries: tuple[Entry, ...]


class Recent(Struct, frozen=True, kw_only=True):
    """Figures of a version, of its newest instances: how many were looked at, still run, and ended badly."""

    version: int
    looked_at: int
    running: int
    failed: int
    ended: int
    last_started: int | None


class Forecast:
    """Looks ahead, and at how versions have done so far."""

    def __init__(self, catalog: ProcessCatalog, views: Views, versions: Versions) -> None:
        self._catalog = catalog
        self._views = views
        self._versions = versions

    async def of(self, process: str, number: int, step: str) -> Consequences:
        """What the step would do now. Raises ProcessNotFound, VersionNotFound."""
        version = await self._versions.get(process, number)
        known = await self._catalog.process(process)
        before = _taker(known, {})
        after_states = _after(known, number, step)
        after = _taker(known, after_states)
        wanted = InstanceFilter(process=process, version=number, state=InstanceState.RUNNING, limit=LOOKED_AT + 1)
        running = len(await self._views.instances(wanted)) if version.state in PUBLISHED else 0
        reason = _refusal(version, step)
        return Consequences(
            step=step,
            version=number,
            possible=reason is None,
            reason=reason,
            takes_before=before.number if before else None,
            takes_after=after.number if after else None,
            disabled=tuple(key for key in after_states if key != number),
            live=version.live or 0,
            running=min(running, LOOKED_AT),
            more=running > LOOKED_AT,
            entries=_compared(await self._starts(before), await self._starts(after)),
        )

    async def recent(self, process: str) -> list[Recent]:
        """Figures of every version of a process that was ever published. Raises ProcessNotFound."""
        found = []
        for version in (await self._catalog.process(process)).versions:
            if version.state is VersionState.DRAFT:
                continue
            wanted = InstanceFilter(process=process, version=version.number, limit=LOOKED_AT)
            seen = await self._views.instances(wanted)
            states = [instance.state for instance in seen]
            running = states.count(InstanceState.RUNNING)
            found.append(
                Recent(
                    version=version.number,
                    looked_at=len(seen),
                    running=running,
                    failed=states.count(InstanceState.FAILED),
                    ended=len(seen) - running,
                    last_started=seen[0].started if seen else None,
                )
            )
        return found

    async def _starts(self, version: Version | None) -> list[Node]:
        if version is None:
            return []
        graph = (await self._catalog.content(version.id)).graph
        return [node for node in graph.nodes if node.kind is NodeKind.START]


def _refusal(version: Version, step: str) -> str | None:
    try:
        check_change(version.process, version.number, version.state, _WANTED[step])
    except Conflict as error:
        return error.detail
    return None


def _after(process: Process, number: int, step: str) -> dict[int, VersionState]:
    """The states that versions would have which the step changes."""
    after = {number: _WANTED[step]}
    if step == "switch":
        others = (each for each in process.versions if each.state is VersionState.ENABLED and each.number != number)
        after |= {each.number: VersionState.DISABLED for each in others}
    return after


def _taker(process: Process, states: dict[int, VersionState]) -> Version | None:
    """The version that would take new messages if these states were so (P4)."""
    enabled = [each for each in process.versions if states.get(each.number, each.state) is VersionState.ENABLED]
    return max(enabled, key=lambda version: version.number, default=None)


def _compared(before: list[Node], after: list[Node]) -> tuple[Entry, ...]:
    old, new = {node.id: node for node in before}, {node.id: node for node in after}
    found = []
    for id_ in [*old, *(key for key in new if key not in old)]:
        was, will = old.get(id_), new.get(id_)
        node = will or was
        if node is None:
            continue
        texts = _text(was), _text(will)
        change = "begins" if was is None else "ends" if will is None else "stays"
        if change == "stays" and texts[0] != texts[1]:
            change = "changed"
        found.append(
            Entry(kind=_kind(node), node=id_, label=node.label, change=change, before=texts[0], after=texts[1])
        )
    return tuple(found)


def _kind(node: Node) -> str:
    if node.timer is not None:
        return "schedule"
    return "webhook" if node.message_name is not None or node.element == "event" else "start"


def _text(node: Node | None) -> str | None:
    if node is None:
        return None
    if node.timer is not None:
        zone = f" ({node.timer.zone})" if node.timer.zone else ""
        return f"{node.timer.value}{zone}"
    return node.message_name
