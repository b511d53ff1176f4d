"""What commits measured is read in the form of this release and in that of the one before."""

from __future__ import annotations

import msgspec

from segue.adapters.sql.metrics import decode_measures, encode_measures, encode_rows
from segue.core.figures import together
from segue.ports.metrics import Measures

AT = 1_790_000_000_000
CALLS = (("crm.example", 2_000, 200), ("erp.example", 9, 0))
ROWS = [
    (1, "ok", AT, AT + 5, AT + 9, 4_000, 3_000, 50, CALLS),
    (1, "ok", AT, AT + 6, AT + 60_000, 0, 0, 0, ()),
    (2, "cancelled", AT, AT, AT + 9, 0, 0, 0, ()),
    (2, "outage", AT, AT + 1, AT + 2, 7, 0, 0, ()),
]
STARTED, ENDED = [(1, AT)], [(1, "finished", AT, AT + 9)]


def test_both_forms_say_the_same() -> None:
    measures = Measures(seq=7, handled=together(ROWS), started=STARTED, ended=ENDED)
    ours = decode_measures(7, encode_measures(measures))
    theirs = decode_measures(7, encode_rows(ROWS, STARTED, ENDED))
    assert [(group.queue, group.counts) for group in ours.handled] == [
        (1, {"ok": 1}),
        (1, {"ok": 1}),
        (2, {"cancelled": 1, "outage": 1}),
    ]
    first, later, other = ours.handled
    assert (first.wait, first.work, first.worker, first.remote, first.cpu) == ([5], [4], [4_000], [3_000], [50])
    assert [tuple(call) for call in first.calls] == list(CALLS)
    assert (later.minute - first.minute, later.worker) == (1, [])
    assert (other.wait, other.work, other.worker) == ([1], [1], [7])  # who was cancelled was not tried
    assert msgspec.json.encode(ours) == msgspec.json.encode(theirs)
