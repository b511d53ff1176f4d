"""What an action can say at its end: as a returned result, or as an exception from deep inside its code.

Each function makes a `Result`; each exception carries the same one. Everything is checked where it is written, so that
a wrong header or a body that is no JSON shows up in the action's own traceback.
"""

import inspect
import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from segue_sdk import wire
from segue_sdk.wire import Code

Unset = msgspec.UnsetType
UNSET: Final = msgspec.UNSET

HeaderValue = str | int | float | bool


class Item(msgspec.Struct, frozen=True):
    """One message that a batch produces: its encoded body and the headers it has on top of the batch's own."""

    body: bytes
    headers: Mapping[str, str]


class Result(msgspec.Struct, frozen=True):
    """The end of one call, ready for the wire. The functions of this module make them.

    `body` None means the body as it came; a header of None is taken away; `followers` are names, `plumbing` the
    engine's headers.
    """

    code: Code
    reason: str = ""
    body: bytes | None = None
    headers: Mapping[str, str | None] = {}
    followers: tuple[str, ...] = ()
    items: tuple[Item, ...] | None = None
    plumbing: Mapping[str, str] = {}


def forward(body: object = UNSET, *, headers: Mapping[str, HeaderValue | None] | None = None) -> Result:
    """Send the message on to all followers of the node.

    `body`: bytes and text go as they are, anything else as JSON (msgspec rules; None is JSON `null`); left out, the
    body stays. `headers` are added; None takes one away. Raises TypeError or ValueError for what cannot travel.
    """
    return Result(Code.SUCCESS, body=_optional_body(body), headers=checked_headers(headers))


def stop(reason: str = "") -> Result:
    """End this message here, with success: no follower gets it."""
    return Result(Code.STOP, reason=_checked_text(reason))


def fail(reason: str) -> Result:
    """Put the message, as it was before the call, into the trash: a person reads the reason, corrects and resends."""
    return Result(Code.FAIL, reason=_checked_text(reason))


def repeat(after: float | timedelta = 60, at_most: int = 10, reason: str = "") -> Result:
    """Have this action called again with the same message.

    `after` is in seconds (rounded up to whole ones, at least 1). `at_most` is the number of calls in all, the first
    included, as the engine counts them (header `repeat-max-hops`); then the message goes to the trash. Raises
    ValueError.
    """
    if not is_whole(at_most, 1):
        raise ValueError(f"at_most must be a whole number of calls, at least 1, not {at_most!r}")
    plumbing = {wire.REPEAT_INTERVAL: str(max(1, _seconds("after", after))), wire.REPEAT_MAX: str(at_most)}
    return Result(Code.REPEAT, reason=_checked_text(reason), plumbing=plumbing)


def route(
    *followers: str, body: object = UNSET, headers: Mapping[str, HeaderValue | None] | None = None, reason: str = ""
) -> Result:
    """Send the message on to the followers with these names only.

    A name that no follower has fails the call (HTTP 400, result-code 1006) when the answer is made, since only then the
    followers are known. Two followers with one name both get it. Raises ValueError without any name.
    """
    if not followers:
        raise ValueError("route needs the name of at least one follower; to end the message use stop")
    return Result(
        Code.ROUTE,
        reason=_checked_text(reason),
        body=_optional_body(body),
        headers=checked_headers(headers),
        followers=followers,
    )


def item(body: object, *, headers: Mapping[str, HeaderValue] | None = None) -> Item:
    """One message of a batch with headers of its own. Body as in `forward`. Raises TypeError or ValueError."""
    checked = checked_headers(headers)
    given = {name: value for name, value in checked.items() if value is not None}
    if len(given) < len(checked):
        missing = next(name for name, value in checked.items() if value is None)
        raise ValueError(f'The item\'s header "{missing}" is None; leave it out instead')
    return Item(encode_body(body), given)


def batch(
    items: Iterable[object] = (),
    *,
    cursor: str | int | None = None,
    iterate_only: bool = False,
    headers: Mapping[str, HeaderValue | None] | None = None,
) -> Result:
    """Send each item to all followers as a message of its own, in this order.

    Items are made by `item`, or are bodies as in `forward`. With a `cursor` the action is called again with the same
    message and this cursor; `iterate_only` does that and sends nothing. Raises TypeError or ValueError.
    """
    if isinstance(items, str | bytes | Mapping):
        raise TypeError(f"The items of a batch are a list of messages, not one {type(items).__name__}")
    made = tuple(one if isinstance(one, Item) else item(one) for one in items)
    if cursor is None:
        if iterate_only:
            raise ValueError("iterate_only needs a cursor to go on with")
        return Result(Code.SUCCESS, items=made, headers=checked_headers(headers))
    if not (is_text(cursor) or is_whole(cursor, None)):
        raise ValueError(f"A cursor is a text that is not empty, or a whole number, not {cursor!r}")
    if iterate_only and made:
        raise ValueError("iterate_only sends nothing, but there are items")
    code = Code.CURSOR_ONLY if iterate_only else Code.CURSOR
    plumbing = {wire.CURSOR: _checked_text(str(cursor))}
    return Result(code, items=made, headers=checked_headers(headers), plumbing=plumbing)


