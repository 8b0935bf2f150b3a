"""The page writes jobs, numbers and durations as the terminal does."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli import times
from nox_cli.counts import counted, job_title
from nox_cli.render.jobs import rate
from nox_cli.results.job_record import reason_words
from tests.support.javascript import called
from workers.job import Reason
from workers.sizes import size_words

if TYPE_CHECKING:
    from collections.abc import Callable

_RANDOM = Random(16)
_EDGES = [0, 1e-9, 0.04, 0.0995, 0.1, 0.25, 0.35, 0.75, 1, 1.25, 9.94, 9.95, 9.96, 9.99, 10, 10.5, 11.5, 59.4]
_EDGES += [
    59.5,
    60,
    60.5,
    61,
    119.5,
    3_599.5,
    3_600,
    3_660,
    86_399,
    86_400,
    90_000,
    1e6,
    1e8,
    2.5,
    3.05,
    0.0005,
]
SECONDS = _EDGES + [10 ** _RANDOM.uniform(-4, 8) for _ in range(2_000)] + [n / 8 for n in range(800)]
BYTES = [
    0,
    1,
    1023,
    1024,
    1025,
    2**20 - 1,
    2**20,
    2**30 - 1,
    2**30,
    5 * 2**28,
    3 * 2**19,
    *range(0, 2**33, 2**24 + 7),
]
RATES = [1e-5 * 1.07**step for step in range(300)] + [0.25, 1, 1 / 60, 0.999999, 2.25, 2.75]
ENERGIES = [_RANDOM.uniform(-1_000, 1_000) for _ in range(2_000)] + [0.0, -1e-9, 1e-8, -96.142081024, 5e-324]


@pytest.mark.parametrize(
    ("function", "reference", "values"),
    [
        ("duration", times.words, SECONDS),
        ("clock", times.clock, SECONDS),
        ("size", size_words, BYTES),
        ("rate", rate, RATES),
        ("energy", "{:.8f}".format, ENERGIES),
        ("reason", reason_words, list(Reason)),
    ],
)
def test_words_of_the_page(function: str, reference: Callable[[Any], str], values: list[Any]) -> None:
    """
    A value has one form, in the terminal and on the page.
    """
    found = called("lib/format", f"library.{function}", [(value,) for value in values])

    assert [] == [
        (value, expected, words)
        for value, words in zip(values, found, strict=True)
        if words != (expected := reference(value))
    ]


def test_counts_of_the_page() -> None:
    """
    Counts have groups of three digits, and their word the right number.
    """
    values = [0, 1, 2, 999, 1_000, 2_000, 1_234_567, 10**9]

    assert [counted(value, "job") for value in values] == called(
        "lib/format", "library.count", [(value, "job") for value in values]
    )
    assert [f"{value:,}" for value in values] == called(
        "lib/format", "library.count", [(value,) for value in values]
    )


def test_titles_of_the_page() -> None:
    """
    A job is named by its number and its name.
    """
    names = ["", "benzene", "  two  words ", "<b>"]
    jobs = [SimpleNamespace(number=42, name=name) for name in names]

    found = called("lib/format", "library.title", [({"number": 42, "name": name},) for name in names])

    assert [job_title(job) for job in jobs] == found


def test_moments_of_the_page() -> None:
    """
    A time is written by its distance in its largest unit, whole.
    """
    distances = [-90_000_000, -3_600_000, -59_999, -1_000, -999, 0, 999, 1_000, 61_000, 86_400_000]

    found = called("lib/format", "library.relative", [(1e12 + distance, 1e12) for distance in distances])

    assert ["1 d ago", "1 h ago", "59 s ago", "1 s ago", "now", "now", "now"] == found[:7]
    assert ["in 1 s", "in 1 min", "in 1 d"] == found[7:]
