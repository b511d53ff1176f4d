"""Process files as Orchesty's editor writes them (`.tplg`), for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:pipes="http://www.omg.org/spec/Pipes/20100524/MODEL" id="D" targetNamespace="http://bpmn.io/schema/bpmn">'
    '\n<bpmn:process id="P" isExecutable="false">\n'
)


class Drawing:
    """Nodes and flows. A node's id is its name with an underscore in front; the first node is the start."""

    def __init__(self, *, start: str = "start", kind: str = "start", **fields: str) -> None:
        self._nodes: list[tuple[str, str, str, dict[str, str]]] = [("event", start, kind, fields)]
        self._flows: list[tuple[str, str]] = []

    def then(self, name: str, kind: str = "", *, after: Sequence[str] = (), app: str = "", **fields: str) -> Drawing:
        """Add a node after others (after the node before it without any). The kind follows from the name."""
        kind = kind or {"con": "connector", "raw": "connector", "cus": "custom", "bat": "batch"}.get(
            name[:3], "connector"
        )
        sources = after or [self._nodes[-1][1]]
        if kind != "user":
            fields = {"sdkHost": "worker:8080", "sdkHostName": "worker"} | fields
        if app:
            fields["appName"] = app
        self._nodes.append(("task", name, kind, fields))
        self._flows += [(source, name) for source in sources]
        return self

    def text(self) -> str:
        """The file."""
        lines = []
        for element, name, kind, fields in self._nodes:
            attributes = "".join(f" pipes:{key}={quoteattr(value)}" for key, value in fields.items())
            inner = "".join(
                f"<bpmn:{side}>F{number}</bpmn:{side}>"
                for number, (source, target) in enumerate(self._flows)
                for side, end in (("incoming", target), ("outgoing", source))
                if end == name
            )
            head = f'<bpmn:{element} id="_{name}" name="{name}" pipes:pipesType="{kind}"{attributes}>'
            lines.append(f"{head}{inner}</bpmn:{element}>")
        lines += [
            f'<bpmn:sequenceFlow id="F{number}" sourceRef="_{source}" targetRef="_{target}"/>'
            for number, (source, target) in enumerate(self._flows)
        ]
        return _HEAD + "\n".join(lines) + "\n</bpmn:process>\n</bpmn:definitions>\n"
