"""Errors with a stable code; the edge turns each into a problem document (RFC 9457)."""

from __future__ import annotations


class SegueError(Exception):
    """Base of every error that a user may see. `code` is stable, `status` the HTTP status for it."""

    code = "internal"
    status = 500

    def __init__(self, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class NotFound(SegueError):
    """Something named in the request does not exist."""

    code = "not-found"
    status = 404


class ProcessNotFound(NotFound):
    """No process has this name."""

    code = "process-not-found"


class NodeNotFound(NotFound):
    """The version has no start node with this name."""

    code = "node-not-found"


class Conflict(SegueError):
    """The request contradicts the state it meets; nothing was changed."""

    code = "conflict"
    status = 409


class NoEnabledVersion(Conflict):
    """The process exists and none of its versions is enabled."""

    code = "no-enabled-version"


class MessageGone(Conflict):
    """The message has left that place meanwhile; a second click meets this."""

    code = "message-gone"


class Invalid(SegueError):
    """The request is malformed; the detail names what and where."""

    code = "invalid"
    status = 422


class TooLarge(SegueError):
    """The body is larger than the setting allows."""

    code = "too-large"
    status = 413


class BacklogFull(SegueError):
    """Too many messages wait; try again after `retry_after` seconds."""

    code = "backlog-full"
    status = 429

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.retry_after = retry_after


class StoreUnavailable(SegueError):
    """The store cannot write now (disk full, read-only, damaged); the detail says what to do. Nothing half done."""

    code = "store-unavailable"
    status = 503


class DataFolderInUse(SegueError):
    """Another server holds the data folder."""

    code = "data-folder-in-use"
    status = 409
