"""Operations: what a person wants done to many messages, done in the background, a bite at a time.

How far an operation is, is stored after each bite. When the server ends between a bite and that, the bite is read
again: what it handled has left its place, or came back with a later number than the operation looks at, so nothing is
done twice, and what was done is counted from the record that each message's own transaction wrote.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from segue.control.paging import Page, page
from segue.control.tasks import Tasks
from segue.control.trash import Trash
from segue.core.corrections import Correction
from segue.model.errors import Conflict, Invalid, NotFound, SegueError, StoreUnavailable
from segue.model.ids import make_id
from segue.model.message import Place, Transition
from segue.model.operations import Operation, OperationKind, OperationState
from segue.ports.messages import MessageStore
from segue.ports.operations import OperationCatalog
from segue.ports.outside import Chance, Clock
from segue.ports.views import PlacedFilter, PlacedMessage, Views

log = logging.getLogger(__name__)

BITE = 100
"""How many messages are handled at a time."""

_RETRY_S = 1.0
_OF_TRASH = frozenset({OperationKind.RESEND, OperationKind.DISCARD})
_CHANGING = frozenset({OperationKind.RESEND, OperationKind.ACCEPT})

_filter_of = msgspec.json.Decoder(PlacedFilter).decode
_change_of = msgspec.json.Decoder(Correction).decode


class OperationWish(Struct, frozen=True, kw_only=True):
    """What a person asks for: `kind` done to all that `wanted` finds now; `change` and `version` as in `Operation`."""

    kind: OperationKind
    wanted: PlacedFilter
    change: Correction | None = None
    version: int | None = None


class Operations:
    """Begin operations, look at them, pause, go on, cancel; `run` does the work."""

    def __init__(  # noqa: PLR0917 - the parts it is made of
        self,
        catalog: OperationCatalog,
        views: Views,
        messages: MessageStore,
        trash: Trash,
        tasks: Tasks,
        clock: Clock,
        chance: Chance,
        bite: int | None = None,
    ) -> None:
        self._catalog = catalog
        self._views = views
        self._messages = messages
        self._trash = trash
        self._tasks = tasks
        self._clock = clock
        self._chance = chance
        self._bite_size = bite
        self._news = asyncio.Event()
        self._counted: set[str] = set()

    # -- people -------------------------------------------------------------------------------------------------------

    async def begin(self, wish: OperationWish, by: str) -> Operation:
        """Begin an operation on what is there now; what comes to its place at a later instant it leaves alone.

        Raises Invalid.
        """
        if wish.change is not None and wish.kind not in _CHANGING:
            raise Invalid(f"Messages cannot be changed by the operation {wish.kind}; leave out change")
        if wish.version is not None and wish.kind is not OperationKind.RESEND:
            raise Invalid(f"The operation {wish.kind} takes no version")
        place = Place.TRASH if wish.kind in _OF_TRASH else Place.WAITING
        wanted = replace(wish.wanted, place=place, after=0, upto=None)
        total, upto = await self._views.placed_count(wanted)
        now = self._clock.now()
        operation = Operation(
            id=make_id(now, self._chance.entropy(10)),
            kind=wish.kind,
            state=OperationState.RUNNING,
            by=by,
            created=now,
            wanted=msgspec.json.encode(wanted),
            change=None if wish.change is None else msgspec.json.encode(wish.change),
            version=wish.version,
            total=total,
            upto=upto,
        )
        await self._catalog.put_operation(operation)
        self._counted.add(operation.id)
        self._news.set()
        return operation

    async def find(self, state: OperationState | None, cursor: str | None, limit: int) -> Page[Operation]:
        """Operations, newest first."""
        return page(await self._catalog.operations(state, cursor, limit + 1), limit, lambda operation: operation.id)

    async def get(self, id: str) -> Operation:
        """Raises NotFound."""
        found = await self._catalog.operation(id)
        if found is None:
            raise NotFound(f"There is no operation {id[:100]}")
        return found

    async def turn(self, id: str, state: OperationState) -> Operation:
        """Pause an operation, let it go on, or cancel it. Raises NotFound, and Conflict when it has ended already."""
        found = await self.get(id)
        if not await self._catalog.turn(id, state, self._clock.now()):
            raise Conflict(f"The operation {id} has ended already: it is {found.state}", state=found.state)
        self._news.set()
        return await self.get(id)

    # -- work ---------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work on what runs, until cancelled; trouble of the store is waited out."""
        self._counted.clear()  # another process may have done some of it meanwhile
        while True:
            self._news.clear()
            try:
                busy = await self.step()
            except SegueError as error:
                log.warning("Operations: %s", error.detail)
                busy = False
            if busy:
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_RETRY_S):
                    await self._news.wait()

    async def step(self) -> bool:
        """Do a bite of every operation that runs; whether there was one."""
        running = await self._catalog.operations(OperationState.RUNNING, None, 100)
        for operation in reversed(running):
            await self._work(operation)
        return bool(running)

    async def _work(self, operation: Operation) -> None:
        try:
            await self._bite(await self._recounted(operation))
        except StoreUnavailable:
            self._counted.discard(operation.id)  # perhaps a bite was done, and that was not noted
            raise
        except Exception as error:  # one operation that cannot go on must not stop the others
            log.exception("The operation %s cannot go on", operation.id)
            text = error.detail if isinstance(error, SegueError) else f"{type(error).__name__}: {error}"
            await self._catalog.turn(operation.id, OperationState.FAILED, self._clock.now(), text)

    async def _recounted(self, operation: Operation) -> Operation:
        """The operation with what it has done as its messages tell it, the first time that this process sees it."""
        if operation.id in self._counted:
            return operation
        self._counted.add(operation.id)
        return replace(operation, done=max(operation.done, await self._catalog.acted(operation.id)))

    async def _bite(self, operation: Operation) -> None:
        most = self._bite_size or BITE
        wanted = replace(_filter_of(operation.wanted), after=operation.after, upto=operation.upto, limit=most)
        found = await self._views.placed(wanted)
        # A message keeps its number when it fails, so one that failed after the beginning may have a low one.
        early = [placed for placed in found if placed.since <= operation.created]
        transitions, error = await self._decide(operation, early)
        refused = len(early) - len(transitions)
        done, unsettled = await self._settle(transitions)
        error = unsettled or error
        gone = 0 if unsettled else len(transitions) - done
        failed = refused + (len(transitions) - done if unsettled else 0)
        now = replace(
            operation,
            done=operation.done + done,
            gone=operation.gone + gone,
            failed=operation.failed + failed,
            after=found[-1].message.seq if found else operation.upto,
            error=error or operation.error,
        )
        await self._catalog.progress(now)
        if len(found) < most:
            self._counted.discard(operation.id)
            await self._catalog.turn(operation.id, OperationState.DONE, self._clock.now())

    async def _decide(
        self, operation: Operation, found: Sequence[PlacedMessage]
    ) -> tuple[list[Transition], str | None]:
        """What is done to each message, and why the last of those that stay could not be handled."""
        change = Correction() if operation.change is None else _change_of(operation.change)
        transitions: list[Transition] = []
        error = None
        for placed in found:
            try:
                transition = await self._transition(operation, placed, change)
            except StoreUnavailable:
                raise
            except SegueError as trouble:
                error = f"Message {placed.message.id}: {trouble.detail}"
            else:
                transitions.append(replace(transition, operation=operation.id))
        return transitions, error

    async def _transition(self, operation: Operation, placed: PlacedMessage, change: Correction) -> Transition:
        kind, by = operation.kind, operation.by
        if kind is OperationKind.DISCARD:
            return self._trash.discarding(placed, by)
        if kind is OperationKind.REJECT:
            return await self._tasks.deciding(placed, False, None, None, by)
        message = placed.message
        body, headers = change.body_of(message.body), change.headers_of(message.headers)
        if kind is OperationKind.RESEND:
            return await self._trash.resending(placed, body, headers, operation.version, by)
        return await self._tasks.deciding(placed, True, body, headers, by)

    async def _settle(self, transitions: Sequence[Transition]) -> tuple[int, str | None]:
        """Make them true; how many were, and why one could not be accepted elsewhere."""
        if not transitions:
            return 0, None
        try:
            return sum(await self._messages.settle(transitions)), None
        except StoreUnavailable:
            raise
        except SegueError as trouble:
            if len(transitions) == 1:
                return 0, f"Message {transitions[0].message.id}: {trouble.detail}"
        done, error = 0, None
        for transition in transitions:
            one, trouble_of_one = await self._settle([transition])
            done += one
            error = trouble_of_one or error
        return done, error
