"""The parts of the use cases that need no store: names, addresses, passwords, tokens, pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.control.names import check_folder, check_name, slug
from segue.control.paging import number_cursor, page, page_of_all
from segue.control.passwords import hash_password, is_old, password_is
from segue.control.tokens import base62
from segue.control.workers import check_headers, check_url
from segue.model.errors import Invalid


@given(st.text(max_size=150))
def test_a_slug_is_always_a_name(text: str) -> None:
    assert check_name("process", slug(text)) == slug(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Order Flow (v2)", "Order-Flow-v2"),
        ("", "process"),
        ("---", "process"),
        ("a.b_c-d", "a.b_c-d"),
        ("\u00fc", "process"),
    ],
)
def test_a_slug_stays_near_to_its_text(text: str, expected: str) -> None:
    assert slug(text) == expected


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("", ""), ("/", ""), ("a/b", "a/b"), ("/a / b/", "a/b"), ("Bestellungen \u00dc", "Bestellungen \u00dc")],
)
def test_folders(folder: str, expected: str) -> None:
    assert check_folder(folder) == expected


@pytest.mark.parametrize("folder", ["a//b", "a/ /b", "/".join("abcdefghi"), "x" * 101, "a\nb", "a\x00"])
def test_folders_that_cannot_be(folder: str) -> None:
    with pytest.raises(Invalid, match="folder"):
        check_folder(folder)


@given(st.binary(min_size=32, max_size=32))
def test_base62_has_one_length_and_loses_nothing(raw: bytes) -> None:
    text = base62(raw)
    assert len(text) == 43
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for digit in text:
        number = number * 62 + digits.index(digit)
    assert number.to_bytes(32, "big") == raw


# Made by an earlier version from "correct horse".
OF_SCRYPT = "scrypt$15$8$3$c2FsdCBvZiBhbiBvbGQgMQ==$bidkV0KETo0oQwDFD9zF9vXfspUPA4bSSOgHL6av9TU="


def test_a_password_is_known_by_its_hash_alone() -> None:
    stored = hash_password("correct horse", b"s" * 16)
    assert "horse" not in stored
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert password_is("correct horse", stored)
    assert not password_is("correct house", stored)
    assert hash_password("correct horse", b"t" * 16) != stored
    assert not is_old(stored)
    assert is_old(stored.replace("m=19456", "m=8192"))
    assert is_old(stored.replace("argon2id", "argon2i"))


def test_a_hash_of_an_earlier_version_is_known_and_old() -> None:
    assert password_is("correct horse", OF_SCRYPT)
    assert not password_is("correct house", OF_SCRYPT)
    assert is_old(OF_SCRYPT)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain",
        "md5$1$1$1$AA==$AA==",
        "scrypt$15$8$3$x",
        "scrypt$a$8$3$AA==$AA==",
        "scrypt$40$8$3$AA==$AA==",
        "scrypt$15$8$3$AA==$",
        "$argon2id$v=19$m=19456,t=2,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzcw",
        "$argon2id$v=19$m=4294967295,t=4294967295,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzcw$/J0Wa8PpPRPgT1nH1g+KZ+WaBmkJ80qcRdJSID/syCM",
        "$argon2id$v=19$m=x,t=2,p=1$c3Nz$AAAA",
        "$argon2id\u00e9$v=19$m=19456,t=2,p=1$c3Nz$AAAA",
    ],
)
def test_what_is_no_hash_fits_no_password(stored: str) -> None:
    assert not password_is("correct horse", stored)
    assert not password_is("", stored)
    assert is_old(stored)


def test_addresses_of_workers() -> None:
    assert check_url("http://crm:8080/base/") == "http://crm:8080/base"
    assert check_url("https://[::1]:8443") == "https://[::1]:8443"
    for wrong in ("crm:80", "//crm", "http://[::1", "http://crm/\x00", "http://crm\r\nx", "HTTP//x"):
        with pytest.raises(Invalid, match="url"):
            check_url(wrong)


def test_headers_of_workers_are_stored_in_lower_case() -> None:
    assert check_headers({"X-Key": "a b", "Authorization": ""}) == {"x-key": "a b", "authorization": ""}
    for wrong in ("Content-Length", "transfer-encoding", "connection", "content-type", "x:y", "x y", "\u00e4"):
        with pytest.raises(Invalid, match="header"):
            check_headers({wrong: "1"})


def test_an_error_about_a_header_does_not_tell_its_value() -> None:
    with pytest.raises(Invalid) as caught:
        check_headers({"x-key": "hush\n"})
    assert "hush" not in caught.value.detail


@given(st.lists(st.integers(0, 50), unique=True), st.integers(1, 10))
def test_pages_joined_are_the_whole_list(numbers: list[int], limit: int) -> None:
    everything = [f"{number:03}" for number in numbers]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        found = page_of_all(everything, cursor, limit, str)
        assert len(found.items) <= limit
        seen += found.items
        cursor = found.next
        if cursor is None:
            break
    assert seen == sorted(everything)


def test_the_last_page_knows_that_it_is() -> None:
    assert page([1, 2, 3], 3, str).next is None
    assert page([1, 2, 3, 4], 3, str).next == "3"
    assert page([], 3, str).next is None


def test_a_cursor_that_is_no_number_is_refused() -> None:
    assert number_cursor(None) == 0
    assert number_cursor("17") == 17
    for wrong in ("", "-1", "x", "1.0", "9" * 20, "\u0663"):
        with pytest.raises(Invalid, match="cursor"):
            number_cursor(wrong)
