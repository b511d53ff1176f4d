"""Files of other tools open in the editor and save; what is lost was told before (the share is printed).

The build machine looks at all of them, other machines at every third.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.bpmn.decode import decode
from segue.bpmn.normalise import normalise
from tests.bpmn.test_corpus import FILES
from tests.skipping import needs_command, strict
from tests.ui.losses import defaults, lost
from tests.ui.stage import ROOT, browser_environment

UI = ROOT / "ui"
LOOKED_AT = FILES if strict() else FILES[::3]


def as_utf8(data: bytes) -> bytes:
    """The file as it was put, whatever encoding it was in."""
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", decode(data).text.lstrip("\ufeff")).encode()


def saved_by_the_editor(
    chromium: str, folder: Path
) -> Iterator[tuple[Path, bytes, tuple[str, ...], dict[str, object]]]:
    """Each file with what the server made ready, what it said of that, and what the editor made of it."""
    ready = {path: normalise(path.read_bytes(), name=path.name) for path in LOOKED_AT}
    files = folder / "files.json"
    listed = [{"name": str(path), "xml": found.data.decode()} for path, found in ready.items()]
    files.write_text(json.dumps(listed), encoding="utf-8")
    environment = browser_environment(chromium, FILES=str(files))
    done = subprocess.run(
        ["node", "e2e/roundtrip.mjs"], cwd=UI, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        found = json.loads(line)
        path = Path(found["name"])
        yield path, ready[path].data, ready[path].changes, found


def told(entry: str, losses: list[str]) -> bool:
    """Whether a sentence names the element (or the moved drawing) that a lost part belongs to."""
    names = re.findall(r"[\w-]+", re.sub(r"\[[^\]]*\]|=.*$", "", entry).rpartition("/")[2])
    places = re.search(r"/(waypoint|Bounds)\[[^\]]*\]@(x|y|width|height)=", entry.replace(":waypoint", "/waypoint"))
    moved = any("collapsed sub-process" in text for text in losses)
    if moved and (places or re.search(r":(waypoint|Bounds)\[\]@", entry)):
        return True
    return any(re.search(rf"\b{re.escape(name)}\b", text) for text in losses for name in names)


@pytest.mark.timeout(300)
def test_nothing_is_lost_that_was_not_told_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_command("node", "nodejs")
    chromium = needs_command("chromium", "chromium")
    if not (UI / "node_modules" / "bpmn-moddle").is_dir():
        pytest.skip("the admin is not built: make ui")
    known = defaults()
    opened, whole, silent = 0, 0, []
    for path, ready, changes, found in saved_by_the_editor(chromium, tmp_path):
        assert "failed" not in found, (path, found["failed"])
        opened += 1
        saved, losses = str(found["saved"]).encode(), [str(text) for text in found["lost"]]  # type: ignore[attr-defined]
        by_editor = lost(ready, saved, known)
        by_server = lost(as_utf8(path.read_bytes()), ready, known)
        whole += not [entry for entry in by_editor if not re.search(r":(waypoint|Bounds)\[\]@", entry)]
        unsaid = [entry for entry in by_editor if not told(entry, losses)]
        if unsaid or (by_server and not changes):
            silent.append((f"{path.parent.name}/{path.name}", unsaid[:3]))
    told_share = (opened - len(silent)) / len(LOOKED_AT)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{opened} of {len(LOOKED_AT)} files open and save; nothing lost in {whole} ({whole / len(LOOKED_AT):.1%}), "
            f"nothing lost unannounced in {opened - len(silent)} ({told_share:.1%})\n"
        )
    assert len(FILES) == 230
    assert opened == len(LOOKED_AT)
    assert whole / opened >= 0.95
    assert silent == []


def test_the_comparison_sees_what_is_missing() -> None:
    """A timer, an attribute of another tool, a shape and a text that are gone are found; white space is not."""
    before = (
        b'<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="urn:z"><b:process id="p">'
        b'<b:startEvent id="s" z:note="n" isInterrupting="true"><b:documentation>why</b:documentation></b:startEvent>'
        b"</b:process></b:definitions>"
    )
    known = frozenset({("isInterrupting", "1.0")})
    assert not lost(before, before.replace(b"><", b">\n <").replace(b' isInterrupting="true"', b""), known)
    assert lost(before, before.replace(b' z:note="n"', b""), known)
    assert lost(before, before.replace(b"why", b"what"), known)
    assert lost(before, before.replace(b"<b:documentation>why</b:documentation>", b""), known)
