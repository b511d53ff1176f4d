"""The build hook of the wheel: the admin goes in built. An editable install is left as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent.parent


class AdminHook(BuildHookInterface[Any]):
    """Builds the admin before the wheel is packed, where its source is there; an sdist brings it built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raise RuntimeError when there is no built admin to pack."""
        if version == "editable":
            return
        if (ROOT / "ui" / "package.json").is_file():
            subprocess.run([sys.executable, str(ROOT / "tools" / "build_ui.py")], cwd=ROOT, check=True)
        if not (ROOT / "src" / "segue" / "web" / "static" / "index.html").is_file():
            raise RuntimeError("src/segue/web/static is not built: run `make ui` in a clone")
