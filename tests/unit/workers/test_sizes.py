"""`workers.sizes`: amounts of bytes in words."""

from __future__ import annotations

import pytest

from workers.sizes import GIB, MIB, size_words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (-1, "0 KiB"),
        (0, "0 KiB"),
        (1, "1 KiB"),
        (1024, "1 KiB"),
        (300 * MIB, "300 MiB"),
        (2 * GIB, "2.0 GiB"),
        (1536 * MIB, "1.5 GiB"),
    ],
)
def test_the_unit_follows_the_size(size: int, words: str) -> None:
    """
    KiB, MiB and GiB are powers of 1024; nothing but nothing is 0.
    """
    assert words == size_words(size)
