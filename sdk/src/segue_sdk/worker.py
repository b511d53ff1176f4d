"""The worker: what people import."""

from segue_sdk import server
from segue_sdk.asgi import Application, Receive, Scope, Send
from segue_sdk.registry import MAX_BODY, THREADS, Registry


class Worker(Registry):
    """A service that offers actions to an engine.

    It is an ASGI application, too, for those who bring their own server. Settings as in `Registry`.
    """

    def __init__(
        self,
        name: str,
        *,
        secret: str | None = None,
        max_body: int = MAX_BODY,
        threads: int = THREADS,
        debug: bool = False,
    ) -> None:
        super().__init__(name, secret=secret, max_body=max_body, threads=threads, debug=debug)
        self._application = Application(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        await self._application(scope, receive, send)

    def run(self, host: str = "127.0.0.1", port: int = 8080, *, grace: int = 30) -> None:
        """Serve until SIGTERM or Ctrl-C, then finish what is in flight, for at most `grace` seconds.

        Prints `Worker NAME is ready on http://HOST:PORT` once it answers; port 0 takes a free one.
        Raises StartError when the address is taken or a start hook fails.
        """
        server.run(self, host, port, grace)
