"""Whole answers of the nasty server, byte for byte: name, bytes, and whether the connection stays open after them."""

from __future__ import annotations

_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"

# Answers that can be used as they are.
GOOD: dict[str, tuple[bytes, bool]] = {
    "chunked": (_CHUNKED + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n", True),
    "chunked-with-trailers": (_CHUNKED + b"3\r\nabc\r\n0\r\nX-Sum: 5\r\nX-Empty:\r\n\r\n", True),
    "until-close": (_OK + b"\r\nto the end", False),
    "until-close-empty": (_OK + b"\r\n", False),
    "http10": (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold", False),
    "http10-until-close": (b"HTTP/1.0 200 OK\r\n\r\nolder", False),
    "says-close": (_OK + b"Connection: close\r\nContent-Length: 3\r\n\r\nbye", False),
    "no-content": (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    "empty": (_OK + b"Content-Length: 0\r\n\r\n", True),
    "early-hints": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-A: interim\r\n\r\n" * 3 + _OK + b"Content-Length: 2\r\n\r\nok",
        True,
    ),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n", True),
    "bad-request": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nnope", True),
    "unavailable": (b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", True),
    "odd-fields": (
        _OK + b"X-Empty:\r\nX-Two: a\r\nx-two: b\r\nX-Latin: caf\xe9\r\nContent-Length: 2\r\nX-Last:\r\n\r\nok",
        True,
    ),
    "no-reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", True),
}

# Answers of which the first part can be used, and whose connection cannot.
SURPLUS: dict[str, tuple[bytes, bool]] = {
    "two-answers": (_OK + b"Content-Length: 3\r\n\r\none" + _OK + b"Content-Length: 3\r\n\r\ntwo", True),
    "answer-and-a-byte": (_OK + b"Content-Length: 3\r\n\r\noneH", True),
    "longer-than-said": (_OK + b"Content-Length: 3\r\n\r\none and more", True),
    "no-content-with-body": (b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody", True),
}

# What ends too early.
HALF: dict[str, tuple[bytes, bool]] = {
    "half-status-line": (b"HTTP/1.1 2", False),
    "half-head": (_OK + b"Content-Le", False),
    "half-body": (_OK + b"Content-Length: 100\r\n\r\nhalf", False),
    "half-chunk": (_CHUNKED + b"10\r\nhalf", False),
    "no-last-chunk": (_CHUNKED + b"4\r\nhalf\r\n", False),
    "half-trailers": (_CHUNKED + b"4\r\nhalf\r\n0\r\nX-", False),
    "only-interim": (b"HTTP/1.1 100 Continue\r\n\r\n", False),
}

# What is no HTTP answer, or one that must not be believed.
GARBAGE: dict[str, tuple[bytes, bool]] = {
    "not-http": (b"SSH-2.0-OpenSSH_9.2\r\n", True),
    "bare-html": (b"<html>hello</html>", False),
    "zeroes": (b"\x00" * 100, True),
    "http2-preface": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", True),
    "no-status": (b"HTTP/1.1 OK\r\n\r\n", True),
    "status-0": (b"HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n", True),
    "status-20": (b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", True),
    "bare-line-feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", True),
    "length-not-a-number": (_OK + b"Content-Length: many\r\n\r\nok", True),
    "negative-length": (_OK + b"Content-Length: -1\r\n\r\nok", True),
    "two-lengths": (_OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", True),
    "length-and-chunks": (_OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", True),
    "unasked-coding": (_OK + b"Transfer-Encoding: gzip\r\n\r\n\x1f\x8b", False),
    "bad-chunk-size": (_CHUNKED + b"zz\r\nok\r\n0\r\n\r\n", True),
    "chunk-longer-than-said": (_CHUNKED + b"2\r\nokay\r\n0\r\n\r\n", True),
    "length-in-a-trailer": (_CHUNKED + b"2\r\nok\r\n0\r\nContent-Length: 99\r\n\r\n", True),
    "nul-in-field": (_OK + b"X-A: a\x00b\r\nContent-Length: 2\r\n\r\nok", True),
    "folded-field": (_OK + b"X-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok", True),
    "switching": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", True),
}

# What is larger than the default limits allow.
TOO_LARGE: dict[str, tuple[bytes, bool]] = {
    "head-of-1-mb": (_OK + b"X-Big: " + b"y" * 1_000_000 + b"\r\nContent-Length: 2\r\n\r\nok", True),
    "thousand-fields": (_OK + b"".join(b"X-%d: %b\r\n" % (n, b"y" * 100) for n in range(1000)) + b"\r\n", False),
    "says-huge": (_OK + b"Content-Length: 9999999999999\r\n\r\n", True),
}

ANSWERS: dict[str, tuple[bytes, bool]] = GOOD | SURPLUS | HALF | GARBAGE | TOO_LARGE
