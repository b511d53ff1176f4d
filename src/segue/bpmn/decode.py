"""From bytes to text: byte order marks, declared encodings, and files whose declaration is wrong."""

from __future__ import annotations

import codecs
import re

from msgspec import Struct

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# XML 1.0 appendix F: without a mark, the first characters "<?" or "<x" give wide encodings away.
_WIDE = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_DECLARATION = re.compile(rb"^\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]{0,40})[\"']")
# Python knows codecs that are no character sets (zip, rot13, idna …); only these may be named by a file.
_ALLOWED = re.compile(
    r"utf-8|ascii|iso8859-\d+|cp125\d|cp437|cp85\d|cp866|koi8-[ru]|mac-[a-z]+|shift_jis|euc_jp|euc_kr|gbk|gb2312"
    r"|gb18030|big5|cp932|cp949"
)


class Decoded(Struct, frozen=True, kw_only=True):
    """Text of a file, the Python name of the encoding it was read in, its byte order mark, and what was wrong.

    `bom + text.encode(encoding)` gives the bytes again when `exact`.
    """

    text: str
    encoding: str
    bom: bytes = b""
    problem: str | None = None
    exact: bool = True


def decode(data: bytes) -> Decoded:
    """Return the text of `data`. Never fails: what no encoding explains is read as windows-1252 with a problem."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _strict(data[len(bom) :], encoding, bom)
    for start, encoding in _WIDE:
        if data.startswith(start):
            return _strict(data, encoding, b"")
    return _declared(data)


def _strict(data: bytes, encoding: str, bom: bytes) -> Decoded:
    try:
        return Decoded(text=data.decode(encoding), encoding=encoding, bom=bom)
    except UnicodeDecodeError as error:
        problem = f"The byte at offset {error.start + len(bom)} is not {encoding.upper()}."
        if encoding == "utf-8":
            return _windows(data, bom, problem)
        text = data.decode(encoding, "replace")
        return Decoded(text=text, encoding=encoding, bom=bom, problem=problem, exact=False)


def _declared(data: bytes) -> Decoded:
    match = _DECLARATION.match(data[:400])
    declared = match.group(1).decode("ascii") if match else "UTF-8"
    name = _codec(declared)
    if data.isascii():
        return _ascii(data.decode("ascii"), declared, name)
    utf8 = _try(data, "utf-8")
    if utf8 is not None:
        # Text in another encoding is UTF-8 by accident only with a vanishing likelihood.
        problem = None if name == "utf-8" else f"The file says it is {declared}, but its bytes are UTF-8."
        return Decoded(text=utf8, encoding="utf-8", problem=problem)
    if name is None:
        return _windows(data, b"", f"The file says it is {declared}, which is not known.")
    if name == "iso8859-1" and re.search(rb"[\x80-\x9f]", data):
        # Control characters there; files that hold such bytes mean windows-1252.
        name = "cp1252"
    text = None if name == "utf-8" else _try(data, name)
    if text is None:
        return _windows(data, b"", f"The file says it is {declared}, but its bytes are not.")
    return Decoded(text=text, encoding=name)


def _ascii(text: str, declared: str, name: str | None) -> Decoded:
    """Pure ASCII reads the same in nearly every encoding, so the declaration only matters for what is written later."""
    if name is not None and _try(text.encode("ascii"), name) == text:
        return Decoded(text=text, encoding=name)
    # .NET writes encoding="utf-16" into text that is then stored as UTF-8.
    wide = declared.lower().replace("_", "-").startswith(("utf-16", "utf-32", "ucs-2", "unicode"))
    problem = None if wide else f"The file says it is {declared}, which is not known; its bytes are ASCII."
    return Decoded(text=text, encoding="ascii", problem=problem)


def _codec(declared: str) -> str | None:
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        return None
    return name if _ALLOWED.fullmatch(name) else None


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _windows(data: bytes, bom: bytes, problem: str) -> Decoded:
    """Read as windows-1252; its five undefined bytes make the text latin-1 instead, which defines all."""
    text = _try(data, "cp1252")
    if text is not None:
        return Decoded(text=text, encoding="cp1252", bom=bom, problem=f"{problem} It was read as windows-1252.")
    latin = data.decode("latin-1")
    return Decoded(text=latin, encoding="latin-1", bom=bom, problem=f"{problem} It was read as ISO-8859-1.")
