"""What is written down beside the code: the OpenAPI document and a page for every error code."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
from pathlib import Path

import pytest

import segue
from segue.api.app import openapi_text
from segue.api.error_pages import PAGES, page
from segue.config import Settings
from segue.model.errors import SegueError
from tests.site import Site
from tools.write_api_docs import routes_table, settings_table, wanted

ROOT = Path(__file__).resolve().parents[2]
AGAIN = "run: .venv/bin/python tools/write_api_docs.py"


def test_everything_made_from_the_code_is_as_the_code_makes_it() -> None:
    files = wanted()
    assert len(files) > len(PAGES)
    for path, text in files.items():
        assert path.exists(), f"{path} is missing; {AGAIN}"
        assert path.read_text(encoding="utf-8") == text, f"{path} is not what the code says; {AGAIN}"
    pages = set((ROOT / "docs" / "errors").glob("*.md"))
    assert pages <= files.keys(), AGAIN


def test_the_tables_name_every_route_and_setting() -> None:
    assert routes_table().count("\n") == len(documented()) + 2
    for method, path in documented():
        assert f"| {method} | `{path}` |" in (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in Settings.__struct_fields__:
        assert f"| `{name}` |" in settings_table()


def documented() -> list[tuple[str, str]]:
    paths = json.loads(openapi_text())["paths"]
    return [(method.upper(), path) for path, item in paths.items() for method in item]


async def test_the_server_serves_the_same_document(site: Site) -> None:
    served = await site.get("/api/v1/openapi.json", token="start")
    served["info"]["version"] = json.loads(openapi_text())["info"]["version"]
    assert served == json.loads(openapi_text())


def errors_of_the_code() -> dict[str, set[int]]:
    """Every error class there is, found by importing all modules: code to HTTP statuses."""
    for module in pkgutil.walk_packages(segue.__path__, "segue."):
        if module.name != "segue.__main__" and not module.name.startswith("segue.testing"):
            importlib.import_module(module.name)
    found: dict[str, set[int]] = {}
    waiting: list[type[SegueError]] = [SegueError]
    while waiting:
        kind = waiting.pop()
        if kind.__module__.startswith("segue.") and not kind.__module__.startswith("segue.cli"):
            found.setdefault(kind.code, set()).add(kind.status)
        waiting += kind.__subclasses__()
    return found


def test_every_code_has_a_page_with_its_status_and_every_page_a_code() -> None:
    assert errors_of_the_code() == {code: {entry.status} for code, entry in PAGES.items()}


def test_every_error_is_raised_somewhere() -> None:
    raised: set[str] = set()
    for path in (ROOT / "src" / "segue").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                raised.add(node.func.id if isinstance(node.func, ast.Name) else node.func.attr)
    errors_of_the_code()
    waiting: list[type[SegueError]] = [SegueError]
    idle = []
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__ == "segue.model.errors" and kind.__name__ not in raised and not kind.__subclasses__():
            idle.append(kind.__name__)
    assert idle == []


@pytest.mark.parametrize("code", sorted(PAGES))
def test_a_page_says_what_it_means_and_what_to_do(code: str) -> None:
    text = page(code)
    assert text.startswith(f"# {code}\n\nHTTP status {PAGES[code].status}.\n")
    assert len(PAGES[code].meaning.split()) > 4
    assert len(PAGES[code].remedy.split()) > 3
