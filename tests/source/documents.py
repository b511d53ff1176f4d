"""Rules on documents and locks: links lead somewhere, locks name no registry and every package has a hash."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.source.tree import Source, Violation

FENCE = re.compile(r"^\s*(```|~~~)")
INLINE_CODE = re.compile(r"`[^`]*`")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s*<?(\S+?)>?\s*$")
ATTRIBUTE = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")
ANCHOR = re.compile(r"<a\b[^>]*?\b(?:id|name)=\"([^\"]+)\"")
OUTSIDE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)(\S*)")


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines of a Markdown text without its code."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        found = FENCE.match(line)
        if found and (not fence or found.group(1) == fence):
            fence = "" if fence else found.group(1)
        elif not fence:
            yield number, INLINE_CODE.sub("", line)


def headings(text: str) -> Iterator[str]:
    """Yield the anchors of a Markdown text as GitHub makes them (lower case, spaces to hyphens, doubles numbered)."""
    seen: dict[str, int] = {}
    fence = ""
    for line in text.splitlines():
        found = FENCE.match(line)
        if found and (not fence or found.group(1) == fence):
            fence = "" if fence else found.group(1)
        elif not fence:
            yield from ANCHOR.findall(line)
            if heading := HEADING.match(line):
                title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).lower()
                slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
                count = seen.get(slug, 0)
                seen[slug] = count + 1
                yield f"{slug}-{count}" if count else slug


def links(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered targets of all links and pictures of a Markdown text."""
    for number, line in prose(text):
        for pattern in (LINK, REFERENCE, ATTRIBUTE):
            for target in pattern.findall(line):
                yield number, target


def broken_links(all_sources: Mapping[str, str], places: frozenset[str]) -> Iterator[Violation]:
    """Every relative link of a Markdown file leads to a file of the clone and, with `#`, to a heading in it.

    `places` are all files, pictures too; their spelling counts, as it does on the file systems of servers.
    """
    folders = {"."} | {folder for place in places for folder in ancestors(place)}
    for place, text in all_sources.items():
        if not place.endswith(".md"):
            continue
        for number, target in links(text):
            if OUTSIDE.match(target):
                continue
            path, _, anchor = unquote(target).partition("#")
            goal = normpath(join(dirname(place), path)) if path else place
            if goal not in places and goal not in folders:
                yield Violation(place, number, f"the link {target} leads nowhere")
            elif anchor and goal.endswith(".md") and anchor not in headings(all_sources[goal]):
                yield Violation(place, number, f"the link {target}: no such heading in {goal}")


def ancestors(place: str) -> Iterator[str]:
    """Yield the folders above a file."""
    while place := dirname(place):
        yield place


def lock_addresses(source: Source) -> Iterator[Violation]:
    """A lock says what to install, never from where."""
    if fnmatchcase(source.place, "requirements/*.txt"):
        pattern = re.compile(r"\w+://|--(?:extra-)?index-url|--find-links|--trusted-host|@ *file:")
    elif source.place.endswith("package-lock.json"):
        pattern = re.compile(r'"resolved": *"(?!file:)[^"]*:')
    else:
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        if pattern.search(line):
            yield Violation(source.place, number, "an address in a lock; make it anew with `make lock`")


def unpinned(source: Source) -> Iterator[Violation]:
    """Every package of a Python lock is pinned to one version and has hashes."""
    if not fnmatchcase(source.place, "requirements/*.txt"):
        return
    lines = source.text.splitlines()
    for number, line in enumerate(lines, 1):
        found = LOCKED.match(line)
        if found is None:
            continue
        following = lines[number] if number < len(lines) else ""
        if not found.group(2).startswith("==") or "--hash=sha256:" not in following:
            yield Violation(source.place, number, f"{found.group(1)} is not pinned with a hash")


def unmet(place: str, requirements: list[str], lock: Source) -> Iterator[Violation]:
    """Every requirement of a distribution or of a list is met by what its lock pins."""
    pinned: dict[str, list[str]] = {}
    for line in lock.text.splitlines():
        if found := LOCKED.match(line):
            pinned.setdefault(canonicalize_name(found.group(1)), []).append(found.group(2).removeprefix("=="))
    for text in requirements:
        requirement = Requirement(text)
        versions = pinned.get(canonicalize_name(requirement.name), [])
        if not versions or not all(requirement.specifier.contains(version) for version in versions):
            yield Violation(place, 0, f"{text} is not met by {lock.place}; run `make lock`")
