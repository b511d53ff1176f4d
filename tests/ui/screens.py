"""Makes docs/screens/*.png: every page of the admin, 1440 and 390 px wide, light and dark. `make screens` runs it.

With ONLY set, a regular expression, the pages of these names alone; `editor` is the editor with all that belongs to it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.ui.stage import FOREIGN, ROOT, browse, stage

FOLDER = ROOT / "docs" / "screens"
# The scripts that make pictures, and for each what has to run before it.
SCRIPTS = {"pages.mjs": None, "editor-views.mjs": "editor.mjs"}


def main() -> int:
    """Make them; exit code 1 when a page has a fault."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("make screens: needs Debian's chromium\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    only = os.environ.get("ONLY", "")
    wanted = {"editor-views.mjs"} if only == "editor" else {"pages.mjs"} if only else set(SCRIPTS)
    return max(_pictures(script, chromium) for script in SCRIPTS if script in wanted)


def _pictures(script: str, chromium: str) -> int:
    """Run the script on a server of its own."""
    with tempfile.TemporaryDirectory() as data, stage(Path(data)) as where:
        for each in filter(None, (SCRIPTS[script], script)):
            done = browse(each, where, chromium, FOREIGN_FILE=str(FOREIGN), PICTURES=str(FOLDER))
            told = done.stdout if each == script else ""
            sys.stdout.write(told)
            sys.stderr.write(done.stderr)
            if done.returncode:
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
