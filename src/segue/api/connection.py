"""One connection of the server: uvicorn's protocol with a bound on the head of a request."""

from __future__ import annotations

from http import HTTPStatus

from segue.api import problems
from segue.api.cork import CorkedProtocol
from segue.model.errors import HeadersTooLarge

# Beyond the piece it begins in, the request line and the header fields may have so many bytes. Without a bound one
# caller, and one without credentials, could fill the memory with a head that never ends.
_HEAD_LIMIT = 64 * 1024


class Connection(CorkedProtocol):
    """Answers a head that is too large with 431 and closes."""

    _in_head = False
    _head_size = 0

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._head_size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head has become too large."""
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head:
            self._head_size += len(data)
            if self._head_size > _HEAD_LIMIT and not self.transport.is_closing():
                self._refuse()

    def _refuse(self) -> None:
        error = HeadersTooLarge(f"The head of a request may have {_HEAD_LIMIT} bytes")
        body = problems.encode(error)
        head = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-type: {problems.MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
