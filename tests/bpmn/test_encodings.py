"""Files in any encoding, declared rightly or wrongly, give the same names."""

from __future__ import annotations

import pytest

from segue.bpmn.decode import decode
from tests.bpmn.build import codes, line, node_of, read, task

NAME = "Příjem objednávek – ověření"
WESTERN = "Überprüfung – größer"


def named(name: str, declared: str | None) -> str:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    return declaration + line(task("a", attributes=f'name="{name}"')).decode()


@pytest.mark.parametrize(
    ("name", "declared", "encoding", "found"),
    [
        (NAME, None, "utf-8", "utf-8"),
        (NAME, "UTF-8", "utf-8", "utf-8"),
        (NAME, "utf-8", "utf-8-sig", "utf-8"),
        (NAME, "UTF-16", "utf-16", "utf-16-le"),
        (NAME, "UTF-16", "utf-16-le", "utf-16-le"),
        (NAME, "UTF-16BE", "utf-16-be", "utf-16-be"),
        (NAME, "UTF-32", "utf-32", "utf-32-le"),
        (NAME, "windows-1250", "cp1250", "cp1250"),
        (WESTERN, "windows-1252", "cp1252", "cp1252"),
        ("größer", "ISO-8859-1", "latin-1", "iso8859-1"),
        (WESTERN, "ISO-8859-1", "cp1252", "cp1252"),
        ("Přijetí", "ISO-8859-2", "iso-8859-2", "iso8859-2"),
        ("注文", "Shift_JIS", "shift_jis", "shift_jis"),
        ("订单", "GB18030", "gb18030", "gb18030"),
    ],
)
def test_a_rightly_declared_file(name: str, declared: str | None, encoding: str, found: str) -> None:
    data = named(name, declared).encode(encoding)
    result = read(data)
    assert node_of(data, "a").name == name
    assert result.encoding == found
    assert result.findings == ()


@pytest.mark.parametrize(
    ("name", "declared", "encoding", "found"),
    [
        (WESTERN, "UTF-8", "cp1252", "cp1252"),
        (WESTERN, None, "cp1252", "cp1252"),
        (NAME, "ISO-8859-1", "utf-8", "utf-8"),
        (NAME, "UTF-16", "utf-8", "utf-8"),
        (NAME, "x-no-such-thing", "utf-8", "utf-8"),
        ("größer", "x-no-such-thing", "latin-1", "cp1252"),
        ("größer", "zip", "latin-1", "cp1252"),
        ("größer", "idna", "latin-1", "cp1252"),
    ],
)
def test_a_wrongly_declared_file_is_read_with_a_warning(
    name: str, declared: str | None, encoding: str, found: str
) -> None:
    data = named(name, declared).encode(encoding)
    result = read(data)
    assert node_of(data, "a").name == name
    assert result.encoding == found
    assert codes(data) == {"wrong-encoding"}
    assert result.publishable()


def test_utf16_written_as_ascii_is_no_problem() -> None:
    """.NET's StringWriter declares UTF-16 whatever the text is stored as."""
    assert read(named("plain", "utf-16").encode()).findings == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "cp1252", "utf-8-sig"])
def test_decoding_can_be_undone(encoding: str) -> None:
    data = named("größer", "windows-1252" if encoding == "cp1252" else None).encode(encoding)
    decoded = decode(data)
    assert decoded.exact
    assert decoded.bom + decoded.text.encode(decoded.encoding) == data


def test_undefined_bytes_of_windows_1252_are_read_as_latin_1() -> None:
    decoded = decode(b"<a>\x81\xe9</a>")
    assert (decoded.encoding, decoded.text) == ("latin-1", "<a>\x81é</a>")


def test_lines_are_counted_as_in_the_file() -> None:
    data = b'<?xml version="1.0"\n  encoding="UTF-8"\n?>\n' + line(task("a", ""))
    (found,) = read(data).findings
    assert (found.code, found.line) == ("no-action", 4)
