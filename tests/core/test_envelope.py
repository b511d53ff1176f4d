"""The envelope, both ways, and what damaged ones mean."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core.envelope import ASCII_ABOVE, MAX_LOG_TEXT, MAX_LOGS, Envelope, decode_reply, encode_request
from segue.model.message import LogLine

DEEP = b"[" * 100_000 + b"]" * 100_000


def decoded(headers: Any, body: Any = "", **extra: Any) -> Envelope:
    found = decode_reply(json.dumps({"headers": headers, "body": body, **extra}).encode())
    assert found is not None
    return found


def test_a_request_is_the_headers_and_the_body_as_text() -> None:
    payload = encode_request({"node-id": "a", "x": "č"}, b'{"a":"\xc4\x8d"}')
    assert json.loads(payload) == {"headers": {"node-id": "a", "x": "č"}, "body": '{"a":"č"}'}


def test_a_body_that_is_no_text_travels_as_base64() -> None:
    sent = json.loads(encode_request({"a": "b"}, b"\xff\x00\xfe"))
    assert sent == {"headers": {"a": "b", "body-encoding": "base64"}, "body": b64encode(b"\xff\x00\xfe").decode()}


def test_the_headers_given_are_left_alone() -> None:
    headers = {"a": "b"}
    encode_request(headers, b"\xff")
    assert headers == {"a": "b"}


@pytest.mark.parametrize("where", ["body", "headers"])
def test_a_large_request_is_ascii_if_anything_in_it_is_not(where: str) -> None:
    text = "č" * ASCII_ABOVE
    headers, body = ({}, text) if where == "body" else ({"x": text}, "")
    payload = encode_request(headers, body.encode())
    assert payload.isascii()
    assert json.loads(payload) == {"headers": headers, "body": body}


def test_a_small_request_stays_utf8_and_a_large_plain_one_is_not_touched() -> None:
    assert "č".encode() in encode_request({}, "č".encode())
    body = b"a" * (2 * ASCII_ABOVE)
    assert encode_request({}, body) == msgspec.json.encode({"headers": {}, "body": body.decode()})


def test_header_values_become_texts_and_null_ones_are_left_out() -> None:
    headers = {"s": "x", "i": 5, "f": 1.5, "w": 60.0, "t": True, "n": None, "d": {"a": [1]}, "l": [None], "big": 10**20}
    assert decoded(headers).headers == {
        "s": "x", "i": "5", "f": "1.5", "w": "60", "t": "true", "d": '{"a":[1]}', "l": "[null]", "big": "1" + "0" * 20,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("text", b"text"),
        ("", b""),
        (None, b""),
        ({"a": 1}, b'{"a": 1}'),
        ([1, 2], b"[1, 2]"),
        (7, b"7"),
        (True, b"true"),
        ("č", "č".encode()),
    ],
)
def test_a_body_of_any_json(body: Any, expected: bytes) -> None:
    assert decoded({}, body).body == expected


def test_either_key_makes_an_envelope() -> None:
    assert decode_reply(b'{"body":"x"}') == Envelope(headers={}, body=b"x")
    assert decode_reply(b'{"headers":{"a":"b"}}') == Envelope(headers={"a": "b"}, body=b"")
    assert decode_reply(b'{"headers":null,"body":null,"other":[1]}') == Envelope(headers={}, body=b"")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"null", b"[]", b'"x"', b"7", b"<html>", b'{"error":"no"}', b'{"headers":{}',
        b'{"headers":[],"body":""}', b'{"headers":"x","body":""}', b'\xff{"headers":{},"body":""}',
        b'{"headers":{"a":"\xff"},"body":""}', b'{"headers":{},"body":"\xff"}', b'{"headers":{},"body":"\\ud800"}',
        b'{"headers":{},"body":[1,}', b'{"headers":{},"body":' + DEEP + b"}",
        b'{"headers":{"a":' + DEEP + b'},"body":""}',
        b'{"headers":{"body-encoding":"base64"},"body":"no base64!"}',
        b'{"headers":{"body-encoding":"base64"},"body":"YQ"}',
    ],
)  # fmt: skip
def test_what_is_no_envelope(raw: bytes) -> None:
    assert decode_reply(raw) is None


@pytest.mark.parametrize("header", ["base64", 5])
def test_base64_is_opened_and_its_header_taken_away(header: Any) -> None:
    found = decoded({"body-encoding": header, "a": "b"}, b64encode(b"\xff\x00").decode())
    assert found.headers == {"a": "b"}
    assert found.body == (b"\xff\x00" if header == "base64" else b64encode(b"\xff\x00"))


def test_logs_and_metrics_are_read() -> None:
    logs = [{"level": "warning", "message": "late", "at": 5, "more": 1}, {"level": "loud", "message": "x"}]
    metrics = {
        "wall_ms": 3.5,
        "cpu_us": 1200,
        "remote": [{"host": "a", "ms": 1.5, "status": 200}, {"host": "b", "ms": 2}],
    }
    found = decoded({"a": "b"}, "x", logs=logs, metrics=metrics)
    assert found.logs == (LogLine(level="warning", text="late", at=5), LogLine(level="info", text="x", at=0))
    assert (found.cpu_us, found.remote_us) == (1200, 3500)


@pytest.mark.parametrize(
    "logs", [None, 5, "x", [5], [{"level": "info"}], {}, [{"message": 5}], [{"message": "x", "at": "y"}]]
)
def test_malformed_logs_and_metrics_do_not_lose_the_answer(logs: Any) -> None:
    found = decoded({"a": 1}, "x", logs=logs, metrics=logs)
    assert (found.headers, found.body, found.logs, found.cpu_us, found.remote_us) == ({"a": "1"}, b"x", (), 0, 0)


def test_logs_and_metrics_are_bounded() -> None:
    logs = [{"message": "x" * (MAX_LOG_TEXT + 5), "at": -5}] * (MAX_LOGS + 5)
    found = decoded({}, "", logs=logs, metrics={"cpu_us": -5, "remote": [{"ms": -1}, {"ms": 1e300}]})
    assert len(found.logs) == MAX_LOGS
    assert (len(found.logs[0].text), found.logs[0].at) == (MAX_LOG_TEXT, 0)
    assert found.cpu_us == 0
    assert found.remote_us == 2**53


def test_an_integer_too_long_for_a_text_is_no_envelope_or_a_text() -> None:
    found = decode_reply(b'{"headers":{"n":1' + b"0" * 6_000 + b'},"body":""}')
    assert found is None or isinstance(found.headers["n"], str)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    st.dictionaries(texts, texts, max_size=5).filter(lambda headers: "body-encoding" not in headers),
    st.binary(max_size=80) | texts.map(str.encode),
)
def test_what_is_sent_comes_back_as_it_was(headers: dict[str, str], body: bytes) -> None:
    """A worker that echoes the payload gives back the same message."""
    assert decode_reply(encode_request(headers, body)) == Envelope(headers=headers, body=body)


@given(st.dictionaries(texts, st.none() | st.booleans() | st.integers() | st.floats() | texts, max_size=4), texts)
def test_the_quick_way_and_the_slow_way_agree(headers: dict[str, Any], body: str) -> None:
    """With one number among the headers the slow way is taken; all other headers are read alike."""
    quick = decode_reply(
        msgspec.json.encode({"headers": {k: v for k, v in headers.items() if isinstance(v, str)}, "body": body})
    )
    slow = decode_reply(msgspec.json.encode({"headers": {**headers, "number": 1}, "body": body}))
    if quick is None or slow is None:
        assert quick is slow
        return
    kept = {name for name, value in headers.items() if isinstance(value, str)} - {"number", "body-encoding"}
    assert {name: quick.headers[name] for name in kept} == {name: slow.headers[name] for name in kept}
    assert slow.headers["number"] == "1"
    assert quick.body == slow.body


@given(st.binary(max_size=60))
def test_any_bytes_are_an_envelope_or_none(raw: bytes) -> None:
    assert isinstance(decode_reply(raw), Envelope | None)


shapes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional={"headers": shapes, "body": shapes, "logs": shapes, "metrics": shapes}))
def test_any_json_is_an_envelope_or_none(value: dict[str, Any]) -> None:
    found = decode_reply(msgspec.json.encode(value))
    assert isinstance(found, Envelope | None)
    if found is not None:
        assert all(isinstance(text, str) for text in found.headers.values())
        assert isinstance(found.body, bytes)
