"""Writes what is made from the code: `src/segue/api/openapi.json` and the pages in `docs/errors/`.

The tests compare both with the code; run this after a change of a route, a schema or an error.
"""

from __future__ import annotations

from pathlib import Path

from segue.api.app import openapi_text
from segue.api.error_pages import PAGES, index, page

ROOT = Path(__file__).resolve().parent.parent
OPENAPI = ROOT / "src" / "segue" / "api" / "openapi.json"
ERRORS = ROOT / "docs" / "errors"


def main() -> None:
    """Write all of them, and remove the pages of codes that are gone."""
    OPENAPI.write_text(openapi_text(), encoding="utf-8")
    ERRORS.mkdir(parents=True, exist_ok=True)
    for stale in set(ERRORS.glob("*.md")) - {ERRORS / f"{code}.md" for code in PAGES}:
        stale.unlink()
    for code in PAGES:
        (ERRORS / f"{code}.md").write_text(page(code), encoding="utf-8")
    (ERRORS / "README.md").write_text(index(), encoding="utf-8")


if __name__ == "__main__":
    main()
