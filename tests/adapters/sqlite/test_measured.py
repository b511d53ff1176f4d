"""What has been measured is known without reading it back, and what only the file knows is not left out."""

from __future__ import annotations

from segue.adapters.sqlite.measured import Measured
from segue.core.figures import together
from segue.ports.metrics import Measures

LIMIT = 3


def _measures(seq: int, handlings: int = 1) -> Measures:
    return Measures(seq=seq, handled=together([(1, "ok", 0, 0, 0, 0, 0, 0, ())] * handlings))


def _look(known: Measured, file: list[Measures]) -> list[int]:
    """All numbers that a roll finds, bite by bite; it reads the file where it is told to."""
    found: list[int] = []
    while True:
        after = found[-1] if found else 0
        some = known.after(after, LIMIT)
        if some is None:
            some = [each for each in file if each.seq > after][:LIMIT]
            known.read(after, LIMIT, some)
        found += [each.seq for each in some]
        if len(some) < LIMIT:
            return found


def _known(*seqs: int) -> Measured:
    """Something that has looked at an empty file, and heard of commits since."""
    known = Measured()
    assert _look(known, []) == []
    known.add(_measures(seq) for seq in seqs)
    return known


def test_what_was_committed_here_is_not_read_again() -> None:
    known = _known(1, 2, 3, 4, 6)
    assert [each.seq for each in known.after(0, LIMIT) or ()] == [1, 2, 3]
    assert [each.seq for each in known.after(3, LIMIT) or ()] == [4, 6]
    known.rolled([1, 2, 3])
    assert _look(known, []) == [4, 6]


def test_what_the_life_before_left_is_read() -> None:
    known, file = Measured(), [_measures(seq) for seq in range(1, 9)]
    known.add(file[5:])
    assert _look(known, file) == list(range(1, 9))
    assert known.after(0, LIMIT) is None
    known.rolled(range(1, 6))
    assert _look(known, file[5:]) == [6, 7, 8]
    assert [each.seq for each in known.after(0, LIMIT) or ()] == [6, 7, 8]


def test_what_the_life_before_left_is_read_though_nothing_was_committed_since() -> None:
    known, file = Measured(), [_measures(3)]
    assert _look(known, file) == [3]
    assert known.after(0, LIMIT) is None


def test_a_commit_that_failed_and_is_stored_all_the_same_is_found() -> None:
    known = _known(1, 3)
    known.forget()
    file = [_measures(seq) for seq in (1, 2, 3)]
    assert _look(known, file) == [1, 2, 3]
    assert known.after(0, LIMIT) is None


def test_half_a_look_at_the_file_is_no_look() -> None:
    """Trouble comes in the middle of a roll: what is below where it goes on has not been seen."""
    known = _known(1, 2, 3)
    assert [each.seq for each in known.after(0, LIMIT) or ()] == [1, 2, 3]
    known.forget()
    assert known.after(3, LIMIT) is None
    known.read(3, LIMIT, [])
    assert known.after(0, LIMIT) is None
    assert _look(known, [_measures(1), _measures(2), _measures(3)]) == [1, 2, 3]


def test_one_whose_news_has_not_come_yet_does_not_count_as_strange() -> None:
    known = _known(1)
    known.forget()
    known.add([_measures(2)])
    assert _look(known, [_measures(2), _measures(3)]) == [2, 3]
    assert [each.seq for each in known.after(0, LIMIT) or ()] == [2]


def test_the_file_is_looked_at_now_and_then_whatever_was_told() -> None:
    known, file = _known(2), [_measures(1), _measures(2)]
    looks = 1
    while _look(known, file) != [1, 2]:
        looks += 1
        assert looks < 1_000
    assert looks > 10


def test_too_much_is_left_to_the_file() -> None:
    known = _known()
    known.add([_measures(1, 39_999)])
    assert known.after(0, LIMIT) is not None
    known.add([_measures(2, 2)])
    assert known.after(0, LIMIT) is None
    assert _look(known, [_measures(1), _measures(2)]) == [1, 2]