def limit_reached(reason: str = "", *, retry_after: float | timedelta | None = None) -> Result:
    """Say that the other service takes no more calls for now; the message waits and comes again.

    `retry_after` is what that service asked for, in seconds (rounded up); without it the engine's own limits decide.
    """
    plumbing = {} if retry_after is None else {wire.RETRY_AFTER: str(_seconds("retry_after", retry_after))}
    return Result(Code.LIMIT, reason=_checked_text(reason), plumbing=plumbing)


class ActionEnd(Exception):
    """Ends an action from anywhere inside it. Use one of its four kinds."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.reason or result.code.name.lower())
        self.result = result


class Stop(ActionEnd):
    """`stop` as an exception."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(stop(reason))


class Fail(ActionEnd):
    """`fail` as an exception."""

    def __init__(self, reason: str) -> None:
        super().__init__(fail(reason))


class Repeat(ActionEnd):
    """`repeat` as an exception."""

    def __init__(self, after: float | timedelta = 60, at_most: int = 10, reason: str = "") -> None:
        super().__init__(repeat(after, at_most, reason))


class LimitReached(ActionEnd):
    """`limit_reached` as an exception."""

    def __init__(self, reason: str = "", *, retry_after: float | timedelta | None = None) -> None:
        super().__init__(limit_reached(reason, retry_after=retry_after))


def as_result(value: object, *, of_batch: bool) -> Result:
    """The result that a returned value stands for: itself, a body to forward, or a batch's items.

    None forwards the message as it came; in a batch it is an error, since nobody can tell it from a forgotten return.
    Raises TypeError when the value does not fit the kind of action.
    """
    if inspect.iscoroutine(value):
        value.close()
        raise TypeError("The action returned a coroutine that nobody awaits; define it with async def")
    if not of_batch:
        if value is None:
            return _UNCHANGED
        if not isinstance(value, Result):
            return forward(value)
        if value.items is not None:
            raise TypeError("Only a batch can produce items; register the action with worker.batch")
        return value
    if isinstance(value, Result):
        if value.items is None and value.code in {Code.SUCCESS, Code.ROUTE}:
            raise TypeError("A batch produces items: return batch(...) or a list, neither forward nor route")
        return value
    if isinstance(value, list | tuple):
        return batch(value)
    raise TypeError(f"A batch returns batch(...) or a list, not {type(value).__name__}")


def encode_body(value: object) -> bytes:
    """The body as bytes: bytes and text as they are, anything else as JSON. Raises TypeError or ValueError."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise TypeError(f"A body of type {type(value).__name__} cannot be written as JSON: {error}") from error


def checked_headers(headers: Mapping[str, Any] | None) -> dict[str, str | None]:
    """The headers as text. Raises TypeError for a value that is no scalar, ValueError for a name that is reserved."""
    if not headers:
        return {}
    checked: dict[str, str | None] = {}
    for name, value in headers.items():
        if not is_text(name):
            raise TypeError(f"The name of a header is a text that is not empty, not {name!r}")
        if name in wire.RESERVED_HEADERS:
            raise ValueError(f'The header "{name}" belongs to the engine; an action cannot set it')
        checked[wire.clean(name)] = header_text(name, value)
    return checked


def header_text(name: str, value: object) -> str | None:
    """A header's value as text, true and false in lower case as in JSON. Raises TypeError if it is no scalar."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return wire.clean(value)
    if isinstance(value, int | float):
        return str(value)
    raise TypeError(f'The header "{name}" is text, a number or a boolean, not {type(value).__name__}')


def is_text(value: object) -> bool:
    """Whether it is a text that is not empty."""
    return isinstance(value, str) and value != ""


def is_whole(value: object, least: int | None) -> bool:
    """Whether it is a whole number, and at least `least`; a boolean is none."""
    return isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)


def _optional_body(body: object) -> bytes | None:
    return None if body is UNSET else encode_body(body)


def _checked_text(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"A reason is text, not {type(text).__name__}")
    return wire.clean(text)


def _seconds(name: str, duration: float | timedelta) -> int:
    given: object = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given) and given >= 0:
        return math.ceil(given)
    raise ValueError(f"{name} must be a duration in seconds, not {duration!r}")


_UNCHANGED = Result(Code.SUCCESS)
