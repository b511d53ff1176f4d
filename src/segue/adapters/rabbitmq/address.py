"""Where RabbitMQ is, read from a setting."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from segue.files import first_line
from segue.model.errors import Invalid

_EXAMPLE = "amqp://segue@rabbit.example/ (amqps:// for TLS), or as a file whose first line is that"
_PORTS = {"amqp": 5672, "amqps": 5671}


class Address(Struct, frozen=True, kw_only=True):
    """A broker. `shown` is for people: it holds no password."""

    host: str
    port: int
    user: str
    password: str
    vhost: str
    tls: ssl.SSLContext | None
    shown: str

    def __repr__(self) -> str:
        return self.shown


def read_address(broker: str, password_file: str = "") -> Address:
    """Read the setting `broker`: a URL, or a file whose first line is one. Raises Invalid, which tells no password."""
    url = broker if "://" in broker else first_line(Path(broker), "broker")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid(f"broker is no URL; write it as in {_EXAMPLE}") from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment:
        raise Invalid(f"broker is no address of RabbitMQ; write it as in {_EXAMPLE}")
    password = unquote(parts.password or "")
    if password_file:
        if password:
            raise Invalid("broker holds a password and broker_password_file names another; keep one of the two")
        password = first_line(Path(password_file), "broker_password_file")
    path = unquote(parts.path.removeprefix("/"))
    user, number = unquote(parts.username or "guest"), port or _PORTS[parts.scheme]
    return Address(
        host=parts.hostname,
        port=number,
        user=user,
        password=password or ("guest" if user == "guest" else ""),
        vhost=path or "/",
        tls=ssl.create_default_context() if parts.scheme == "amqps" else None,
        shown=f"{parts.scheme}://{user}@{parts.hostname}:{number}/{path}",
    )
