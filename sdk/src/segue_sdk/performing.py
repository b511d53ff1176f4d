"""From the bytes of a call to the bytes of its answer."""

import logging
import time
import traceback
from concurrent.futures import Executor

import msgspec

from segue_sdk import instrument, measure, wire
from segue_sdk.action import Action, Ran
from segue_sdk.logs import current_log
from segue_sdk.message import Follower, HeaderError, Message
from segue_sdk.results import Result
from segue_sdk.wire import Code, Envelope, Metrics, Scalar

#: A longer text of an unforeseen error is cut: it travels in a header and is shown in a list.
MAX_ERROR_CHARACTERS = 2_000

_logger = logging.getLogger("segue_sdk.worker")

_DEFAULT_REASONS = {
    Code.SUCCESS: "Processed successfully.",
    Code.REPEAT: "The action asks to be repeated.",
    Code.ROUTE: "Processed successfully.",
    Code.STOP: "The action stopped the message.",
    Code.LIMIT: "The limit of the service is reached.",
    Code.FAIL: "The action failed.",
    Code.CURSOR: "Processed successfully.",
    Code.CURSOR_ONLY: "Processed successfully.",
}
_CODE_TEXTS = {code: str(int(code)) for code in Code}
#: After these the message stands at its node again, with the cursor it had.
_KEEPS_CURSOR = frozenset({Code.REPEAT, Code.LIMIT, Code.FAIL})


class Reply(msgspec.Struct, frozen=True):
    """An HTTP status and the content that goes with it."""

    status: int
    content: bytes


class UnknownFollower(ValueError):
    """An action routes to a name that no follower of its node has."""


async def perform(action: Action, raw: bytes, pool: Executor, *, debug: bool = False) -> Reply:
    """Run the action on the envelope.

    200 with the result; 400 with result-code 1006 and the body as it came for an error that the action did not foresee,
    or for an envelope that is malformed. With `debug` the header `result-detail` holds the traceback.
    """
    began = time.perf_counter_ns()
    try:
        envelope = wire.decode_envelope(raw)
    except wire.MalformedEnvelope as error:
        return Reply(400, wire.encode_envelope(_failure({}, str(error)), ""))
    message = Message(envelope.body, envelope.headers)
    instrument.instrument()
    log_token = current_log.set(message.log)
    calls_token = measure.current_calls.set(message.measured)
    try:
        ran = await action.run(message, pool)
    finally:
        measure.current_calls.reset(calls_token)
        current_log.reset(log_token)
    status, headers, body = _ended(action, envelope, message, ran, debug=debug)
    wall_ms = round((time.perf_counter_ns() - began) / 1e6, 3)
    metrics = Metrics(wall_ms, ran.cpu_ns // 1_000, message.remote_calls)
    return Reply(status, wire.encode_envelope(headers, body, message.log.lines(), metrics))


def answer(envelope: Envelope, message: Message, result: Result) -> tuple[dict[str, Scalar], str | bytes]:
    """Headers and body of the answer: all that came, plus what the result changes.

    Raises UnknownFollower, or HeaderError for a list of followers that is unreadable.
    """
    headers = dict(envelope.headers)
    for name, value in result.headers.items():
        if value is None:
            headers.pop(name, None)
        else:
            headers[name] = value
    if result.code not in _KEEPS_CURSOR:
        headers.pop(wire.CURSOR, None)
    headers.update(result.plumbing)
    if result.followers:
        headers[wire.TARGETS] = ",".join(_targets(message.node, message.followers, result.followers))
    headers[wire.RESULT_CODE] = _CODE_TEXTS[result.code]
    headers[wire.RESULT_MESSAGE] = result.reason or _DEFAULT_REASONS[result.code]
    if result.items is not None:
        return headers, wire.encode_items([(one.headers, one.body) for one in result.items])
    return headers, envelope.body if result.body is None else result.body


def refusal(raw: bytes, reason: str) -> bytes:
    """The content of an answer that no action made: the reason, and what the call held if it is an envelope."""
    try:
        envelope = wire.decode_envelope(raw)
    except wire.MalformedEnvelope:
        envelope = Envelope({}, "")
    return wire.encode_envelope(_failure(envelope.headers, reason), envelope.body)


def _ended(
    action: Action, envelope: Envelope, message: Message, ran: Ran, *, debug: bool
) -> tuple[int, dict[str, Scalar], str | bytes]:
    error = ran.end
    if isinstance(error, Result):
        try:
            return 200, *answer(envelope, message, error)
        except (UnknownFollower, HeaderError) as wrong:
            error = wrong
    return 400, _unforeseen(action, message, envelope.headers, error, debug=debug), envelope.body


def _targets(node: str, followers: tuple[Follower, ...], wanted: tuple[str, ...]) -> list[str]:
    known = {one.name for one in followers}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        have = ", ".join(one.name for one in followers) or "none"
        raise UnknownFollower(f'Node "{node}" has no follower "{unknown[0]}"; its followers are: {have}')
    return [one.id for one in followers if one.name in wanted]


def _unforeseen(
    action: Action, message: Message, headers: dict[str, Scalar], error: BaseException, *, debug: bool
) -> dict[str, Scalar]:
    _logger.error('The action "%s" failed', action.name, exc_info=error, extra={"segue_node": message.node})
    text = " ".join(str(error).split()) or type(error).__name__
    failure = _failure(headers, f"Error occurred: {text[:MAX_ERROR_CHARACTERS]}")
    if debug:
        failure[wire.RESULT_DETAIL] = wire.clean("".join(traceback.format_exception(error)))
    return failure


def _failure(headers: dict[str, Scalar], reason: str) -> dict[str, Scalar]:
    return {**headers, wire.RESULT_CODE: _CODE_TEXTS[Code.FAIL], wire.RESULT_MESSAGE: wire.clean(reason)}
