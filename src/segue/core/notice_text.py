"""What a notice says: as data, as a title, as text and as HTML; and templates over that data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

import msgspec

from segue.model.errors import Invalid
from segue.model.events import EventKind
from segue.model.notices import Notice, Outgoing, Told
from segue.model.versions import Instance

DIGEST = "digest"
"""The type of a notice that tells of several kinds of events."""

_TITLES = {
    EventKind.INSTANCE_FINISHED: "Instance finished",
    EventKind.INSTANCE_FAILED: "Instance failed",
    EventKind.INSTANCE_CANCELLED: "Instance cancelled",
    EventKind.MESSAGE_IN_TRASH: "Message in trash",
    EventKind.VERSION_PUBLISHED: "Version published",
    EventKind.VERSION_ENABLED: "Version enabled",
    EventKind.VERSION_DISABLED: "Version disabled",
    EventKind.VERSION_RETIRED: "Version retired",
    EventKind.WORKER_DOWN: "Worker gone",
    EventKind.WORKER_UP: "Worker back",
    EventKind.SERVICE_RESTARTED: "Control service restarted",
    EventKind.SCHEDULE_MISSED: "Schedule missed",
    EventKind.SERVICE_UNAVAILABLE: "Service unavailable",
    EventKind.SERVICE_BACK: "Service back",
    EventKind.ACCESS_EXPIRING: "Access expiring",
    EventKind.DATA_ERROR: "Data error",
    EventKind.LIMIT_REACHED: "Limit reached",
    EventKind.QUEUE_TOO_OLD: "Queue too old",
    EventKind.QUEUE_TOO_LONG: "Queue too long",
    EventKind.QUEUE_BACK: "Queue back to normal",
    EventKind.VERSION_SWITCHED: "Version switched",
}
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_PATH = re.compile(r"notice(\.[A-Za-z_][A-Za-z0-9_]*|\.\d{1,3})+")


def type_of(notice: Notice) -> str:
    """The kind of the notice's events, or `digest`."""
    kinds = {told.event.kind for told in notice.told}
    return next(iter(kinds)).value if len(kinds) == 1 else DIGEST


def data_of(notice: Notice, rule_name: str) -> dict[str, object]:
    """The notice as templates and JSON receivers see it."""
    first = notice.told[0].event
    return {
        "key": notice.key,
        "type": type_of(notice),
        "title": title_of(notice),
        "rule": rule_name,
        "process": first.process,
        "version": first.version,
        "node": first.node,
        "instance": first.instance if notice.count == 1 else None,
        "detail": first.detail,
        "first": iso(notice.first_at),
        "last": iso(notice.last_at),
        "count": notice.count,
        "suppressed": notice.suppressed,
        "events": [_told(told) for told in notice.told],
    }


def title_of(notice: Notice) -> str:
    """One line that says what happened, where, and how often."""
    kinds = list(dict.fromkeys(told.event.kind for told in notice.told))
    what = ", ".join(_TITLES.get(kind, kind.value) for kind in kinds[:3])
    places = {_place(told) for told in notice.told} - {""}
    where = f": {places.pop()}" if len(places) == 1 else ""
    times = f" ({notice.count} times)" if notice.count > 1 else ""
    return one_line(f"{what}{where}{times}")


def text_of(notice: Notice, rule_name: str) -> str:
    """The notice as plain text."""
    lines = [title_of(notice), ""]
    for told in notice.told:
        lines.append(_sentence(told))
        lines += [f"  {name}: {value}" for name, value in _facts(told)]
    more = notice.count - len(notice.told)
    if more > 0:
        lines.append(f"... and {more} more")
    lines += ["", f"Rule: {rule_name}", f"Notice: {notice.key}"]
    return "\n".join(lines) + "\n"


