"""Where elements stand in XML text, so that one can be changed and every other character left as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Quotes are matched as a whole, since a tag may hold ">" inside an attribute. Possessive, so that no text is slow.
_MARK = re.compile(
    r"<!--(?:(?!-->).)*+-->"
    r"|<!\[CDATA\[(?:(?!\]\]>).)*+\]\]>"
    r"|<\?(?:(?!\?>).)*+\?>"
    r"|<(?P<close>/)?(?P<tag>[^\s/>!?][^\s/>]*+)(?P<rest>(?:[^>\"'/]++|\"[^\"]*+\"|'[^']*+'|/(?!>))*+)(?P<empty>/)?>",
    re.DOTALL,
)


@dataclass
class Span:
    """One element in the text: `start` to `inside` is its start tag, `after` to `end` its end tag.

    An empty-element tag (`<a/>`) has `inside == after == end`.
    """

    tag: str
    start: int
    inside: int
    after: int
    end: int

    @property
    def is_empty_tag(self) -> bool:
        """Whether the element is written as one tag."""
        return self.inside == self.end


def spans_of(text: str) -> list[Span]:
    """Return the spans of all elements of well-formed XML without DOCTYPE, in the order of their start tags."""
    found: list[Span] = []
    open_spans: list[Span] = []
    for mark in _MARK.finditer(text):
        tag = mark.group("tag")
        if tag is None:
            continue
        if mark.group("close"):
            span = open_spans.pop()
            span.after, span.end = mark.start(), mark.end()
            continue
        span = Span(tag, mark.start(), mark.end(), mark.end(), mark.end())
        found.append(span)
        if not mark.group("empty"):
            open_spans.append(span)
    return found


def spliced(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """Return the text with each stretch (start, end) replaced. The stretches do not overlap."""
    parts: list[str] = []
    at = 0
    for start, end, replacement in sorted(edits):
        parts += [text[at:start], replacement]
        at = end
    return "".join([*parts, text[at:]])
