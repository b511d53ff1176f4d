"""Accepting, in the writer: the version is chosen in the transaction that makes the instance (P4)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from segue.adapters.sql.changes import Changes
from segue.adapters.sql.live import Held, encode_headers
from segue.adapters.sql.pace import Pace
from segue.adapters.sql.rows import Rows
from segue.adapters.sql.versions import Chosen
from segue.model.errors import BacklogFull
from segue.model.message import Place
from segue.model.start import Accepted, Start
from segue.model.versions import InstanceState

_KNOWN_KEYS = Rows(
    "SELECT k.process, k.key, i.id, v.number, k.message FROM {} d"
    " JOIN idempotency k ON k.process = d.column1 AND k.key = d.column2"
    " JOIN instance i ON i.num = k.instance JOIN version v ON v.id = i.version",
    "number text",
)
_KNOWN_TICK = "SELECT tick, instance, version, message FROM schedule_state WHERE process = ? AND node = ?"
_NOTE_TICK = (
    "INSERT INTO schedule_state (process, node, tick, instance, version, message) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (process, node) DO UPDATE SET tick = excluded.tick, instance = excluded.instance,"
    " version = excluded.version, message = excluded.message"
)


# Bound once: before Python 3.12, every look at an enumeration's member costs a call.
_QUEUED, _RUNNING = Place.QUEUED, InstanceState.RUNNING.value
# Whoever is refused because too much lives may come again when this share of it is gone.
_SOME_ROOM = 0.01


class Accepting:
    """Accepts starts of one transaction. `live` are the live messages of each version before it."""

    def __init__(self, changes: Changes, live: dict[int, int], max_live: int, pace: Pace) -> None:
        self._changes = changes
        self._live = live
        self._max_live = max_live
        self._pace = pace
        self._keys: dict[tuple[int, str], Accepted] = {}
        self._looked_up: set[tuple[int, str]] = set()

    def look_up(self, starts: Sequence[Start]) -> None:
        """Find out which keys of these starts are known already, for all of them at once."""
        wanted: dict[tuple[int, str], str] = {}
        for start in starts:
            if start.key is not None:
                process = self._changes.versions.process_if_any(start.process)
                if process is not None:
                    wanted[process, start.key] = start.process
        self._looked_up.update(wanted)
        for process, key, instance, version, message in _KNOWN_KEYS.read(self._changes.cursor, list(wanted)):
            name = wanted[process, key]
            self._keys[process, key] = Accepted(instance=instance, process=name, version=version, message=message)

    def forget(self) -> None:
        """Look keys up again: something else has changed what is stored."""
        self._keys.clear()
        self._looked_up.clear()

    def _check(self, chosen: Chosen, start: Start) -> None:
        live = self._live.get(chosen.version, 0) + self._changes.live.get(chosen.version, 0)
        if live >= self._max_live:
            detail = f"{live} messages live in version {chosen.number} of process {start.process!r}, the most allowed"
            raise BacklogFull(detail, retry_after=self._pace.seconds_for(self._max_live * _SOME_ROOM))

    def accept(self, start: Start, *, limited: bool = True) -> Accepted:
        """Make the instance and its message, or answer what the key or the tick has made before.

        Raises what `MessageStore.accept` raises, and has changed nothing then. `limited`: refuse when too much lives.
        """
        process = self._changes.versions.process(start.process)
        known = self._known_key(process, start) or self._known_tick(process, start)
        if known is not None:
            return known
        chosen = self._changes.versions.choose(start)
        if limited:
            self._check(chosen, start)
        accepted = Accepted(
            instance=start.instance, process=start.process, version=chosen.number, message=start.message
        )
        run = self._insert(chosen, start)
        if start.key is not None:
            self._changes.keys.append((chosen.process, start.key, run, start.message))
            self._keys[chosen.process, start.key] = accepted
        if start.tick is not None:
            row = (chosen.process, start.node or "", start.tick, start.instance, chosen.number, start.message)
            self._changes.cursor.execute(_NOTE_TICK, row)
        return accepted

    def _insert(self, chosen: Chosen, start: Start) -> int:
        changes = self._changes
        run, seq = changes.next_instance(), changes.next_message()
        begun = start.entry or start.node or ""
        changes.instances.append((run, start.instance, chosen.version, _RUNNING, start.at, 1, begun, start.origin))
        changes.messages.append(
            (
                seq,
                start.message,
                chosen.queue,
                run,
                None,
                0,
                start.at,
                0,
                0,
                0,
                None,
                None,
                encode_headers(start.headers),
                start.body,
                start.scope or None,
            )
        )
        changes.report.arrived.append(
            Held(
                id=start.message,
                version=chosen.version,
                node=chosen.node,
                instance=start.instance,
                body=start.body,
                headers=start.headers,
                entered=start.at,
                seq=seq,
                place=_QUEUED,
                scope=start.scope,
                queue=chosen.queue,
                run=run,
            )
        )
        changes.count_live(chosen.version, 1)
        return run

    def _known_key(self, process: int, start: Start) -> Accepted | None:
        if start.key is None:
            return None
        if (process, start.key) not in self._looked_up:
            self.look_up([start])
        known = self._keys.get((process, start.key))
        return None if known is None else replace(known, repeated=True)

    def _known_tick(self, process: int, start: Start) -> Accepted | None:
        if start.tick is None:
            return None
        row = self._changes.cursor.execute(_KNOWN_TICK, (process, start.node or "")).fetchone()
        if row is None or row[0] < start.tick:
            return None
        return Accepted(
            instance=row[1] or "", process=start.process, version=row[2] or 0, message=row[3] or "", repeated=True
        )
