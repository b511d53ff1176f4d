"""What the writer knows of processes and versions without asking each time: choice, names, queues."""

from __future__ import annotations

import msgspec

from segue.adapters.sql.rows import Cursor
from segue.core.routing import Routes
from segue.model.errors import Conflict, NodeNotFound, NoEnabledVersion, ProcessNotFound, VersionNotFound
from segue.model.graph import ProcessGraph
from segue.model.start import Start
from segue.model.versions import VersionState

_decode_entries = msgspec.json.Decoder(dict[str, str]).decode
_decode_graph = msgspec.json.Decoder(ProcessGraph).decode
_ROUTES_KEPT = 200
_RUNNABLE = {VersionState.DISABLED, VersionState.ENABLED}


class _Version:
    __slots__ = ("entries", "id", "nodes", "number", "state")

    def __init__(self, key: int, number: int, state: VersionState, entries: dict[str, str]) -> None:
        self.id = key
        self.number = number
        self.state = state
        self.entries = entries
        self.nodes: frozenset[str] | None = None


class _Process:
    __slots__ = ("enabled", "id", "versions")

    def __init__(self, key: int, versions: dict[int, _Version]) -> None:
        self.id = key
        self.versions = versions
        numbers = [number for number, version in versions.items() if version.state is VersionState.ENABLED]
        self.enabled = versions[max(numbers)] if numbers else None


class Chosen(msgspec.Struct, frozen=True):
    """Where a start goes: numbers of process, version and queue in the store, the version's public number, the node."""

    process: int
    version: int
    number: int
    node: str
    queue: int


class Versions:
    """A cache over the writer's connection. `forget` after a change of the catalog and after a rollback."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._processes: dict[str, _Process] = {}
        self._queues: dict[tuple[int, str], int] = {}
        self._names: dict[int, tuple[str, int]] = {}
        self._next_queue = 0
        self._routes: dict[int, Routes] = {}

    def forget(self) -> None:
        """Read everything again when it is needed next."""
        self._processes.clear()
        self._queues.clear()
        self._next_queue = 0

    def choose(self, start: Start) -> Chosen:
        """Return where the start goes (P4). Raises ProcessNotFound, VersionNotFound, NoEnabledVersion, NodeNotFound
        or Conflict."""
        process = self._process(start.process)
        version = _version(process, start)
        if start.entry is not None:
            node = start.entry
            if node not in self._nodes(version):
                raise NodeNotFound(f"version {version.number} of {start.process!r} has no node {node!r}")
        else:
            found = version.entries.get(start.node or "")
            if found is None:
                what = "no start node" if start.node is None else f"no start node {start.node!r}"
                raise NodeNotFound(f"version {version.number} of {start.process!r} has {what}")
            node = found
        return Chosen(process.id, version.id, version.number, node, self.queue(version.id, node))

    def process(self, name: str) -> int:
        """Return the number of a process. Raises ProcessNotFound."""
        return self._process(name).id

    def process_if_any(self, name: str) -> int | None:
        """Return the number of a process; None when there is none of that name."""
        try:
            return self._process(name).id
        except ProcessNotFound:
            return None

    def queue(self, version: int, node: str) -> int:
        """Return the number of a queue; makes its row when there is none yet."""
        key = (version, node)
        number = self._queues.get(key)
        if number is None:
            number = self._queues[key] = self._read_queue(version, node)
        return number

    def routes(self, version: int) -> Routes:
        """Return the ways through a published version; they never change."""
        routes = self._routes.get(version)
        if routes is None:
            if len(self._routes) >= _ROUTES_KEPT:
                self._routes.clear()
            (graph,) = self._cursor.execute("SELECT graph FROM version WHERE id = ?", (version,)).fetchone()
            routes = self._routes[version] = Routes(_decode_graph(graph))
        return routes

    def is_retired(self, version: int) -> bool:
        """Tell whether a version is retired; asked seldom, so not kept."""
        (state,) = self._cursor.execute("SELECT state FROM version WHERE id = ?", (version,)).fetchone()
        return bool(state == VersionState.RETIRED.value)

    def names(self, version: int) -> tuple[str, int]:
        """Return a version's process name and public number."""
        found = self._names.get(version)
        if found is None:
            text = "SELECT p.name, v.number FROM version v JOIN process p ON p.id = v.process WHERE v.id = ?"
            name, number = self._cursor.execute(text, (version,)).fetchone()
            found = self._names[version] = (name, number)
        return found

    def _process(self, name: str) -> _Process:
        process = self._processes.get(name)
        if process is None:
            row = self._cursor.execute("SELECT id FROM process WHERE name = ?", (name,)).fetchone()
            if row is None:
                raise ProcessNotFound(f"no process is named {name!r}")
            text = "SELECT id, number, state, entries FROM version WHERE process = ?"
            rows = self._cursor.execute(text, row).fetchall()
            versions = {
                number: _Version(key, number, VersionState(state), _decode_entries(entries))
                for key, number, state, entries in rows
            }
            process = self._processes[name] = _Process(row[0], versions)
        return process

    def _nodes(self, version: _Version) -> frozenset[str]:
        if version.nodes is None:
            (graph,) = self._cursor.execute("SELECT graph FROM version WHERE id = ?", (version.id,)).fetchone()
            version.nodes = frozenset(node.id for node in _decode_graph(graph).nodes)
        return version.nodes

    def _read_queue(self, version: int, node: str) -> int:
        text = "SELECT id FROM queue WHERE version = ? AND node = ?"
        row = self._cursor.execute(text, (version, node)).fetchone()
        return self._make_queue(version, node) if row is None else int(row[0])

    def _make_queue(self, version: int, node: str) -> int:
        if not self._next_queue:
            self._next_queue = self._cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM queue").fetchone()[0]
        number = self._next_queue
        self._next_queue += 1
        self._cursor.execute("INSERT INTO queue (id, version, node) VALUES (?, ?, ?)", (number, version, node))
        return number


def _version(process: _Process, start: Start) -> _Version:
    if start.version is None:
        if process.enabled is None:
            raise NoEnabledVersion(f"No version of {start.process!r} is enabled")
        return process.enabled
    version = process.versions.get(start.version)
    if version is None:
        raise VersionNotFound(f"{start.process!r} has no version {start.version}")
    if version.state not in _RUNNABLE:
        raise Conflict(f"Version {version.number} of {start.process!r} is {version.state} and takes no messages")
    return version
