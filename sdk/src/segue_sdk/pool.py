"""The threads that sync actions run in."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Pool(ThreadPoolExecutor):
    """A bounded pool that knows what is unfinished, so that a stop can say what it leaves behind."""

    def __init__(self, threads: int, worker: str) -> None:
        super().__init__(threads, thread_name_prefix=f"segue-{worker}")
        self._unfinished: set[Future[Any]] = set()

    @property
    def unfinished(self) -> int:
        """How many calls run or wait for a thread."""
        return len(self._unfinished)

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a thread call the function."""
        future = super().submit(function, *args, **kwargs)
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return future
