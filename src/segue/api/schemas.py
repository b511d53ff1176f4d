"""What goes over the wire, as pydantic models; inside, the model's own classes are used."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from segue.model.graph import ActionKind, NodeKind, Severity
from segue.model.versions import VersionState

T = TypeVar("T")

_LARGEST_INSTANT = 2**53 - 1


def _storable(text: str) -> str:
    """Refuse what no database and no file takes as text."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("has a NUL character or half of a surrogate pair")
    return text


Text = Annotated[str, AfterValidator(_storable)]
Name = Annotated[Text, Field(min_length=1, max_length=100)]
Instant = Annotated[int, Field(ge=0, le=_LARGEST_INSTANT, description="ms since the epoch")]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
HeaderFields = dict[Annotated[Text, Field(max_length=200)], Annotated[Text, Field(max_length=16_384)]]


class In(BaseModel):
    """A body that callers send: a field that is not known is an error, and so is a value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(BaseModel):
    """What callers ask for in a query; all of it is text there, so numbers are read from it."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """What we answer, read from the attributes of the model's classes."""

    model_config = ConfigDict(from_attributes=True)


class Listed(Out, Generic[T]):
    """A page of a list; give `next` as `cursor` to get the following one. It is null on the last page."""

    items: list[T]
    next: str | None


class Paged(Asked):
    """What every list takes."""

    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[Text, Field(min_length=1, max_length=200)] | None = None


class Problem(BaseModel):
    """Every error (RFC 9457). `code` is stable; `type` leads to its page."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str
    code: str


class HealthOut(Out):
    """That the server is there."""

    status: Literal["ok", "stopping"]
    version: str


# -- processes and versions -------------------------------------------------------------------------------------------


class ProcessIn(In):
    """A process to be made."""

    name: Name
    folder: Annotated[Text, Field(max_length=800)] = ""


class ProcessChangeIn(In):
    """What of a process may be changed."""

    folder: Annotated[Text, Field(max_length=800)]


class VersionOut(Out):
    """One version of a process."""

    version: int = Field(validation_alias="number")
    state: VersionState
    live: int
    created: Instant
    author: str
    note: str
    semantic_hash: str


class ProcessOut(Out):
    """A process with its versions, oldest first."""

    name: str
    folder: str
    created: Instant
    deployer: Literal["inline", "process", "docker"] | None = None
    versions: list[VersionOut]


class FindingOut(Out):
    """Something a person should know about a file."""

    severity: Severity
    code: str
    message: str
    node: str | None = None
    line: int | None = None


class NodeActionOut(Out):
    """The action that a node calls."""

    kind: ActionKind
    worker: str
    name: str
    application: str | None


class NodeOut(Out):
    """A node of a version. `element` is its BPMN name, `label` what people and workers call it."""

    id: str
    kind: NodeKind
    element: str
    label: str
    action: NodeActionOut | None
    prefetch: int
    timeout_ms: int
    priority: int


class DraftOut(Out):
    """What has become of a file that was put. `published`: it only redrew that published version; there is no draft.
    `stored` is false where it would have and nobody asked to save. `revision` names what is there now."""

    version: int
    state: VersionState
    published: bool
    stored: bool
    revision: str
    findings: list[FindingOut]


class DraftQuery(Asked):
    """What goes with a file: its name for the messages about it, which of several processes is meant, and a note.
    `auto`: an editor saves by itself, which leaves the drawing of a published version alone."""

    file: Annotated[Text, Field(max_length=200)] = ""
    key: Annotated[Text, Field(min_length=1, max_length=500)] | None = None
    note: Annotated[Text, Field(max_length=1000)] = ""
    auto: bool = False


class RetireIn(In):
    """How to retire a version."""

    discard: bool = False


class DiffQuery(Asked):
    """The two versions to compare."""

    from_: Number = Field(alias="from")
    to: Number


# -- queues, audit, services ------------------------------------------------------------------------------------------


class QueueOut(Out):
    """One queue now. `oldest_ms` is the age of the oldest ready message, `held` why nothing is taken.

    `waiting` messages are beside it: at a join, for the end of a called instance, for a message from outside.
    """

    process: str
    version: int
    node: str
    node_name: str
    depth: int
    in_flight: int
    delayed: int
    oldest_ms: int
    held: str | None
    waiting: int


class LaneOut(Out):
    """What a control service does at one of its nodes. `held` is why it waits, `held_until` when it tries again."""

    node: str
    name: str
    in_flight: int
    prefetch: int
    held: str | None
    held_until: Instant | None


class ReadyOut(Out):
    """Whether work may be sent here; `detail` says why not."""

    status: Literal["ready", "stopping", "unavailable"]
    detail: str | None


class ControlServiceOut(Out):
    """One control service: a version may have several, which share its queues.

    `since` is the instant its status began. `rate` are messages a second lately, `cpu` is a share of one core lately,
    `memory` are bytes; a service that is `shared` runs in one process with others, whose memory it is and of whose CPU
    its part is estimated. `container` is the name of the container that it runs in.
    """

    id: str
    process: str
    version: int
    status: Literal["running", "restarting", "stopped"]
    since: Instant
    restarts: int
    last_error: str | None
    deployer: Literal["inline", "process", "docker"]
    shared: bool
    container: str | None
    host: str
    pid: int | None
    handled: int
    rate: float
    cpu: float | None
    memory: int | None
    lanes: list[LaneOut]


class MemberOut(Out):
    """One process of the installation, what it does, and how it can run control services. `container` is the name of
    the container that it was started in for one version."""

    id: str
    host: str
    pid: int
    roles: list[Literal["api", "control", "timers", "status"]]
    release: str
    started: Instant
    services: int
    container: str | None
    deployers: list[Literal["inline", "process", "docker"]]


class DeployerIn(In):
    """How the control services of a process are to be run; null: as the installation does."""

    deployer: Literal["inline", "process", "docker"] | None


class ServiceOut(Out):
    """The control service of a version; `since` is the instant its status began."""

    version_id: int
    process: str
    version: int
    status: Literal["running", "restarting", "stopped"]
    since: Instant
    restarts: int
    last_error: str | None
    lanes: list[LaneOut]


class LedgerLineOut(Out):
    """One version's account, in messages."""

    process: str
    version: int
    accepted: int
    produced: int
    consumed: int
    queued: int
    delayed: int
    waiting: int
    trash: int
    balanced: bool


