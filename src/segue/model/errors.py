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


class NobodyListens(NotFound):
    """No message waits for one of this name and key."""

    code = "nobody-listens"


class Conflict(SegueError):
    """The request contradicts the state it meets; nothing was changed."""

    code = "conflict"
    status = 409


class NoEnabledVersion(Conflict):
    """The process exists and none of its versions is enabled."""

    code = "no-enabled-version"


class DraftChanged(Conflict):
    """The draft (or the drawing of a version) is not the one that the change was made from; `revision` is what it is
    now, `author` and `at` who put it and when."""

    code = "draft-changed"


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


class BrokerUnavailable(SegueError):
    """The broker cannot be used now. What is stored waits, and goes on once it can."""

    code = "broker-unavailable"
    status = 503


class DataFolderInUse(SegueError):
    """Another server holds the data folder."""

    code = "data-folder-in-use"
    status = 409


class Unauthenticated(SegueError):
    """The request carries no credentials, or none that are known."""

    code = "unauthenticated"
    status = 401


class SignInFailed(SegueError):
    """The address and the password are not those of a user; which of them is wrong is not said."""

    code = "sign-in-failed"
    status = 403


class TooManyAttempts(SegueError):
    """So many attempts to sign in failed that no more are looked at for `retry_after` seconds."""

    code = "too-many-attempts"
    status = 429

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.retry_after = retry_after


class CrossSite(SegueError):
    """A change was asked for with the cookie of a session and without the proof that our own page asked."""

    code = "cross-site"
    status = 403


class ScopeMissing(SegueError):
    """The credentials are known and do not allow this; the detail names the scope that would."""

    code = "scope-missing"
    status = 403


class MethodNotAllowed(SegueError):
    """The path exists, and not for this method."""

    code = "method-not-allowed"
    status = 405


class HeadersTooLarge(SegueError):
    """The header fields are larger than a message may carry, or the whole head than a request may have."""

    code = "headers-too-large"
    status = 431


class Stopping(SegueError):
    """The server is about to stop and takes nothing new; try again after `retry_after` seconds."""

    code = "stopping"
    status = 503

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.retry_after = retry_after


class VersionNotFound(NotFound):
    """The process has no version with this number."""

    code = "version-not-found"


class UnreadableFile(Invalid):
    """The file holds no process that can be read; `findings` say why."""

    code = "unreadable-file"


class VersionHasErrors(Conflict):
    """The version has findings that are errors, so it does not publish; `findings` lists them."""

    code = "version-has-errors"


class MessagesLive(Conflict):
    """Messages still live in the version, so it does not retire unless they are to be moved to trash."""

    code = "messages-live"


class NameTaken(Conflict):
    """Another one has this name already."""

    code = "name-taken"


class WorkerTrouble(SegueError):
    """A worker did not say what it was asked: it is away, too slow, or answered nonsense. The detail says which."""

    code = "worker-trouble"
    status = 502


class WorkerRefused(SegueError):
    """A worker understood what it was asked and refused; the detail has its words."""

    code = "worker-refused"
    status = 422
