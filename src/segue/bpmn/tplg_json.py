"""Orchesty's JSON dialect (`.tplg.json`): nodes by shape, and connections."""

from __future__ import annotations

from collections.abc import Container

import msgspec
from msgspec import Struct, field, structs

from segue.bpmn.definitions import MAX_FLOWS, MAX_NODES
from segue.bpmn.findings import Notes
from segue.bpmn.meetings import AUTOMATIC, NOTHING
from segue.bpmn.pipes import pipes_action
from segue.bpmn.settings import (
    AT_MOST,
    BACKOFF,
    JITTER,
    LIMIT_CALLS,
    LIMIT_PER_MS,
    PREFETCH,
    PRIORITY,
    REPEAT_MS,
    TIMEOUT_MS,
    Complain,
    duration_of,
    limit_of,
    within,
)
from segue.model.graph import Action, ActionKind, Flow, Node, NodeKind, ProcessGraph, RepeatPolicy

DEFAULT_PREFETCH = 1
"""The prefetch that Orchesty gives a node of this dialect, which cannot carry one."""


class JsonAction(Struct):
    """What a node runs; `app` and `event` only for webhooks."""

    name: str | None = None
    worker: str | None = None
    type: str | None = None
    app: str | None = None
    event: str | None = None


class JsonRepeat(Struct):
    """Our `repeat` member: see `segue:repeat`."""

    interval: str
    at_most: int = field(name="at-most")
    backoff: int = 1
    at_longest: str | None = field(name="at-longest", default=None)
    jitter: int = 0


class JsonLimit(Struct):
    """One of our `limits`: see `segue:limit`."""

    key: str
    calls: int
    per: str


class JsonSettings(Struct, forbid_unknown_fields=True):
    """Our `segue` member of a node: what Orchesty's format cannot carry."""

    prefetch: int | None = None
    timeout: str | None = None
    priority: int | None = None
    repeat: JsonRepeat | None = None
    limits: list[JsonLimit] = []
    passes: str | None = None


class JsonNode(Struct):
    """A node as the editor of Orchesty 3 writes it."""

    id: str
    type: str | None = "flow"
    shape: str | None = "square"
    label: str | None = None
    name: str | None = None
    action: JsonAction | None = None
    segue: JsonSettings | None = None


class JsonConnection(Struct):
    """A flow; only its ends matter."""

    source: str = field(name="from")
    target: str = field(name="to")
    id: str | None = None


class JsonFile(Struct):
    """The whole file."""

    nodes: list[JsonNode]
    connections: list[JsonConnection]


def read_tplg_json(text: str, name: str, notes: Notes) -> tuple[ProcessGraph, ...]:
    """Return the one process of a `.tplg.json` file, named after the file; () with a finding when it cannot be read."""
    try:
        file = msgspec.json.decode(text.encode("utf-8", "replace"), type=JsonFile)
    except msgspec.ValidationError as error:
        notes.add("not-bpmn", f"The JSON is not the shape of .tplg.json: {error}.")
        return ()
    except (msgspec.DecodeError, RecursionError) as error:
        notes.add("not-well-formed", f"The JSON cannot be read: {error}.")
        return ()
    if len(file.nodes) > MAX_NODES or len(file.connections) > MAX_FLOWS:
        counts = f"{len(file.nodes):,} nodes and {len(file.connections):,} connections"
        notes.add("too-many-nodes", f"The file has {counts}; at most {MAX_NODES:,} and {MAX_FLOWS:,} are read.")
        return ()
    key = _stem(name)
    return (_Reading(file, key, notes).graph(),)


