"""From the addresses in the settings to destinations."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from segue.adapters.log_sinks.elastic import ElasticSink
from segue.adapters.log_sinks.logstash import LogstashHttpSink, LogstashTcpSink
from segue.adapters.log_sinks.mongo import MongoSink
from segue.adapters.log_sinks.options import SinkOptions
from segue.adapters.log_sinks.stdout import StdoutSink
from segue.core.log_lines import LEVELS, at_least
from segue.model.errors import Invalid
from segue.ports.log_sinks import LogSink

KINDS = "elastic+http(s)://, mongodb://, mongodb+srv://, logstash+tcp://, logstash+tls://, logstash+http(s)://, stdout:"
_COMMON = ("name", "level", "days", "link")
_DEFAULT_INDEX = "segue-logs"
_LONGEST_DAYS = 36_500


def sinks(addresses: str) -> list[LogSink]:
    """Return a destination for each address; they are separated by blanks.

    Raises Invalid naming what is wrong with an address, never a password in it, and when two have the same name.
    """
    found = [_sink(address) for address in addresses.split()]
    names = [sink.name for sink in found]
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f"Two destinations of log lines are named {name!r}; give one of them another name (?name=…)")
    return found


def _sink(address: str) -> LogSink:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise Invalid(f"A destination of log lines has an address that cannot be read: {error}") from None
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    own = {name: given.pop(name) for name in (*_COMMON, "index", "collection") if name in given}
    options = _options(parts, own)
    scheme = parts.scheme.lower()
    if scheme == "stdout":
        return StdoutSink(options)
    if not parts.hostname:
        raise Invalid(f"The destination of log lines {options.name!r} names no host. Addresses are: {KINDS}")
    if scheme in {"elastic+http", "elastic+https"}:
        return ElasticSink(_base(parts), own.get("index", _DEFAULT_INDEX), _credentials(parts), options)
    if scheme in {"mongodb", "mongodb+srv"}:
        database = parts.path.strip("/") or "segue"
        url = parts._replace(query=urlencode(given)).geturl()
        return MongoSink(url, database, own.get("collection", "logs"), options)
    if scheme in {"logstash+tcp", "logstash+tls"}:
        if port is None:
            raise Invalid(f"The destination of log lines {options.name!r} names no port")
        tls = ssl.create_default_context() if scheme == "logstash+tls" else None
        return LogstashTcpSink(parts.hostname, port, tls, options)
    if scheme in {"logstash+http", "logstash+https"}:
        return LogstashHttpSink(_base(parts) + (parts.path or "/"), _credentials(parts), options)
    raise Invalid(f"{parts.scheme}: is no kind of destination of log lines. Addresses are: {KINDS}")


def _options(parts: SplitResult, own: dict[str, str]) -> SinkOptions:
    name = own.get("name") or _plain_name(parts)
    days = own.get("days", "30")
    if not days.isdecimal() or int(days) > _LONGEST_DAYS:
        raise Invalid(f"The destination of log lines {name!r} has days={days}, which is no number of days")
    levels: Sequence[str] = at_least(own["level"]) if "level" in own else LEVELS
    return SinkOptions(name=name, levels=tuple(levels), days=int(days), link=own.get("link") or None)


def _plain_name(parts: SplitResult) -> str:
    kind = parts.scheme.partition("+")[0]
    host = parts.netloc.rpartition("@")[2]
    return f"{kind} {host}" if host else kind


def _base(parts: SplitResult) -> str:
    scheme = parts.scheme.partition("+")[2]
    return f"{scheme}://{parts.netloc.rpartition('@')[2]}"


def _credentials(parts: SplitResult) -> dict[str, str]:
    """The header field with user and password, if the address has any (RFC 7617)."""
    if parts.username is None:
        return {}
    both = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {b64encode(both.encode()).decode()}"}
