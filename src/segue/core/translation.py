"""Translating conditions of other languages to CEL: JUEL as Java engines write it, FEEL as DMN defines it.

Only what means the same in CEL is translated. What would silently mean something else (division, FEEL's lists that
count from 1) is refused with a reason, so that a person writes it anew.
"""

from __future__ import annotations

from collections.abc import Callable

from segue.core.expressions import Token, tokens_of

_JUEL_WORDS = {
    "and": "&&",
    "or": "||",
    "not": "!",
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "gt": ">",
    "le": "<=",
    "ge": ">=",
    "mod": "%",
}
_FEEL_WORDS = {"and": "&&", "or": "||", "not": "!"}
_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_OPENING.values())
_UNSPECIFIED = frozenset({"", "http://www.w3.org/1999/xpath", "https://www.w3.org/1999/xpath"})
_DIVISION = "a division gives a fraction there and, between whole numbers, none in CEL; write it in CEL"


class Untranslatable(Exception):
    """The condition has no CEL of the same meaning; the text says why."""


def candidates(source: str, language: str | None) -> list[str]:
    """Return the CEL that the source may stand for, the likeliest first; more than one only if no language is named.

    Without a language (or with BPMN's default, XPath, which tools write without meaning it) the form decides: `${…}` is
    JUEL, `=…` is FEEL, anything else is tried as CEL, then JUEL, then FEEL. Raises Untranslatable.
    """
    text = source.strip()
    if not text:
        raise Untranslatable("the condition is empty")
    kind = _language(language)
    if text[:2] in {"${", "#{"} and kind != "cel":
        return [juel_to_cel(text)]
    if kind == "cel":
        return [text]
    if kind == "juel":
        return [juel_to_cel(text)]
    if kind == "feel" or text.startswith("="):
        return [feel_to_cel(text)]
    if kind is not None:
        raise Untranslatable(f"the language {language} is not understood; write the condition in CEL")
    return [text, *_attempts(text, juel_to_cel, feel_to_cel)]


def juel_to_cel(source: str) -> str:
    """Translate a JUEL expression (Java Unified Expression Language 3.0), with or without `${…}`. Raises
    Untranslatable."""
    tokens = tokens_of(_unwrapped(source))
    written: list[str] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        is_word = token.kind == "name" and not _after_dot(tokens, index)
        if token.text == "/" or (is_word and token.text == "div"):
            raise Untranslatable(_DIVISION)
        if is_word and token.text == "empty":
            end = _operand_end(tokens, index + 1)
            written.append(_empty(tokens[index + 1 : end]))
            index = end
            continue
        written.append(_JUEL_WORDS.get(token.text, token.text) if is_word else token.text)
        index += 1
    return _joined(written)


def feel_to_cel(source: str) -> str:
    """Translate a FEEL expression (DMN 1.5, chapter 10), with or without a leading `=`. Raises Untranslatable."""
    text = source.strip().removeprefix("=")
    tokens = tokens_of(text)
    for index, token in enumerate(tokens):
        if token.text == "/":
            raise Untranslatable(_DIVISION)
        if token.text == "[" and index and _ends_operand(tokens[index - 1]):
            raise Untranslatable("FEEL counts list elements from 1 and filters with [ ]; write it in CEL")
    return _joined(_feel(tokens))


def _language(language: str | None) -> str | None:
    """The kind of a language name or URI: cel, juel, feel, None if it says nothing, else the name itself."""
    name = (language or "").strip().lower()
    if name in _UNSPECIFIED:
        return None
    for kind in ("feel", "juel"):
        if kind in name:
            return kind
    if name == "cel" or "cel.dev" in name or "common-expression-language" in name:
        return "cel"
    return name


def _attempts(text: str, *translators: Callable[[str], str]) -> list[str]:
    found: list[str] = []
    for translator in translators:
        try:
            found.append(translator(text))
        except Untranslatable:
            continue
    return found


def _unwrapped(source: str) -> str:
    """The inside of `${…}` or `#{…}`."""
    text = source.strip()
    if text[:2] not in {"${", "#{"}:
        return text
    inside = text[2:-1]
    if not text.endswith("}") or any(mark in inside for mark in ("${", "#{")):
        raise Untranslatable("text outside of one ${…} is no condition")
    return inside


def _after_dot(tokens: list[Token], index: int) -> bool:
    return index > 0 and tokens[index - 1].text == "."


def _ends_operand(token: Token) -> bool:
    """Whether a value may end with this token, so that `[` after it asks for an element."""
    if token.kind == "name":
        return token.text not in {"in", "and", "or", "not", "then", "else", "if", "satisfies", "return"}
    return token.kind in {"string", "number"} or token.text in _CLOSING


