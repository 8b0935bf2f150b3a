"""The page reads server-sent events, in whatever pieces they come."""

from __future__ import annotations

from random import Random

import pytest

from tests.support.javascript import called
from tests.support.sse import parsed

READ = """pieces => {
  const reader = new library.EventReader();
  return pieces.flatMap((piece) => reader.read(piece));
}"""
STREAM = """retry: 1000

: a remark
id: 1
data: {"a": 1}

event: snapshot
data: first
data:  second: with a colon
data

id: 2
:
: two

id
data:last
unknown: field
id: with\0nul

data: never ended"""
BLOCKS = [
    {"retryMs": 1000, "data": "", "name": "", "id": "", "comments": []},
    {"data": '{"a": 1}', "name": "", "id": "1", "comments": ["a remark"]},
    {"data": "first\n second: with a colon\n", "name": "snapshot", "id": "1", "comments": []},
    {"data": "", "name": "", "id": "2", "comments": ["", "two"]},
    {"data": "last", "name": "", "id": "", "comments": []},
]


def pieces(text: str, random: Random) -> list[str]:
    """Cut a text at random places, some of them next to each other."""
    places = sorted(random.choices(range(len(text) + 1), k=random.choice([0, 1, 5, 60])))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_blocks_in_any_pieces(line_end: str) -> None:
    """
    The same blocks are read, wherever the pieces end, with each kind of line end and with a byte order mark.
    """
    random = Random(16)
    text = STREAM.replace("\n", line_end)
    cuts = [list(text), *(pieces(f"\ufeff{text}", random) for _ in range(300))]

    for cut, found in zip(cuts, called("lib/sse", READ, [(cut,) for cut in cuts]), strict=True):
        assert BLOCKS == found, cut


def test_blocks_as_another_client_reads_them() -> None:
    """
    What the tests' own client of such streams reads is what the page reads.
    """
    found = called("lib/sse", READ, [([STREAM.replace("id: with\0nul\n", "")],)])[0]

    expected = list(parsed(iter(STREAM.replace("id: with\0nul\n", "").split("\n"))))
    assert [(one.event, one.data, one.id) for one in expected] == [
        (one["name"] or "message", one["data"], one["id"]) for one in found
    ]
