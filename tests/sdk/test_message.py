"""The message as an action sees it."""

import msgspec
import pytest

from segue_sdk import BodyError, HeaderError, Message


class Contact(msgspec.Struct):
    email: str
    age: int


def test_body_text_and_json() -> None:
    message = Message('{"email":"č@example.com","age":7}')
    assert message.body == '{"email":"č@example.com","age":7}'.encode()
    assert message.text == '{"email":"č@example.com","age":7}'
    assert message.json() == {"email": "č@example.com", "age": 7}
    assert message.json(Contact) == Contact("č@example.com", 7)


def test_a_body_of_other_shape_names_the_place() -> None:
    with pytest.raises(BodyError, match=r"Expected `int`, got `str` - at `\$.age`"):
        Message('{"email":"a","age":"7"}').json(Contact)


@pytest.mark.parametrize("body", ["", b"", "{", b"\xff", "[" * 100_000])
def test_a_body_that_is_no_json_is_refused(body: str | bytes) -> None:
    with pytest.raises(BodyError, match="not the JSON that the action expects"):
        Message(body).json()


def test_an_empty_body_says_so() -> None:
    with pytest.raises(BodyError, match="it is empty"):
        Message("").json()


def test_bytes_that_are_no_text() -> None:
    message = Message(b"\xff\x00")
    assert message.body == b"\xff\x00"
    with pytest.raises(BodyError, match="no UTF-8 text"):
        _ = message.text


def test_headers_are_text_and_read_only() -> None:
    message = Message("", {"a": "x", "process-started": 1767, "flag": True, "nothing": None})
    assert dict(message.headers) == {"a": "x", "process-started": "1767", "flag": "true"}
    with pytest.raises(TypeError):
        message.headers["a"] = "y"  # type: ignore[index]


def test_identity() -> None:
    message = Message("", {"message-id": "m1", "correlation-id": "i1", "node-name": "crm", "user": "ann"})
    assert (message.id, message.instance, message.node, message.user) == ("m1", "i1", "crm", "ann")


def test_an_original_engine_s_message_has_an_id_for_each_node_and_page() -> None:
    headers = {"process-id": "p", "node-id": "n"}
    ids = {
        Message("", headers).id,
        Message("", {**headers, "cursor": "2"}).id,
        Message("", {**headers, "node-id": "o"}).id,
    }
    assert ids == {"p:n", "p:n:2", "p:o"}


def test_a_missing_identity_is_an_error_not_an_empty_text() -> None:
    with pytest.raises(HeaderError, match="no header process-id"):
        _ = Message().id
    with pytest.raises(HeaderError, match="no header correlation-id"):
        _ = Message().instance


@pytest.mark.parametrize(
    ("headers", "attempts"),
    [({}, 1), ({"repeat-hops": "3"}, 3), ({"repeat-hops": 3}, 3), ({"attempt": "5", "repeat-hops": "3"}, 5),
     ({"repeat-hops": "x"}, 1), ({"repeat-hops": "0"}, 1), ({"repeat-hops": "²"}, 1), ({"attempt": "-1"}, 1)],
)  # fmt: skip
def test_attempts(headers: dict[str, str], attempts: int) -> None:
    assert Message("", headers).attempts == attempts


def test_cursor() -> None:
    assert Message().cursor is None
    assert Message("", {"cursor": ""}).cursor is None
    assert Message("", {"cursor": "page-2"}).cursor == "page-2"


def test_followers() -> None:
    message = Message("", {"worker-followers": '[{"id":"1","name":"a"},{"id":"2","name":"b"}]'})
    assert [(one.id, one.name) for one in message.followers] == [("1", "a"), ("2", "b")]
    assert Message().followers == ()


@pytest.mark.parametrize("value", ["x", "{}", '[{"id":1}]', '["a"]', ""])
def test_unreadable_followers_are_named(value: str) -> None:
    with pytest.raises(HeaderError, match="worker-followers is unreadable"):
        _ = Message("", {"worker-followers": value}).followers


def test_repr_does_not_show_the_body() -> None:
    assert repr(Message("secret", {"message-id": "m"})) == "Message(id='m', 6 bytes)"
