"""Makes docs/screens/*.png: every page of the admin, 1440 and 390 px wide, light and dark. `make screens` runs it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.ui.stage import ROOT, browse, stage

FOLDER = ROOT / "docs" / "screens"


def main() -> int:
    """Make them; exit code 1 when a page has a fault."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("make screens: needs Debian's chromium\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, stage(Path(data)) as where:
        done = browse("pages.mjs", where, chromium, PICTURES=str(FOLDER))
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
