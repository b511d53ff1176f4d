"""The routes, one request at a time, without a socket."""

from collections.abc import Callable
from typing import Any

import pytest

from segue_sdk import Message, Worker, fail

Ask = Callable[..., Any]
Envelope = Callable[..., bytes]


@pytest.fixture
def worker() -> Worker:
    worker = Worker("crm", max_body=1_000)

    @worker.connector("echo", application="crm")
    async def echo(message: Message) -> None:
        pass

    @worker.connector("Add")
    def add(message: Message) -> dict[str, int]:
        return {"sum": sum(message.json(list[int]))}

    @worker.connector("Zap")
    async def broken(message: Message) -> None:
        raise LookupError("nobody home")

    @worker.custom("check")
    async def check(message: Message) -> Any:
        return fail("no")

    @worker.batch("split")
    async def split(message: Message) -> list[int]:
        return [1, 2]

    return worker


@pytest.mark.parametrize(
    ("path", "code"),
    [("/connector/echo/action", "0"), ("/custom-node/check/process", "1006"), ("/batch/split/action", "0")],
)
async def test_each_kind_has_its_path(worker: Worker, ask: Ask, envelope: Envelope, path: str, code: str) -> None:
    response = await ask(worker, "POST", path, envelope("{}", correlation_id="i1"))
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.body))
    assert response.json["headers"]["result-code"] == code
    assert response.json["headers"]["correlation-id"] == "i1"
    assert isinstance(response.json["body"], str)


async def test_headers_come_back_unchanged_with_their_json_types(worker: Worker, ask: Ask, envelope: Envelope) -> None:
    sent = {"a": "č", "process-started": 1767, "ratio": 0.5, "flag": True, "nothing": None, "repeat-hops": "2"}
    response = await ask(worker, "POST", "/connector/echo/action", envelope("text", **sent))
    assert response.json["headers"] == sent | {"result-code": "0", "result-message": "Processed successfully."}
    assert response.json["body"] == "text"


async def test_answer_headers_of_an_earlier_call_do_not_come_back(worker: Worker, ask: Ask, envelope: Envelope) -> None:
    old = {
        "result-code": "1006",
        "result-detail": "x",
        "force-target-queue": "y",
        "user-task-state": "z",
        "retry-after": "1",
    }
    response = await ask(worker, "POST", "/connector/echo/action", envelope("", **old))
    assert response.json["headers"] == {"result-code": "0", "result-message": "Processed successfully."}


async def test_a_body_in_parts(worker: Worker, ask: Ask, envelope: Envelope) -> None:
    raw = envelope("[1, 2, 39]")
    response = await ask(worker, "POST", "/connector/Add/action", raw[:5], b"", raw[5:20], raw[20:])
    assert response.json["body"] == '{"sum":42}'


async def test_a_caller_that_goes_away_gets_no_answer(worker: Worker, ask: Ask) -> None:
    assert await ask(worker, "POST", "/connector/echo/action", b'{"bo', gone_early=True) is None
    assert await ask(worker, "POST", "/connector/echo/action", gone_early=True) is None


@pytest.mark.parametrize("raw", [b"", b"null", b"{", b'{"headers":{"x":[]}}', b"\xff"])
async def test_a_malformed_envelope(worker: Worker, ask: Ask, raw: bytes) -> None:
    response = await ask(worker, "POST", "/connector/echo/action", raw)
    assert response.status == 400
    assert response.json["headers"]["result-code"] == "1006"
    assert "envelope" in response.json["headers"]["result-message"]
    assert response.json["body"] == ""


async def test_an_unforeseen_error(worker: Worker, ask: Ask, envelope: Envelope) -> None:
    response = await ask(worker, "POST", "/connector/Zap/action", envelope("kept", mine="1"))
    assert response.status == 400
    assert response.json["headers"] == {
        "mine": "1",
        "result-code": "1006",
        "result-message": "Error occurred: nobody home",
    }
    assert response.json["body"] == "kept"


