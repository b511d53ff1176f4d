"""Notes the calls that an action makes with httpx, requests and aiohttp, without a line of its own.

Of a call its host, duration and status are kept, nothing else. A library is instrumented once it has been imported;
calls outside of an action are left alone. `message.remote(...)` takes precedence: within it nothing is noted twice.
"""

import contextlib
import functools
import sys
import time
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

from segue_sdk.measure import current_calls, note_remote

_done: set[str] = set()


def instrument() -> None:
    """Instrument those of the libraries that are imported by now, each once."""
    for name, patch in _PATCHES.items():
        module = sys.modules.get(name)
        if name not in _done and module is not None and _complete(module, name):
            _done.add(name)
            patch(module)


def _complete(module: ModuleType, name: str) -> bool:
    """Whether the module has been imported to its end."""
    return all(hasattr(module, attribute) for attribute in _NEEDED[name])


class _Call:
    """One call under way. A status that is never set is 0: no answer came."""

    __slots__ = ("_began", "_calls", "_host", "status")

    def __init__(self, host: str | None) -> None:
        self._calls = current_calls.get()
        self._host = host or ""
        self._began = time.perf_counter_ns()
        self.status = 0

    def end(self) -> None:
        """Note the call."""
        if self._calls is not None:
            note_remote(self._calls, self._host, (time.perf_counter_ns() - self._began) / 1e6, self.status)


@contextlib.contextmanager
def _noted(host: str | None) -> Iterator[_Call]:
    call = _Call(host)
    # What a library calls beneath (a transport that is a client of its own, say) is part of this call.
    token = current_calls.set(None)
    try:
        yield call
    finally:
        current_calls.reset(token)
        call.end()


def _patch_httpx(httpx: Any) -> None:
    sync, awaited = httpx.Client.send, httpx.AsyncClient.send

    @functools.wraps(sync)
    def send(self: Any, request: Any, **options: Any) -> Any:
        if current_calls.get() is None:
            return sync(self, request, **options)
        with _noted(request.url.host) as call:
            response = sync(self, request, **options)
            call.status = response.status_code
            return response

    @functools.wraps(awaited)
    async def send_async(self: Any, request: Any, **options: Any) -> Any:
        if current_calls.get() is None:
            return await awaited(self, request, **options)
        with _noted(request.url.host) as call:
            response = await awaited(self, request, **options)
            call.status = response.status_code
            return response

    httpx.Client.send, httpx.AsyncClient.send = send, send_async


def _patch_requests(requests: Any) -> None:
    original = requests.adapters.HTTPAdapter.send

    @functools.wraps(original)
    def send(self: Any, request: Any, *args: Any, **options: Any) -> Any:
        if current_calls.get() is None:
            return original(self, request, *args, **options)
        with _noted(request.url) as call:
            response = original(self, request, *args, **options)
            call.status = response.status_code
            return response

    requests.adapters.HTTPAdapter.send = send


def _patch_aiohttp(aiohttp: Any) -> None:
    original = aiohttp.ClientSession.__init__

    async def begun(_session: Any, context: SimpleNamespace, started: Any) -> None:
        context.segue_call = _Call(started.url.host)

    async def ended(_session: Any, context: SimpleNamespace, done: Any) -> None:
        context.segue_call.status = done.response.status
        context.segue_call.end()

    async def failed(_session: Any, context: SimpleNamespace, _error: Any) -> None:
        context.segue_call.end()

    @functools.wraps(original)
    def init(self: Any, *args: Any, **options: Any) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(begun)
        trace.on_request_end.append(ended)
        trace.on_request_exception.append(failed)
        options["trace_configs"] = [*(options.get("trace_configs") or ()), trace]
        original(self, *args, **options)

    aiohttp.ClientSession.__init__ = init


_PATCHES = {"httpx": _patch_httpx, "requests": _patch_requests, "aiohttp": _patch_aiohttp}
_NEEDED = {
    "httpx": ("Client", "AsyncClient"),
    "requests": ("adapters", "Session"),
    "aiohttp": ("ClientSession", "TraceConfig"),
}
