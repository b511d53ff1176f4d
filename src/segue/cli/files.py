"""`segue deploy` and `segue check`: process files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from segue.cli.client import Client, RefusedError, Token, Url, part
from segue.cli.output import Json, show_json, warn
from segue.control.names import slug
from segue.model.errors import Invalid

Files = Annotated[
    list[Path], typer.Argument(help="BPMN 2.0 XML, .tplg or .tplg.json.", metavar="FILE…", show_default=False)
]

_ASSIGNED = re.compile(r"(?P<node>[^=]+)=(?P<kind>connector|custom|batch):(?P<worker>[^/]+)/(?P<action>.+)")
_ENDINGS = (".tplg.json", ".tplg", ".bpmn20.xml", ".bpmn.xml", ".bpmn", ".xml", ".json")


def check(
    files: Files,
    key: Annotated[
        str | None, typer.Option(help="Id of the BPMN process that is meant, if a file has several.", metavar="ID")
    ] = None,
    json: Json = False,
) -> None:
    """Read process files and name what is wrong with them; exit code 1 when something keeps one from running.

    What is said is what deploying the file would say: of a file with several processes what concerns the one meant.
    """
    from segue.bpmn import read_file  # noqa: PLC0415 - the parsers take their time

    reports = {}
    for file in files:
        result = read_file(_read(file), name=file.name)
        reports[str(file)] = [_finding(found) for found in result.findings_for(key)]
    bad = any(found["severity"] == "error" for findings in reports.values() for found in findings)
    if json:
        show_json([{"file": file, "findings": findings} for file, findings in reports.items()])
    else:
        for name, findings in reports.items():
            _print_findings(name, findings)
    raise typer.Exit(1 if bad else 0)


def deploy(
    files: Files,
    *,
    process: Annotated[
        str | None, typer.Option(help="Name of the process; without it the file's name.", metavar="NAME")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Id of the BPMN process that is meant, if a file has several.", metavar="ID")
    ] = None,
    folder: Annotated[str, typer.Option(help="Folder for a process that is new.")] = "",
    note: Annotated[str, typer.Option(help="What changed and why.")] = "",
    enable: Annotated[bool, typer.Option("--enable", help="Enable the version as well.")] = False,
    assign: Annotated[
        list[str] | None,
        typer.Option(help="Give a node its action; may be repeated.", metavar="NODE=KIND:WORKER/ACTION"),
    ] = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Import process files, check and publish them; prints each version and what was found.

    A file that means the same as the newest published version makes no new one. Exit code 1 when a file has errors;
    it then stays a draft, and the files after it are not sent.
    """
    if process is not None and len(files) > 1:
        raise Invalid("--process names one process; deploy its file alone")
    client = Client(url, token)
    sources = [(file, _assigned(_read(file), file.name, assign or [])) for file in files]
    results = []
    for file, source in sources:
        name = process or slug(_stem(file.name))
        given = {"file": file.name, "key": key or "", "note": note, "folder": folder}
        result = _deploy_one(client, name, source, given=given, enable=enable)
        results.append(result)
        if not json:
            _print_findings(str(file), result["findings"])
            print(f"{name} version {result['version']} {result['state']}")
        if result["state"] == "draft":
            break
    if json:
        show_json(results if len(files) > 1 else results[0])
    if results[-1]["state"] == "draft":
        raise typer.Exit(1)


def _deploy_one(client: Client, name: str, source: bytes, *, given: dict[str, str], enable: bool) -> dict[str, Any]:
    base = f"/api/v1/processes/{part(name)}"
    _ensure_process(client, name, given["folder"])
    query = {key: given[key] for key in ("file", "key", "note") if given[key]}
    headers = {"Content-Type": "application/xml"}
    try:
        draft = client.upload("PUT", f"{base}/draft?{urlencode(query)}", source, headers)
    except RefusedError as error:
        if error.code == "unreadable-file":
            _print_findings(given["file"], error.problem.get("findings", []))
        raise
    number, state = draft["version"], draft["state"]
    errors = any(found["severity"] == "error" for found in draft["findings"])
    if state == "draft" and not errors:
        state = client.send("POST", f"{base}/versions/{number}/publish")["state"]
    if state == "disabled" and enable:
        state = client.send("POST", f"{base}/versions/{number}/enable")["state"]
    return {
        "process": name,
        "version": number,
        "state": state,
        "unchanged": draft["published"],
        "findings": draft["findings"],
    }


def _ensure_process(client: Client, name: str, folder: str) -> None:
    try:
        client.get(f"/api/v1/processes/{part(name)}")
    except RefusedError as error:
        if error.code != "process-not-found":
            raise
        client.send("POST", "/api/v1/processes", {"name": name, "folder": folder})


def _assigned(source: bytes, name: str, assignments: list[str]) -> bytes:
    """The file with actions given to nodes, everything else in it as it was."""
    if not assignments:
        return source
    from segue.bpmn import read_file  # noqa: PLC0415 - the parsers take their time
    from segue.bpmn.assign import assign as give  # noqa: PLC0415
    from segue.bpmn.settings import Binding  # noqa: PLC0415
    from segue.model.graph import Action, ActionKind, Node, NodeKind  # noqa: PLC0415

    usual = Node(id="", kind=NodeKind.ACTION, element="task")
    for text in assignments:
        match = _ASSIGNED.fullmatch(text)
        if match is None:
            raise Invalid(f"--assign {text}: write NODE=KIND:WORKER/ACTION with KIND connector, custom or batch")
        nodes = [node for graph in read_file(source, name=name).processes for node in graph.nodes]
        node = next((node for node in nodes if node.id == match["node"]), usual)
        # Only the action is given; how the node calls it stays as the file says.
        binding = Binding(
            action=Action(kind=ActionKind(match["kind"]), worker=match["worker"], name=match["action"]),
            prefetch=node.prefetch if node.prefetch != usual.prefetch else None,
            timeout_ms=node.timeout_ms if node.timeout_ms != usual.timeout_ms else None,
            priority=node.priority or None,
            repeat=node.repeat,
            limits=node.limits,
        )
        source = give(source, match["node"], binding, name=name)
    return source


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from None


def _stem(name: str) -> str:
    lower = name.lower()
    for ending in _ENDINGS:
        if lower.endswith(ending):
            return name[: -len(ending)]
    return name


def _finding(found: Any) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415

    plain: dict[str, Any] = msgspec.to_builtins(found)
    return {key: value for key, value in plain.items() if value is not None}


def _print_findings(file: str, findings: list[dict[str, Any]]) -> None:
    for found in findings:
        line = f":{found['line']}" if found.get("line") else ""
        node = f" [{found['node']}]" if found.get("node") else ""
        warn(f"{file}{line}: {found['severity']} {found['code']}{node}: {found['message']}")
