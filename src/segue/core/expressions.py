"""Reading expressions: tokens of CEL, JUEL and FEEL, and how much work the macros of a CEL expression may be.

The lexical rules are those of the CEL language definition ("Syntax"): strings in single, double or three quotes with an
optional prefix r or b, `//` comments, names, numbers, and everything else as operators.
"""

from __future__ import annotations

import re

from msgspec import Struct

MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "map"})
"""The macros of CEL that visit every element of a list or map."""

MAX_MACROS = 16
MAX_NESTED_MACROS = 3
MAX_MATCHES = 16
MAX_PLUS = 64

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
  | (?P<string>[bB]?[rR](?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"[^"\r\n]*"|'[^'\r\n]*')
      |[bB]?(?:\"{3}(?:\\[\s\S]|[^\\])*?\"{3}|'{3}(?:\\[\s\S]|[^\\])*?'{3}
      |"(?:\\[\s\S]|[^"\\\r\n])*"|'(?:\\[\s\S]|[^'\\\r\n])*'))
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)[uU]?)
  | (?P<operator>&&|\|\||==|!=|<=|>=|\*\*|\.\.|[\s\S])
    """,
    re.VERBOSE | re.ASCII,
)


class Token(Struct, frozen=True):
    """One token: `kind` is string, name, number or operator; `at` its position from 0."""

    kind: str
    text: str
    at: int


def tokens_of(source: str) -> list[Token]:
    """Return the tokens of the source without white space and comments. Never fails: the unknown is an operator."""
    found = (Token(match.lastgroup or "", match.group(), match.start()) for match in _TOKEN.finditer(source))
    return [token for token in found if token.kind != "space"]


class MacroUse(Struct, frozen=True):
    """How an expression uses macros. `work` is how often the length of a list may multiply with itself."""

    count: int
    nested: int
    work: int
    matches: int
    plus: int


def macro_use(source: str) -> MacroUse:
    """Measure the macros of a CEL expression.

    Inside a macro, `in`, `+` and `matches` look at a whole list or text for each element, so they count as one more
    level of work.
    """
    tokens = tokens_of(source)
    open_macros: list[bool] = []
    count = nested = work = matches = plus = 0
    for index, token in enumerate(tokens):
        if token.kind == "operator" and token.text in {"(", "[", "{"}:
            is_macro = token.text == "(" and _names_macro(tokens, index)
            open_macros.append(is_macro)
            count += is_macro
            nested = max(nested, sum(open_macros))
            work = max(work, nested)
        elif token.kind == "operator" and token.text in {")", "]", "}"}:
            if open_macros:
                open_macros.pop()
        elif token.text in {"in", "+", "matches"} and token.kind != "string":
            matches += token.text == "matches"
            plus += token.text == "+"
            if any(open_macros):
                work = max(work, sum(open_macros) + 1)
    return MacroUse(count, nested, work, matches, plus)


def macro_problem(source: str) -> str | None:
    """Return why an expression could be too much work to evaluate, None if it is not."""
    use = macro_use(source)
    if use.count > MAX_MACROS:
        return f"it has {use.count} macros, more than {MAX_MACROS}"
    if use.nested > MAX_NESTED_MACROS:
        return f"its macros are nested {use.nested} deep, more than {MAX_NESTED_MACROS}"
    if use.matches > MAX_MATCHES:
        return f"it calls matches {use.matches} times, more than {MAX_MATCHES}"
    if use.plus > MAX_PLUS:
        return f"it has {use.plus} additions, more than {MAX_PLUS}"
    return None


def _names_macro(tokens: list[Token], index: int) -> bool:
    """Whether the parenthesis at `index` opens the arguments of a macro: `.all(`."""
    return index >= 2 and tokens[index - 1].text in MACROS and tokens[index - 2].text == "."
