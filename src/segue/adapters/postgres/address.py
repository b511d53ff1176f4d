"""The address of a database: a URL, a file that holds one, a password from a file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from segue.files import first_line
from segue.model.errors import Invalid

SCHEMES = ("postgresql", "postgres")
# Parameters of a URL that name files, and the one that is a secret: what a client's key is encrypted with.
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
_SECRET = "sslpassword"
_EXAMPLE = "postgresql://segue@db.example/segue?sslmode=verify-full"


class Address(Struct, frozen=True):
    """Where the database is. `shown` is the URL as people may see it; the password stands in none of the two."""

    url: str
    shown: str
    password: str | None = None

    def __repr__(self) -> str:
        """Never the password."""
        return f"Address({self.shown!r})"


def is_url(text: str) -> bool:
    """Tell a URL of a database from everything else."""
    return urlsplit(text).scheme in SCHEMES


def read_address(store: str, password_file: str = "") -> Address:
    """Return the address that a setting means: a URL, or the path of a file whose first line is one.

    A password comes from the URL, else from `password_file` (its first line), else from where libpq looks (PGPASSWORD,
    PGPASSFILE, ~/.pgpass, `passfile` in the URL). Raises Invalid, which never tells the password.
    """
    url = store if is_url(store) else first_line(Path(store), "store")
    if not is_url(url):
        raise Invalid(f"store is no address of a database that is known here; write it as in {_EXAMPLE}")
    try:
        parts = urlsplit(url)
        password = parts.password
        _ = parts.port
    except ValueError as error:
        raise Invalid(f"store is no URL: {error}; write it as in {_EXAMPLE}") from None
    if "password" in parse_qs(parts.query):
        raise Invalid("store has a password among the parameters of its URL; put it before the @, or into a file")
    if password_file:
        if password:
            raise Invalid("store holds a password and store_password_file names another; keep one of the two")
        password = first_line(Path(password_file), "store_password_file")
    user, at, place = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{place}"))
    return Address(url=bare, shown=_masked(bare), password=_unquoted(password, from_url=not password_file))


def unreadable(address: Address) -> str | None:
    """Which file that the URL names cannot be read, and why; None when all can."""
    for name, value in parse_qsl(urlsplit(address.url).query):
        if name in _FILES:
            try:
                Path(value).expanduser().open("rb").close()
            except OSError as error:
                return f"store names {value} as {name}, which cannot be read: {error.strerror}"
    return None


def _masked(url: str) -> str:
    parts = urlsplit(url)
    if _SECRET not in parse_qs(parts.query):
        return url
    shown = [(name, "********" if name == _SECRET else value) for name, value in parse_qsl(parts.query)]
    return urlunsplit(parts._replace(query=urlencode(shown, safe="*/")))


def _unquoted(password: str | None, *, from_url: bool) -> str | None:
    return unquote(password) if password and from_url else password