class _Reading:
    """One file being read."""

    def __init__(self, file: JsonFile, key: str, notes: Notes) -> None:
        self.file = file
        self.key = key
        self.notes = notes
        self.entered = {connection.target for connection in file.connections}
        self.numbers: dict[str, int] = {}

    def add(self, code: str, message: str, node: str | None = None) -> None:
        self.notes.add(code, message, node=node, process=self.key)

    def graph(self) -> ProcessGraph:
        nodes: dict[str, Node] = {}
        # Notes pinned to the drawing have no effect, whatever points at them.
        for item in (item for item in self.file.nodes if item.type != "annotation"):
            id_ = self._unique(item.id, nodes)
            if id_ != item.id:
                self.add("duplicate-id", f"The id {item.id!r} is used by more than one node.", item.id)
            nodes[id_] = self._node(item, id_)
        flows: dict[str, Flow] = {}
        for connection in self.file.connections:
            if connection.source not in nodes or connection.target not in nodes:
                text = f"The connection from {connection.source!r} to {connection.target!r} joins no two nodes."
                self.add("dangling-flow", text, connection.id)
                continue
            # Nothing refers to a connection, so one that shares its id only needs another.
            wanted = connection.id or f"Flow_{connection.source}_{connection.target}"
            id_ = self._unique(wanted, flows)
            flows[id_] = Flow(id=id_, source=connection.source, target=connection.target)
        return ProcessGraph(key=self.key, name=self.key, nodes=tuple(nodes.values()), flows=tuple(flows.values()))

    def _unique(self, wanted: str, taken: Container[str]) -> str:
        """Return the id, with the first free number behind it when it is taken."""
        id_ = wanted
        while id_ in taken:
            self.numbers[wanted] = self.numbers.get(wanted, 1) + 1
            id_ = f"{wanted}_{self.numbers[wanted]}"
        return id_

    def _node(self, item: JsonNode, id_: str) -> Node:
        shape = item.shape or "square"
        if shape == "circle":
            return self._circle(item, id_)
        if shape == "hexagon":
            return self._person(item, id_, item.name or "user-task")
        if item.action is None:
            # Orchesty refuses such a node; here it can be drawn first and get its action later.
            return Node(id=id_, kind=NodeKind.ACTION, element=shape, name=item.name or item.label or "")
        return self._bound(item, item.action, shape, id_)

    def _person(self, item: JsonNode, id_: str, name: str) -> Node:
        passes = NOTHING if item.segue is None or item.segue.passes is None else item.segue.passes
        if passes not in {AUTOMATIC, NOTHING}:
            self.add("bad-setting", f"segue.passes is {passes!r}; it may be {AUTOMATIC} or {NOTHING}.", id_)
        shape = item.shape or "square"
        return Node(id=id_, kind=NodeKind.USER_TASK, element=shape, name=name, passes=passes == AUTOMATIC)

    def _circle(self, item: JsonNode, id_: str) -> Node:
        entered = id_ in self.entered
        if item.label == "End Event":
            return Node(id=id_, kind=NodeKind.END, element="circle", name=item.name or "")
        if item.label == "Cron":
            text = "The node starts by a schedule, which this format cannot carry; it starts only when called."
            self.add("schedule-missing", text, id_)
        kind = NodeKind.PASS if entered and item.label != "Cron" else NodeKind.START
        word = {"Cron": "cron", "Webhook": "webhook"}.get(item.label or "", "start")
        return Node(id=id_, kind=kind, element="circle", name=_webhook_name(item) or item.name or word)

    def _bound(self, item: JsonNode, action: JsonAction, shape: str, id_: str) -> Node:
        kind = action.type or "custom"
        if kind == "user":
            return self._person(item, id_, action.name or item.name or "user-task")
        if kind not in set(ActionKind):
            text = f"A {shape} of the Orchesty type {kind} cannot be executed yet; it is kept and drawn."
            self.add("unsupported-element", text, id_)
            return Node(id=id_, kind=NodeKind.UNSUPPORTED, element=shape, name=action.name or "")
        node = Node(
            id=id_,
            kind=NodeKind.ACTION,
            element=shape,
            name=action.name or "",
            action=self._action(ActionKind(kind), action, id_),
            prefetch=DEFAULT_PREFETCH,
        )
        return node if item.segue is None else self._with_settings(node, item.segue)

    def _with_settings(self, node: Node, settings: JsonSettings) -> Node:
        def complain(code: str, message: str) -> None:
            self.add(code, message, node.id)

        changes: dict[str, object] = {}
        if settings.prefetch is not None:
            changes["prefetch"] = within("segue.prefetch", settings.prefetch, PREFETCH, complain)
        if settings.timeout is not None:
            changes["timeout_ms"] = duration_of("segue.timeout", settings.timeout, TIMEOUT_MS, complain)
        if settings.priority is not None:
            changes["priority"] = within("segue.priority", settings.priority, PRIORITY, complain)
        if settings.repeat is not None:
            changes["repeat"] = _repeat_policy(settings.repeat, complain)
        rules = [
            limit_of(
                item.key,
                within("segue.limits.calls", item.calls, LIMIT_CALLS, complain),
                duration_of("segue.limits.per", item.per, LIMIT_PER_MS, complain),
                complain,
            )
            for item in settings.limits
        ]
        changes["limits"] = tuple(rule for rule in rules if rule is not None)
        return structs.replace(node, **{name: value for name, value in changes.items() if value is not None})

    def _action(self, kind: ActionKind, action: JsonAction, id_: str) -> Action | None:
        def complain(code: str, message: str) -> None:
            self.add(code, message, id_)

        return pipes_action(
            kind=kind, worker=action.worker or "", name=action.name or "", application=action.app, complain=complain
        )


def _webhook_name(item: JsonNode) -> str:
    """Return `app.event` of a webhook when both are known, else its event, "" when it is none."""
    if item.label != "Webhook" or item.action is None:
        return ""
    app, event = item.action.app, item.action.event
    if not (app and event) and item.action.name:
        first, dot, rest = item.action.name.partition(".")
        app, event = (app or first, event or rest) if dot else (app, event or first)
    return f"{app}.{event}" if app and event else (item.name or event or "")


def _stem(name: str) -> str:
    base = name.replace("\\", "/").rpartition("/")[2]
    for suffix in (".tplg.json", ".json"):
        if base.lower().endswith(suffix):
            base = base[: -len(suffix)]
            break
    return base or "process"


def _repeat_policy(said: JsonRepeat, complain: Complain) -> RepeatPolicy | None:
    """The policy of a `repeat` member; None after complaining about a part of it that cannot be."""
    interval = duration_of("segue.repeat.interval", said.interval, REPEAT_MS, complain)
    at_most = within("segue.repeat.at-most", said.at_most, AT_MOST, complain)
    backoff = within("segue.repeat.backoff", said.backoff, BACKOFF, complain)
    jitter = within("segue.repeat.jitter", said.jitter, JITTER, complain)
    longest: int | None = 0
    if said.at_longest is not None:
        longest = duration_of("segue.repeat.at-longest", said.at_longest, REPEAT_MS, complain)
    if interval is None or at_most is None or backoff is None or jitter is None or longest is None:
        return None
    return RepeatPolicy(interval_ms=interval, at_most=at_most, backoff=backoff, longest_ms=longest, jitter=jitter)
