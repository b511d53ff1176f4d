"""The port `WorkerTransport` over HTTP/1.1: a place, a connection, an exchange, and at most one more try."""

from __future__ import annotations

import asyncio

from segue.adapters.worker_http.pool import ConnectError, Pool
from segue.adapters.worker_http.request import Origin, Target, UnsendableError
from segue.adapters.worker_http.settings import HttpSettings
from segue.model.workers import Fault, WorkerCall, WorkerReply

# An address costs about 1 KB; more different ones than this are not in use at a time.
_TARGETS = 4096


class HttpWorkers:
    """Calls workers by HTTP/1.1 POST over kept-alive connections; T1 to T5 of `WorkerTransport` hold.

    A redirect is an answer like any other, and nothing but the body's length and chunks is decoded. Proxies named in
    the environment are not used. An instance belongs to the event loop of its first call.
    """

    def __init__(self, settings: HttpSettings | None = None) -> None:
        self._settings = settings or HttpSettings()
        self._tls = self._settings.tls()
        self._targets: dict[str, tuple[Target, Pool]] = {}
        self._pools: dict[Origin, Pool] = {}
        self._closed = False

    async def call(self, call: WorkerCall) -> WorkerReply:
        """Make the call; whatever the other side does, the reply says so and nothing is raised."""
        try:
            target, pool = self._targets.get(call.url) or self._target(call.url)
            head = target.head(call.headers, len(call.payload))
        except UnsendableError as error:
            return WorkerReply(fault=Fault.UNSENDABLE, detail=str(error))
        deadline = pool.now() + call.timeout_ms / 1000
        connection = pool.reuse()
        if connection is None:
            try:
                connection = await pool.place(deadline)
            except ConnectError as error:
                return WorkerReply(fault=error.fault, detail=error.detail)
        reused = connection is not None
        try:  # from here on the call holds a place
            if connection is None:
                connection = await pool.connect(deadline)
            reply = await connection.exchange(head, call.payload, deadline)
            if reply.fault is Fault.CLOSED and reused and not connection.answered:
                connection = None
                connection = await pool.connect(deadline)
                reply = await connection.exchange(head, call.payload, deadline)
        except ConnectError as error:
            reply = WorkerReply(fault=error.fault, detail=error.detail)
        finally:
            pool.give_back(connection)
        return reply

    async def close(self) -> None:
        """Close all connections; calls under way and later ones end with CLOSED. May be called twice."""
        self._closed = True
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    def _target(self, url: str) -> tuple[Target, Pool]:
        target = Target(url)
        origin = target.origin
        pool = self._pools.get(origin)
        if pool is None:
            tls = self._tls if origin.scheme == "https" else None
            pool = self._pools[origin] = Pool(origin, self._settings, tls)
            if self._closed:
                pool.refuse()
        if len(self._targets) >= _TARGETS:
            self._targets.clear()
        self._targets[url] = target, pool
        return target, pool
