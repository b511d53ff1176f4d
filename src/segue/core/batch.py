"""Batches: an answer of many items, each of which becomes a message, and the cursor that asks for the next page."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from segue.core.answers import Answer, Code
from segue.core.children import Content, Offspring, cursor_child, offspring
from segue.core.envelope import header_texts, opened_body, text_of
from segue.core.headers import CURSOR, carried_headers, clean_headers
from segue.core.verdict import Case, Verdict, consumed, failed
from segue.model.message import LogLine
from segue.model.start import Headers


class _Item(Struct):
    body: Raw = Raw(b"null")
    headers: dict[str, Any] | None = None


class _BadBatch(Exception):
    """The answer's body holds no items; the text says where."""


_decode_items = msgspec.json.Decoder(list[_Item]).decode


def decide_batch(case: Case, answer: Answer, logs: tuple[LogLine, ...]) -> Verdict:
    """The batch action answered.

    Each item goes to the followers as a message of its own: all of the answer's headers, overlaid by the item's (null
    ones do not count), without the cursor. With a cursor code the action is called again, with the same body and that
    cursor; CURSOR_ONLY sends no items.
    """
    if answer.code is Code.CURSOR_ONLY:
        contents = []
    else:
        try:
            contents = _contents(case, answer)
        except _BadBatch as error:
            return failed(case, str(error), "bad-batch")
    born = offspring(case.routes, case.message, contents, case.now, items=True)
    if answer.code not in {Code.CURSOR, Code.CURSOR_ONLY} or born.terminate or born.stuck:
        return consumed(case, born, logs=logs)
    headers = clean_headers(answer.envelope.headers)
    if CURSOR not in headers:
        return failed(case, f"The batch asked to be called again without a {CURSOR} header", "no-cursor")
    again = cursor_child(case.message, headers | carried_headers(case.message), len(born.children))
    return consumed(case, Offspring((*born.children, again)), logs=logs)


def _contents(case: Case, answer: Answer) -> list[Content]:
    try:
        items = _decode_items(answer.envelope.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _BadBatch(f"The body of a batch's answer is no JSON array of items: {error}") from error
    shared = dict(answer.envelope.headers)
    shared.pop(CURSOR, None)
    common = clean_headers(shared)
    return [_content(case, item, index, shared, common) for index, item in enumerate(items)]


def _content(case: Case, item: _Item, index: int, shared: Headers, common: Headers) -> Content:
    body, headers = _opened(item, index)
    if headers:
        headers.pop(CURSOR, None)
        headers = clean_headers({**shared, **headers})
    else:
        headers = common
    return Content(body, headers, case.routes.route(case.node.id, body, headers))


def _opened(item: _Item, index: int) -> tuple[bytes, Headers]:
    """Body and own headers of an item."""
    try:
        body = text_of(item.body)
        headers = header_texts(item.headers or {})
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _BadBatch(f"Item {index} cannot be read: {error}") from error
    opened = opened_body(headers, body)
    if opened is None:
        raise _BadBatch(f"The body of item {index} is not the base64 that its header says")
    return opened, headers
