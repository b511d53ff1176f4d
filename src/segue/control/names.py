"""How people's names for processes, workers and tokens may look."""

from __future__ import annotations

import re

from segue.model.errors import Invalid

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FOLDER_PART = re.compile(r"[^/\x00-\x1f\x7f]{1,100}")


def check_name(what: str, name: str) -> str:
    """`name`, which stands in addresses and on command lines as it is. Raises Invalid."""
    if not _NAME.fullmatch(name):
        rule = "use 1 to 100 letters, digits, dots, dashes and underscores, a letter or digit first"
        raise Invalid(f"{what} {name[:120]!r}: {rule}")
    return name


def check_folder(folder: str) -> str:
    """`folder` without slashes at its ends; "" is the top. Raises Invalid."""
    parts = [part.strip() for part in folder.strip("/").split("/")] if folder.strip("/") else []
    if len(parts) > 8 or not all(_FOLDER_PART.fullmatch(part) for part in parts):
        raise Invalid(f"folder {folder[:120]!r}: use up to 8 names of up to 100 characters with / between them")
    return "/".join(parts)


def slug(text: str) -> str:
    """The name nearest to `text` that a process may have; "process" when nothing of it can stay."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    return name[:100] or "process"
