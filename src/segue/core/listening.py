"""Message events: under which name and key a message listens, and what happens when one comes from outside.

What a message waits for is said by its `reason`, word for word: stores find it by that text.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from segue.core.conditions import ConditionError, Facts, compile_condition
from segue.model.graph import Node

LONGEST_KEY = 500


class ListeningError(Exception):
    """Nobody can say what the message waits for; `code` is a reason code."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


def listening_for(name: str, key: str) -> str:
    """Return the reason of every message that listens for this name and key; no other one has it."""
    named = msgspec.json.encode(name).decode()
    if not key:
        return f"Waits for the message {named}"
    return f"Waits for the message {named} with the key {msgspec.json.encode(key).decode()}"


def subscription(node: Node, body: bytes, headers: Mapping[str, str]) -> str:
    """Return what a message at this node listens for. Raises ListeningError."""
    if not node.message_name:
        raise ListeningError(f"The event {node.label!r} names no message to wait for", "no-message-name")
    if node.correlation is None:
        return listening_for(node.message_name, "")
    try:
        value = compile_condition(node.correlation).answer(Facts(body, headers))
    except ConditionError as error:
        raise ListeningError(str(error), "no-correlation") from None
    return listening_for(node.message_name, key_text(node, value))


def key_text(node: Node, value: object) -> str:
    """Return a key as text: that of a text, a number or a truth value. Raises ListeningError for any other value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str) or not value or len(value) > LONGEST_KEY:
        kind = "null" if value is None else type(value).__name__
        text = f"The key of {node.label!r} is no text of 1 to {LONGEST_KEY} characters and no number, but {kind}"
        raise ListeningError(text, "no-correlation")
    return value
