"""Headers: which are the engine's, which describe one answer, and which travel with a message.

Names and meanings are those of the Orchesty worker protocol, so that its workers find what they look for. A message
stores only what people and actions put into it, and of the engine's headers only those that cannot be computed
(`CARRIED`). Everything else is computed when a worker is called, and never believed when it comes back.
"""

from __future__ import annotations

from collections.abc import Mapping

from segue.core.routing import Routes
from segue.model.message import Message
from segue.model.start import Headers

RESULT_CODE = "result-code"
RESULT_MESSAGE = "result-message"
FORCED_TARGETS = "force-target-queue"
REPEAT_INTERVAL = "repeat-interval"
REPEAT_AT_MOST = "repeat-max-hops"
REPEAT_HOPS = "repeat-hops"
RETRY_AFTER = "retry-after"
LIMITER_KEY = "limiter-key"
CURSOR = "cursor"
BODY_ENCODING = "body-encoding"
MESSAGE_ID = "message-id"
INSTANCE_ID = "correlation-id"
PROCESS_ID = "process-id"
PARENT_ID = "parent-id"
PREVIOUS_NODE_ID = "previous-node-id"
SOURCE = "source"
USER = "user"
CONTENT_TYPE = "content-type"

ERROR_CODE = "error-code"
ERROR_MESSAGE = "error-message"
ERROR_NODE = "error-node"
"""What a message says that an error boundary event has taken on: why, and at which node. They travel as any other."""

BY_HAND = "ui"
"""What `source` says of a run that a person began; of any other it says `auto`, which is not stored."""

CARRIED = (PROCESS_ID, PARENT_ID, PREVIOUS_NODE_ID, SOURCE)
"""Headers of the engine that are stored with a message, each only when it differs from what can be computed."""

ENGINE = frozenset(
    {
        *CARRIED,
        INSTANCE_ID,
        MESSAGE_ID,
        BODY_ENCODING,
        "applications",
        "attempt",
        "node-id",
        "node-name",
        "process-started",
        "sdk",
        "sequence-id",
        "system-event",
        "topology-id",
        "topology-name",
        "worker-followers",
    }
)
"""Headers that only the engine says; a reply, a start request or a person cannot set them."""

ANSWER = frozenset(
    {
        RESULT_CODE,
        RESULT_MESSAGE,
        "result-detail",
        FORCED_TARGETS,
        "user-task-state",
        RETRY_AFTER,
        REPEAT_HOPS,
        REPEAT_INTERVAL,
        REPEAT_AT_MOST,
        "repeat-queue",
        "limit-return-exchange",
        "limit-return-routing-key",
        "limit-message-from-limiter",
    }
)
"""Headers that describe one answer or one repeat; they end with it."""

NOT_TRAVELLING = ENGINE | ANSWER

DEFAULTS = {USER: "orchesty", CONTENT_TYPE: "application/json"}
"""What a worker is told when the message does not say; not stored when it is echoed."""


def clean_headers(headers: Mapping[str, str]) -> Headers:
    """Return a copy with only what travels with a message: no header of the engine, none of an answer, no default."""
    default = DEFAULTS.get
    return {name: value for name, value in headers.items() if name not in NOT_TRAVELLING and default(name) != value}


def carried_headers(message: Message) -> Headers:
    """Return those of the engine's headers that are stored with the message.

    The first message of an instance has only `source`; what its caller may have sent otherwise is not believed.
    """
    stored = message.headers
    if message.parent is None:
        return {SOURCE: BY_HAND} if by_hand(stored) else {}
    return {name: stored[name] for name in CARRIED if name in stored}


def by_hand(headers: Mapping[str, str]) -> bool:
    """Whether a message with these stored headers belongs to a run that a person began."""
    return headers.get(SOURCE) == BY_HAND


def begun_by_hand(headers: Mapping[str, str]) -> Headers:
    """Return clean headers for the first message of a run that a person begins."""
    return {**clean_headers(headers), SOURCE: BY_HAND}


def edited_headers(message: Message, headers: Mapping[str, str] | None) -> Headers:
    """Return the message's headers with what a person wrote in place of the user's; the engine's stay as they are."""
    if headers is None:
        return message.headers
    return {**clean_headers(headers), **carried_headers(message)}


def call_headers(routes: Routes, message: Message, extra: Mapping[str, str] | None = None) -> Headers:
    """Return all headers for calling the action of the message's node, every value a text.

    The message's own, overlaid by the engine's, overlaid by `extra`. The first execution has no `repeat-hops`; at the
    n-th one it is n. `attempt` also counts the calls that an outage cut off since the last answer.
    """
    instance = message.instance
    own = clean_headers(message.headers) if message.parent is None else message.headers
    headers = DEFAULTS | own
    headers.setdefault(PROCESS_ID, instance)
    headers.setdefault(PARENT_ID, "")
    headers.setdefault(PREVIOUS_NODE_ID, "")
    headers.update(routes.call_headers(message.node))
    headers[INSTANCE_ID] = instance
    headers[MESSAGE_ID] = message.id
    headers["topology-id"] = str(message.version)
    headers["process-started"] = str(_started(message))
    headers["attempt"] = str(message.repeats + message.outages + 1)
    if by_hand(message.headers):
        headers[SOURCE] = BY_HAND
    if message.repeats:
        headers[REPEAT_HOPS] = str(message.repeats + 1)
    if extra:
        headers.update(extra)
    return headers


SYSTEM_PROCESSES = frozenset({"system-events", "system-email-notifications", "system-cloud-notifications"})
"""Processes by whose names Orchesty knows that they serve the system itself; nobody is told of what happens in them."""


def service_headers(process: str, worker: str) -> Headers:
    """Return what a control service adds to its calls (`extra`): the names of the process and of the worker called."""
    headers = {"sdk": worker, "topology-name": process}
    return headers | {"system-event": "true"} if process in SYSTEM_PROCESSES else headers


def _started(message: Message) -> int:
    """The instant in the instance's id when it is a UUIDv7 (RFC 9562, 5.7), else that of the message's arrival."""
    id_ = message.instance
    if len(id_) == 36 and id_[14] == "7":
        try:
            return int(id_[:8] + id_[9:13], 16)
        except ValueError:
            return message.entered
    return message.entered
