"""An event loop in which time is a number and chance decides who goes first.

No selector, no sockets, no threads: when nothing is ready, time jumps to the next timer, so an hour of waiting costs
nothing. Of the tasks that are ready together any may go first, which the given chance decides; plain callbacks keep the
order that asyncio promises. The same chance gives the same run.

Everything that runs belongs to a life (a context variable that tasks inherit). A life can be killed between any two
steps, as `kill -9` does it: nothing of it runs any more.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import events
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WORLD = 0
"""The life of the world itself: what lives on when a server dies."""

LIFE: ContextVar[int] = ContextVar("segue-simulated-life", default=WORLD)


class Crashed(BaseException):
    """Unwinds what is on the stack of a life that has just died."""


class Standstill(RuntimeError):
    """Nothing is ready and no timer is set, and still somebody waits."""


class SimulatedTask(asyncio.Task[Any]):
    """A task with a number, so that a set of tasks has the same order in every run."""

    def __init__(
        self,
        work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        number: int,
        loop: asyncio.AbstractEventLoop,
        context: Context,
    ) -> None:
        self.number = number
        self.context = context
        super().__init__(work, loop=loop, name=f"simulated-{number}", context=context)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class SimulatedLoop(asyncio.BaseEventLoop):
    """The loop. `laziness` in [0, 1) is how often a ready task is made to wait for another round.

    `handled` counts the callbacks that ran. `errors` are exceptions that nobody caught, those of the dead left out.
    `at_step` is called after each callback of a life that is not the world's.
    """

    def __init__(self, chance: Random, *, shuffle: bool = True, laziness: float = 0.0) -> None:
        super().__init__()
        self.handled = 0
        self.errors: list[str] = []
        self.at_step: Callable[[], None] | None = None
        self._chance = chance
        self._shuffle = shuffle
        self._laziness = laziness
        self._time = 0.0
        self._ready: list[events.Handle] = []
        self._scheduled: list[events.TimerHandle] = []
        self._dead: set[int] = set()
        self._to_bury: list[int] = []
        self._tasks: dict[int, list[SimulatedTask]] = {}
        self._number = 0
        self._at_once = False
        self.set_exception_handler(self._note_error)

    # -- time ---------------------------------------------------------------------------------------------------------

    def time(self) -> float:
        """Return the seconds since the loop was made."""
        return self._time

    async def pause(self, ms: float) -> None:
        """Let so many ms pass."""
        future: asyncio.Future[None] = self.create_future()
        timer = self.call_later(ms / 1000, _resolve, future)
        try:
            await future
        finally:
            timer.cancel()

    # -- lives --------------------------------------------------------------------------------------------------------

    def new_life(self, number: int) -> Context:
        """Return the context of a life, for `create_task` and `Context.run`."""
        context = copy_context()
        context.run(LIFE.set, number)
        return context

    def kill(self, life: int) -> None:
        """Let nothing of the life run any more. What is on the stack now has to unwind by itself (`Crashed`)."""
        self._dead.add(life)
        self._to_bury.append(life)

    def end(self) -> None:
        """Let nothing run any more, of any life, and close the loop."""
        for life in list(self._tasks):
            self._dead.add(life)
            self._bury(life)
        self.close()

    def is_dead(self, life: int) -> bool:
        """Tell whether the life was killed."""
        return life in self._dead

    def tasks_of(self, life: int) -> list[SimulatedTask]:
        """Return the tasks of a life that were made so far, oldest first."""
        return self._tasks.get(life, [])

    # -- what asyncio asks of a loop ----------------------------------------------------------------------------------

    def create_task(
        self,
        coro: Coroutine[Any, Any, T] | Generator[Any, None, T],
        *,
        name: object = None,
        context: Context | None = None,
        **_options: object,
    ) -> asyncio.Task[T]:
        """Make a task of the life whose context is given, or current."""
        if self.is_closed():
            raise RuntimeError("the loop is closed")
        if context is None:
            context = copy_context()
        self._number += 1
        task = SimulatedTask(coro, self._number, self, context)
        self._tasks.setdefault(_life_of(context), []).append(task)
        return task

    def run_in_executor(self, executor: object, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run the function here and now; the answer comes some steps later, as that of a thread would."""
        future: asyncio.Future[T] = self.create_future()
        try:
            result = func(*args)
        except Exception as error:  # noqa: BLE001 - it is the caller's
            self._later(lambda error=error: None if future.done() else future.set_exception(error))  # type: ignore[misc]
            return future
        self._later(lambda: None if future.done() else future.set_result(result))
        return future

    def _later(self, answer: Callable[[], None]) -> None:
        if self._at_once:
            answer()
            return
        steps = self._chance.randrange(3)

        def wait() -> None:
            nonlocal steps
            steps -= 1
            if steps < 0:
                answer()
            else:
                self.call_soon(wait)

        self.call_soon(wait)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let functions given to an executor answer at once, for a look that must not let anybody else run."""
        before, self._at_once = self._at_once, True
        try:
            yield
        finally:
            self._at_once = before

    def _write_to_self(self) -> None:
        """Nothing to wake: no other thread calls."""

    def _process_events(self, event_list: object) -> None:
        """No selector, so no events."""

    def _timer_handle_cancelled(self, handle: object) -> None:
        """Cancelled timers are left out when they fall due."""

    def _note_error(self, _loop: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        message = str(context.get("message"))
        if isinstance(error, Crashed) or message.endswith("never retrieved") or "was destroyed" in message:
            return  # how and when these come depends on the garbage collector; `orphans` finds what matters
        self.errors.append(f"{message}: {error!r}")

    def orphans(self, life: int) -> list[BaseException]:
        """Return the errors of tasks of a life that ended with one and were asked by nobody."""
        found = []
        for task in self.tasks_of(life):
            if task.done() and not task.cancelled() and getattr(task, "_log_traceback", False):
                error = task.exception()
                if error is not None:
                    found.append(error)
        return found

    # -- one round ----------------------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        self._fall_due()
        batch, self._ready = self._ready, []
        for handle in self._ordered(batch):
            if handle.cancelled():
                continue
            life = _life_of_handle(handle)
            if life in self._dead:
                continue
            handle._run()  # noqa: SLF001 - a loop runs handles
            self.handled += 1
            if life != WORLD and self.at_step is not None:
                self.at_step()
            while self._to_bury:
                self._bury(self._to_bury.pop())

    def _fall_due(self) -> None:
        """Make ready the timers that are due; when nothing is ready, let time pass until one is."""
        timers = self._scheduled
        while timers and (timers[0].cancelled() or _life_of_handle(timers[0]) in self._dead):
            heapq.heappop(timers)
        if not self._ready and not self._stopping_now():
            if not timers:
                raise Standstill("nothing is ready, no timer is set, and still somebody waits")
            self._time = max(self._time, timers[0].when())
        while timers and timers[0].when() <= self._time:
            handle = heapq.heappop(timers)
            if not handle.cancelled():
                self._ready.append(handle)

    def _is_dead(self, handle: events.Handle) -> bool:
        return _life_of(handle._context) in self._dead  # type: ignore[attr-defined]  # noqa: SLF001 - as above

    def _stopping_now(self) -> bool:
        return bool(self._stopping)  # type: ignore[attr-defined]

    def _ordered(self, batch: list[events.Handle]) -> list[events.Handle]:
        """Return the callbacks in the order in which they run: any for neighbouring steps of tasks, else as it is."""
        if not self._shuffle or len(batch) < 2:
            return batch
        ordered: list[events.Handle] = []
        steps: list[events.Handle] = []
        for handle in batch:
            if not _is_step(handle):
                self._mix_into(ordered, steps)
                steps = []
                ordered.append(handle)
            elif self._laziness and self._chance.random() < self._laziness:
                self._ready.append(handle)
            else:
                steps.append(handle)
        self._mix_into(ordered, steps)
        return ordered

    def _mix_into(self, ordered: list[events.Handle], steps: list[events.Handle]) -> None:
        if len(steps) > 1:
            self._chance.shuffle(steps)
        ordered += steps

    def _bury(self, life: int) -> None:
        """Close the coroutines of a life. Their `finally` blocks run, with ports that do nothing any more."""
        tasks = self.tasks_of(life)
        for task in tasks:  # the list may grow meanwhile
            if task.done():
                continue
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - it is meant
            coroutine = task.get_coro()
            try:
                task.context.run(coroutine.close)
            except (Exception, Crashed):  # noqa: BLE001, S112 - what it meets while it is closed concerns nobody
                continue


def _is_step(handle: events.Handle) -> bool:
    return isinstance(getattr(handle._callback, "__self__", None), SimulatedTask)  # type: ignore[attr-defined]  # noqa: SLF001


def _life_of_handle(handle: events.Handle) -> int:
    context: Context = handle._context  # type: ignore[attr-defined]  # noqa: SLF001 - it stands nowhere else
    return _life_of(context)


def _life_of(context: Context) -> int:
    return context.get(LIFE, WORLD)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
