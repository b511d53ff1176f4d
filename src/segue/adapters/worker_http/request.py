"""From a call to the bytes of its request, or to a clear word why it cannot be sent. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple
from urllib.parse import quote

USER_AGENT = f"segue/{version('segue')}"

_PORTS = {"http": 80, "https": 443}
_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#\\]*)(?P<target>(?:[/?][^#]*)?)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:@]+)(?::(?P<port>[0-9]{0,5}))?")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110 section 5.5
# These decide where a message ends or what becomes of the connection; the client alone may say so.
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class UnsendableError(ValueError):
    """The call cannot be put into a request; the text says what of it and never repeats a header's value."""


class Origin(NamedTuple):
    """Where connections lead: one pool each."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Target:
    """One address of calls, parsed once. `origin` is where to connect."""

    __slots__ = ("_fields", "_headers", "_line", "origin")

    def __init__(self, url: str) -> None:
        self.origin, self._line = _parse(url)
        self._headers: dict[str, str] = {}
        self._fields = _fields(self._headers)

    def head(self, headers: dict[str, str], length: int) -> bytes:
        """Return the head of a POST with these header fields and a payload of `length` bytes.

        Raises UnsendableError for a header field that cannot be sent.
        """
        if headers != self._headers:  # the calls to one address nearly always carry the same ones
            self._fields = _fields(headers)
            self._headers = dict(headers)
        return b"%bContent-Length: %d\r\n%b\r\n" % (self._line, length, self._fields)


def _parse(url: str) -> tuple[Origin, bytes]:
    if _UNPRINTABLE.search(url):
        raise UnsendableError(f"the address {url!r} holds a space or a control character")
    address = _ADDRESS.fullmatch(url.partition("#")[0])
    if address is None:
        raise UnsendableError(f"the address {url!r} is none that begins with http:// or https://")
    scheme = address["scheme"].lower()
    if "@" in address["authority"]:
        # Not repeated: it may hold a password.
        raise UnsendableError("the address holds credentials; they belong into the worker's headers")
    authority = _AUTHORITY.fullmatch(address["authority"])
    if authority is None:
        raise UnsendableError(f"the address {url!r} names no host, or its host and port cannot be read")
    port = int(authority["port"] or _PORTS[scheme])
    if not 0 < port < 2**16:
        raise UnsendableError(f"the address {url!r} has the port {port}, which does not exist")
    host = _host(authority["host"])
    origin = Origin(scheme, host, port)
    shown = re.sub(r"%[^\]]*", "", str(origin))  # the zone of an IPv6 address means something to this machine alone
    if port == _PORTS[scheme]:
        shown = shown.rpartition(":")[0]
    target = quote(address["target"], safe="/?%:@!$&'()*+,;=-._~[]{}|\"<>^`\\")
    if not target.startswith("/"):
        target = f"/{target}"
    line = f"POST {target} HTTP/1.1\r\nHost: {shown}\r\nAccept-Encoding: identity\r\n"
    return origin, line.encode("ascii")


def _host(written: str) -> str:
    if written.startswith("["):
        try:
            return str(IPv6Address(written[1:-1]))
        except AddressValueError as error:
            raise UnsendableError(f"{written} is no IPv6 address: {error}") from error
    try:
        return written.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise UnsendableError(f"{written!r} is no host name: {error}") from error


def _fields(headers: Mapping[str, str]) -> bytes:
    lines = []
    if not any(name.lower() == "user-agent" for name in headers):
        lines.append(f"User-Agent: {USER_AGENT}\r\n")
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise UnsendableError(f"{name!r} is no name of a header field")
        if name.lower() in _OURS:
            raise UnsendableError(f"the header field {name} is set by Segue alone")
        if not _FIELD_VALUE.fullmatch(value):
            raise UnsendableError(
                f"the value of the header field {name} holds a line break or a character outside Latin-1"
            )
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode("latin-1")
