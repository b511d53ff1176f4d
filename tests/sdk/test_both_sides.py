"""The engine's end of the wire and the worker's: what one writes, the other reads."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from segue.core.envelope import decode_reply, encode_request
from segue_sdk import Message, Result, Worker, forward, wire

texts = st.text(st.characters(codec="utf-8"))
headers = st.dictionaries(texts.filter(lambda name: name and name not in wire.RESERVED_HEADERS), texts)
bodies = st.binary() | texts.map(str.encode) | st.just("č".encode() * 40_000)


@given(headers, bodies)
def test_what_the_engine_asks_the_worker_reads(sent: dict[str, str], body: bytes) -> None:
    read = wire.decode_envelope(encode_request(sent, body))
    assert read.headers == sent
    assert (read.body if isinstance(read.body, bytes) else read.body.encode()) == body


@settings(max_examples=50)
@given(headers, bodies, headers, bodies)
def test_what_the_worker_answers_the_engine_reads(
    sent: dict[str, str], body: bytes, added: dict[str, str], answer: bytes
) -> None:
    worker = Worker("crm")

    @worker.connector("act")
    async def act(message: Message) -> Result:
        assert message.body == body
        message.log.warning("one line")
        message.measure_remote("a.example.com", 1.5, 200)
        message.measure_remote("b.example.com", 2, 0)
        return forward(answer, headers=added)

    action = worker.find("/connector/act/action")
    assert action is not None
    reply = asyncio.run(worker.perform(action, encode_request(sent, body)))
    envelope = decode_reply(reply.content)
    assert reply.status == 200
    assert envelope is not None
    assert envelope.body == answer
    assert envelope.headers == sent | added | {"result-code": "0", "result-message": "Processed successfully."}
    assert [(line.level, line.text) for line in envelope.logs] == [("warning", "one line")]
    assert envelope.logs[0].at > 1_700_000_000_000
    assert envelope.remote_us == 3_500
    assert envelope.cpu_us > 0
