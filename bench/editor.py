"""How smoothly a diagram of 500 nodes drags in the editor, in Debian's Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

UI = Path(__file__).resolve().parent.parent / "ui"


def editor() -> None:
    """Drag a node, and the whole drawing, for four seconds each: frames a second. Needs node, chromium, `make ui`."""
    chromium, node = shutil.which("chromium"), shutil.which("node")
    if chromium is None or node is None or not (UI / "node_modules").is_dir():
        sys.stderr.write("bench editor: left out; it needs node, chromium and `make ui`\n")
        return
    environment = os.environ | {"CHROMIUM": chromium, "NODES": "500"}
    done = subprocess.run([node, "e2e/drag.mjs"], cwd=UI, env=environment, capture_output=True, text=True, check=False)
    sys.stderr.write(done.stderr)
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    if done.returncode != 0:
        raise SystemExit(done.returncode)
