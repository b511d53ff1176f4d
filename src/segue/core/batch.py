"""Batches: an answer of many items, each of which becomes a message, and the cursor that asks for the next page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from segue.core.answers import Answer, Code
from segue.core.children import Content, Offspring, cursor_child, offspring
from segue.core.envelope import header_texts, opened_body, text_of
from segue.core.headers import CURSOR, carried_headers, clean_headers
from segue.core.verdict import Case, Verdict, consumed, failed, trash_lines
from segue.model.message import Child, Consumed, LogLine, Outcome, Place
from segue.model.start import Headers


class _Item(Struct):
    body: Raw = Raw(b"null")
    headers: dict[str, Any] | None = None


class _BadBatch(Exception):
    """The answer's body holds no items; the text says where."""


_decode_items = msgspec.json.Decoder(list[_Item]).decode
_decode_raws = msgspec.json.Decoder(list[Raw]).decode
_decode_item = msgspec.json.Decoder(_Item).decode
_AGAIN = frozenset({Code.CURSOR, Code.CURSOR_ONLY})


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
    if answer.code not in _AGAIN or born.terminate or born.stuck:
        return consumed(case, born, logs=logs)
    again = _next_page(case, answer, len(born.children))
    return _without_cursor(case) if again is None else consumed(case, Offspring((*born.children, again)), logs=logs)


def spread_batch(
    case: Case, answer: Answer, logs: tuple[LogLine, ...], size: int
) -> Generator[tuple[Child, ...], None, Verdict]:
    """Decide as `decide_batch`, some children at a time: yields about `size` of them, and returns the verdict.

    A verdict that consumes the message with the outcome ok and no children of its own means that those that were
    yielded are its children, all of them; any other one means that none of them is.
    """
    try:
        raws = _decode_raws(answer.envelope.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return failed(case, f"The body of a batch's answer is no JSON array of items: {error}", "bad-batch")
    shared, common = _shared_headers(answer)
    count, ended, trash = 0, None, Counter[str]()
    for begin in range(0, len(raws), size):
        try:
            items = [_decode_item(raw) for raw in raws[begin : begin + size]]
            contents = [_content(case, item, begin + n, shared, common) for n, item in enumerate(items)]
        except _BadBatch as error:
            return failed(case, str(error), "bad-batch")
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return failed(case, f"The body of a batch's answer is no JSON array of items: {error}", "bad-batch")
        if ended is None:
            born = offspring(case.routes, case.message, contents, case.now, count, items=True)
            if born.terminate or born.stuck is not None:
                ended = born
                continue
            count += len(born.children)
            trash.update(child.reason for child in born.children if child.place is Place.TRASH and child.reason)
            yield born.children
    if ended is not None:
        return consumed(case, ended, logs=logs)
    if answer.code in _AGAIN:
        again = _next_page(case, answer, count)
        if again is None:
            return _without_cursor(case)
        yield (again,)
    return Verdict(Consumed(outcome=Outcome.OK), logs + trash_lines(case, trash))


def _next_page(case: Case, answer: Answer, index: int) -> Child | None:
    """The message that has the action called again; None without a cursor."""
    headers = clean_headers(answer.envelope.headers)
    if CURSOR not in headers:
        return None
    return cursor_child(case.message, headers | carried_headers(case.message), index)


def _without_cursor(case: Case) -> Verdict:
    return failed(case, f"The batch asked to be called again without a {CURSOR} header", "no-cursor")


def _contents(case: Case, answer: Answer) -> list[Content]:
    try:
        items = _decode_items(answer.envelope.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _BadBatch(f"The body of a batch's answer is no JSON array of items: {error}") from error
    shared, common = _shared_headers(answer)
    return [_content(case, item, index, shared, common) for index, item in enumerate(items)]


def _shared_headers(answer: Answer) -> tuple[Headers, Headers]:
    """The answer's headers that all items share: as they came, and as they travel."""
    shared = dict(answer.envelope.headers)
    shared.pop(CURSOR, None)
    return shared, clean_headers(shared)


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
