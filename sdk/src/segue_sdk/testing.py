"""The test kit: run an action without a server, or serve a worker for a moment.

Both go through the same code as in production: the envelope, the threads, the hooks.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

import msgspec

from segue_sdk import wire
from segue_sdk.action import Action, Kind
from segue_sdk.message import Message
from segue_sdk.registry import Registry
from segue_sdk.results import UNSET, encode_body, header_text
from segue_sdk.server import WorkerServer, listen
from segue_sdk.wire import Answer, Code, LogLine, Metrics, Scalar

T = TypeVar("T")


class Produced(msgspec.Struct, frozen=True):
    """One item of a batch as it arrived."""

    body: bytes
    headers: Mapping[str, str]

    @overload
    def json(self) -> Any: ...

    @overload
    def json(self, shape: type[T]) -> T: ...

    def json(self, shape: Any = Any) -> Any:
        """The body parsed as JSON, checked against the shape."""
        return Message(self.body).json(shape)


class Outcome(msgspec.Struct, frozen=True):
    """What an engine got to see of a call.

    `status` is that of HTTP, `code` the result-code. `followers` are the names that a route chose. Durations are in
    seconds. What the answer does not speak of is None or empty.
    """

    status: int
    code: int
    reason: str
    body: bytes
    headers: Mapping[str, str]
    items: tuple[Produced, ...]
    cursor: str | None
    followers: tuple[str, ...]
    repeat_after: int | None
    repeat_at_most: int | None
    retry_after: int | None
    logs: tuple[LogLine, ...]
    metrics: Metrics | None

    @property
    def ok(self) -> bool:
        """True if the message, or what was made of it, goes on, or ended on purpose."""
        return self.status == 200 and self.code not in {Code.FAIL, Code.REPEAT, Code.LIMIT}

    @property
    def failed(self) -> bool:
        """True if the message goes to the trash."""
        return self.status >= 300 or self.code == Code.FAIL

    @overload
    def json(self) -> Any: ...

    @overload
    def json(self, shape: type[T]) -> T: ...

    def json(self, shape: Any = Any) -> Any:
        """The body parsed as JSON, checked against the shape. Raises BodyError."""
        return Message(self.body).json(shape)


class Served(msgspec.Struct, frozen=True):
    """A worker that is being served at `url`."""

    url: str


def run_action(
    worker: Registry,
    name: str,
    *,
    body: object = UNSET,
    headers: Mapping[str, Scalar] | None = None,
    followers: Iterable[str] = (),
    kind: Kind | str | None = None,
) -> Outcome:
    """Run an action as an engine would, start and stop hooks around it, and tell what came of it.

    `body` as in `forward`, `{}` if left out. The engine's headers are made up, with these `followers`; `headers` add to
    them or replace them. `kind` is needed only when two kinds have an action of this name. Raises LookupError for an
    unknown action, RuntimeError inside a running event loop: there, await `run_action_async`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run_action_async(worker, name, body=body, headers=headers, followers=followers, kind=kind))
    raise RuntimeError("run_action starts an event loop of its own; in async code await run_action_async")


async def run_action_async(
    worker: Registry,
    name: str,
    *,
    body: object = UNSET,
    headers: Mapping[str, Scalar] | None = None,
    followers: Iterable[str] = (),
    kind: Kind | str | None = None,
) -> Outcome:
    """`run_action` for async tests."""
    action = _chosen(worker, name, kind)
    names = list(followers)
    sent = _engine_headers(action, names) | dict(headers or {})
    raw = wire.encode_envelope(sent, b"{}" if body is UNSET else encode_body(body))
    await worker.started()
    try:
        reply = await worker.perform(action, raw)
    finally:
        await worker.stopped()
    ids = {_follower_id(one): one for one in names}
    return outcome_of(reply.status, reply.content, of_batch=action.kind is Kind.BATCH, followers=ids)


def outcome_of(
    status: int, content: bytes, *, of_batch: bool = False, followers: Mapping[str, str] | None = None
) -> Outcome:
    """Read the answer to a call over HTTP. `followers` maps their ids to names. Raises MalformedEnvelope."""
    answer = wire.decode_answer(content)
    headers = _texts(answer.headers)
    code = int(headers.get(wire.RESULT_CODE, "0"))
    targets = filter(None, headers.get(wire.TARGETS, "").split(","))
    return Outcome(
        status=status,
        code=code,
        reason=headers.get(wire.RESULT_MESSAGE, ""),
        body=answer.body if isinstance(answer.body, bytes) else answer.body.encode(),
        headers=headers,
        items=_items(answer, status, code) if of_batch else (),
        cursor=headers.get(wire.CURSOR) if code in {Code.CURSOR, Code.CURSOR_ONLY} else None,
        followers=tuple((followers or {}).get(target, target) for target in targets),
        repeat_after=_number(headers, wire.REPEAT_INTERVAL) if code == Code.REPEAT else None,
        repeat_at_most=_number(headers, wire.REPEAT_MAX) if code == Code.REPEAT else None,
        retry_after=_number(headers, wire.RETRY_AFTER),
        logs=tuple(answer.logs),
        metrics=answer.metrics,
    )


@contextlib.contextmanager
def serve(worker: Registry, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Served]:
    """Serve the worker in a thread, on a free port, while the block runs. Raises StartError if it does not start."""
    ready = threading.Event()
    server = WorkerServer(worker, listen(host, port), 30, ready.set)
    failures: list[Exception] = []

    def serving() -> None:
        try:
            server.serve_until_stopped()
        except Exception as error:  # noqa: BLE001 - raised again where the caller is
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=serving, name=f"segue-serve-{worker.name}")
    thread.start()
    try:
        ready.wait()
        if failures:
            raise failures[0]
        yield Served(server.url)
    finally:
        server.should_exit = True
        thread.join()


def _chosen(worker: Registry, name: str, kind: Kind | str | None) -> Action:
    found = [one for one in worker.actions.values() if one.name == name and kind in {None, one.kind}]
    if not found:
        have = ", ".join(sorted(one.name for one in worker.actions.values())) or "none"
        raise LookupError(f'The worker "{worker.name}" has no {kind or "action"} "{name}"; it has: {have}')
    if len(found) > 1:
        raise LookupError(f'"{name}" is {" and ".join(one.kind for one in found)}; say which kind')
    return found[0]


def _engine_headers(action: Action, followers: list[str]) -> dict[str, Scalar]:
    listed = [{"id": _follower_id(one), "name": one} for one in followers]
    return {
        wire.MESSAGE_ID: "message-1",
        wire.INSTANCE_ID: "instance-1",
        wire.PROCESS_ID: "process-1",
        wire.NODE_ID: "node-1",
        wire.NODE_NAME: action.name,
        wire.FOLLOWERS: msgspec.json.encode(listed).decode(),
        wire.USER: "tester",
    }


def _follower_id(name: str) -> str:
    return f"id-of-{name}"


def _items(answer: Answer, status: int, code: int) -> tuple[Produced, ...]:
    if status != 200 or code not in {Code.SUCCESS, Code.CURSOR, Code.CURSOR_ONLY}:
        return ()
    items = wire.decode_items(answer.body)
    return tuple(
        Produced(one.body if isinstance(one.body, bytes) else one.body.encode(), _texts(one.headers)) for one in items
    )


def _texts(headers: Mapping[str, Scalar]) -> dict[str, str]:
    texts = {name: header_text(name, value) for name, value in headers.items()}
    return {name: text for name, text in texts.items() if text is not None}


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name)
    return int(value) if value is not None else None
