"""Writes what is made from the code: the OpenAPI document, the pages of error codes, the tables of routes and settings.

The tests compare all of them with the code; run this after a change of a route, a schema, an error or a setting.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from segue.api.app import openapi_text
from segue.api.error_pages import PAGES, index, page
from segue.config import load

ROOT = Path(__file__).resolve().parent.parent


def wanted() -> dict[Path, str]:
    """Every file that is made from the code, in whole or in part, with the text it has to have."""
    errors = ROOT / "docs" / "errors"
    files = {errors / f"{code}.md": page(code) for code in PAGES}
    files[errors / "README.md"] = index()
    files[ROOT / "src" / "segue" / "api" / "openapi.json"] = openapi_text()
    for name, mark, table in (("api.md", "routes", routes_table()), ("commands.md", "settings", settings_table())):
        path = ROOT / "docs" / name
        files[path] = between(path.read_text(encoding="utf-8"), mark, table)
    return files


def between(text: str, mark: str, table: str) -> str:
    """The text with the table between its two marks."""
    pattern = re.compile(rf"(<!-- {mark}: .*? -->\n).*?(<!-- end of {mark} -->)", re.DOTALL)
    return pattern.sub(lambda found: found[1] + table + found[2], text)


def routes_table() -> str:
    """All routes with the scope each needs, as the OpenAPI document tells them."""
    lines = ["| method | path | scope | |\n", "|---|---|---|---|\n"]
    for path, item in json.loads(openapi_text())["paths"].items():
        for method, operation in item.items():
            scope = "none" if operation.get("security") == [] else operation.get("x-scope", "any")
            about = operation.get("description", "").split("\n")[0]
            lines.append(f"| {method.upper()} | `{path}` | {scope} | {about} |\n")
    return "".join(lines)


def settings_table() -> str:
    """All settings with their defaults."""
    listed = load(environment={}, file=False).listed
    lines = [
        f"| `{each.name}` | {f'`{each.value}`' if each.value != '' else 'none'} | {each.about} |\n" for each in listed
    ]
    return "| setting | default | what it is |\n|---|---|---|\n" + "".join(lines)


def main() -> None:
    """Write all of them, and remove the pages of codes that are gone."""
    files = wanted()
    for stale in set((ROOT / "docs" / "errors").glob("*.md")) - files.keys():
        stale.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
