"""Which lines are kept, and what is hidden in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core.log_lines import HIDDEN, LEVELS, LineRules, Redactor, at_least
from segue.model.errors import Invalid
from segue.model.message import LogLine

REDACTOR = Redactor(["password", "api_key", "*token", "set-cookie"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"user": "ann", "password": "hunter 2, or so"}', '{"user": "ann", "password": "***"}'),
        ("{'password':'x'}", "{'password':'***'}"),
        ("PASSWORD=abc&user=ann", "PASSWORD=***&user=ann"),
        ("api_key: abc, more", "api_key: ***, more"),
        ("access_token=abc;refresh-token=def", "access_token=***;refresh-token=***"),
        ('"{\\"password\\": \\"x\\", \\"a\\": 1}"', '"{\\"password\\": \\"***\\", \\"a\\": 1}"'),
        ("Set-Cookie: sid=abc; Path=/", "Set-Cookie: ***; Path=/"),
        ('"password": 1234}', '"password": ***}'),
        ('"password": "cut off', '"password": "***"'),
        ("Authorization: Bearer abcdef.ghi", "Authorization: Bearer ***"),
        ("token: Bearer abcdef.ghi", "token: Bearer ***"),
        ("amqp://ann:s3cret@host/x", "amqp://***@host/x"),
        ("the password is wrong", "the password is wrong"),
        ("passwords=3", "passwords=3"),
        ("my.password=3", "my.password=3"),
        ("https://host/a:b@c", "https://host/a:b@c"),
    ],
)
def test_secrets_are_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    assert REDACTOR.hide(text) == shown


VALUES = st.text(alphabet="0123456789 ,:\"'\\{}[]=&;é\n", min_size=1)
NAMES = st.sampled_from(["password", "Api_Key", "s_token"])


@given(VALUES, NAMES)
def test_no_value_of_a_hidden_field_is_left_in_json(value: str, name: str) -> None:
    shown = REDACTOR.hide(json.dumps({"a": "b", name: value, "c": "d"}))
    assert json.loads(shown) == {"a": "b", name: HIDDEN, "c": "d"}


@given(VALUES, NAMES)
def test_nothing_of_it_is_left_in_json_within_a_text(value: str, name: str) -> None:
    shown = REDACTOR.hide(json.dumps({"text": json.dumps({name: f"9{value}9"})}))
    assert not set(shown.partition(HIDDEN)[2]) - set('"}\\')


def test_names_that_cannot_be_are_refused() -> None:
    with pytest.raises(Invalid, match="'a b'"):
        Redactor(["a b"])


@pytest.mark.parametrize("level", LEVELS)
def test_a_process_keeps_lines_of_its_level(level: str) -> None:
    rules = LineRules("warning", Redactor(()))
    rules.set_levels({"orders": level})
    lines = [LogLine(level=each, text=each, at=1) for each in LEVELS]
    assert tuple(line.level for line in rules.kept("orders", lines)) == at_least(level)
    assert [line.level for line in rules.kept("others", lines)] == ["warning", "error"]
    rules.set_levels({})
    assert [line.level for line in rules.kept("orders", lines)] == ["warning", "error"]


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(Invalid, match="'loud'"):
        LineRules("loud", Redactor(()))
