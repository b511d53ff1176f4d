"""Conditions on flows: CEL (Common Expression Language), compiled once and evaluated on a message.

A condition sees `body` (the parsed JSON body, or its text when it is no JSON), `headers` (texts), and each top-level
field of a JSON object by its bare name. It must give true or false; anything else is an error that names the
condition. Conditions come from people's files, so their size, nesting and work are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import cel
import msgspec

from segue.core.expressions import MACROS, macro_problem, macro_use
from segue.core.translation import Untranslatable, candidates
from segue.model.graph import Condition

MAX_BYTES = 4096
MAX_WORK = 1_000_000
"""A condition with nested macros is not evaluated when it could take more element visits than this."""

MAX_DEPTH = 200
"""Bodies that are nested deeper are not given to a condition: the evaluator follows them on the stack."""

_MAX_VALUE_TEXT = 60
_SYNTAX_ERROR = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.*)")

FUNCTIONS = frozenset({
    "bytes", "contains", "double", "duration", "dyn", "endsWith", "getDate", "getDayOfMonth", "getDayOfWeek",
    "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "int",
    "matches", "size", "startsWith", "string", "timestamp", "type", "uint",
})  # fmt: skip
"""What a condition may call beside the macros: the standard functions of the CEL language definition."""


class ConditionError(Exception):
    """A condition cannot be used, or cannot be answered for this message; the text is for people."""


class Facts:
    """What a condition may ask about one message. The body is parsed at most once, and only if asked for."""

    __slots__ = ("_body", "_headers", "_parsed")

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        self._body = body
        self._headers = headers
        self._parsed: Any = msgspec.UNSET

    def variables(self, names: frozenset[str]) -> dict[str, Any]:
        """Return the variables among `names` that exist for this message.

        Raises ConditionError for a body that is nested too deeply.
        """
        found: dict[str, Any] = {}
        for name in names:
            if name == "headers":
                found[name] = dict(self._headers)
            elif name == "body":
                found[name] = self._value()
            else:
                value = self._value()
                if isinstance(value, dict) and name in value:
                    found[name] = value[name]
        return found

    def _value(self) -> Any:
        if self._parsed is msgspec.UNSET:
            self._parsed = _parse(self._body)
        return self._parsed


class CompiledCondition:
    """A condition ready to be asked. `names` are the variables it mentions."""

    __slots__ = ("_program", "_source", "_work", "names")

    def __init__(self, source: str) -> None:
        problem = _size_problem(source) or macro_problem(source)
        if problem:
            raise ConditionError(f"The condition {_short(source)} is not allowed: {problem}")
        try:
            self._program = cel.compile(source)
        except BaseException as error:
            raise ConditionError(f"The condition {_short(source)} is no CEL: {_syntax(_ours(error))}") from error
        unknown = _unknown_functions(self._program)
        if unknown:
            raise ConditionError(f"The condition {_short(source)} calls {unknown}, which CEL does not have")
        self.names = frozenset(self._program.variables())
        self._work = macro_use(source).work
        self._source = source

    def holds(self, facts: Facts) -> bool:
        """Return whether the condition is true for the message. Raises ConditionError."""
        answer = self.answer(facts)
        if isinstance(answer, bool):
            return answer
        kind = "null" if answer is None else type(answer).__name__
        raise ConditionError(
            f"The condition {_short(self._source)} gives {_short(repr(answer))} ({kind}), not true or false"
        )

    def answer(self, facts: Facts) -> Any:
        """Return what the expression gives for the message. Raises ConditionError."""
        variables = facts.variables(self.names)
        if self._work > 1:
            self._check_work(variables)
        try:
            return self._program.execute(variables)
        except BaseException as error:
            raise ConditionError(
                f"The condition {_short(self._source)} has no answer: {_cause(_ours(error))}"
            ) from error

    def _check_work(self, variables: dict[str, Any]) -> None:
        """Nested macros visit the elements of lists again and again: bound it before it happens."""
        longest = max(self._source.count(",") + 1, _longest(variables))
        if longest**self._work > MAX_WORK:
            raise ConditionError(
                f"The condition {_short(self._source)} is not evaluated: {longest} elements, each compared with "
                f"each other ({self._work} levels), would take too long"
            )


@lru_cache(maxsize=4096)
def compile_condition(source: str) -> CompiledCondition:
    """Return the compiled condition; the same source is compiled once. Raises ConditionError saying what is wrong."""
    return CompiledCondition(source)


def condition_of(condition: Condition) -> CompiledCondition:
    """Return the compiled condition of a flow. Raises ConditionError, also when it has no translation."""
    if condition.cel is None:
        raise ConditionError(
            f"The condition {_short(condition.source)} ({condition.language}) has no translation to CEL"
        )
    return compile_condition(condition.cel)


def names_used(source: str) -> frozenset[str]:
    """Return the variables a condition mentions, those bound by its macros included. Raises ConditionError."""
    return compile_condition(source).names


def translate(source: str, language: str | None) -> tuple[str | None, str | None]:
    """Return the condition as CEL that compiles, and None; or None, and why not.

    `language` is the name or URI that the file gives, None if it gives none. Positions in the reason count in the
    translated text.
    """
    try:
        texts = candidates(source, language)
    except Untranslatable as error:
        return None, f"The condition {_short(source)} cannot be translated to CEL: {error}"
    problem = None
    for text in texts:
        try:
            compile_condition(text)
        except ConditionError as error:
            problem = problem or str(error)
        else:
            return text, None
    return None, problem


def _parse(body: bytes) -> Any:
    """The JSON value of the body; its text if it is no JSON; bytes if it is no text. Raises ConditionError."""
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            return body.decode()
        except UnicodeDecodeError:
            return body
    # Few brackets cannot be nested deeply; counting them costs next to nothing.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_deep(value):
        raise _too_deep()
    return value


def _too_deep() -> ConditionError:
    return ConditionError(f"The body is nested deeper than {MAX_DEPTH} levels, so no condition can be asked about it")


def _is_deep(value: Any) -> bool:
    """Whether lists and maps are nested deeper than allowed; looks level by level, without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for container in level:
            inner.extend(container.values() if isinstance(container, dict) else container)
        level = [one for one in inner if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def _size_problem(source: str) -> str | None:
    size = len(source.encode("utf-8", "surrogatepass"))
    return f"it is {size} bytes long, more than {MAX_BYTES}" if size > MAX_BYTES else None


def _unknown_functions(program: cel.Program) -> str | None:
    """The first function that is neither an operator nor one of CEL's own, as `name()`."""
    for name in program.functions():
        is_operator = not name.isidentifier() or (name.startswith("_") and name.endswith("_"))
        if not is_operator and name not in FUNCTIONS:
            hint = " with these arguments" if name in MACROS else ""
            return f"{name}(){hint}"
    return None


def _longest(variables: dict[str, Any]) -> int:
    """The number of elements of the longest list or map among the values, at any depth."""
    longest = 0
    pending: list[Any] = list(variables.values())
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            longest = max(longest, len(value))
            pending.extend(value.values())
        elif isinstance(value, list):
            longest = max(longest, len(value))
            pending.extend(value)
    return longest


def _cause(error: Exception) -> str:
    """A sentence for people out of the library's error."""
    text = str(error).partition(". ")[0]
    if isinstance(error, KeyError):
        return f"there is no field or header {text}"
    if isinstance(error, TypeError):
        return "it compares or combines values of different types, or asks for a field of something that has none"
    if text.startswith("Undefined variable or function: "):
        return f"the message has no field {text.removeprefix('Undefined variable or function: ')}"
    return text


def _ours(error: BaseException) -> Exception:
    """The error as one of the library: a panic of its Rust code is no Exception. What stops the program goes on."""
    if isinstance(error, Exception):
        return error
    if type(error).__name__ != "PanicException":
        raise error
    return RuntimeError("the evaluator failed inside")


def _syntax(error: Exception) -> str:
    """The complaint and the position of the first error that the parser found."""
    match = _SYNTAX_ERROR.search(str(error))
    if match is None:
        return str(error).partition("\n")[0]
    line, column, complaint = match.groups()
    return f"{complaint.partition(' expecting {')[0]} at line {line}, column {column}"


def _short(text: str) -> str:
    quoted = text if len(text) <= _MAX_VALUE_TEXT else text[: _MAX_VALUE_TEXT - 1] + "…"
    return f"`{quoted}`"
