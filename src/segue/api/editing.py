"""What goes over the wire while somebody draws: files checked and opened, conditions tried, steps looked at ahead."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from segue.api.schemas import Asked, FindingOut, HeaderFields, In, Instant, NodeOut, Out, Text, VersionOut
from segue.control.editing import MAX_SAMPLE
from segue.core.conditions import MAX_BYTES
from segue.model.errors import Invalid

FileName = Annotated[Text, Field(max_length=200)]
Form = Literal["bpmn", "tplg", "tplg.json"]
StepName = Literal["enable", "disable", "switch", "retire"]


class OpenedOut(Out):
    """A version as an editor on bpmn-js can open it. `changes` say what the first save changes of the file beyond the
    work itself, `key` is the id of the process that is meant; give `revision` back in `If-Match` with the draft."""

    version: VersionOut
    xml: str
    changes: list[str]
    findings: list[FindingOut]
    key: str
    revision: str


class FileQuery(Asked):
    """The name of a file, which tells `.tplg` apart, and which of several processes is meant."""

    file: FileName = ""
    key: Annotated[Text, Field(min_length=1, max_length=500)] | None = None


class ExportQuery(Asked):
    """In which format a file is wanted."""

    file: FileName = ""
    format: Form


class FormatQuery(Asked):
    """In which format a version is wanted."""

    format: Form = "bpmn"


class StepQuery(Asked):
    """Which step is thought of."""

    step: StepName


class CheckedOut(Out):
    """What a file holds. `digest` is equal for files of equal meaning; null for one that cannot be read."""

    findings: list[FindingOut]
    nodes: list[NodeOut]
    digest: str | None


class ConvertedOut(Out):
    """A file as an editor on bpmn-js can open it, what was changed for that, and what was found in it."""

    xml: str
    changes: list[str]
    findings: list[FindingOut]


class ExportedOut(Out):
    """A file in another format, and what is lost in it: a sentence each."""

    content: str
    losses: list[str]


class SampleIn(In):
    """A message to try a condition on."""

    body: Annotated[Text, Field(max_length=MAX_SAMPLE)] = ""
    headers: Annotated[HeaderFields, Field(default_factory=dict)]


class ConditionIn(In):
    """A condition as it is written in a file; without a language its form decides."""

    source: Annotated[Text, Field(min_length=1, max_length=4 * MAX_BYTES)]
    language: Annotated[Text, Field(max_length=200)] = ""
    sample: SampleIn | None = None


class TriedOut(Out):
    """What a condition means as CEL, or the problem with it; what it gives for the sample, or why it gives nothing."""

    cel: str | None
    problem: str | None
    names: list[str]
    answer: bool | None
    failure: str | None


class EntryOut(Out):
    """A way into the process and what becomes of it. `before` and `after` are the timer or the message's name."""

    kind: Literal["schedule", "webhook", "start"]
    node: str
    label: str
    change: Literal["begins", "ends", "stays", "changed"]
    before: str | None
    after: str | None


class ConsequencesOut(Out):
    """What a step would do now: who takes new messages before and after, what lives on the version, which ways in
    begin, end or change. With `more` there are more running instances than were counted."""

    step: StepName
    version: int
    possible: bool
    reason: str | None
    takes_before: int | None
    takes_after: int | None
    disabled: list[int]
    live: int
    running: int
    more: bool
    entries: list[EntryOut]


class RecentOut(Out):
    """How a version has done, of its newest instances: how many were looked at, still run, ended, and ended badly."""

    version: int
    looked_at: int
    running: int
    failed: int
    ended: int
    last_started: Instant | None


def expected_revision(if_match: str | None, if_none_match: str | None) -> str | None:
    """What the sender of a draft expects to be there, from the conditions of RFC 9110, 13.1. Raises Invalid."""
    if if_none_match is not None:
        if if_none_match.strip() != "*" or if_match is not None:
            raise Invalid("If-None-Match: only * is understood here, for a draft that is not to replace one")
        return ""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip()
    if len(text) < 3 or not (text.startswith('"') and text.endswith('"')) or "," in text:
        raise Invalid('If-Match: give one revision in quotes, as the ETag of the version said it: "…"')
    return text[1:-1]
