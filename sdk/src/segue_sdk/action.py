"""An action: a function under a name, and how it is called, whether it is sync or async."""

import asyncio
import contextvars
import inspect
import re
import time
from collections.abc import Callable
from concurrent.futures import Executor
from enum import StrEnum
from typing import Any

import msgspec

from segue_sdk.measure import Timed
from segue_sdk.message import Message
from segue_sdk.results import ActionEnd, Result, as_result, is_text

Handler = Callable[[Message], Any]

# The unreserved characters of RFC 3986: an original engine puts the name into the path as it is.
_NAME = re.compile(r"[A-Za-z0-9._~-]+")


class Kind(StrEnum):
    """The three kinds of actions."""

    CONNECTOR = "connector"
    CUSTOM = "custom"
    BATCH = "batch"


#: First and last part of the path that an engine posts to (Orchesty worker protocol).
PATHS = {
    Kind.CONNECTOR: ("connector", "action"),
    Kind.CUSTOM: ("custom-node", "process"),
    Kind.BATCH: ("batch", "action"),
}


class Ran(msgspec.Struct, frozen=True):
    """How a call ended: with a result, or with an error that the action did not foresee; and its CPU time."""

    end: Result | BaseException
    cpu_ns: int


class Action:
    """A function of one message that an engine can call under a name."""

    __slots__ = ("_is_async", "application", "function", "kind", "name")

    def __init__(self, kind: Kind, name: str, function: Handler, application: str | None = None) -> None:
        if not is_text(name) or not _NAME.fullmatch(name):
            raise ValueError(f"An action's name has letters, digits and . _ ~ - only, not {name!r}")
        if application is not None and not is_text(application):
            raise ValueError(f'The application of "{name}" is a text that is not empty, not {application!r}')
        _check_function(name, function)
        self.kind = kind
        self.name = name
        self.application = application
        self.function = function
        self._is_async = _is_async(function)

    @property
    def path(self) -> str:
        """The path that an engine posts messages to."""
        folder, last = PATHS[self.kind]
        return f"/{folder}/{self.name}/{last}"

    async def run(self, message: Message, pool: Executor) -> Ran:
        """Call the function: an async one here, a sync one in a thread. Raises only if this call is cancelled."""
        if not self._is_async:
            context = contextvars.copy_context()
            return await asyncio.get_running_loop().run_in_executor(pool, context.run, self._run_sync, message)
        timed = Timed(self._run_async(message))
        try:
            return Ran(await timed, timed.cpu_ns)
        except ActionEnd as end:
            return Ran(end.result, timed.cpu_ns)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # this call is cancelled, not something inside the action
                raise
            return Ran(error, timed.cpu_ns)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - one message's failure is that message's answer
            return Ran(error, timed.cpu_ns)

    async def _run_async(self, message: Message) -> Result:
        return as_result(await self.function(message), of_batch=self.kind is Kind.BATCH)

    def _run_sync(self, message: Message) -> Ran:
        began = time.thread_time_ns()
        end: Result | BaseException
        try:
            end = as_result(self.function(message), of_batch=self.kind is Kind.BATCH)
        except ActionEnd as raised:
            end = raised.result
        except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001 - as above; and no future
            end = error  # could carry a StopIteration, or a CancelledError that cancels nothing
        return Ran(end, time.thread_time_ns() - began)


def _check_function(name: str, function: object) -> None:
    if not callable(function):
        raise TypeError(f'The action "{name}" is a function, not {type(function).__name__}')
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f'The action "{name}" is a generator; collect the items and return batch(items)')
    try:
        signature = inspect.signature(function)
    except ValueError:  # some callables written in C do not tell theirs
        return
    try:
        signature.bind(object())
    except TypeError as error:
        raise TypeError(f'The action "{name}" takes one message: {error}') from error


def _is_async(function: Handler) -> bool:
    called = type(function).__call__ if not inspect.isroutine(function) else function
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)