class AuditOut(Out):
    """The proof of the ledger. `faults` are sentences about what is wrong beyond sums."""

    balanced: bool
    versions: list[LedgerLineOut]
    faults: list[str]


# -- workers and tokens -----------------------------------------------------------------------------------------------


class WorkerIn(In):
    """A worker to be registered. `headers` are sent with every call; they are stored encrypted and never shown."""

    name: Name
    url: Annotated[Text, Field(min_length=1, max_length=2000)]
    headers: HeaderFields = {}


class WorkerChangeIn(In):
    """A worker's new address; without `headers` those it has stay."""

    name: Name | None = None
    url: Annotated[Text, Field(min_length=1, max_length=2000)]
    headers: HeaderFields | None = None


class WorkerOut(Out):
    """A registered worker. Of its headers only the names are shown."""

    name: str
    url: str
    created: Instant
    header_names: list[str]


class ActionOut(Out):
    """An action that a worker offers."""

    name: str
    kind: ActionKind
    application: str | None = None


class AcceptedOut(Out):
    """An instance that was begun."""

    instance: str
    process: str
    version: int
    message: str


class RunOut(Out):
    """The instance that was started."""

    instance: str


class NodeCheckOut(Out):
    """What testing a node found: `problem` says what is wrong with its worker or action."""

    node: str
    label: str
    worker: str
    action: str
    problem: str | None


class ScheduleOut(Out):
    """A timer that starts a process. `active`: it fires. `last` is the tick decided last, `next` are the coming ones.

    `late`: a tick is due since more than a minute and did not fire. `missed` says what becomes of missed ticks.
    """

    process: str
    version: int
    node: str
    name: str
    kind: str
    value: str
    zone: str
    missed: str
    body: str
    active: bool
    last: Instant | None
    next: list[Instant]
    late: bool


class SettingOut(Out):
    """A setting of the server, and who decided it; a secret is masked."""

    name: str
    value: str
    origin: str
    about: str


class SystemOut(Out):
    """How the server is: since when it runs (ms since the epoch), and what its data folder holds, in bytes."""

    version: str
    python: str
    started: Instant
    now: Instant
    store: str
    store_bytes: int | None
    free_bytes: int | None


class WorkerCheckOut(Out):
    """Whether the worker answers as one; `problem` says what is wrong."""

    ok: bool
    problem: str | None


class TokenIn(In):
    """A token to be made."""

    name: Name
    scopes: Annotated[
        list[Literal["start", "read", "operate", "edit", "worker", "admin"]], Field(min_length=1, max_length=6)
    ]


class TokenOut(Out):
    """A token, without its text."""

    id: str
    name: str
    scopes: list[str]
    created: Instant
    last_used: Instant | None


class NewTokenOut(TokenOut):
    """A token just made; its text is shown this once."""

    token: str
