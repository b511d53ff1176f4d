"""What an event is: its definitions, its timer, its message."""

from __future__ import annotations

import re

from segue.bpmn.names import BPMN, SEGUE, Element, attribute, children, extensions, local, name_of, text_of
from segue.bpmn.scope import Scope
from segue.model.graph import MissedTicks, Timer, TimerKind

_TIMER_KINDS = {"timeDuration": TimerKind.DURATION, "timeDate": TimerKind.DATE, "timeCycle": TimerKind.CYCLE}
_EXPRESSION = re.compile(r"[#$]\{|=")


def definitions(element: Element, scope: Scope) -> list[Element]:
    """Return the event definitions of an event, its own and those it refers to."""
    found = [child for child in children(element) if local(child).endswith("EventDefinition")]
    for reference in children(element, BPMN, "eventDefinitionRef"):
        referred = scope.find(text_of(reference))
        if referred is not None:
            found.append(referred)
    return found


def message_name(definition: Element, scope: Scope) -> str | None:
    """Return the name of the message that a message event is about, None when it names none."""
    message = scope.find(attribute(definition, "messageRef"))
    return None if message is None else name_of(message) or attribute(message, "id")


def error_code(definition: Element, scope: Scope) -> str | None:
    """Return the code of the error that an error event is about, None when it is about all."""
    error = scope.find(attribute(definition, "errorRef"))
    return None if error is None else attribute(error, "errorCode") or None


def read_timer(definition: Element, id_: str, scope: Scope) -> Timer | None:
    """Return the timer of a timer event as it is written; None with a finding when it does not say when."""
    filled = [(local(part), text_of(part)) for part in children(definition) if local(part) in _TIMER_KINDS]
    filled = [(name, text) for name, text in filled if text]
    if not filled:
        scope.add(
            "timer-empty",
            "The timer does not say when: give it a duration, a date, a cycle or a crontab line.",
            node=id_,
        )
        return None
    name, text = filled[0]
    if len(filled) > 1:
        scope.add("bad-timer", f"The timer has both {name} and {filled[1][0]}; only one can hold.", node=id_)
        return None
    if _EXPRESSION.match(text):
        literal = re.fullmatch(r"=\s*\"([^\"]*)\"", text)
        if literal is None:
            scope.add("bad-timer", f"The timer is an expression ({text[:60]}); write the time itself.", node=id_)
            return None
        text = literal.group(1)
    kind = _TIMER_KINDS[name]
    if kind is TimerKind.CYCLE and not text.startswith(("R", "P")):
        kind = TimerKind.CRON
    return Timer(kind=kind, value=text)


def scheduled(event: Element, timer: Timer | None, id_: str, scope: Scope) -> Timer | None:
    """Return the timer with what `segue:schedule` says of its zone, missed ticks and body."""
    schedules = [item for item in extensions(event, SEGUE) if local(item) == "schedule"]
    if not schedules:
        return timer
    schedule = schedules[0]
    if len(schedules) > 1:
        scope.add("bad-setting", "The event has more than one segue:schedule.", node=id_)
    if timer is None:
        if not (scope.notes.has("timer-empty", id_) or scope.notes.has("bad-timer", id_)):
            scope.add("bad-setting", "segue:schedule has no effect here: there is no timer.", node=id_)
        return None
    missed = MissedTicks.ONCE
    if (text := attribute(schedule, "missed")) is not None:
        try:
            missed = MissedTicks(text)
        except ValueError:
            scope.add("bad-setting", f"segue:schedule missed is {text!r}; it may be skip, once or all.", node=id_)
    return Timer(
        kind=timer.kind,
        value=timer.value,
        zone=attribute(schedule, "zone") or None,
        missed=missed,
        body=schedule.get("body") or timer.body,
    )
