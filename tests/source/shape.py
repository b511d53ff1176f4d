"""Rules on the shape of Python source: lengths, docstrings, purity, sleeping tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.source.tree import Source, Violation

MAX_FILE_LINES = 500
# Written by a program from another file, which a test compares.
GENERATED = {"ui/src/api/schema.d.ts"}
MAX_FUNCTION_LINES = 50
CODE_ENDINGS = (".py", ".ts", ".tsx", ".sh")
PURE_FOLDERS = ("src/segue/core/", "src/segue/bpmn/")
IMPURE_CALLS = {"open", "print", "input", "breakpoint", "exec", "eval"}
CLOCKS_AND_DICE = {"now", "utcnow", "today", "uuid1", "uuid4"}
SLEEPS = {"sleep", "sleep_until", "sleep_forever", "wait_for_timeout"}
SLEEP_REASON = re.compile(r"#\s*not synchronisation:\s*\w+.{9,}")


def parsed(source: Source) -> ast.Module | None:
    """Return the syntax tree of a Python file, None for any other file."""
    return ast.parse(source.text, source.place) if source.place.endswith(".py") else None


def file_length(source: Source) -> Iterator[Violation]:
    """A file of code has at most 500 lines."""
    lines = len(source.text.splitlines())
    if source.place.endswith(CODE_ENDINGS) and source.place not in GENERATED and lines > MAX_FILE_LINES:
        yield Violation(source.place, 0, f"{lines} lines; split it, {MAX_FILE_LINES} is the most")


def function_length(source: Source) -> Iterator[Violation]:
    """A function has at most 50 lines, counted from `def` to its last line, docstring and inner functions included."""
    tree = parsed(source)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                message = f"{node.name} has {lines} lines; {MAX_FUNCTION_LINES} is the most"
                yield Violation(source.place, node.lineno, message)


def module_docstring(source: Source) -> Iterator[Violation]:
    """Every Python file begins by saying what it is for."""
    tree = parsed(source)
    if tree is not None and len((ast.get_docstring(tree) or "").split()) < 2:
        yield Violation(source.place, 1, "no module docstring that says what the file is for")


def purity(source: Source) -> Iterator[Violation]:
    """core and bpmn neither read a clock, nor roll dice, nor touch files (their imports: see pyproject.toml)."""
    tree = parsed(source) if source.place.startswith(PURE_FOLDERS) else None
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.Call):
            continue
        by_name = isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS | {"uuid1", "uuid4"}
        by_attribute = isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS_AND_DICE
        if by_name or by_attribute:
            message = f"`{ast.unparse(node.func)}` is not pure; let the caller pass the value in"
            yield Violation(source.place, node.lineno, message)


def sleeping_test(source: Source) -> Iterator[Violation]:
    """A test waits for what it needs, it does not sleep and hope.

    Yielding to the loop (`asyncio.sleep(0)`) is no sleep. A sleep that plays a part, such as a slow service, says so
    on its line: `# not synchronisation: the service is slow on purpose`.
    """
    tree = parsed(source) if source.place.startswith(("tests/", "src/segue/testing/")) else None
    lines = source.text.splitlines()
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.Call) or called_name(node) not in SLEEPS or is_yield(node):
            continue
        if not any(SLEEP_REASON.search(line) for line in lines[node.lineno - 1 : node.end_lineno]):
            message = "a sleep: wait for an event instead, or say on the line `# not synchronisation: why`"
            yield Violation(source.place, node.lineno, message)


def called_name(call: ast.Call) -> str:
    """Return the last part of the name that is called, empty when it has none."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def is_yield(call: ast.Call) -> bool:
    """Tell whether the call is `….sleep(0)`."""
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0
