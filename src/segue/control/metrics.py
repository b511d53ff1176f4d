"""Metrics: what nodes and instances did, span by span, and what limits a process now."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from segue.control.running import Gauges, LaneGauge
from segue.core.bottleneck import Finding, NodeNow, find
from segue.core.figures import Figures, Span
from segue.model.errors import Invalid
from segue.model.graph import Node, NodeKind
from segue.model.ledger import QueueState
from segue.model.versions import Version, VersionState
from segue.ports.catalog import ProcessCatalog
from segue.ports.metrics import MetricFilter, MetricPoint, MetricStore
from segue.ports.outside import Clock
from segue.ports.views import Views

_MOST_POINTS = 10_000
_DEFAULT_POINTS = 60
_WINDOW_MS = 120_000
_USUAL_MS = 24 * 3_600_000
_HOUR_MS = 3_600_000


class Wanted(Struct, frozen=True, kw_only=True):
    """Which figures: of a span, from `since` until before `until`; None is the last 60 spans until now."""

    span: Span
    process: str | None = None
    version: int | None = None
    node: str | None = None
    since: int | None = None
    until: int | None = None


class Bottleneck(Struct, frozen=True, kw_only=True):
    """What limits one version now: its nodes, the one that limits it first."""

    process: str
    version: int
    at: int
    nodes: Sequence[Finding]


class Metrics:
    """Look at figures."""

    def __init__(self, store: MetricStore, views: Views, catalog: ProcessCatalog, gauges: Gauges, clock: Clock) -> None:
        self._store = store
        self._views = views
        self._catalog = catalog
        self._gauges = gauges
        self._clock = clock
        self._actions: dict[int, tuple[Node, ...]] = {}

    async def nodes(self, wanted: Wanted) -> list[MetricPoint]:
        """The figures of nodes, oldest first. Raises Invalid."""
        await self._gauges.roll_figures()
        return await self._find(wanted, wanted.node)

    async def processes(self, wanted: Wanted) -> list[MetricPoint]:
        """The figures of instances by version, oldest first. Raises Invalid."""
        await self._gauges.roll_figures()
        return await self._find(wanted, "")

    async def summary(self, wanted: Wanted) -> list[MetricPoint]:
        """For each node, and with "" for the instances, all of that time in one. Raises Invalid."""
        await self._gauges.roll_figures()
        points = await self._find(wanted, wanted.node)
        if wanted.node is None:
            points += await self._find(wanted, "")
        found: dict[tuple[str, int, str], MetricPoint] = {}
        for point in points:
            key = (point.process, point.version, point.node)
            if key in found:
                found[key].figures.merge(point.figures)
            else:
                found[key] = point
        return [found[key] for key in sorted(found)]

    async def _find(self, wanted: Wanted, node: str | None) -> list[MetricPoint]:
        span_ms = wanted.span * 1000
        until = self._clock.now() + 1 if wanted.until is None else wanted.until
        since = until - _DEFAULT_POINTS * span_ms if wanted.since is None else wanted.since
        if since >= until:
            raise Invalid("since: is not before until")
        since = max(0, since - since % span_ms)
        filter_ = MetricFilter(
            span=wanted.span,
            since=since,
            until=until,
            process=wanted.process,
            version=wanted.version,
            node=node,
            limit=_MOST_POINTS + 1,
        )
        found = await self._store.metrics(filter_)
        if len(found) > _MOST_POINTS:
            text = f"this would be more than {_MOST_POINTS} points"
            raise Invalid(f"{text}: ask for less time, for one process, or for a longer span")
        return found

    async def bottlenecks(self, process: str | None) -> list[Bottleneck]:
        """What limits each version that runs, worst first; of one process or of all. Raises ProcessNotFound."""
        if process is not None:
            await self._catalog.process(process)
        await self._gauges.roll_figures()
        now = self._clock.now()
        queues = await self._views.queues(process, now)
        running = {service.version_id: service.lanes for service in await self._gauges.services_together()}
        waiting: dict[tuple[str, int], dict[str, QueueState]] = {}
        for queue in queues:
            waiting.setdefault((queue.process, queue.version), {})[queue.node] = queue
        published = [
            version
            for version in await self._catalog.published()
            if process in {None, version.process}
            and (version.state is VersionState.ENABLED or (version.process, version.number) in waiting)
        ]
        recent = await self._by_version(published, Span.MINUTE, now - _WINDOW_MS, now + 1, process)
        begins = now - _WINDOW_MS
        usual = await self._by_version(published, Span.HOUR, begins - _USUAL_MS, begins - begins % _HOUR_MS, process)
        found = [
            Bottleneck(
                process=version.process,
                version=version.number,
                at=now,
                nodes=find(
                    [
                        self._node(
                            version,
                            node,
                            waiting.get((version.process, version.number), {}).get(node.id),
                            lane,
                            recent.get(version.id, {}),
                            usual.get(version.id, {}),
                            now,
                        )
                        for node, lane in await self._lanes(version, running.get(version.id, ()))
                    ]
                ),
            )
            for version in published
        ]
        found.sort(key=lambda one: (-max((node.weight for node in one.nodes), default=0.0), one.process, one.version))
        return found

    async def _lanes(self, version: Version, running: Sequence[LaneGauge]) -> list[tuple[Node, LaneGauge]]:
        """The nodes of a version that call actions, with what is done there now. Its graph is read once."""
        lanes = {lane.node: lane for lane in running}
        if version.id not in self._actions:
            graph = (await self._catalog.content(version.id)).graph
            self._actions[version.id] = tuple(node for node in graph.nodes if node.kind is NodeKind.ACTION)
        return [(node, lanes[node.id]) for node in self._actions[version.id] if node.id in lanes]

    def _node(  # noqa: PLR0917 - what is put together
        self,
        version: Version,
        node: Node,
        queue: QueueState | None,
        lane: LaneGauge,
        recent: dict[str, Figures],
        usual: dict[str, Figures],
        now: int,
    ) -> NodeNow:
        figures = recent.get(node.id, Figures())
        depth = 0 if queue is None else queue.depth + queue.delayed * (lane.held is not None)
        # A process that began a moment ago is judged by that moment.
        begins = max(figures.first, now - _WINDOW_MS) if figures.last else now - _WINDOW_MS
        total = 0 if queue is None else queue.depth + queue.in_flight
        return NodeNow(
            node=node.id,
            name=node.label,
            depth=depth,
            in_flight=lane.in_flight,
            prefetch=lane.prefetch,
            oldest_ms=0 if queue is None else queue.oldest_ms,
            held=lane.held,
            outages=lane.outages > 0,
            grows=self._gauges.grows(version.process, version.number, node.id, total),
            figures=figures,
            usual=usual.get(node.id),
            window_ms=max(1_000, now - begins),
        )

    async def _by_version(
        self, versions: Sequence[Version], span: Span, since: int, until: int, process: str | None
    ) -> dict[int, dict[str, Figures]]:
        """The figures of the nodes of these versions: asked for together, or one by one where they are too many."""
        if since < 0 or until <= since:
            return {}
        wanted = Wanted(span=span, process=process, since=since, until=until)
        found: dict[tuple[str, int], dict[str, Figures]] = {}
        try:
            points = await self._find(wanted, None)
        except Invalid:
            points = []
            for version in versions:
                points += await self._find(replace(wanted, process=version.process, version=version.number), None)
        for point in points:
            at = found.setdefault((point.process, point.version), {})
            at.setdefault(point.node, Figures()).merge(point.figures)
        return {version.id: found.get((version.process, version.number), {}) for version in versions}
