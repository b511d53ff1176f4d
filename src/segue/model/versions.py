"""Processes, their versions, and the runs of them."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256

from msgspec import Struct

from segue.model.graph import Finding, ProcessGraph
from segue.model.services import DeployerKind


def revision_of(source: bytes) -> str:
    """Name one state of a version's file: equal for equal bytes, another one after any change."""
    return sha256(source).hexdigest()[:32]


class VersionState(StrEnum):
    """`draft`, then `disabled` or `enabled` (published, immutable), then `retired`."""

    DRAFT = "draft"
    DISABLED = "disabled"
    ENABLED = "enabled"
    RETIRED = "retired"


class Version(Struct, frozen=True, kw_only=True):
    """One version. `id` is the store's number of it, `number` the one people see, from 1 per process. `live` counts its
    messages; None where nobody asked for them, since it takes a look at each."""

    id: int
    process: str
    number: int
    state: VersionState
    created: int
    author: str
    note: str
    semantic_hash: str
    live: int | None = None


class VersionContent(Struct, frozen=True, kw_only=True):
    """What a version holds: the file's bytes as they were put, and the graph read from them."""

    source: bytes
    dialect: str
    graph: ProcessGraph
    findings: tuple[Finding, ...] = ()


class Process(Struct, frozen=True, kw_only=True):
    """A named definition with its versions, oldest first. `deployer` is how its control services are run; None: as
    the installation does."""

    name: str
    folder: str
    created: int
    versions: tuple[Version, ...] = ()
    deployer: DeployerKind | None = None


class InstanceState(StrEnum):
    """`failed`: all that is left of it is in trash, or it ended with a discarded message."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Instance(Struct, frozen=True, kw_only=True):
    """One run of a version. `live` counts its messages that have not left the account, trash included.

    `ok` and `failed` count handled messages; `finished` is None until no message is left.
    """

    id: str
    process: str
    version: int
    state: InstanceState
    started: int
    finished: int | None
    live: int
    trash: int
    ok: int
    failed: int
    start_node: str
    origin: str | None = None


class Step(Struct, frozen=True, kw_only=True):
    """The record of one message that left its queue: it `entered`, was `taken` and `ended` at these instants (ms)."""

    message: str
    parent: str | None
    node: str
    outcome: str
    produced: int
    entered: int
    taken: int
    ended: int
    worker_us: int
    remote_us: int
    cpu_us: int
    repeats: int
    status: int | None = None
