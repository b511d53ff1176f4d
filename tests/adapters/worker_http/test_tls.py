"""https workers: who is believed, and what happens to those who are not."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from segue.adapters.worker_http import HttpSettings, HttpWorkers
from segue.model.errors import Invalid
from segue.model.workers import Fault
from segue.testing.contracts.worker_transport import PAYLOAD, call_to
from segue.testing.nasty import NastyServer
from tests.adapters.worker_http.certificates import Authority

Make = Callable[..., HttpWorkers]


async def test_a_worker_that_the_ca_file_vouches_for(make_workers: Make, authority: Authority) -> None:
    workers = make_workers(ca_file=authority.file)
    async with NastyServer(tls=authority.server("127.0.0.1")) as server:
        for _ in range(3):
            reply = await workers.call(call_to(server.url()))
            assert (reply.fault, reply.detail, reply.body) == (None, "", PAYLOAD)
        assert server.connections == 1


async def test_by_name_and_by_ipv6_address(make_workers: Make, authority: Authority) -> None:
    workers = make_workers(ca_file=authority.file)
    async with NastyServer(tls=authority.server("localhost")) as server:
        assert (await workers.call(call_to(server.url(host="localhost")))).body == PAYLOAD
    async with NastyServer(tls=authority.server("::1"), host="::1") as server:
        assert (await workers.call(call_to(server.url()))).body == PAYLOAD


async def test_30_mb_over_tls(make_workers: Make, authority: Authority) -> None:
    workers = make_workers(ca_file=authority.file)
    async with NastyServer(tls=authority.server("127.0.0.1")) as server:
        reply = await workers.call(call_to(server.url("big")))
        assert (reply.fault, len(reply.body)) == (None, 30 * 1024 * 1024)


async def test_a_stale_tls_connection_is_no_fault(make_workers: Make, authority: Authority) -> None:
    workers = make_workers(ca_file=authority.file)
    async with NastyServer(tls=authority.server("127.0.0.1")) as server:
        for _ in range(3):
            assert (await workers.call(call_to(server.url("stale")))).fault is None
        assert server.connections == 3


async def test_an_authority_that_nobody_knows(make_workers: Make, authority: Authority) -> None:
    async with NastyServer(tls=authority.server("127.0.0.1")) as server:
        reply = await make_workers().call(call_to(server.url()))
        assert reply.fault is Fault.TLS
        assert "certificate" in reply.detail.lower()
        assert server.asked == []


async def test_a_certificate_for_another_name(make_workers: Make, authority: Authority) -> None:
    async with NastyServer(tls=authority.server("other.example")) as server:
        reply = await make_workers(ca_file=authority.file).call(call_to(server.url()))
        assert reply.fault is Fault.TLS
        assert "127.0.0.1" in reply.detail
        assert server.asked == []


async def test_an_expired_certificate(make_workers: Make, authority: Authority) -> None:
    async with NastyServer(tls=authority.server("127.0.0.1", lasts=timedelta(days=-1))) as server:
        reply = await make_workers(ca_file=authority.file).call(call_to(server.url()))
        assert reply.fault is Fault.TLS
        assert "expired" in reply.detail


async def test_plain_http_where_https_is_expected(make_workers: Make) -> None:
    async with NastyServer(greeting=b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as server:
        reply = await make_workers().call(call_to(server.url().replace("http:", "https:")))
        assert reply.fault is Fault.TLS
        assert reply.detail
        assert server.asked == []


async def test_https_where_plain_http_is_expected(make_workers: Make, authority: Authority) -> None:
    async with NastyServer(tls=authority.server("127.0.0.1")) as server:
        reply = await make_workers().call(call_to(server.url().replace("https:", "http:")))
        assert reply.fault in {Fault.GARBAGE, Fault.CLOSED}
        assert server.asked == []


async def test_a_worker_that_wants_a_certificate_of_ours(make_workers: Make, authority: Authority) -> None:
    context = authority.server("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    async with NastyServer(tls=context) as server:
        reply = await make_workers(ca_file=authority.file).call(call_to(server.url()))
        assert reply.fault in {Fault.TLS, Fault.CLOSED}
        assert reply.detail


async def test_a_handshake_that_never_ends_is_a_timeout(make_workers: Make, server: NastyServer) -> None:
    # The server waits for the end of a head, and a handshake holds none: neither side has anything to say.
    reply = await make_workers().call(call_to(server.url().replace("http:", "https:"), timeout_ms=50))
    assert reply.fault is Fault.TIMEOUT
    await server.until_gone(1)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_a_ca_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Invalid, match=r"ca\.pem"):
        HttpWorkers(HttpSettings(ca_file=file))