async def test_an_unknown_action(worker: Worker, ask: Ask, envelope: Envelope) -> None:
    for path in ("/connector/split/action", "/connector/nope/action"):
        response = await ask(worker, "POST", path, envelope("kept", mine="1"))
        assert response.status == 404
        name = path.split("/")[2]
        assert response.json["headers"] == {
            "mine": "1",
            "result-code": "1006",
            "result-message": f'The worker "crm" has no connector "{name}"',
        }
        assert response.json["body"] == "kept"


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("path", ["/connector/echo/action", "/connector/nope/action"])
async def test_too_large(worker: Worker, ask: Ask, envelope: Envelope, announced: bool, path: str) -> None:
    for size, status in ((1_001, 413), (1_000, 404 if "nope" in path else 200)):
        raw = envelope("")
        raw = envelope("x" * (size - len(raw)))
        assert len(raw) == size
        headers = {"content-length": str(size)} if announced else {}
        for parts in ([raw], [raw[:500], raw[500:]]):
            response = await ask(worker, "POST", path, *parts, headers=headers)
            assert response.status == status
    too_large = await ask(worker, "POST", path, b"", headers={"content-length": "1001"})
    assert too_large.json["headers"]["result-code"] == "1006"
    assert too_large.json["headers"]["result-message"] == "The request is larger than 1000 bytes"


async def test_lists(worker: Worker, ask: Ask) -> None:
    expected = {
        "connector": [{"name": "Add"}, {"name": "echo", "app": "crm"}, {"name": "Zap"}],
        "custom-node": [{"name": "check"}],
        "batch": [{"name": "split"}],
    }
    for kind, listed in expected.items():
        response = await ask(worker, "GET", f"/{kind}/list")
        assert (response.status, response.json) == (200, listed)


async def test_liveness(worker: Worker, ask: Ask) -> None:
    for path in ("/connector/echo/action", "/custom-node/check/process", "/batch/split/action"):
        response = await ask(worker, "GET", f"{path}/test")
        assert (response.status, response.json) == (200, [])
    response = await ask(worker, "GET", "/batch/nope/action/test")
    assert response.status == 400
    assert response.json == {"status": "Error", "message": 'Error occurred: The worker "crm" has no batch "nope"'}


async def test_status(worker: Worker, ask: Ask) -> None:
    response = await ask(worker, "GET", "/status")
    assert (response.status, response.json) == (200, {"status": "ok", "worker": "crm", "actions": 5})


@pytest.mark.parametrize(
    ("request_line", "status", "allow"),
    [
        ("GET /connector/echo/action", 405, "POST"),
        ("GET /connector/nope/action", 405, "POST"),
        ("PUT /connector/echo/action", 405, "POST"),
        ("POST /connector/list", 405, "GET"),
        ("DELETE /connector/list", 405, "GET"),
        ("POST /connector/echo/action/test", 405, "GET"),
        ("PUT /connector/echo/action/test", 405, "GET"),
        ("POST /status", 405, "GET"),
        ("GET /", 404, None),
        ("POST /", 404, None),
        ("GET /connector//action", 404, None),
        ("POST /custom-node/check/action", 404, None),
        ("POST /connector/echo/action/", 404, None),
        ("POST x/connector/echo/action", 404, None),
        ("GET /connector/echo/test", 404, None),
        ("GET /applications", 404, None),
    ],
)
async def test_what_is_not_there(worker: Worker, ask: Ask, request_line: str, status: int, allow: str | None) -> None:
    method, path = request_line.split(" ")
    response = await ask(worker, method, path, b"{}")
    assert (response.status, response.headers.get("allow")) == (status, allow)
    assert response.json["status"] == "Error"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer wrong", 401),
        ("Bearer s3cre", 401),
        ("Basic s3cret", 401),
        ("s3cret", 401),
        ("Bearer s3cret", 200),
        ("bearer  s3cret", 200),
    ],
)
async def test_the_secret(worker: Worker, ask: Ask, envelope: Envelope, given: str | None, status: int) -> None:
    worker.secret = "s3cret"
    headers = {} if given is None else {"authorization": given}
    for method, path in (
        ("POST", "/connector/echo/action"),
        ("GET", "/connector/list"),
        ("GET", "/batch/split/action/test"),
    ):
        response = await ask(worker, method, path, envelope(), headers=headers)
        assert response.status == status
        if status == 401:
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.json["headers"]["result-code"] == "1006"
    assert (await ask(worker, "GET", "/status", headers=headers)).status == 200


async def test_only_http() -> None:
    async def nothing(*_: object) -> Any: ...

    with pytest.raises(RuntimeError, match="speaks HTTP, not websocket"):
        await Worker("crm")({"type": "websocket"}, nothing, nothing)
