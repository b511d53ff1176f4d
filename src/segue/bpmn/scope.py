"""What reading one file shares: ids in use, elements by id, defaults, and the findings so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from segue.bpmn.findings import Notes
from segue.bpmn.names import Element, Ids, attribute, local


class Dialect(StrEnum):
    """The kinds of process file."""

    BPMN = "bpmn"
    TPLG = "tplg"
    TPLG_JSON = "tplg.json"


@dataclass
class Scope:
    """The file being read. `named` holds every element that has an id in the file.

    `taken` are the ids given out so far, and `placed` the element of each: they differ from `named` where an id was
    missing or used twice.
    """

    notes: Notes
    dialect: Dialect
    name: str
    named: dict[str, Element] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    default_language: str = ""
    process: str = ""
    placed: dict[str, Element] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _ids: Ids | None = None

    def find(self, reference: str | None) -> Element | None:
        """Return the element that a QName reference means, None for no reference or one that means nothing."""
        if not reference:
            return None
        if self._ids is None:
            self._ids = Ids(self.named)
        id_ = self._ids.resolve(reference)
        return None if id_ is None else self.named[id_]

    def add(self, code: str, message: str, *, node: str | None = None, line: int | None = None) -> None:
        """Add a finding about the process being read."""
        self.notes.add(code, message, node=node, line=line, process=self.process or None)

    def claim(self, element: Element, wanted: str, made: str) -> str:
        """Return an id for `element` that is unique in the file: `wanted`, or one that begins with `made`."""
        id_ = wanted or made
        if id_ in self.taken or (not wanted and id_ in self.named):
            if wanted:
                line = element.sourceline
                self.add("duplicate-id", f"The id {wanted!r} is used more than once ({local(element)}).", line=line)
            number = self._numbers.get(id_, 1) + 1
            while f"{id_}_{number}" in self.taken or f"{id_}_{number}" in self.named:
                number += 1
            self._numbers[id_] = number
            id_ = f"{id_}_{number}"
        self.taken.add(id_)
        self.placed[id_] = element
        if element.sourceline:
            self.notes.lines[id_] = element.sourceline
        return id_


def index_ids(root: Element) -> dict[str, Element]:
    """Return the first element of each id in the file."""
    found: dict[str, Element] = {}
    for element in root.iter():
        if isinstance(element.tag, str) and (id_ := attribute(element, "id")):
            found.setdefault(id_, element)
    return found
