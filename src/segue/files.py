"""Files that settings name: addresses and passwords that should not stand in a setting itself."""

from __future__ import annotations

from pathlib import Path

from segue.model.errors import Invalid


def first_line(path: Path, setting: str) -> str:
    """Return the first line of a file, without blanks around it. Raises Invalid, which names file and setting."""
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Invalid(f"{setting} names the file {path}, which cannot be read: {reason}") from None
    if not lines or not lines[0].strip():
        raise Invalid(f"{setting} names the file {path}, whose first line is empty")
    return lines[0].strip()
