"""Where a database is: a URL, a file, a password from a file; and what is said of addresses that make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.adapters.postgres.address import read_address
from segue.model.errors import Invalid

URL = "postgresql://ann:s%3Ccret@db.example:5433/segue?sslmode=verify-full&sslrootcert=/ca.pem"
BARE = "postgresql://ann@db.example:5433/segue?sslmode=verify-full&sslrootcert=/ca.pem"


def test_a_password_in_the_url_is_taken_out_of_it() -> None:
    address = read_address(URL)
    assert (address.url, address.shown, address.password) == (BARE, BARE, "s<cret")
    assert "cret" not in repr(address)


def test_a_file_holds_the_url(tmp_path: Path) -> None:
    file = tmp_path / "store"
    file.write_text(URL + "\n\n")
    assert read_address(str(file)).password == "s<cret"


def test_a_file_holds_the_password(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("an%other\n")
    assert read_address(BARE, str(file)).password == "an%other"


def test_what_a_key_is_encrypted_with_is_not_shown() -> None:
    address = read_address("postgresql://db/segue?sslkey=/key.pem&sslpassword=secret&sslmode=require")
    assert address.shown == "postgresql://db/segue?sslkey=/key.pem&sslpassword=********&sslmode=require"
    assert "sslpassword=secret" in address.url


@pytest.mark.parametrize(
    ("store", "password", "said"),
    [
        ("mysql://db/segue", "", "cannot be read"),
        ("/nowhere/at/all", "", "cannot be read"),
        ("postgresql://db:port/segue", "", "no URL"),
        ("postgresql://db/segue?password=secret", "", "among the parameters"),
        (URL, "/etc/hostname", "keep one of the two"),
        (BARE, "/nowhere/at/all", "store_password_file names the file /nowhere/at/all"),
    ],
)
def test_what_makes_no_sense_is_said_without_the_password(store: str, password: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        read_address(store, password)
    assert "cret" not in refused.value.detail
