"""Each rule of the source finds a planted violation, and leaves the harmless neighbour of it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.source import documents, shape, words
from tests.source.tree import Source, Violation, places, sources

Rule = Callable[[Source], Iterator[Violation]]
# Put together, so that this file holds neither an address nor a path of what it plants.
MIRROR = "://".join(("https", "mirror"))
TREE = "/".join(("", "work"))
HASHED = "lxml==6.1.3 \\\n    --hash=sha256:00\n    # via segue\n"


def lines_of(count: int, line: str = "x = 1") -> str:
    """Return a text of so many equal lines."""
    return f"{line}\n" * count


def function_of(count: int) -> str:
    """Return a function that has so many lines, its `def` included."""
    return "class C:\n    async def f(self):\n" + lines_of(count - 1, "        x = 1")


BREACHES: list[tuple[Rule, str, str, int]] = [
    (shape.file_length, "src/a.py", lines_of(501), 0),
    (shape.file_length, "ui/src/a.tsx", lines_of(501), 0),
    (shape.function_length, "src/a.py", function_of(51), 2),
    (shape.module_docstring, "src/a.py", "import this\n", 1),
    (shape.module_docstring, "tests/a.py", '"""Tests."""\n', 1),
    (shape.purity, "src/segue/core/a.py", "import datetime\nx = datetime.datetime.now()\n", 2),
    (shape.purity, "src/segue/bpmn/a.py", "x = 1\ny = open('f')\n", 2),
    (shape.purity, "src/segue/core/a.py", "from uuid import uuid4\nx = uuid4()\n", 2),
    (shape.sleeping_test, "tests/a.py", "import time\ntime.sleep(0.1)\n", 2),
    (shape.sleeping_test, "tests/a.py", "async def f():\n    await asyncio.sleep(1)\n", 2),
    (shape.sleeping_test, "src/segue/testing/a.py", "from time import sleep\nsleep(1)\n", 2),
    (shape.sleeping_test, "tests/a.py", "page.wait_for_timeout(500)\n", 1),
    (shape.sleeping_test, "tests/a.py", "sleep(1)  # not synchronisation:\n", 1),
    (documents.lock_addresses, "requirements/a.txt", f"--index-url {MIRROR}\n{HASHED}", 1),
    (documents.lock_addresses, "requirements/a.txt", f"lxml @ {MIRROR}/lxml.whl\n", 1),
    (documents.lock_addresses, "ui/package-lock.json", f'{{\n  "resolved": "{MIRROR}/a.tgz"\n}}', 2),
    (documents.unpinned, "requirements/a.txt", f"{HASHED}rich==15.0.0\n", 4),
    (documents.unpinned, "requirements/a.txt", "lxml>=6 \\\n    --hash=sha256:00\n", 1),
]

HARMLESS: list[tuple[Rule, str, str]] = [
    (shape.file_length, "src/a.py", lines_of(500)),
    (shape.file_length, "requirements/a.txt", lines_of(501)),
    (shape.function_length, "src/a.py", function_of(50)),
    (shape.module_docstring, "src/a.py", '"""Tells what it is for."""\n'),
    (shape.module_docstring, "docs/a.md", "nothing\n"),
    (shape.purity, "src/segue/runtime/a.py", "x = datetime.now()\n"),
    (shape.purity, "src/segue/core/a.py", "def f(now, today):\n    return now + today\n"),
    (shape.sleeping_test, "tests/a.py", "await_ = asyncio.sleep(0)\n"),
    (shape.sleeping_test, "tests/a.py", "sleep(1)  # not synchronisation: a service that is slow on purpose\n"),
    (shape.sleeping_test, "src/segue/runtime/a.py", "asyncio.sleep(1)\n"),
    (documents.lock_addresses, "requirements/a.txt", HASHED),
    (documents.lock_addresses, "ui/package-lock.json", '{"funding": {"url": "https://example.org"}}'),
    (documents.unpinned, "requirements/a.txt", HASHED),
]


@pytest.mark.parametrize(("rule", "place", "text", "line"), BREACHES)
def test_a_planted_breach_is_found(rule: Rule, place: str, text: str, line: int) -> None:
    assert [(found.place, found.line) for found in rule(Source(place, text))] == [(place, line)]


@pytest.mark.parametrize(("rule", "place", "text"), HARMLESS)
def test_the_harmless_neighbour_is_left_alone(rule: Rule, place: str, text: str) -> None:
    assert list(rule(Source(place, text))) == []


@pytest.mark.parametrize(
    "line",
    [
        f"see {TREE}/main/x.py",
        'open("/tmp/x")',
        "cd /home/me/segue",
        "read ../shared/design.md",
        "from https://pypi.org/project/x",
        "index https://mirror.example/simple",
        "image: ghcr.io/x/y",
        "as Claude said",
        "written by an agent",
        "an AI wrote it",
        "in this session",
        "the next session continues",
        "closes issue 12",
        "see issue #3",
        "run issues show 3",
        "the other helpers do this",
        "Co-Authored-By: somebody",
    ],
)
def test_a_banned_word_is_found(line: str) -> None:
    found = list(words.banned_words(Source("src/a.py", f"first\n{line}\n"), {}))
    assert [violation.line for violation in found] == [2]
    assert list(words.banned_words(Source("src/a.py", line), {"src/*.py": "a reason in words"})) == []


@pytest.mark.parametrize(
    "line",
    [
        "the session cookie of the admin",
        "User-Agent and user-agent",
        "Path('tmp') / 'x'",
        f"https://example.org{TREE}/item",
        "FAIL, MAIL and AIR",
        "an issue of trust",
    ],
)
def test_words_that_only_look_banned(line: str) -> None:
    assert list(words.banned_words(Source("src/a.py", line), {})) == []


@pytest.mark.parametrize(
    "line", ["a topology", "topologyId = 1", "TOPOLOGY_ID", "node_counter += 1", "Bridge(x)", "`repeater-hops`"]
)
def test_a_compatibility_word_is_found(line: str) -> None:
    assert len(list(words.compatibility_words(Source("src/segue/core/a.py", line), {}))) == 1
    assert list(words.compatibility_words(Source("tests/a.py", line), {})) == []
    assert list(words.compatibility_words(Source("sdk/LICENSE", line), {})) == []


@pytest.mark.parametrize("line", ["perf_counter_ns()", "from collections import Counter", "encounter, counterpart"])
def test_words_that_only_look_like_compatibility(line: str) -> None:
    assert list(words.compatibility_words(Source("src/segue/core/a.py", line), {})) == []


def test_an_exemption_needs_a_reason_and_a_file() -> None:
    tree = [Source("src/a.py", "a topology"), Source("src/b.py", "a process")]
    needing = frozenset({"src/a.py"})
    assert list(words.idle_allowances(tree, {"src/a.py": "wire names of Orchesty"}, needing)) == []
    exempt = {"src/a.py": "because", "src/b.py": "not needed any more", "src/gone.py": "left over from before"}
    found = [violation.place for violation in words.idle_allowances(tree, exempt, needing)]
    assert found == ["src/a.py", "src/b.py", "src/gone.py"]


def test_broken_links_are_found() -> None:
    texts = {
        "README.md": "# One\n[a](docs/b.md) ![p](docs/p.png) [c](docs) [o](https://example.org/x)\n"
        "[gone](docs/Gone.md)\n[case](docs/B.md)\n[up](../x.md)\n`[code](no.md)`\n```\n[code](no.md)\n```\n"
        '[r]: no/ref.md\n<img src="no.png">\n',
        "docs/b.md": "# Hello, `wide` World!\n## Twice\n## Twice\n"
        "[h](#hello-wide-world) [t](#twice-1) [up](../README.md#one)\n[h](#helo)\n[other](../README.md#two)\n",
    }
    found = documents.broken_links(texts, frozenset({*texts, "docs/p.png"}))
    assert sorted((violation.place, violation.line) for violation in found) == [
        *(("README.md", line) for line in (3, 4, 5, 10, 11)),
        ("docs/b.md", 5),
        ("docs/b.md", 6),
    ]


def test_a_requirement_without_its_lock_is_found() -> None:
    lock = Source("requirements/a.txt", HASHED + HASHED.replace("lxml", "Typing_Extensions"))
    met = ["lxml>=6,<7", "typing.extensions"]
    assert list(documents.unmet("pyproject.toml", met, lock)) == []
    found = list(documents.unmet("pyproject.toml", [*met, "lxml>=7", "rich"], lock))
    assert [violation.message.split()[0] for violation in found] == ["lxml>=7", "rich"]


def test_the_walk_leaves_out_what_git_ignores(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(".venv/\n*.log\n")
    for place in (".venv/a.py", "src/a.py", "run.log", "tests/data/b.py", ".git/c.py"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("x = 1\n")
    (tmp_path / "p.png").write_bytes(b"\x89PNG\xff")
    assert [source.place for source in sources(tmp_path)] == [".gitignore", "src/a.py"]
    assert places(tmp_path) == [".gitignore", "p.png", "src/a.py", "tests/data/b.py"]
