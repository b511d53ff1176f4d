"""Which notices follow from events: rules, quiet hours, grouping, and when a failed one is tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec.structs import replace

from segue.model.errors import Invalid
from segue.model.events import Event, EventKind
from segue.model.notices import GroupBy, Notice, NoticeState, QuietHours, Rule, Told

SHOWN = 20
"""Events that a notice tells whole; of the others it knows the number."""

GIVE_UP_MS = 24 * 3_600_000
"""How long after its first due instant a notice is tried."""

LONGEST_WAIT_MS = 15 * 60_000
"""The longest pause between two tries."""

_FIRST_WAIT_MS = 1_000
_ONE_AT_A_TIME = frozenset({EventKind.INSTANCE_FINISHED, EventKind.INSTANCE_FAILED, EventKind.INSTANCE_CANCELLED})

Group = tuple[str, str]
"""A rule's id and the group within it."""


def applies(rule: Rule, event: Event, folder: str | None) -> bool:
    """Whether the rule wants this event; `folder` is that of the event's process."""
    if not rule.enabled or event.kind not in rule.events or event.seq <= rule.since:
        return False
    if rule.process is not None and event.process != rule.process:
        return False
    if rule.folder is not None:
        return folder is not None and (folder == rule.folder or folder.startswith(rule.folder.rstrip("/") + "/"))
    return True


def group_of(rule: Rule, event: Event) -> str:
    """The name of the group that the event belongs to under this rule."""
    if rule.group_s and rule.group_by is GroupBy.RULE:
        return "all"
    parts: list[str | None] = [event.kind, event.process, event.node]
    if not rule.group_s and event.kind in _ONE_AT_A_TIME and not rule.repeat_s:
        parts.append(event.instance)
    return "/".join(part or "" for part in parts)


class Gathering:
    """Turns events into notices. `open` are the notices that still gather, `last` the newest notice of each group that
    a `repeat_s` may hold back; what has come of the events is in `changed`."""

    def __init__(self, open_: Mapping[Group, Notice], last: Mapping[Group, Notice]) -> None:
        self._open = dict(open_)
        self._last = dict(last)
        self._changed: dict[str, Notice] = {}

    @property
    def changed(self) -> list[Notice]:
        """New notices, and those that were added to, as they are now."""
        return list(self._changed.values())

    def add(self, rule: Rule, told: Told) -> None:
        """Take in an event that the rule wants."""
        event = told.event
        group = (rule.id, group_of(rule, event))
        gathering = self._open.get(group)
        if gathering is not None:
            self._keep(group, _with(gathering, told), gathers=True)
            return
        last = self._last.get(group)
        if last is not None and rule.repeat_s and event.at < last.last_at + rule.repeat_s * 1000:
            self._keep(group, replace(last, suppressed=last.suppressed + 1), gathers=False)
            return
        self._keep(group, _made(rule, group[1], told), gathers=bool(rule.group_s))

    def _keep(self, group: Group, notice: Notice, *, gathers: bool) -> None:
        self._changed[notice.key] = notice
        if gathers:
            self._open[group] = notice
        self._last[group] = notice


def _made(rule: Rule, group: str, told: Told) -> Notice:
    event = told.event
    due = after_quiet(rule.quiet, event.at + rule.group_s * 1000)
    return Notice(
        key=f"{rule.id}.{event.seq}",
        rule=rule.id,
        sender=rule.sender,
        group=group,
        state=NoticeState.GATHERING if rule.group_s else NoticeState.PENDING,
        first_at=event.at,
        last_at=event.at,
        due=due,
        told=(told,),
    )


def _with(notice: Notice, told: Told) -> Notice:
    shown = (*notice.told, told) if len(notice.told) < SHOWN else notice.told
    return replace(notice, told=shown, count=notice.count + 1, last_at=max(notice.last_at, told.event.at))


def after_quiet(quiet: QuietHours | None, at: int) -> int:
    """The instant, or the end of the quiet hours that it falls into."""
    if quiet is None or quiet.begins == quiet.ends:
        return at
    zone = zone_of(quiet.zone)
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
    for back in (1, 0):
        day = local.date() - timedelta(days=back)
        if day.weekday() not in quiet.days:
            continue
        begins = datetime.combine(day, _clock(quiet.begins), zone)
        last_day = day + timedelta(days=1) if quiet.ends < quiet.begins else day
        ends = datetime.combine(last_day, _clock(quiet.ends), zone)
        if begins <= local < ends:
            return round(ends.timestamp() * 1000)
    return at


def check_quiet(quiet: QuietHours) -> None:
    """Raises Invalid for hours or a time zone that are none."""
    zone_of(quiet.zone)
    if not (0 <= quiet.begins < 1440 and 0 <= quiet.ends < 1440):
        raise Invalid("quiet: begins and ends are minutes of the day, from 0 to 1439")
    if not quiet.days or any(day not in range(7) for day in quiet.days):
        raise Invalid("quiet: days are numbers from 0 (Monday) to 6 (Sunday), at least one")


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this IANA name. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"quiet: {name[:100]!r} is no time zone that is known here") from None


def _clock(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)


def wait_ms(tries: int, chance: float) -> int:
    """How long to wait after so many failed tries in a row: doubling, with up to a quarter of jitter."""
    wait = min(LONGEST_WAIT_MS, _FIRST_WAIT_MS << min(max(tries - 1, 0), 20))
    return round(wait * (1 + 0.25 * chance))


def next_try(notice: Notice, now: int, chance: float) -> int | None:
    """When to try again after a failed try at `now`; None when it is to be given up."""
    due = now + wait_ms(notice.attempts, chance)
    return None if due > notice.last_at + GIVE_UP_MS and notice.attempts > 1 else due


def wanted_kinds(rules: Sequence[Rule]) -> tuple[EventKind, ...]:
    """The kinds of events that some enabled rule wants."""
    return tuple(sorted({kind for rule in rules if rule.enabled for kind in rule.events}))
