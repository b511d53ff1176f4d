"""Lines for people: written while a message is handled, they go to stdout and, inside the answer, to the Admin.

`message.log` is the short way. `AdminLogHandler` takes what other code writes through the standard `logging` module; a
context variable tells it which message is being handled, in async code as well as in the pool's threads.
"""

import contextvars
import logging
import time
from collections.abc import Mapping

from segue_sdk import wire
from segue_sdk.wire import LogLine

#: More than this many lines of one call, or characters of one line, are left out; the last line then says so.
MAX_LINES = 1_000
MAX_CHARACTERS = 16_384

_MARK = "segue_line_is_kept"
_logger = logging.getLogger("segue_sdk.message")


class MessageLog:
    """The lines of one message. Every method takes a text and its `%` arguments, like the standard `logging` module."""

    __slots__ = ("_about", "_dropped", "_lines")

    def __init__(self, about: Mapping[str, object]) -> None:
        self._about = about
        self._lines: list[LogLine] = []
        self._dropped = 0

    def debug(self, text: str, *args: object) -> None:
        """Keep a line of level debug."""
        self._log(logging.DEBUG, text, args)

    def info(self, text: str, *args: object) -> None:
        """Keep a line of level info."""
        self._log(logging.INFO, text, args)

    def warning(self, text: str, *args: object) -> None:
        """Keep a line of level warning."""
        self._log(logging.WARNING, text, args)

    def error(self, text: str, *args: object) -> None:
        """Keep a line of level error."""
        self._log(logging.ERROR, text, args)

    def keep(self, level: int, line: str) -> None:
        """Keep a line for the answer only; `level` is a number of the `logging` module."""
        if len(self._lines) >= MAX_LINES - 1:
            self._dropped += 1
            return
        if len(line) > MAX_CHARACTERS:
            line = f"{line[:MAX_CHARACTERS]}… ({len(line) - MAX_CHARACTERS} more characters left out)"
        self._lines.append(LogLine(_level_name(level), wire.clean(line), time.time_ns() // 1_000_000))

    def lines(self) -> list[LogLine]:
        """The lines kept so far, in their order; if some were left out, a last one says how many."""
        if not self._dropped:
            return self._lines
        text = f"{self._dropped} more lines were left out"
        return [*self._lines, LogLine("warning", text, time.time_ns() // 1_000_000)]

    def _log(self, level: int, text: str, args: tuple[object, ...]) -> None:
        line = _formatted(text, args)
        self.keep(level, line)
        if _logger.isEnabledFor(level):
            _logger.log(level, "%s", line, extra={_MARK: True, **self._about}, stacklevel=3)


current_log: contextvars.ContextVar[MessageLog | None] = contextvars.ContextVar("segue_message_log", default=None)


class AdminLogHandler(logging.Handler):
    """Sends what is logged while a message is handled to the Admin, too.

    Attach it to any logger, the root logger included:
    `logging.getLogger("crm").addHandler(AdminLogHandler(logging.INFO))`. Outside of a message, and for lines that
    `message.log` keeps already, it does nothing.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record's text with the message that is being handled."""
        log = current_log.get()
        if log is None or hasattr(record, _MARK):
            return
        try:
            log.keep(record.levelno, self.format(record))
        except Exception:  # noqa: BLE001 - a handler must not break the code that logs (logging.Handler.handleError)
            self.handleError(record)


def _formatted(text: str, args: tuple[object, ...]) -> str:
    """The line; a format that does not fit its arguments is no reason to fail the message."""
    if not args:
        return text
    try:
        return text % args
    except (TypeError, ValueError, KeyError):
        return f"{text} {args!r}"


def _level_name(level: int) -> str:
    if level >= logging.ERROR:
        return "error"
    if level >= logging.WARNING:
        return "warning"
    return "info" if level >= logging.INFO else "debug"
