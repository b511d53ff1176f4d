"""Which log lines are kept, and what of them is hidden before they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from segue.model.errors import Invalid
from segue.model.message import LogLine

LEVELS = ("debug", "info", "warning", "error")
"""From the least severe to the most."""

HIDDEN = "***"

HIDDEN_FIELDS = (
    "*authorization",
    "*cookie",
    "*password*",
    "passwd",
    "*secret*",
    "*token*",
    "*api_key*",
    "*api-key*",
    "*apikey*",
)
"""Fields whose values are hidden unless a setting says otherwise."""

_NAME = re.compile(r"[A-Za-z0-9_.*-]+")
_CREDENTIALS = re.compile(r"\b(Bearer|Basic|Digest)\s+[A-Za-z0-9._~+/=-]{4,}", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")


def at_least(level: str) -> tuple[str, ...]:
    """Return this level and those that are more severe. Raises Invalid for another word."""
    if level not in LEVELS:
        raise Invalid(f"{level!r} is no level; levels are {', '.join(LEVELS)}")
    return LEVELS[LEVELS.index(level) :]


class Redactor:
    """Hides secrets in a text.

    Hidden are the values of fields with the given names (whatever their case; `*` stands for any characters), written
    as in JSON (`"name": "value"`), as `name=value` or `name: value`; credentials of the HTTP schemes Bearer, Basic and
    Digest; and user and password of a URL. A value without quotes ends at a blank or one of `,;&}"'`. Raises Invalid
    for a name with other characters.
    """

    def __init__(self, names: Sequence[str]) -> None:
        for name in names:
            if not _NAME.fullmatch(name):
                raise Invalid(
                    f"{name!r} is no name of a field to hide: letters, digits, `_`, `-`, `.` and `*` are allowed"
                )
        any_name = "|".join(re.escape(name).replace(r"\*", r"[A-Za-z0-9_.-]*") for name in names)
        self._fields: re.Pattern[str] | None = None
        if names:
            self._fields = re.compile(
                rf"(?P<before>(?<![A-Za-z0-9_.-])(?P<quote>\\*[\"']?)(?:{any_name})(?P=quote)\s*[:=]\s*)"
                # In quotes; in quotes within another text; without quotes. What is cut off is hidden, too.
                r"(?:(?P<open>[\"'])(?:\\.|(?!(?P=open)).)*(?:(?P=open)|$)"
                r"|(?P<inner>\\+[\"']).*?(?:(?<!\\)(?P=inner)|$)"
                r"|(?P<plain>[^\s,;&}\]\"']+))",
                re.IGNORECASE | re.DOTALL,
            )

    def hide(self, text: str) -> str:
        """Return the text without its secrets."""
        text = _CREDENTIALS.sub(rf"\1 {HIDDEN}", text)
        text = _USER_INFO.sub(HIDDEN, text)
        return text if self._fields is None else self._fields.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    if found["plain"] is not None and found["plain"].lower() in {"bearer", "basic", "digest"}:
        return found[0]  # the scheme; what follows it is hidden already
    quote = found["open"] or found["inner"] or ""
    return f"{found['before']}{quote}{HIDDEN}{quote}"


class LineRules:
    """Says of each line whether it is kept, by the level of its process, and keeps it without its secrets."""

    def __init__(self, level: str, redactor: Redactor) -> None:
        self._default = frozenset(at_least(level))
        self._own: dict[str, frozenset[str]] = {}
        self._redactor = redactor

    def set_levels(self, levels: Mapping[str, str]) -> None:
        """Say which processes have a level of their own, by their names."""
        self._own = {process: frozenset(at_least(level)) for process, level in levels.items()}

    def kept(self, process: str, lines: Sequence[LogLine]) -> tuple[LogLine, ...]:
        """Return the lines to store."""
        levels = self._own.get(process, self._default)
        return tuple(replace(line, text=self._redactor.hide(line.text)) for line in lines if line.level in levels)