def html_of(notice: Notice, rule_name: str) -> str:
    """The notice as a small HTML document."""
    items = []
    for told in notice.told:
        facts = "".join(f"<br>{escape(name)}: {escape(value)}" for name, value in _facts(told))
        items.append(f"<li>{escape(_sentence(told))}<small>{facts}</small></li>")
    more = notice.count - len(notice.told)
    if more > 0:
        items.append(f"<li>… and {more} more</li>")
    title = escape(title_of(notice))
    foot = f"Rule: {escape(rule_name)} · Notice: {escape(notice.key)}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f'<body style="font-family:sans-serif"><h2>{title}</h2><ul>{"".join(items)}</ul>'
        f'<p style="color:#666">{foot}</p></body></html>'
    )


def _place(told: Told) -> str:
    event = told.event
    if event.process is None:
        return ""
    place = event.process if event.version is None else f"{event.process} {event.version}"
    return f"{place}, {event.node}" if event.node else place


def _sentence(told: Told) -> str:
    event = told.event
    place = _place(told)
    what = _TITLES.get(event.kind, event.kind.value)
    head = f"{iso(event.at)} {what}" + (f": {place}" if place else "")
    return f"{head}. {event.detail}" if event.detail else head


def _facts(told: Told) -> Sequence[tuple[str, str]]:
    facts = []
    if told.event.instance is not None:
        facts.append(("instance", told.event.instance))
    if told.event.message is not None:
        facts.append(("message", told.event.message))
    if told.report is not None:
        report = told.report
        duration = "" if report.finished is None else f", {(report.finished - report.started) / 1000:.3f} s"
        facts.append(("report", f"{report.ok} ok, {report.failed} failed{duration}"))
    return facts


def _told(told: Told) -> dict[str, object]:
    event: dict[str, object] = msgspec.to_builtins(told.event)
    event["at"] = iso(told.event.at)
    if told.report is not None:
        event["report"] = _report(told.report)
    return event


def _report(report: Instance) -> dict[str, object]:
    return {
        "state": report.state.value,
        "started": iso(report.started),
        "finished": None if report.finished is None else iso(report.finished),
        "duration_ms": None if report.finished is None else report.finished - report.started,
        "ok": report.ok,
        "failed": report.failed,
        "start_node": report.start_node,
    }


def iso(at: int) -> str:
    """An instant in ms as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def one_line(text: str, longest: int = 250) -> str:
    """The text without line ends and other control characters, cut to a length."""
    flat = "".join(character if character.isprintable() else " " for character in text)
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def outgoing(notice: Notice, rule_name: str) -> Outgoing:
    """The notice ready to be sent."""
    return Outgoing(
        key=notice.key,
        type=type_of(notice),
        at=notice.last_at,
        title=title_of(notice),
        text=text_of(notice, rule_name),
        html=html_of(notice, rule_name),
        data=data_of(notice, rule_name),
    )


# -- templates --------------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A value in a text: as it is."""
    return text


def in_json(text: str) -> str:
    """A value inside the quotes of a JSON string."""
    return json.dumps(text)[1:-1]


def in_html(text: str) -> str:
    """A value in HTML."""
    return escape(text)


def fill(template: str, data: Mapping[str, object], encode: Callable[[str], str]) -> str:
    """The template with each `{{ notice.… }}` replaced by what is found there, encoded; nothing found is empty.

    `{{ notice.events.0.detail }}` reaches into lists. A list or an object becomes its JSON, which is not encoded again
    in JSON. What is filled in is never looked at for placeholders.
    """

    def value(match: re.Match[str]) -> str:
        found: Any = data
        for part in match.group(1).split(".")[1:]:
            if isinstance(found, Mapping):
                found = found.get(part)
            elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
                found = found[int(part)]
            else:
                return ""
        if isinstance(found, Mapping | list):
            made = json.dumps(found, ensure_ascii=False)
            return made if encode is in_json else encode(made)
        return "" if found is None else encode(str(found))

    return _PLACEHOLDER.sub(value, template)


def check_template(what: str, template: str) -> None:
    """Raises Invalid for a placeholder that can never be filled in."""
    for match in _PLACEHOLDER.finditer(template):
        if not _PATH.fullmatch(match.group(1)):
            example = "{{ notice.title }} or {{ notice.events.0.detail }}"
            raise Invalid(f"{what}: {match.group()[:100]} is no placeholder; they look like {example}")
