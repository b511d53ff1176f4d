"""Runs `segue serve` and writes down which functions of Segue ran first, from the first start request on.

`python -m tests.walk.recorder OUTPUT serve …`: a line for each function when the process ends: file, a tab, its name.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import FrameType

from starlette.types import Receive, Scope, Send

import segue
from segue.api.front import Front

ROOT = Path(segue.__file__).parent


class Recorder:
    """A profile function (`sys.setprofile`). In other threads it is there from the start, and sleeps until `begun`."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], None] = {}
        self.begun = False

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if not self.begun or event != "call":
            return
        code = frame.f_code
        if code.co_filename.startswith(str(ROOT)):
            file = str(Path(code.co_filename).relative_to(ROOT.parent.parent))
            self.seen.setdefault((file, code.co_qualname))


def main() -> None:
    """Serve under the recorder."""
    output = Path(sys.argv.pop(1))
    recorder = Recorder()
    threading.setprofile(recorder)
    front = Front.__call__

    async def first(self: Front, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/processes/"):
            recorder.begun = True
            sys.setprofile(recorder)
        await front(self, scope, receive, send)

    Front.__call__ = first  # type: ignore[method-assign]
    from segue.cli import main as command  # noqa: PLC0415 - after the place it starts at was prepared

    try:
        command()
    finally:
        sys.setprofile(None)
        output.write_text("".join(f"{file}\t{name}\n" for file, name in recorder.seen))


if __name__ == "__main__":
    main()
