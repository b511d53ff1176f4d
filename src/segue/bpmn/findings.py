"""Every finding code with its severity and meaning, and the collector that a reading fills."""

from __future__ import annotations

from segue.model.graph import Finding, Severity

_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

CODES: dict[str, tuple[Severity, str]] = {
    # The file as a whole: nothing of it was read.
    "empty-file": (_E, "the file holds nothing"),
    "too-large": (_E, "the file is larger than 5 MB"),
    "not-a-process-file": (_E, "the bytes are neither XML nor JSON"),
    "doctype-refused": (_E, "the XML has a DOCTYPE, which could declare entities"),
    "not-well-formed": (_E, "the XML or JSON breaks the rules of its notation"),
    "too-deep": (_E, "elements are nested more than 256 deep"),
    "too-many-elements": (_E, "the XML has more than 200,000 elements"),
    "too-many-nodes": (_E, "the file has more than 2,000 flow nodes or 10,000 flows"),
    "attribute-too-long": (_E, "an attribute has more than 256 KB, or an element more than 256 attributes"),
    "not-bpmn": (_E, "the root is not the definitions element of BPMN 2.0, or the JSON not the shape of .tplg.json"),
    "no-process": (_E, "the file holds no process with flow nodes"),
    "several-processes": (_E, "the file holds several processes, and none or more than one is marked executable"),
    # How the file is written.
    "wrong-encoding": (_W, "the bytes are not in the encoding that the file declares; another one was used"),
    "missing-id": (_I, "elements have no id; one was made"),
    "duplicate-id": (_E, "an id is used more than once"),
    "dangling-flow": (_E, "a sequence flow does not join two nodes of its process"),
    "drawn-only": (_I, "pools, lanes and message flows are drawn and have no effect"),
    "foreign-element": (_I, "elements outside BPMN and outside extensionElements are kept and have no effect"),
    "unknown-element": (_W, "an element in the BPMN namespace that BPMN 2.0 does not define here"),
    # What a node is.
    "unsupported-element": (_E, "an element, or a kind of it, that cannot be executed"),
    "inside-sub-process": (_I, "a node in a sub-process that cannot be executed"),
    "sub-process-start": (_E, "a sub-process has no start event, or more than one"),
    "sub-process-end": (_E, "a way in a sub-process ends without an end event"),
    "flow-crosses": (_E, "a sequence flow leads into a sub-process or out of it"),
    "boundary-misplaced": (_E, "a boundary event is on nothing that it could watch, or a flow leads into it"),
    "event-gateway-targets": (_E, "an event-based gateway leads to something else than events that it alone leads to"),
    # What a node does.
    "no-called-process": (_E, "a call activity does not say which process it calls"),
    "no-message-name": (_E, "a message event names no message"),
    "bad-key": (_E, "the key of a message event cannot be used"),
    "no-action": (_E, "a task has no action assigned"),
    "bad-binding": (_E, "a foreign binding (worker type, topic) cannot be read as an action"),
    "bad-setting": (_E, "a setting is missing, malformed, unknown, out of range or where it has no effect"),
    "priority-without-limit": (_I, "a node has a priority, and no limit for whose calls it could wait"),
    "ignored-setting": (_W, "a setting of another tool is kept and not applied"),
    "worker-address": (_I, "the file names the address of a worker; workers are registered by name"),
    "timer-empty": (_E, "a timer event does not say when"),
    "schedule-missing": (_W, "a node starts by a schedule that the file does not carry"),
    "bad-timer": (_E, "a timer cannot be read"),
    # How nodes are joined.
    "no-start-event": (_E, "the process has no start event that can be executed"),
    "start-with-incoming": (_E, "a flow leads into a start event"),
    "end-with-outgoing": (_E, "a flow leads out of an end event"),
    "start-without-outgoing": (_E, "no flow leads out of a start event"),
    "gateway-without-outgoing": (_W, "no flow leads out of a gateway; messages end there"),
    "unreachable": (_W, "no start event leads to the node"),
    "join-alone": (_W, "a gateway joins flows, but no split sends messages over two of them; each goes on by itself"),
    "endless-pass": (_E, "a loop holds no action, user task or timer, so a message would never rest"),
    "duplicate-name": (_W, "two start events have the same name, so a start by name is ambiguous"),
    # Conditions.
    "branch-without-condition": (_E, "a branch of a gateway has no condition and is not the default"),
    "condition-to-write": (_I, "a branch has a label that a condition can be written from"),
    "bad-condition": (_E, "a condition cannot be translated or compiled"),
    "condition-without-effect": (_W, "a condition stands on a flow where nothing is decided"),
    "default-flow-unknown": (_E, "the default flow of a node does not lead out of it"),
}


class Notes:
    """Collects findings; `lines` maps element ids to line numbers (1-based) for those added without a line."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.lines: dict[str, int] = {}
        self._seen: set[tuple[str, str | None]] = set()

    def has(self, code: str, element: str) -> bool:
        """Whether a finding of this code was already added for the element."""
        return (code, element) in self._seen

    def add(
        self, code: str, message: str, *, node: str | None = None, line: int | None = None, process: str | None = None
    ) -> None:
        """Add a finding; `code` must be in CODES, which gives the severity."""
        severity, _ = CODES[code]
        self._seen.add((code, node))
        if line is None and node is not None:
            line = self.lines.get(node)
        self.found.append(Finding(severity=severity, code=code, message=message, node=node, line=line, process=process))
