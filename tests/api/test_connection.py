"""What a connection takes before any route sees it, and what is said when the store cannot write."""

from __future__ import annotations

import asyncio

from segue.adapters.memory.store import MemoryStore
from tests.files import user_task
from tests.site import Site


async def exchange(site: Site, *pieces: bytes) -> bytes:
    """Send the pieces and read until the server closes."""
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answer = asyncio.create_task(reader.read())
    for piece in pieces:
        if writer.is_closing():
            break
        writer.write(piece)
        try:
            await writer.drain()
        except ConnectionError:
            break
    try:
        return await answer
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_head_that_never_ends_is_cut_off(site: Site) -> None:
    begin = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n"
    many = [b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(20_000)]
    one = [b"x: ", *([b"y" * 1000] * 20_000)]
    path = [b"GET /", *([b"y" * 1000] * 20_000)]
    for pieces in ([begin, *many], [begin, *one], path):
        answer = await exchange(site, *pieces)
        # The answer may be lost when the kernel still has bytes to refuse; the connection is not.
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert (await site.get("/api/v1/health", token=None))["status"] == "ok"


async def test_a_head_within_the_bound_passes_in_small_pieces(site: Site) -> None:
    begin = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    fields = [b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(50)]
    assert (await exchange(site, begin, *fields, b"\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_large_body_is_no_large_head(site: Site) -> None:
    await site.deploy("tasks", user_task())
    assert (await site.call("POST", "/processes/tasks/start", data=b"x" * 60_000)).status == 202


def asked(*fields: bytes, body: bytes = b"{}", token: str) -> bytes:
    head = (b"POST /processes/tasks/start HTTP/1.1", b"Host: x", b"Authorization: Bearer " + token.encode(), *fields)
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])


def told(answer: bytes) -> tuple[bytes, set[bytes], int]:
    """Status line, names of fields, and how many bytes follow the head."""
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    names = {field.partition(b":")[0] for field in fields}
    assert b"content-length: %d" % len(body) in fields
    return line, names, len(body)


async def test_requests_that_follow_each_other_on_a_connection_are_answered_alike(site: Site) -> None:
    await site.deploy("tasks", user_task())
    last = asked(b"Connection: close", token=site.tokens["start"])
    closing = told(await exchange(site, last))
    first, second, third = (await exchange(site, asked(token=site.tokens["start"]) * 2 + last)).split(b"HTTP/1.1")[1:]
    kept = told(b"HTTP/1.1" + first)
    assert (kept[0], kept[1] | {b"connection"}, kept[2]) == closing
    assert kept == told(b"HTTP/1.1" + second)  # sent before the first was answered
    assert told(b"HTTP/1.1" + third) == closing
    assert len((await site.get("/api/v1/instances"))["items"]) == 4


async def test_a_caller_that_does_not_read_is_not_written_to_without_end(site: Site) -> None:
    await site.deploy("tasks", user_task())
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    count = 300
    writer.write(asked(token=site.tokens["start"]) * count)
    await writer.drain()
    answers = b""
    while answers.count(b"HTTP/1.1 202 Accepted") < count:
        piece = await reader.read(700)
        assert piece
        answers += piece
    writer.close()
    assert answers.count(b"\r\nlocation: ") == count


async def test_what_is_no_http_is_refused(site: Site) -> None:
    assert (await exchange(site, b"hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_a_store_that_cannot_write_is_503_and_says_why(site: Site) -> None:
    assert isinstance(site.store, MemoryStore)
    await site.deploy("tasks", user_task())
    site.store.break_writes("the disk is full; free some space")
    for method, path in (("POST", "/processes/tasks/start"), ("POST", "/api/v1/processes/tasks/versions/1/disable")):
        answer = await site.call(method, path)
        assert (answer.status, answer.code) == (503, "store-unavailable")
        assert "the disk is full" in answer.json["detail"]
        assert int(answer.headers["retry-after"]) >= 1
    assert await site.get("/api/v1/instances") == {"items": [], "next": None}
    site.store.mend_writes()
    assert (await site.call("POST", "/processes/tasks/start")).status == 202
