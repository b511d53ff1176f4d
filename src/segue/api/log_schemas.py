"""Log lines and their destinations, as they come in and go out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from segue.api.schemas import Asked, In, Instant, Name, Out, Paged, Text
from segue.core.log_lines import LEVELS, at_least
from segue.ports.log_book import LogFilter

Level = Literal["debug", "info", "warning", "error"]


class LogConditions(Asked):
    """Which log lines. `level` is the least severe one; each word of `text` is in the line, whatever its case."""

    level: Level | None = None
    text: Annotated[Text, Field(max_length=500)] = ""
    process: Name | None = None
    version: Annotated[int, Field(ge=1)] | None = None
    node: Annotated[Text, Field(max_length=255)] | None = None
    instance: Annotated[Text, Field(max_length=100)] | None = None
    message: Annotated[Text, Field(max_length=100)] | None = None
    since: Instant | None = None
    until: Instant | None = None

    def wanted(self, *, newest: bool = False, limit: int = 0) -> LogFilter:
        """The filter that this asks for."""
        return LogFilter(
            levels=None if self.level in {None, LEVELS[0]} else at_least(str(self.level)),
            words=tuple(self.text.split()),
            process=self.process,
            version=self.version,
            node=self.node,
            instance=self.instance,
            message=self.message,
            since=self.since,
            until=self.until,
            newest=newest,
            limit=limit,
        )


class LogQuery(Paged, LogConditions):
    """Which log lines to list, and in which order."""

    order: Literal["oldest", "newest"] = "oldest"


class ContextQuery(Asked):
    """How many lines before and after, and whether only those of the same instance."""

    count: Annotated[int, Field(ge=1, le=200)] = 20
    same_instance: bool = True


class LogOut(Out):
    """A log line."""

    seq: int
    at: Instant
    level: str
    text: str
    process: str
    version: int
    node: str
    instance: str
    message: str


class ContextOut(Out):
    """A line and those around it, oldest first."""

    before: list[LogOut]
    line: LogOut
    after: list[LogOut]


class LevelIn(In):
    """The least severe lines that are kept; null leaves it to the setting."""

    level: Level | None


class SinkOut(Out):
    """A destination of log lines.

    `status` holds since `since`; `trouble` is what is wrong, `refusal` what it said of the last line that it will never
    take. `waiting` lines are still to be sent; `dropped` ones had to go before they were. `link` shows lines there.
    """

    name: str
    kind: str
    address: str
    levels: list[str]
    link: str | None
    status: Literal["ok", "trouble"]
    since: Instant
    trouble: str | None
    refusal: str | None
    waiting: int
    sent: int
    refused: int
    dropped: int
