"""The status service: turns stored events into notices by rule, and sends them until they are delivered or given up.

From the event to the notice nothing is lost or doubled: the position in the stream of events moves in the transaction
that stores the notices. From the notice to the receiver it is at least once, each time under the same key.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from segue.core.notice_text import outgoing
from segue.core.notices import Gathering, applies, group_of, next_try, wait_ms, wanted_kinds
from segue.model.errors import SegueError
from segue.model.events import Event, EventKind
from segue.model.notices import Attempt, Notice, Rule, Sender, Told
from segue.model.versions import Instance
from segue.ports.catalog import ProcessCatalog
from segue.ports.notices import NoticeCatalog
from segue.ports.notifier import Notifier, Undelivered
from segue.ports.outside import Chance, Clock
from segue.tasks import end

log = logging.getLogger(__name__)

_SCAN = 1_000
_AT_ONCE = 8
_LEASE_MS = 15_000
_LONGEST_SLEEP_S = 5.0
_RETRY_S = 1.0
_PROCESSES = 500
_REPORTED = frozenset({EventKind.INSTANCE_FINISHED, EventKind.INSTANCE_FAILED, EventKind.INSTANCE_CANCELLED})


class StatusService:
    """Makes notices and sends them. `wake` says that there may be something to do."""

    def __init__(
        self, catalog: NoticeCatalog, processes: ProcessCatalog, notifier: Notifier, clock: Clock, chance: Chance
    ) -> None:
        self._catalog = catalog
        self._processes = processes
        self._notifier = notifier
        self._clock = clock
        self._chance = chance
        self._news = asyncio.Event()
        self._rules: list[Rule] = []
        self._kinds: frozenset[EventKind] = frozenset()
        self._senders: dict[str, Sender] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._loaded = False

    def wake(self) -> None:
        """Look at once."""
        self._news.set()

    def note(self, events: Sequence[Event]) -> None:
        """Events were stored; look if some rule wants them."""
        if not self._news.is_set() and (not self._loaded or any(event.kind in self._kinds for event in events)):
            self._news.set()

    async def reload(self) -> None:
        """Use the rules and senders as they are now."""
        self._rules = [rule for rule in await self._catalog.rules() if rule.enabled]
        self._senders = {sender.name: sender for sender in await self._catalog.senders()}
        self._kinds = frozenset(wanted_kinds(self._rules))
        self._loaded = True
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled; trouble of the store waits and is tried again."""
        try:
            while True:
                self._news.clear()
                try:
                    if not self._loaded:
                        await self.reload()
                    delay_s = await self.step()
                except SegueError as error:
                    log.warning("Notices wait: %s", error.detail)
                    delay_s = _RETRY_S
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(delay_s):
                        await self._news.wait()
        finally:
            await self._end()

    async def _end(self) -> None:
        await end(*self._sending.values())

    async def step(self) -> float:
        """Make notices of what happened and begin to send what is due; how many seconds until there is more to do."""
        if self._rules:
            while await self._gather():
                pass
        now = self._clock.now()
        dues = await self._catalog.dues()
        if dues.get("", now + 1) <= now:
            await self._catalog.close_gathering(now)
            dues = await self._catalog.dues()
        soonest = dues.pop("", None)
        for name, due in dues.items():
            sender = self._senders.get(name)
            if sender is None or name in self._sending:
                continue
            ready = max(due, sender.until)
            if ready <= now:
                self._begin(name)
            else:
                soonest = ready if soonest is None else min(soonest, ready)
        return _LONGEST_SLEEP_S if soonest is None else min(max((soonest - now) / 1000, 0.0), _LONGEST_SLEEP_S)

    async def settled(self) -> None:
        """Wait until nothing is being sent; for tests and for the simulation."""
        while self._sending:
            await asyncio.wait(list(self._sending.values()))

    # -- from events to notices ---------------------------------------------------------------------------------------

    async def _gather(self) -> bool:
        """Make notices of some events; True when there may be more."""
        seen = await self._catalog.position()
        scan = await self._catalog.scan_events(seen, sorted(self._kinds), _SCAN)
        if scan.seen == seen:
            return False
        wanted = await self._wanted(scan.events)
        made = await self._notices(wanted) if wanted else []
        await self._catalog.advance(seen, scan.seen, made)
        return True

    async def _wanted(self, events: Sequence[Event]) -> list[tuple[Rule, Event]]:
        if not events:
            return []
        folders = await self._folders() if any(rule.folder is not None for rule in self._rules) else {}
        return [
            (rule, event)
            for event in events
            for rule in self._rules
            if applies(rule, event, folders.get(event.process or ""))
        ]

    async def _notices(self, wanted: Sequence[tuple[Rule, Event]]) -> list[Notice]:
        told = [event.instance for _, event in wanted if event.kind in _REPORTED and event.instance is not None]
        reports: Mapping[str, Instance] = {}
        if told:
            reports = {found.id: found for found in await self._catalog.reports(list(dict.fromkeys(told)))}
        repeating = dict.fromkeys((rule.id, group_of(rule, event)) for rule, event in wanted if rule.repeat_s)
        latest = await self._catalog.latest_notices(list(repeating)) if repeating else []
        open_ = await self._catalog.gathering() if any(rule.group_s for rule, _ in wanted) else []
        gathering = Gathering(
            {(notice.rule, notice.group): notice for notice in open_},
            {(notice.rule, notice.group): notice for notice in latest},
        )
        for rule, event in wanted:
            report = reports.get(event.instance or "") if event.kind in _REPORTED else None
            gathering.add(rule, Told(event=event, report=report))
        return gathering.changed

    async def _folders(self) -> dict[str, str]:
        found: dict[str, str] = {}
        after: str | None = None
        while page := await self._processes.processes(after, _PROCESSES):
            found.update((process.name, process.folder) for process in page)
            after = page[-1].name
        return found

    # -- sending ------------------------------------------------------------------------------------------------------

    def _begin(self, name: str) -> None:
        task = asyncio.get_running_loop().create_task(self._send_due(name))
        self._sending[name] = task
        task.add_done_callback(lambda ended: self._ended(name, ended))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._sending.pop(name, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            if not isinstance(error, SegueError):
                log.error("Sending through %s failed", name, exc_info=error)
            sender = self._senders.get(name)
            if sender is not None:  # the store could not write, or we have a fault: not at once again
                self._senders[name] = replace(sender, until=self._clock.now() + round(_RETRY_S * 1000))
        self._news.set()

    async def _send_due(self, name: str) -> None:
        """Send what is due through one sender, until nothing is left or a try fails."""
        while (sender := self._senders.get(name)) is not None:
            now = self._clock.now()
            if now < sender.until:
                return
            limit = 1 if sender.failures else _AT_ONCE
            lease = _LEASE_MS + round(sender.settings.timeout_s * 1000)
            claimed = await self._catalog.claim_notices(name, now, now + lease, limit)
            if not claimed:
                return
            attempts = await asyncio.gather(*(self._try(sender, notice) for notice in claimed))
            await self._catalog.record_attempts(attempts)
            await self._note(sender, attempts)

    async def _try(self, sender: Sender, notice: Notice) -> Attempt:
        rule = next((rule.name for rule in self._rules if rule.id == notice.rule), notice.rule)
        now = self._clock.now()
        try:
            await self._notifier.send(sender.settings, outgoing(notice, rule), now)
        except Undelivered as error:
            reason = str(error)
        except Exception as error:
            log.exception("Sending %s through %s failed", notice.key, sender.name)
            reason = f"{type(error).__name__}: {error}"
        else:
            return Attempt(key=notice.key, at=self._clock.now())
        due = next_try(notice, self._clock.now(), self._chance.fraction())
        return Attempt(key=notice.key, at=self._clock.now(), error=reason, due=due)

    async def _note(self, sender: Sender, attempts: Sequence[Attempt]) -> None:
        """Keep how the sender is doing; one that fails rests, longer and longer."""
        bad = [attempt for attempt in attempts if attempt.error is not None]
        good = [attempt for attempt in attempts if attempt.error is None]
        known = self._senders.get(sender.name)
        if known is None:
            return
        after = known
        if good:
            after = replace(after, delivered_at=good[-1].at, failures=0, until=0, error=None)
        if bad:
            failures = after.failures + 1
            until = bad[-1].at + wait_ms(failures, self._chance.fraction())
            after = replace(after, failed_at=bad[-1].at, error=bad[-1].error, failures=failures, until=until)
        self._senders[sender.name] = after
        shown = (known.error, known.failures, known.until)
        stale = known.delivered_at is None or self._clock.now() - known.delivered_at > 60_000
        if shown != (after.error, after.failures, after.until) or stale:
            await self._catalog.note_sender(after)
