"""The examples of the documentation run, and its tables are true."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import segue_sdk
from segue_sdk import Message
from segue_sdk.testing import Outcome

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "sdk.md", ROOT / "sdk" / "README.md"]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    pytest.param(page, match.group(1), page.read_text().count("\n", 0, match.start()) + 1, id=f"{page.name}-{number}")
    for page in PAGES
    for number, match in enumerate(BLOCK.finditer(page.read_text()), 1)
]
SAMPLES: dict[str, Callable[[], segue_sdk.Result]] = {
    "forward": segue_sdk.forward,
    "route": lambda: segue_sdk.route("a"),
    "stop": segue_sdk.stop,
    "repeat": segue_sdk.repeat,
    "limit_reached": segue_sdk.limit_reached,
    "fail": lambda: segue_sdk.fail("x"),
}


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 9


@pytest.mark.parametrize(("page", "code", "line"), EXAMPLES)
def test_an_example_runs(page: Path, code: str, line: int) -> None:
    exec(compile("\n" * line + code, str(page), "exec"), {"__name__": "example"})


def test_the_table_of_results_is_true_and_complete() -> None:
    rows = re.findall(r"^\| .*?`(\w+)\(\.\.\.\)` \|(?: `(\w+)`)? \| (\d+) \|", PAGES[0].read_text(), re.MULTILINE)
    assert {name for name, _, _ in rows} == set(SAMPLES)
    for name, exception, code in rows:
        assert SAMPLES[name]().code == int(code)
        if exception:
            make: Any = getattr(segue_sdk, exception)
            assert make(*(["x"] if name == "fail" else [])).result.code == int(code)


def test_what_the_page_lists_exists() -> None:
    text = PAGES[0].read_text()
    table = text[text.index("## The message") : text.index("A message may arrive more than once")]
    named = set(re.findall(r"`(?:message)?\.(\w+)", table))
    assert named == {name for name in dir(Message) if not name.startswith("_")} - {"measured", "remote_calls"}
    outcome = re.search(r"returns an `Outcome`: (.*?)\. In async", text, re.DOTALL)
    assert outcome is not None
    assert set(re.findall(r"`(\w+)", outcome.group(1))) == {
        name for name in dir(Outcome) if not name.startswith("_")
    }  # fmt: skip
