"""The rules of the source, held over every file of the clone."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.source import allowed, documents, shape, words
from tests.source.tree import Source, Violation, places, sources

ALL = list(sources())
NO_EXEMPTION: dict[str, str] = {}


def listing(violations: Iterable[Violation]) -> str:
    """Return the violations one a line, sorted; empty when there are none."""
    return "\n".join(str(violation) for violation in sorted(violations))


def needing(rule: Callable[[Source, dict[str, str]], Iterator[Violation]]) -> frozenset[str]:
    """Return the files that break a rule when nothing is exempt from it."""
    return frozenset(violation.place for source in ALL for violation in rule(source, NO_EXEMPTION))


def test_the_walk_sees_the_whole_tree() -> None:
    seen = {source.place for source in ALL}
    assert {
        "pyproject.toml",
        "Makefile",
        "README.md",
        "requirements/runtime.txt",
        "sdk/pyproject.toml",
        "src/segue/core/__init__.py",
        "sdk/src/segue_sdk/__init__.py",
        "tests/source/test_tree.py",
    } <= seen
    assert not any(place.startswith(".venv/") or "__pycache__" in place for place in seen)


@pytest.mark.parametrize(
    "rule",
    [
        shape.file_length,
        shape.function_length,
        shape.module_docstring,
        shape.purity,
        shape.sleeping_test,
        documents.lock_addresses,
        documents.unpinned,
    ],
    ids=lambda rule: rule.__name__,
)
def test_shape(rule: Callable[[Source], Iterator[Violation]]) -> None:
    found = listing(violation for source in ALL for violation in rule(source))
    assert not found, f"{rule.__doc__}\n{found}"


def test_banned_words() -> None:
    found = listing(v for source in ALL for v in words.banned_words(source, allowed.BANNED_WORDS))
    assert not found, f"\n{found}"


def test_compatibility_words() -> None:
    found = listing(v for source in ALL for v in words.compatibility_words(source, allowed.COMPATIBILITY_WORDS))
    assert not found, f"\n{found}"


@pytest.mark.parametrize(
    ("rule", "exempt"),
    [
        (words.banned_words, allowed.BANNED_WORDS),
        (words.compatibility_words, allowed.COMPATIBILITY_WORDS),
    ],
    ids=["banned", "compatibility"],
)
def test_every_exemption_is_needed(
    rule: Callable[[Source, dict[str, str]], Iterator[Violation]], exempt: dict[str, str]
) -> None:
    found = listing(words.idle_allowances(ALL, exempt, needing(rule)))
    assert not found, f"\n{found}"


def test_links_of_documents() -> None:
    texts = {source.place: source.text for source in ALL}
    assert sum(len(list(documents.links(text))) for place, text in texts.items() if place.endswith(".md")) > 10
    found = listing(documents.broken_links(texts, frozenset(places())))
    assert not found, f"\n{found}"


@pytest.mark.parametrize("place", ["pyproject.toml", "sdk/pyproject.toml"])
def test_the_lock_meets_what_a_distribution_requires(place: str) -> None:
    by_place = {source.place: source for source in ALL}
    project = tomllib.loads(by_place[place].text)["project"]
    assert project["dependencies"]
    assert not listing(documents.unmet(place, project["dependencies"], by_place["requirements/runtime.txt"]))


def test_the_locks_meet_their_lists() -> None:
    by_place = {source.place: source for source in ALL}
    lists = [place for place in by_place if place.startswith("requirements/") and place.endswith(".in")]
    assert len(lists) >= 3
    for place in lists:
        wanted = [line for line in by_place[place].text.splitlines() if line and not line.startswith("#")]
        assert wanted, place
        assert not listing(documents.unmet(place, wanted, by_place[place.removesuffix(".in") + ".txt"]))
