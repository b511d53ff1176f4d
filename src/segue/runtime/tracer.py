"""The tracer: a span of each handling of a message, by OpenTelemetry's semantic conventions for messaging."""

from __future__ import annotations

from msgspec.structs import replace

from segue.core.tracing import TRACEPARENT, TRACESTATE, Trace, span_of, trace_of, write
from segue.model.graph import Node
from segue.model.message import Consumed, Kept, Message, Outcome, SetAside, Transition
from segue.model.versions import Version
from segue.ports.telemetry import Span, Telemetry, Value


class Tracer:
    """Passes traces on, and tells of spans."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def outgoing(self, message: Message) -> dict[str, str]:
        """The header fields that a call of a worker carries."""
        fields = {TRACEPARENT: write(trace_of(message), span_of(message))}
        state = message.headers.get(TRACESTATE)
        if state and state.isascii() and state.isprintable():
            fields[TRACESTATE] = state
        return fields

    def handled(self, version: Version, node: Node, transition: Transition) -> Transition:
        """Tell of a handling; the transition, its children with the span as their parent."""
        message = transition.message
        trace, span = trace_of(message), span_of(message)
        if trace.sampled:
            self._telemetry.span(_span(version, node, transition, trace, span))
        effect = transition.effect
        if not isinstance(effect, Consumed) or not effect.children:
            return transition
        context = {TRACEPARENT: write(trace, span)}
        if TRACESTATE in message.headers:
            context[TRACESTATE] = message.headers[TRACESTATE]
        children = tuple(replace(child, headers={**child.headers, **context}) for child in effect.children)
        return replace(transition, effect=replace(effect, children=children))


def _span(version: Version, node: Node, transition: Transition, trace: Trace, span: str) -> Span:
    message, effect, record = transition.message, transition.effect, transition.record
    action = node.action
    attributes: dict[str, Value] = {
        "messaging.system": "segue",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": f"{version.process}/{node.label}",
        "messaging.message.id": message.id,
        "messaging.message.conversation_id": message.instance,
        "messaging.message.body.size": len(message.body),
        "segue.process": version.process,
        "segue.version": version.number,
        "segue.node": node.id,
        "segue.wait_ms": max(0, record.taken - max(message.entered, message.due)),
    }
    if action is not None:
        attributes |= {"segue.worker": action.worker, "segue.action": action.name}
    if record.status is not None:
        attributes["http.response.status_code"] = record.status
    error = None
    if isinstance(effect, SetAside):
        attributes["error.type"], error = effect.reason_code, effect.reason
    elif isinstance(effect, Kept):
        attributes["segue.outcome"] = effect.outcome.value
        if effect.outcome is Outcome.OUTAGE:
            attributes["error.type"], error = effect.reason_code, effect.reason
    elif isinstance(effect, Consumed):
        attributes["segue.outcome"] = effect.outcome.value
        if effect.outcome is Outcome.FAILED:
            attributes["error.type"], error = "failed", "the message failed"
    return Span(
        trace=trace.trace,
        span=span,
        parent=trace.parent,
        name=f"process {version.process}/{node.label}",
        begins=record.taken,
        ends=transition.at,
        attributes=attributes,
        consumer=action is not None,
        error=error,
    )