def _operand_end(tokens: list[Token], start: int) -> int:
    """The index after the operand of `empty`: a name with fields and elements, or something in brackets."""
    if start >= len(tokens):
        raise Untranslatable("empty needs something after it")
    index = _group_end(tokens, start) if tokens[start].text in _OPENING else start + 1
    while index < len(tokens):
        if tokens[index].text == "." and index + 1 < len(tokens):
            index += 2
        elif tokens[index].text in {"[", "("}:
            index = _group_end(tokens, index)
        else:
            break
    return index


def _group_end(tokens: list[Token], start: int) -> int:
    """The index after the bracket that closes the one at `start`."""
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index].text in _OPENING:
            depth += 1
        elif tokens[index].text in _CLOSING:
            depth -= 1
            if depth == 0:
                return index + 1
    raise Untranslatable("a bracket is not closed")


def _empty(operand: list[Token]) -> str:
    """`empty x`: x is null, an empty text, an empty list or an empty map (Expression Language 3.0, 1.14)."""
    text = _joined([token.text for token in operand])
    tests = [f"{text} == null", f"{text} == ''", f"{text} == []", f"{text} == {{}}"]
    is_field = len(operand) >= 3 and operand[-1].kind == "name" and operand[-2].text == "."
    if is_field:
        tests.insert(0, f"!has({text})")
    return f"({' || '.join(tests)})"


def _feel(tokens: list[Token]) -> list[str]:
    """The CEL texts of FEEL tokens."""
    written: list[str] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        is_word = token.kind == "name" and not _after_dot(tokens, index)
        if is_word and token.text == "if":
            made, index = _feel_if(tokens, index)
            written.append(made)
        elif is_word and token.text in {"some", "every"}:
            made, index = _feel_quantified(tokens, index)
            written.append(made)
        else:
            text = _FEEL_WORDS.get(token.text, token.text) if is_word else token.text
            written.append("==" if token.kind == "operator" and text == "=" else text)
            index += 1
    return written


def _feel_if(tokens: list[Token], start: int) -> tuple[str, int]:
    """`if a then b else c` becomes `((a) ? (b) : (c))`."""
    then = _find(tokens, start + 1, "then", "if")
    other = _find(tokens, then + 1, "else", "if")
    end = _phrase_end(tokens, other + 1)
    parts = (tokens[start + 1 : then], tokens[then + 1 : other], tokens[other + 1 : end])
    condition, yes, no = (_joined(_feel(part)) for part in parts)
    return f"(({condition}) ? ({yes}) : ({no}))", end


def _feel_quantified(tokens: list[Token], start: int) -> tuple[str, int]:
    """`some x in list satisfies c` becomes `(list).exists(x, c)`, `every` becomes `all`."""
    if start + 2 >= len(tokens) or tokens[start + 1].kind != "name" or tokens[start + 2].text != "in":
        raise Untranslatable(f"{tokens[start].text} needs the form `{tokens[start].text} x in list satisfies …`")
    satisfies = _find(tokens, start + 3, "satisfies", "some", "every")
    end = _phrase_end(tokens, satisfies + 1)
    where = _joined(_feel(tokens[start + 3 : satisfies]))
    what = _joined(_feel(tokens[satisfies + 1 : end]))
    macro = "exists" if tokens[start].text == "some" else "all"
    return f"({where}).{macro}({tokens[start + 1].text}, {what})", end


def _find(tokens: list[Token], start: int, word: str, *openers: str) -> int:
    """The index of the word that belongs to this phrase: outside brackets and phrases of the same kind inside it."""
    depth = 0
    index = start
    while index < len(tokens):
        token = tokens[index]
        if token.text in _OPENING and token.kind == "operator":
            index = _group_end(tokens, index)
            continue
        if token.kind == "name" and token.text in openers:
            depth += 1
        elif token.kind == "name" and token.text == word:
            if depth == 0:
                return index
            depth -= 1
        index += 1
    raise Untranslatable(f"the word {word!r} is missing")


def _phrase_end(tokens: list[Token], start: int) -> int:
    """The index where a phrase ends that reaches as far to the right as it can: at a bracket or comma around it."""
    index = start
    while index < len(tokens):
        token = tokens[index]
        if token.kind == "operator" and token.text in _OPENING:
            index = _group_end(tokens, index)
            continue
        if token.kind == "operator" and (token.text in _CLOSING or token.text == ","):
            return index
        index += 1
    return index


def _joined(texts: list[str]) -> str:
    """The texts as one line, with blanks where two would otherwise run together."""
    line = ""
    for text in texts:
        tight = not line or text in {".", ",", ")", "]", "("} or line[-1] in ".([!"
        line += text if tight else f" {text}"
    return line
