"""Rules on words: what must not stand in the source, and which words belong to the compatibility code alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from tests.source.tree import Source, Violation

# Each pattern with what is wrong about it. They are matched line by line.
BANNED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<![\w.])/(?:work|tmp|root|home|Users|opt/wheels)/[\w.]"), "a path of one machine"),
    (re.compile(r"\.\./shared\b"), "a path outside the clone"),
    (
        re.compile(
            r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|docker\.io|ghcr\.io|quay\.io|gcr\.io"
            r"|crates\.io|rubygems\.org|proxy\.golang\.org)\b|https?://\S+/simple\b",
            re.IGNORECASE,
        ),
        "the address of a package registry",
    ),
    (
        re.compile(
            r"\b(?:claude|anthropic|chatgpt|openai|copilot|llms?|sub-?agents?|co-authored-by)\b",
            re.IGNORECASE,
        ),
        "says how the source is made",
    ),
    (re.compile(r"\bA\.?I\b"), "says how the source is made"),
    (re.compile(r"(?<!user-)(?<!user_)(?<!user )(?<!User)\bagents?\b", re.IGNORECASE), "says how the source is made"),
    (
        re.compile(r"\b(?:this|previous|next|earlier|later|coding|working|development) session\b", re.IGNORECASE),
        "says how the source is made",
    ),
    (re.compile(r"\bissue\s+#?\d+|\bissues? (?:show|note|close)\b", re.IGNORECASE), "names a work item, not a reason"),
    (re.compile(r"\b(?:the|another|other) helpers?\b", re.IGNORECASE), "says how the source is made"),
)
# Locks are written by tools; what must not stand in them has rules of its own.
LOCK_NAMES = ("requirements/*.txt", "*package-lock.json")

COMPATIBILITY_WORDS = {"topology", "topologies", "bridge", "bridges", "repeater", "repeaters", "counter", "counters"}
COMPATIBILITY_SCOPE = ("src/", "sdk/", "ui/src/", "docs/", "demo/", "README.md", "CONTRIBUTING.md")
# Names of the standard library that hold one of the words.
FOREIGN_NAMES = re.compile(r"\bperf_counter(?:_ns)?\b|\bCounter\b")
WORD_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def banned_words(source: Source, allowed: Mapping[str, str]) -> Iterator[Violation]:
    """No line says on which machine, from which registry, how or by whom the source is made."""
    if is_allowed(source.place, allowed) or any(fnmatchcase(source.place, name) for name in LOCK_NAMES):
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        for pattern, wrong in BANNED:
            if found := pattern.search(line):
                yield Violation(source.place, number, f"`{found.group().strip()}`: {wrong}")


def compatibility_words(source: Source, allowed: Mapping[str, str]) -> Iterator[Violation]:
    """Orchesty's words stand only in the compatibility code; Segue has one word per thing."""
    if not source.place.startswith(COMPATIBILITY_SCOPE) or is_allowed(source.place, allowed):
        return
    if source.place.endswith(("LICENSE", ".svg", ".json", ".xml", ".bpmn", ".tplg")):
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        for word in sorted(compatibility_words_of(line)):
            yield Violation(source.place, number, f"`{word}` is a word of the compatibility code")


def compatibility_words_of(line: str) -> set[str]:
    """Return which of the words stand in a line, also as part of a name such as `topologyId` or `node_counter`."""
    parts = (part.lower() for part in WORD_PARTS.findall(FOREIGN_NAMES.sub("", line)))
    return COMPATIBILITY_WORDS.intersection(parts)


def is_allowed(place: str, allowed: Mapping[str, str]) -> bool:
    """Tell whether a file is exempt; the keys are places or patterns of places."""
    return any(fnmatchcase(place, pattern) for pattern in allowed)


def idle_allowances(
    all_sources: list[Source], allowed: Mapping[str, str], needs_it: frozenset[str]
) -> Iterator[Violation]:
    """An allowance has a reason of some words, and at least one file that needs it."""
    for pattern, reason in allowed.items():
        if len(reason.split()) < 3:
            yield Violation(pattern, 0, "allowed without a written reason")
        if not any(fnmatchcase(source.place, pattern) and source.place in needs_it for source in all_sources):
            yield Violation(pattern, 0, "allowed, but no file needs it; remove the allowance")
