"""The message as an action sees it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar, overload

import msgspec

from segue_sdk import measure, wire
from segue_sdk.logs import MessageLog
from segue_sdk.results import header_text
from segue_sdk.wire import RemoteCall, Scalar

T = TypeVar("T")


class BodyError(ValueError):
    """The message's body is not what the action asked for; the text says where."""


class HeaderError(ValueError):
    """A header that the engine should have sent is missing or unreadable; the text names it."""


class Follower(msgspec.Struct, frozen=True):
    """A node that may get the message next."""

    id: str
    name: str


_followers_decoder = msgspec.json.Decoder(tuple[Follower, ...])


class Message:
    """One message: headers and body, where it comes from, and a log.

    Nothing of it is parsed before it is asked for. It is read-only: what an action wants to change it returns.
    """

    __slots__ = ("_body", "_headers", "_log", "_remote", "_view")

    def __init__(self, body: str | bytes = b"{}", headers: Mapping[str, Scalar] | None = None) -> None:
        self._body = body
        self._headers: dict[str, Scalar] = dict(headers) if headers else {}
        self._view: Mapping[str, str] | None = None
        self._log: MessageLog | None = None
        self._remote: list[RemoteCall] = []

    def __repr__(self) -> str:
        return f"Message(id={self._headers.get(wire.MESSAGE_ID)!r}, {len(self.body)} bytes)"

    @property
    def headers(self) -> Mapping[str, str]:
        """All headers as text, the engine's included; those that came as null are left out."""
        if self._view is None:
            texts = {name: header_text(name, value) for name, value in self._headers.items()}
            self._view = MappingProxyType({name: text for name, text in texts.items() if text is not None})
        return self._view

    @property
    def body(self) -> bytes:
        """The body as bytes."""
        return self._body.encode() if isinstance(self._body, str) else self._body

    @property
    def text(self) -> str:
        """The body as text. Raises BodyError if it is no UTF-8."""
        if isinstance(self._body, str):
            return self._body
        try:
            return self._body.decode()
        except UnicodeDecodeError as error:
            raise BodyError(f"The body is no UTF-8 text: {error}") from error

    @overload
    def json(self) -> Any: ...

    @overload
    def json(self, shape: type[T]) -> T: ...

    def json(self, shape: Any = Any) -> Any:
        """The body parsed as JSON and, with a shape, checked against it: a msgspec Struct, a dataclass, `list[int]`.

        Raises BodyError that names the place, such as `$.items[0].price`.
        """
        try:
            return msgspec.json.decode(self._body, type=shape)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            reason = str(error) if self._body else "it is empty"
            raise BodyError(f"The body is not the JSON that the action expects: {reason}") from error

    @property
    def id(self) -> str:
        """The same text at every call with the same message: use it as idempotency key.

        An original Orchesty engine sends no `message-id`; then it is made of process, node and cursor. Raises
        HeaderError if even those are missing.
        """
        given = self.headers.get(wire.MESSAGE_ID)
        if given:
            return given
        return ":".join(filter(None, (self._needed(wire.PROCESS_ID), self._needed(wire.NODE_ID), self.cursor)))

    @property
    def instance(self) -> str:
        """The id of the instance that the message belongs to. Raises HeaderError if the engine sent none."""
        return self._needed(wire.INSTANCE_ID)

    @property
    def node(self) -> str:
        """The name of the node whose action this is; empty if the engine sent none."""
        return self.headers.get(wire.NODE_NAME, "")

    @property
    def user(self) -> str:
        """The user that the instance runs for; empty if the engine sent none."""
        return self.headers.get(wire.USER, "")

    @property
    def attempts(self) -> int:
        """Which call of this action with this message it is: 1 at first.

        Segue also counts calls that an outage cut off since the last answer; an original engine counts repeats only.
        """
        number = self.headers.get(wire.ATTEMPT) or self.headers.get(wire.REPEAT_HOPS) or "1"
        return max(1, int(number)) if number.isascii() and number.isdecimal() else 1

    @property
    def cursor(self) -> str | None:
        """The cursor that this batch action returned at its last call; None at the first."""
        return self.headers.get(wire.CURSOR) or None

    @property
    def followers(self) -> tuple[Follower, ...]:
        """The nodes that the message may go to next, in the engine's order. Raises HeaderError if unreadable."""
        raw = self.headers.get(wire.FOLLOWERS, "[]")
        try:
            return _followers_decoder.decode(raw)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise HeaderError(f"The header {wire.FOLLOWERS} is unreadable: {error}") from error

    @property
    def log(self) -> MessageLog:
        """Lines for people: `message.log.info("created %s", number)`. They reach the Admin with the answer."""
        if self._log is None:
            headers = self._headers
            self._log = MessageLog(
                {"segue_message": headers.get(wire.MESSAGE_ID), "segue_node": headers.get(wire.NODE_NAME)}
            )
        return self._log

    def measure_remote(self, host: str, ms: float, status: int) -> None:
        """Note one call that the action made to another service: milliseconds, and HTTP status or 0 for no answer."""
        measure.note_remote(self._remote, host, ms, status)

    def remote(self, host: str) -> measure.RemoteTimer:
        """Time one call to another service: `with message.remote("api.example.com") as call: call.status = ...`."""
        return measure.RemoteTimer(self._remote, host)

    @property
    def measured(self) -> list[RemoteCall]:
        """The list that calls of other services are noted in."""
        return self._remote

    @property
    def remote_calls(self) -> list[RemoteCall]:
        """The calls noted so far."""
        return list(self._remote)

    def _needed(self, name: str) -> str:
        value = self.headers.get(name)
        if not value:
            raise HeaderError(f"The engine sent no header {name}")
        return value
