"""From address and header fields to bytes, without a socket."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.adapters.worker_http.request import Origin, Target, UnsendableError


class Parsed:
    """What a strict parser of another hand makes of a request."""

    def __init__(self, raw: bytes) -> None:
        self.url = b""
        self.fields: list[tuple[str, str]] = []
        self.body = b""
        self.requests = 0
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(raw)

    def on_message_begin(self) -> None:
        self.requests += 1

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.decode().lower(), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self.body += body


@pytest.mark.parametrize(
    ("url", "origin", "host", "target"),
    [
        ("http://worker", Origin("http", "worker", 80), "worker", "/"),
        ("HTTP://Worker:80/x", Origin("http", "worker", 80), "worker", "/x"),
        ("https://worker/x", Origin("https", "worker", 443), "worker", "/x"),
        ("https://worker:80/x", Origin("https", "worker", 80), "worker:80", "/x"),
        ("http://worker:/x", Origin("http", "worker", 80), "worker", "/x"),
        ("http://10.0.0.1:8080/a/b?c=d&e", Origin("http", "10.0.0.1", 8080), "10.0.0.1:8080", "/a/b?c=d&e"),
        ("http://worker?c=d", Origin("http", "worker", 80), "worker", "/?c=d"),
        ("http://worker/a#fragment", Origin("http", "worker", 80), "worker", "/a"),
        ("http://worker/a%2Fb%20c", Origin("http", "worker", 80), "worker", "/a%2Fb%20c"),
        ("http://worker/\u017elu\u0165", Origin("http", "worker", 80), "worker", "/%C5%BElu%C5%A5"),
        ("http://worker/a:b@c;d,e='(f)'", Origin("http", "worker", 80), "worker", "/a:b@c;d,e='(f)'"),
        ("http://[2001:DB8::1]/x", Origin("http", "2001:db8::1", 80), "[2001:db8::1]", "/x"),
        ("https://[::1]:8443/x", Origin("https", "::1", 8443), "[::1]:8443", "/x"),
        ("http://[fe80::1%eth0]:81/x", Origin("http", "fe80::1%eth0", 81), "[fe80::1]:81", "/x"),
        ("http://b\u00fccher.example/", Origin("http", "xn--bcher-kva.example", 80), "xn--bcher-kva.example", "/"),
        ("http://my_worker:1/", Origin("http", "my_worker", 1), "my_worker:1", "/"),
    ],
)
def test_an_address(url: str, origin: Origin, host: str, target: str) -> None:
    made = Target(url)
    parsed = Parsed(made.head({}, 0))
    assert made.origin == origin
    assert parsed.url.decode() == target
    assert ("host", host) in parsed.fields


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "begins with http"),
        ("worker:8080/x", "begins with http"),
        ("//worker/x", "begins with http"),
        ("file:///etc/passwd", "begins with http"),
        ("ws://worker/", "begins with http"),
        ("http:/worker", "begins with http"),
        ("http:///x", "no host"),
        ("http://:80/x", "no host"),
        ("http://[]/x", "no IPv6 address"),
        ("http://[::1/x", "no host"),
        ("http://[::1]x/", "no host"),
        ("http://[worker]/x", "no IPv6 address"),
        ("http://a:b:c/", "no host"),
        ("http://worker:port/", "no host"),
        ("http://worker:0/", "port 0"),
        ("http://worker:65536/", "port 65536"),
        ("http://user:secret@worker/", "credentials"),
        ("http://worker/a b", "space or a control character"),
        ("http://worker/a\r\nX: y", "space or a control character"),
        ("http://wor\tker/", "space or a control character"),
        ("http://worker\x00/", "space or a control character"),
        ("http://worker\\@evil/", "begins with http"),
        (f"http://{'a' * 64}.example/", "no host name"),
        ("http://a..b/", "no host name"),
    ],
)
def test_an_address_that_cannot_be_called(url: str, says: str) -> None:
    with pytest.raises(UnsendableError, match=says) as caught:
        Target(url)
    assert "secret" not in str(caught.value)


def test_header_fields_of_the_call_are_sent_as_given() -> None:
    headers = {
        "Authorization": "Bearer s",
        "x-empty": "",
        "x-latin": "caf\u00e9",
        "x-tab": "a\tb",
        "User-Agent": "mine",
    }
    parsed = Parsed(Target("http://w/").head(headers, 2) + b"ok")
    assert ("authorization", "Bearer s") in parsed.fields
    assert ("x-empty", "") in parsed.fields
    assert ("x-latin", "caf\u00e9") in parsed.fields
    assert ("x-tab", "a\tb") in parsed.fields
    assert [value for name, value in parsed.fields if name == "user-agent"] == ["mine"]
    assert ("content-length", "2") in parsed.fields
    assert parsed.body == b"ok"


def test_other_fields_in_the_next_call_are_not_mistaken_for_the_last_ones() -> None:
    target = Target("http://w/")
    headers = {"x-a": "1"}
    assert b"x-a: 1" in target.head(headers, 0)
    headers["x-a"] = "2"
    assert b"x-a: 2" in target.head(headers, 0)
    assert b"x-a" not in target.head({}, 0)


def test_after_fields_that_cannot_be_sent_good_ones_can() -> None:
    target = Target("http://w/")
    for _ in range(2):
        with pytest.raises(UnsendableError, match="x-a") as caught:
            target.head({"x-a": "secret\n"}, 0)
        assert "secret" not in str(caught.value)
    assert b"x-a: 1" in target.head({"x-a": "1"}, 0)


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=4), st.binary(max_size=50))
def test_fields_are_refused_or_make_exactly_one_request(headers: dict[str, str], body: bytes) -> None:
    try:
        head = Target("http://w/x").head(headers, len(body))
    except UnsendableError:
        return
    parsed = Parsed(head + body)
    assert (parsed.requests, parsed.url, parsed.body) == (1, b"/x", body)
    for name, value in headers.items():
        assert (name.lower(), value.strip(" \t")) in parsed.fields


@given(st.text(max_size=30))
def test_an_address_is_refused_or_makes_exactly_one_request(rest: str) -> None:
    try:
        target = Target(f"http://{rest}")
    except UnsendableError:
        return
    parsed = Parsed(target.head({}, 0))
    assert parsed.requests == 1
    assert parsed.url.startswith(b"/")
    assert 0 < target.origin.port < 65536
