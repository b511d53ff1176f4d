"""Reading a process file of any dialect: bytes in, graphs and findings out, never an exception for what it holds."""

from __future__ import annotations

from msgspec import Struct

from segue.bpmn.decode import decode
from segue.bpmn.definitions import read_definitions
from segue.bpmn.findings import Notes
from segue.bpmn.lint import lint
from segue.bpmn.markup import MAX_BYTES, parse
from segue.bpmn.scope import Dialect
from segue.bpmn.tplg_json import read_tplg_json
from segue.model.graph import Finding, ProcessGraph, Severity


class ReadResult(Struct, frozen=True, kw_only=True):
    """What a file holds: its processes in document order, findings about all of it, and how it is written.

    `dialect` and `encoding` (its Python name) are None when the file was refused before they could be told.
    """

    processes: tuple[ProcessGraph, ...] = ()
    findings: tuple[Finding, ...] = ()
    dialect: Dialect | None = None
    encoding: str | None = None

    @property
    def main(self) -> ProcessGraph | None:
        """The process the file is about: its only one with nodes, else the only executable one of those."""
        filled = [graph for graph in self.processes if graph.nodes]
        if len(filled) > 1:
            filled = [graph for graph in filled if graph.executable]
        return filled[0] if len(filled) == 1 else None

    def process(self, key: str) -> ProcessGraph | None:
        """The process with this key, None without one."""
        return next((graph for graph in self.processes if graph.key == key), None)

    def findings_for(self, key: str | None = None) -> tuple[Finding, ...]:
        """The findings that matter for one process (the main one without a key): the file's and its own.

        With a key the question which of several processes is meant is answered, so `several-processes` is left out.
        """
        main = self.main
        wanted = key if key is not None else (main.key if main else None)
        if wanted is None:
            return self.findings
        chosen = self.process(wanted)
        if chosen is not None and not chosen.nodes:
            notes = Notes()
            notes.add("no-process", f"The process {wanted!r} has no flow nodes.", process=wanted)
            return (*self.findings, *notes.found)
        return tuple(
            item
            for item in self.findings
            if item.process in {None, wanted} and not (key is not None and item.code == "several-processes")
        )

    def publishable(self, key: str | None = None) -> bool:
        """Whether the process (the main one without a key) exists and nothing found about it is an error."""
        graph = self.process(key) if key is not None else self.main
        return graph is not None and all(item.severity is not Severity.ERROR for item in self.findings_for(key))


def read_file(data: bytes, *, name: str) -> ReadResult:
    """Return what a process file holds. `name` is the file's name; it tells `.tplg` apart and names what has no name.

    Never raises for what the file holds: what is wrong with it is a finding, and a file that cannot be read at all
    gives no processes and at least one finding of severity error.
    """
    notes = Notes()
    if len(data) > MAX_BYTES:
        notes.add("too-large", f"The file has {len(data):,} bytes; at most {MAX_BYTES:,} are read.")
        return ReadResult(findings=tuple(notes.found))
    decoded = decode(data)
    text = decoded.text.lstrip("\ufeff")
    if not text.strip():
        notes.add("empty-file", "The file is empty.")
        return ReadResult(findings=tuple(notes.found))
    first = text.lstrip()[0]
    if "\0" in text[:1000] or first not in "<{[":
        notes.add("not-a-process-file", _what_it_is(data))
        return ReadResult(findings=tuple(notes.found))
    if decoded.problem:
        notes.add("wrong-encoding", decoded.problem)
    if first in "{[":
        dialect: Dialect | None = Dialect.TPLG_JSON
        graphs = read_tplg_json(text, name, notes)
    else:
        root = parse(text, notes)
        graphs, dialect = read_definitions(root, name, notes) if root is not None else ((), None)
    for graph in graphs:
        lint(graph, notes)
    result = ReadResult(processes=graphs, dialect=dialect, encoding=decoded.encoding)
    _check_choice(result, notes)
    return ReadResult(processes=graphs, findings=tuple(notes.found), dialect=dialect, encoding=decoded.encoding)


def _check_choice(result: ReadResult, notes: Notes) -> None:
    filled = [graph for graph in result.processes if graph.nodes]
    if not filled and not any(item.severity is Severity.ERROR and item.process is None for item in notes.found):
        notes.add("no-process", "The file holds no process with flow nodes.")
    elif len(filled) > 1 and result.main is None:
        keys = ", ".join(graph.key for graph in filled[:10])
        notes.add(
            "several-processes",
            f"The file holds {len(filled)} processes ({keys}); mark one as executable, or choose one.",
        )


def _what_it_is(data: bytes) -> str:
    known = {b"PK\x03\x04": "a ZIP archive", b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\x1f\x8b": "a gzip archive"}
    kind = next((text for start, text in known.items() if data.startswith(start)), "neither XML nor JSON")
    return f"This is no process file: it is {kind}."
