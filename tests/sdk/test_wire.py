"""The envelope: what goes in comes out, and nothing that is no envelope is taken for one."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_sdk import wire
from segue_sdk.wire import LogLine, MalformedEnvelope, Metrics, RemoteCall

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
texts = st.text(st.characters(codec="utf-8"))
headers = st.dictionaries(texts.filter(lambda name: name not in wire.RESERVED_HEADERS), scalars | texts)


def as_bytes(body: str | bytes) -> bytes:
    return body if isinstance(body, bytes) else body.encode()


@given(headers, texts | st.binary())
def test_an_envelope_comes_back_as_it_was_written(sent: dict[str, wire.Scalar], body: str | bytes) -> None:
    read = wire.decode_envelope(wire.encode_envelope(sent, body))
    assert read.headers == sent
    assert [type(value) for value in read.headers.values()] == [type(value) for value in sent.values()]
    assert as_bytes(read.body) == as_bytes(body)


@given(headers, texts | st.binary())
def test_what_is_written_is_the_json_that_other_workers_read(sent: dict[str, wire.Scalar], body: str | bytes) -> None:
    written = json.loads(wire.encode_envelope(sent, body))
    assert set(written) == {"headers", "body"}
    assert isinstance(written["body"], str)
    encoding = written["headers"].pop("body-encoding", None)
    assert written["headers"] == sent
    assert (base64.b64decode(written["body"]) if encoding else written["body"].encode()) == as_bytes(body)


@given(headers, texts)
def test_what_another_json_writer_wrote_is_read(sent: dict[str, wire.Scalar], body: str) -> None:
    for ascii_only in (True, False):
        raw = json.dumps({"body": body, "later": [1, {}], "headers": sent}, ensure_ascii=ascii_only).encode()
        read = wire.decode_envelope(raw)
        assert (read.headers, read.body) == (sent, body)


@given(st.lists(st.tuples(st.dictionaries(texts.filter(lambda n: n != "body-encoding"), texts), texts | st.binary())))
def test_items_come_back_in_their_order(items: list[tuple[dict[str, str], str | bytes]]) -> None:
    read = wire.decode_items(wire.encode_items(list(items)))
    assert [(one.headers, as_bytes(one.body)) for one in read] == [(h, as_bytes(b)) for h, b in items]


@given(st.binary())
def test_any_bytes_are_an_envelope_or_refused_with_a_reason(raw: bytes) -> None:
    reason = "it is one"
    try:
        wire.decode_envelope(raw)
    except MalformedEnvelope as error:
        reason = str(error)
    assert reason


@pytest.mark.parametrize(
    ("raw", "headers", "body"),
    [
        (b"{}", {}, "{}"),
        (b'{"headers":null,"body":null}', {}, "{}"),
        (b'{"headers":{},"body":""}', {}, ""),
        (b'{"headers":{"a":1,"b":null,"c":true},"body":"x"}', {"a": 1, "b": None, "c": True}, "x"),
        (b'{"body":{"a": [1, 2]}}', {}, '{"a": [1, 2]}'),
        (b'{"body":12.50}', {}, "12.50"),
        (
            b'{"headers":{"result-code":"0","result-message":"ok","cursor":"7","mine":"1"}}',
            {"cursor": "7", "mine": "1"},
            "{}",
        ),
        (b'{"headers":{"body-encoding":"base64"},"body":"/wA="}', {}, b"\xff\x00"),
    ],
)
def test_forms_that_engines_send(raw: bytes, headers: dict[str, object], body: str | bytes) -> None:
    read = wire.decode_envelope(raw)
    assert (read.headers, read.body) == (headers, body)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "truncated"),
        (b"null", "got `null`"),
        (b"[]", "got `array`"),
        (b'"text"', "got `str`"),
        (b"name=value", "malformed"),
        (b'{"body":"x"', "truncated"),
        (b'{"body":"x"}x', "trailing characters"),
        (b'{"headers":[]}', "$.headers"),
        (b'{"headers":{"ok":"1","bad":{"a":1}}}', 'header "bad" is neither text'),
        (b'{"headers":{"bad":[]},"body":', "$.headers"),
        (b'{"body":"\xff"}', "no valid text"),
        (b'{"body":"\\ud83d cut"}', "half of a surrogate pair"),
        (b'{"body":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"headers":{"body-encoding":"gzip"},"body":""}', '"gzip"; only base64'),
        (b'{"headers":{"body-encoding":"base64"},"body":"*"}', "not the base64"),
        (b'{"headers":{"body-encoding":"base64"},"body":"\\u010d"}', "not the base64"),
    ],
)
def test_what_is_no_envelope_is_refused_and_named(raw: bytes, complaint: str) -> None:
    with pytest.raises(MalformedEnvelope) as caught:
        wire.decode_envelope(raw)
    assert complaint in str(caught.value)


def test_an_answer_carries_logs_and_metrics_beside_the_envelope() -> None:
    logs = [LogLine("info", "created 7", 1_767_000_000_000)]
    metrics = Metrics(1.5, 250, [RemoteCall("api.example.com", 12.25, 200)])
    raw = wire.encode_envelope({"result-code": "0"}, "[]", logs, metrics)
    assert json.loads(raw) == {
        "headers": {"result-code": "0"},
        "body": "[]",
        "logs": [{"level": "info", "message": "created 7", "at": 1_767_000_000_000}],
        "metrics": {
            "wall_ms": 1.5, "cpu_us": 250, "remote": [{"host": "api.example.com", "ms": 12.25, "status": 200}]
        },
    }  # fmt: skip
    answer = wire.decode_answer(raw)
    assert (answer.logs, answer.metrics, answer.headers) == (logs, metrics, {"result-code": "0"})


def test_items_that_are_no_list_are_refused() -> None:
    for text in ("{}", '[{"headers":{}}]', '[{"headers":null,"body":1}]', "x"):
        with pytest.raises(MalformedEnvelope, match="items of a batch"):
            wire.decode_items(text)


@given(st.text())
def test_cleaned_text_can_always_be_written(text: str) -> None:
    cleaned = wire.clean(text)
    cleaned.encode()
    if all(not 0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        assert cleaned == text
