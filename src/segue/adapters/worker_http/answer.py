"""From bytes to an answer, within limits (RFC 9112 sections 4 to 8). Knows no socket and no clock."""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from segue.adapters.worker_http.settings import HttpSettings
from segue.model.workers import Fault

# RFC 9110 sections 15.3.5 and 15.4.5: these never have a body, whatever their header fields say.
_BODYLESS = frozenset({204, 304})


class AnswerReader:
    """Reads the answers of one connection, one after another; `begin` comes before each.

    After a `feed`, `trouble` is the fault and its detail if the answer cannot be used, else `complete` says whether all
    of it is here. `keep` then says whether the connection may carry another one. `until_close`: the answer ends where
    the connection ends. `status` is 0 and `headers` are empty until the head is complete; names are in lower case.
    """

    __slots__ = (
        "_body",
        "_head_size",
        "_overhead",
        "_parser",
        "_settings",
        "complete",
        "headers",
        "keep",
        "started",
        "status",
        "trouble",
        "until_close",
    )

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._parser = HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Expect the next answer; whatever came of the last one is dropped."""
        self.started = False
        self.complete = False
        self.keep = False
        self.until_close = False
        self.trouble: tuple[Fault, str] | None = None
        self.status = 0
        self.headers: dict[str, str] = {}
        self._body: bytes | bytearray = b""
        self._head_size = 0
        self._overhead = 0

    @property
    def body(self) -> bytes:
        """What came of the body, without framing."""
        return bytes(self._body)

    def feed(self, data: bytes) -> None:
        """Read what came. Not to be called again for an answer with trouble."""
        self.started = True
        size = len(self._body)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._fail(Fault.GARBAGE, "the worker switched to another protocol")
        except HttpParserError as error:
            if not self.complete:
                self._fail(Fault.GARBAGE, f"the answer is not HTTP: {error}")
            self.keep = False
        if not self.complete and len(self._body) == size:
            # Heads, interim answers, chunk extensions, trailers: nothing of them may go on for ever.
            self._overhead += len(data)
            self._check_head(self._overhead)

    def progress(self) -> str:
        """Say how far the answer came, for people."""
        if not self.started:
            return "before it answered"
        if not self.status:
            return "within the head of its answer"
        return f"within its answer, after {len(self._body)} bytes of the body"

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self.complete:
            self.keep = False  # a second answer, or the start of one: nobody asked for it

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status:
            return  # a trailer (RFC 9110 section 6.5.1 lets us drop it), or of a second answer
        self._head_size += len(name) + len(value)
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers = self.headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self.status or 100 <= status < 200:
            return
        if status < 200:
            self._fail(Fault.GARBAGE, f"the answer has the status {status}, which does not exist")
        self.status = status
        self.keep = self._parser.should_keep_alive()
        self._check_head(self._head_size)
        headers = self.headers
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        if coding is not None:
            if coding.lower() != "chunked":
                self._fail(Fault.GARBAGE, f"the answer came in the transfer coding {coding!r}, which nobody asked for")
        elif length is None:
            self.until_close = status not in _BODYLESS  # RFC 9112 section 6.3
        elif int(length) > self._settings.answer_limit and status not in _BODYLESS:
            self._fail_body()

    def on_body(self, part: bytes) -> None:
        if self.complete or self.trouble is not None:
            return
        body = self._body
        if len(body) + len(part) > self._settings.answer_limit:
            self._fail_body()
        elif not body:
            self._body = part
        else:  # not a list of parts: many tiny ones would take many times the room of the body
            if isinstance(body, bytes):
                self._body = body = bytearray(body)
            body += part

    def on_message_complete(self) -> None:
        if self.status:
            self.complete = True
        else:  # an interim answer (RFC 9110 section 15.2): the real one follows
            self.headers = {}
            self._head_size = 0

    def _fail(self, fault: Fault, detail: str) -> None:
        if self.trouble is None:
            self.trouble = fault, detail

    def _fail_body(self) -> None:
        self._fail(Fault.TOO_LARGE, f"the answer is larger than {self._settings.answer_limit} bytes")

    def _check_head(self, size: int) -> None:
        limit = self._settings.head_limit
        if size > limit:
            self._fail(Fault.TOO_LARGE, f"the head or the framing of the answer is larger than {limit} bytes")
