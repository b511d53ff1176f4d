"""Conditions: what they see, what they may do, and what they say when they cannot."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core.conditions import (
    FUNCTIONS,
    MAX_BYTES,
    MAX_DEPTH,
    ConditionError,
    Facts,
    compile_condition,
    condition_of,
    names_used,
    translate,
)
from segue.core.expressions import macro_use, tokens_of
from segue.model.graph import Condition


def holds(source: str, body: bytes = b"{}", headers: dict[str, str] | None = None) -> bool:
    return compile_condition(source).holds(Facts(body, headers or {}))


ORDER = b'{"total":5,"paid":true,"note":null,"items":[{"qty":2},{"qty":9}],"customer":{"vip":false},"body":"x","n":1.5}'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("total > 4", True),
        ("body.total == 5", True),
        ("paid && !customer.vip", True),
        ("note == null", True),
        ("items.exists(i, i.qty > 8)", True),
        ("items.all(i, i.qty > 8)", False),
        ("size(items) == 2", True),
        ("has(customer.name)", False),
        ("headers.kind == 'a'", True),
        ("'other' in headers", False),
        ("body.body == 'x'", True),
        ("n > 1 && total >= n", True),
        ("total in [1, 5]", True),
        ("false || true", True),
    ],
)
def test_answers(source: str, expected: bool) -> None:
    assert holds(source, ORDER, {"kind": "a"}) is expected


@pytest.mark.parametrize(
    ("body", "source"),
    [
        (b"plain text", "body == 'plain text'"),
        (b"", "body == ''"),
        (b"[1,2]", "body[1] == 2"),
        (b'"json text"', "body == 'json text'"),
        (b"7", "body == 7"),
        (b"\xff\xfe", "type(body) == bytes"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "size(body) == 1"),
        (b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH, "has(body.a.a.a)"),
        (b"[" + b",".join([b'{"a":[1]}'] * 500) + b"]", "body.all(x, x.a[0] == 1)"),
    ],
)
def test_bodies_that_are_no_objects(body: bytes, source: str) -> None:
    assert holds(source, body)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 5_000, 9_000, 100_000])
@pytest.mark.parametrize(
    ("left", "middle", "right"), [(b"[", b"", b"]"), (b'{"a":', b"1", b"}"), (b'[{"b":', b"2", b"}]")]
)
def test_a_body_nested_too_deeply_is_not_asked_about(depth: int, left: bytes, middle: bytes, right: bytes) -> None:
    """The evaluator would run out of stack and end the program."""
    body = left * depth + middle + right * depth
    for source in ("body == 1", "[body] == [body]", "a == 1"):
        with pytest.raises(ConditionError, match=f"nested deeper than {MAX_DEPTH} levels"):
            holds(source, body)
    assert holds("headers.x == 'y'", body, {"x": "y"})


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("missing == 1", "the message has no field 'missing'"),
        ("body.missing == 1", "there is no field or header 'missing'"),
        ("headers.missing == '1'", "there is no field or header 'missing'"),
        ("total > 'x'", "different types"),
        ("total", "gives `5` (int), not true or false"),
        ("note", "gives `None` (null), not true or false"),
        ("total / 0 == 1", "division by zero"),
        ("items[7].qty == 1", "index out of bounds"),
        ("'a'.matches('(') ", "matches"),
    ],
)
def test_conditions_without_answer_say_why(source: str, text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        holds(source, ORDER)
    assert text in str(caught.value)
    assert f"`{source.strip()}" in str(caught.value).replace("` has", " has")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("total >", "no CEL: mismatched input '<EOF>' at line 1, column 8"),
        ("a\n==", "at line 2, column 3"),
        ("foo(1)", "calls foo(), which CEL does not have"),
        ("a.getVariable('x') == 1", "calls getVariable()"),
        ("a.exists(x)", "calls exists() with these arguments"),
        ("a" * (MAX_BYTES + 1), f"it is {MAX_BYTES + 1} bytes long, more than {MAX_BYTES}"),
        ("'" + "č" * (MAX_BYTES // 2) + "'", f"bytes long, more than {MAX_BYTES}"),
        ("a.all(x, b.all(y, c.all(z, d.all(w, w))))", "nested 4 deep, more than 3"),
        (" || ".join(["a.all(x, x)"] * 17), "17 macros, more than 16"),
        (" || ".join(["a.matches('b')"] * 17), "calls matches 17 times"),
        ("a + " * 65 + "a == 1", "65 additions"),
        ("(" * 500 + "a" + ")" * 500, "no CEL"),
    ],
)
def test_what_does_not_compile_says_why(source: str, text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition(source)
    assert text in str(caught.value)
    assert len(str(caught.value)) < 400


def test_compiled_once() -> None:
    assert compile_condition("a == 12345") is compile_condition("a == 12345")


def test_names_used() -> None:
    assert names_used("total > 1 && headers.x == 'y' && items.all(i, i.qty > 1)") == {"total", "headers", "items", "i"}


def test_a_condition_without_translation_cannot_be_asked() -> None:
    with pytest.raises(ConditionError, match=r"`x > 1` \(groovy\) has no translation"):
        condition_of(Condition(source="x > 1", language="groovy", cel=None))


def test_the_body_is_parsed_at_most_once_and_only_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    decode = msgspec.json.decode
    monkeypatch.setattr("segue.core.conditions.msgspec.json.decode", lambda body: parsed.append(body) or decode(body))
    facts = Facts(ORDER, {"kind": "a"})
    assert compile_condition("headers.kind == 'a'").holds(facts)
    assert parsed == []
    assert compile_condition("total == 5").holds(facts)
    assert compile_condition("body.total == 5 && paid").holds(facts)
    assert parsed == [ORDER]


def test_nested_macros_over_long_lists_are_refused_before_they_run() -> None:
    body = msgspec.json.encode({"a": list(range(2_000))})
    assert holds("a.all(x, x >= 0)", body)
    for source in (
        "a.all(x, a.all(y, y >= 0))",
        "a.all(x, x in a)",
        "a.map(x, a + [x]).size() > 0",
        "a.all(x, '1'.matches(string(x)))",
    ):
        with pytest.raises(ConditionError, match="2000 elements"):
            holds(source, body)
    short = msgspec.json.encode({"a": list(range(50))})
    assert holds("a.all(x, a.exists(y, y == x))", short)


def test_long_lists_inside_the_condition_count_as_well() -> None:
    long = "[" + ",".join("1" for _ in range(600)) + "]"
    with pytest.raises(ConditionError, match="would take too long"):
        holds(f"{long}.all(x, {long}.all(y, y == 1))")


def test_every_allowed_function_exists() -> None:
    calls = {
        "bytes": "bytes('a')", "contains": "'ab'.contains('a')", "double": "double('1')", "duration": "duration('1s')",
        "dyn": "dyn(1)", "endsWith": "'a'.endsWith('a')", "int": "int('1')", "matches": "'a'.matches('a')",
        "size": "size('a')", "startsWith": "'a'.startsWith('a')", "string": "string(1)",
        "timestamp": "timestamp('2020-01-01T00:00:00Z')", "type": "type(1)", "uint": "uint(1)",
    }  # fmt: skip
    for name in FUNCTIONS:
        call = calls.get(name, f"timestamp('2020-01-01T00:00:00Z').{name}()")
        assert holds(f"[{call}].size() == 1"), name


# -- translation


@pytest.mark.parametrize(
    ("source", "language", "expected"),
    [
        ("${amount > 100}", None, "amount > 100"),
        ("#{amount > 100}", "http://www.w3.org/1999/XPath", "amount > 100"),
        ("${a eq 'x' and b ne 2 or not c}", None, "a == 'x' && b != 2 || !c"),
        (
            "${a lt 1 && b gt 2 && c le 3 && d ge 4 && e mod 2 == 0}",
            None,
            "a < 1 && b > 2 && c <= 3 && d >= 4 && e % 2 == 0",
        ),
        ("${order.eq == 1}", None, "order.eq == 1"),
        ("${name == 'salt and pepper'}", None, "name == 'salt and pepper'"),
        ("${empty name}", "juel", "(name == null || name == '' || name == [] || name == {})"),
        ("${!empty a.b}", None, "!(!has(a.b) || a.b == null || a.b == '' || a.b == [] || a.b == {})"),
        ("${empty (a) && b}", None, "((a) == null || (a) == '' || (a) == [] || (a) == {}) && b"),
        ("${empty a[0] || b}", None, "(a [0] == null || a [0] == '' || a [0] == [] || a [0] == {}) || b"),
        ("approved", "", "approved"),
        ("= total > 5", None, "total > 5"),
        ("=a = 1", None, "a == 1"),
        ('a = "x" and not(b)', "feel", 'a == "x" && !(b)'),
        ('status != "a or b"', "https://www.omg.org/spec/DMN/20191111/FEEL/", 'status != "a or b"'),
        ("if a then b else c", "feel", "((a) ? (b) : (c))"),
        ("if a then (if b then c else d) else e = 1", "feel", "((a) ? ((((b) ? (c) : (d)))) : (e == 1))"),
        ("some x in items satisfies x.qty > 5", "feel", "(items).exists(x, x.qty > 5)"),
        ("(every x in items satisfies x > 1) and b", "feel", "((items).all(x, x > 1)) && b"),
        ("every x in a satisfies some y in b satisfies x = y", "feel", "(a).all(x, (b).exists(y, x == y))"),
        ("x in [1, 2]", "feel", "x in [1, 2]"),
        ("a > 1 and b = 2", None, "a > 1 && b == 2"),
        ("a / 2 > 1", "cel", "a / 2 > 1"),
        ("a eq 1", None, "a == 1"),
        ("  total == 1 ", "https://cel.dev", "total == 1"),
    ],
)
def test_translates(source: str, language: str | None, expected: str) -> None:
    assert translate(source, language) == (expected, None)


@pytest.mark.parametrize(
    ("source", "language", "text"),
    [
        ("", None, "the condition is empty"),
        ("   ", "cel", "the condition is empty"),
        ("${a} and ${b}", None, "text outside of one"),
        ("${a", None, "text outside of one"),
        ("a > 1", "groovy", "the language groovy is not understood"),
        ("a > 1", "http://www.mvel.org/2.0", "mvel.org/2.0 is not understood"),
        ("${a / b > 2}", None, "division gives a fraction"),
        ("${a div b > 2}", None, "division gives a fraction"),
        ("= a / b > 2", None, "division gives a fraction"),
        ("= items[1] = 2", None, "counts list elements from 1"),
        ("= f(x)[item > 2]", None, "counts list elements from 1"),
        ("${empty}", None, "empty needs something after it"),
        ("${empty (a}", None, "bracket is not closed"),
        ("= if a then b", None, "the word 'else' is missing"),
        ("= some x satisfies y", None, "needs the form"),
        ("= some", None, "needs the form"),
        ("= every x", None, "needs the form"),
        ("= some x in", None, "the word 'satisfies' is missing"),
        ("= some x in a", None, "the word 'satisfies' is missing"),
        ("${execution.getVariable('a') == 1}", None, "calls getVariable()"),
        ("= date(a) > date(b)", None, "calls date()"),
        ("not a valid thing at all", None, "no CEL"),
    ],
)
def test_what_does_not_translate_says_why(source: str, language: str | None, text: str) -> None:
    translated, problem = translate(source, language)
    assert translated is None
    assert problem is not None
    assert text in problem


FEEL_TRUTHS = [
    ("some x in items satisfies x.qty > 8", True),
    ("every x in items satisfies x.qty > 8", False),
    ('if total > 4 then paid = true else note = "x"', True),
    ("not(customer.vip) and total = 5", True),
    ("note = null", True),
]


@pytest.mark.parametrize(("source", "expected"), FEEL_TRUTHS)
def test_translated_feel_means_the_same(source: str, expected: bool) -> None:
    translated, _ = translate(source, "feel")
    assert translated is not None
    assert holds(translated, ORDER) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":{"b":[]}}', True),
        (b'{"a":{"b":""}}', True),
        (b'{"a":{}}', True),
        (b'{"a":{"b":{}}}', True),
        (b'{"a":{"b":0}}', False),
    ],
)
def test_juel_empty_means_the_same(body: bytes, expected: bool) -> None:
    translated, _ = translate("${empty a.b}", None)
    assert translated is not None
    assert holds(translated, body) is expected


PIECES = ["a", "b.c", "1", "'x'", "(", ")", "[", "]", "{", "}", "and", "or", "not", "if", "then", "else", "some",
          "every", "in", "satisfies", "empty", "=", "==", "+", "/", ".", ",", "?", ":", "all(", ".exists(x,",
          "${", "}", "#{", "&&", "\n"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25), st.sampled_from([None, "feel", "juel", "cel"]))
def test_translating_never_fails_otherwise(pieces: list[str], language: str | None) -> None:
    translated, problem = translate(" ".join(pieces), language)
    assert (translated is None) != (problem is None)
    if translated is not None:
        assert compile_condition(translated)


@given(st.text(max_size=40), st.sampled_from([None, "feel", "juel", "cel", "x"]))
def test_any_text_is_translated_or_refused(text: str, language: str | None) -> None:
    translated, problem = translate(text, language)
    assert (translated is None) != (problem is None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c", "headers"]), inner, max_size=4)
    ),
    max_leaves=10,
)
ASKED = ["a", "a == b", "a < b", "b.c", "a[0]", "size(a) > 1", "a.all(x, x == 1)", "body.a + body.b == 3", "a in b",
         "!a", "-a < 0", "a ? b : c", "has(body.a)", "string(a) == 'x'", "int(a) > 0", "a.matches(b)",
         "a % b == 0"]  # fmt: skip


@given(JSON, st.sampled_from(ASKED))
def test_any_body_gives_an_answer_or_a_reason(value: object, source: str) -> None:
    try:
        answer = holds(source, msgspec.json.encode(value))
    except ConditionError as error:
        answer = str(error).startswith("The condition `")
    assert answer in {True, False}


# -- macros


@pytest.mark.parametrize(
    ("source", "count", "nested", "work"),
    [
        ("a > 1", 0, 0, 0),
        ("a.all(x, x > 1)", 1, 1, 1),
        ("a . exists ( x, x > 1)", 1, 1, 1),
        ("a.all(x, x in b)", 1, 1, 2),
        ("a.all(x, b.all(y, x + y > 1))", 2, 2, 3),
        ("a.map(x, x).filter(y, y > 1).size() > 0", 2, 1, 1),
        ("'.all(' == a", 0, 0, 0),
        ("r'\\' + '.all(' == a", 0, 0, 0),
        ("'''it's .all(''' == a", 0, 0, 0),
        ("a.all(x, x > 1) // .all(.all(.all(", 1, 1, 1),
        ("all(a, b)", 0, 0, 0),
        ("a.all(x, [1, {2: b.exists(y, y)}])", 2, 2, 2),
    ],
)
def test_macros_are_counted_as_cel_reads_them(source: str, count: int, nested: int, work: int) -> None:
    use = macro_use(source)
    assert (use.count, use.nested, use.work) == (count, nested, work)


@given(st.text(alphabet="ab.'\"\\r/\n({[)]}, all+", max_size=60))
def test_tokens_are_the_source_without_blanks(source: str) -> None:
    at = 0
    for token in tokens_of(source):
        assert source.startswith(token.text, token.at)
        assert token.at >= at
        at = token.at + len(token.text)
