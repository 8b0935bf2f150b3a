"""`workers.keeper.output`: output within a bound, its beginning and its end; marks between jobs."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workers.keeper.output import EngineLog, Marks, evidence, mark

SECRET = "5ec" + "0" * 29
NOTE = re.compile(rb"\n\[nox: (\d+) bytes of output were cut here\]\n")


@given(pieces=st.lists(st.binary(max_size=40), max_size=30), limit=st.integers(2, 200))
def test_beginning_and_end_are_kept_and_the_rest_counted(pieces: list[bytes], limit: int) -> None:
    """
    However output is cut into pieces, what is kept and what is missing add up to all of it.
    """
    log = EngineLog(limit)
    shown = b"".join(map(log.add, pieces))
    whole, content = b"".join(pieces), log.content()
    parts = NOTE.split(content)

    assert whole[:limit] == shown
    if len(whole) <= limit:
        assert whole == content
    else:
        head, missing, tail = parts
        assert (whole[: limit // 2], whole[len(whole) - (limit - limit // 2) :]) == (head, tail)
        assert len(whole) == len(head) + int(missing) + len(tail)


def test_memory_is_bounded_whatever_is_printed() -> None:
    """
    A hundred times the limit, in pieces of every size, keeps no more than the limit and one piece.
    """
    log = EngineLog(1_000)
    for size in range(1, 450):
        log.add(b"x" * size)

    assert len(log._head) + log._in_tail <= 1_000 + 450
    assert len(log.content()) < 1_100


def test_the_last_lines_are_evidence() -> None:
    """
    Forty lines at most, none of them blank or endless, whatever the bytes.
    """
    log = EngineLog(10_000)
    log.add(b"".join(b"line %d\n\n" % n for n in range(100)) + b"\xff\xfe" + b"x" * 600)

    assert 40 == len(log.last_lines())
    assert "line 61" == log.last_lines()[0]
    assert 500 == len(log.last_lines()[-1])
    assert () == evidence("\n \n")


NUMBERS = st.integers(1, 10**12 - 1)
PRINTED = st.lists(st.tuples(NUMBERS, st.binary(max_size=60)), max_size=6)


@given(before=st.binary(max_size=60), printed=PRINTED, cuts=st.lists(st.integers(0, 600), max_size=8))
def test_output_of_each_job_is_told_apart_wherever_it_is_cut(
    before: bytes, printed: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    """
    Whatever jobs print, zero bytes too, belongs to the mark before it, however it arrives.
    """
    data = before + b"".join(mark(SECRET, number) + text for number, text in printed)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    marks, heard = Marks(SECRET), [(0, b"")]
    for begin, end in pairwise(places):
        for number, part in marks.split(data[begin:end]):
            if number:
                heard.append((number, b""))
            heard[-1] = (heard[-1][0], heard[-1][1] + part)
    held = marks.split(b"x" * 100)  # what looked like the beginning of a mark was none
    rest = b"".join(part for _, part in held).removesuffix(b"x" * 100)

    assert [(0, before), *printed] == [*heard[:-1], (heard[-1][0], heard[-1][1] + rest)]
