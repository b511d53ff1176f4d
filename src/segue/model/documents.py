"""What is known about applications: installs and webhooks, kept as the documents that workers write."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class DocumentKind(StrEnum):
    """An application installed for a user, or an address at which another system reports what happened there."""

    INSTALL = "install"
    WEBHOOK = "webhook"


class Document(Struct, frozen=True, kw_only=True):
    """One document. `fields` is a JSON object as it was written, `own` one that only Segue reads; both are secret.

    The other members say what the document is about, to find it by. `application` is the key of the application and
    `user` for whom it is installed; `worker` the worker that owns the document where that is known, else "".
    A webhook has the `process` and the `node` it starts. Instants are in ms: `expires` when an authorization ends,
    `deleted` when the document was deleted, None while it is not.
    """

    id: str
    kind: DocumentKind
    user: str = ""
    application: str = ""
    worker: str = ""
    enabled: bool = True
    process: str = ""
    node: str = ""
    expires: int | None = None
    created: int
    updated: int
    deleted: int | None = None
    fields: bytes = b"{}"
    own: bytes = b"{}"


class Delivery(Struct, frozen=True, kw_only=True):
    """One call of a webhook. `outcome` is `accepted`, `repeated`, `answered` (a question of the sender) or `refused`.

    `status` is the HTTP status that was answered, `sender` the address it came from, `message_id` what the sender calls
    the delivery, `instance` what it started, `detail` why it was refused.
    """

    id: str
    webhook: str
    at: int
    method: str
    sender: str
    size: int
    status: int
    outcome: str
    detail: str = ""
    message_id: str = ""
    instance: str | None = None


class PendingAuthorization(Struct, frozen=True, kw_only=True):
    """An authorization that a person began and has not come back from. `content` is a JSON object, and secret."""

    digest: bytes
    expires: int
    content: bytes
