"""Serving a worker: uvicorn on a socket of ours, a ready line, a stop that finishes what is in flight."""

import contextlib
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import uvicorn

from segue_sdk.asgi import Application
from segue_sdk.registry import Registry

#: Seconds that an idle connection is kept. Engines keep theirs open between calls; 5 s, as the original SDK has it,
#: makes every pause a new connection.
KEEP_ALIVE = 75

_logger = logging.getLogger("segue_sdk.worker")


class StartError(RuntimeError):
    """The worker could not start; the text says why."""


class WorkerServer(uvicorn.Server):
    """One worker on one socket. `url` is where it answers; `on_ready` is called when it does."""

    def __init__(self, registry: Registry, listener: socket.socket, grace: int, on_ready: Callable[[], object]) -> None:
        self._application = Application(registry)
        super().__init__(
            uvicorn.Config(
                self._application,
                http="httptools",
                loop="uvloop",
                ws="none",
                lifespan="on",
                interface="asgi3",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=grace,
            )
        )
        self._listener = listener
        self._on_ready = on_ready
        self.url = url_of(listener)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell that we do."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    def serve_until_stopped(self) -> None:
        """Serve until `should_exit` or a signal, then finish what is in flight. Raises StartError."""
        try:
            self.run(sockets=[self._listener])
        except SystemExit:  # how uvicorn says that the start hooks failed
            pass
        finally:
            self._listener.close()
        if not self.started:
            error = self._application.start_error
            raise StartError(f"The worker did not start: {error}") from error


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on the address; port 0 takes a free one. Raises StartError."""
    if not 0 <= port <= 65_535:  # the system's resolver would silently take the rest of a division
        raise StartError(f"Cannot listen on {host}:{port}: a port is a number from 0 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StartError(f"Cannot listen on {host}:{port}: {error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise StartError(f"Cannot listen on {host}:{port}: {error}") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address of a listening socket, with the port it really has."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(registry: Registry, host: str, port: int, grace: int) -> None:
    """Serve in this thread, until SIGTERM or SIGINT, and print the ready line. Raises StartError."""
    listener = listen(host, port)
    address = listener.getsockname()[0]
    if registry.secret is None and not (address.startswith("127.") or address == "::1"):
        _logger.warning(
            "Worker %s listens on %s without a secret: whoever reaches it can call its actions", registry.name, host
        )

    def ready() -> None:
        sys.stdout.write(f"Worker {registry.name} is ready on {url_of(listener)}\n")
        sys.stdout.flush()

    server = WorkerServer(registry, listener, grace, ready)
    with _signals_end_quietly():
        server.serve_until_stopped()


@contextlib.contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """After its graceful stop uvicorn raises the signal again, for whoever started it; for us the work is done then."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
