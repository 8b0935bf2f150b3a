"""Times and durations, read and written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from nox_cli import times
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON_MS = 1_772_366_400_000  # 2026-03-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5m", 90),
        ("2h", 7_200),
        ("1h30m", 5_400),
        ("2d", 172_800),
        ("1w", 604_800),
        ("10:00", 600),
        ("1:00:00", 3_600),
        ("1-12:00:00", 129_600),
        (" 5M ", 300),
        ("0", 0),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """
    A duration is a number of seconds, numbers with units, or a clock's form.
    """
    assert seconds == times.seconds_of(text)


@pytest.mark.parametrize("text", ["", "-1", "5x", "m", "1:2", "1::00", "nan", "inf", "1e3", "٣s", "9" * 400])
def test_times_what_is_no_duration_is_refused(text: str) -> None:
    """
    Anything else is refused as a usage error.
    """
    with pytest.raises(UsageError, match="is not a duration"):
        times.seconds_of(text)


def test_a_duration_has_an_end() -> None:
    """
    More than ten years is refused.
    """
    with pytest.raises(UsageError, match="too long"):
        times.seconds_of("4000d")


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2d", NOON_MS - 2 * 86_400_000),
        ("90m", NOON_MS - 5_400_000),
        ("2026-02-28T12:00:00Z", NOON_MS - 86_400_000),
        ("2026-02-28T13:00:00+01:00", NOON_MS - 86_400_000),
    ],
)
def test_a_time_in_the_past(text: str, ms: int) -> None:
    """
    `--since` is a duration before now, or an ISO 8601 time.
    """
    assert ms == times.since_ms(text, NOON_MS)


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "9999999999999999"])
def test_times_what_is_no_time_is_refused(text: str) -> None:
    """
    Anything else is refused as a usage error.
    """
    with pytest.raises(UsageError, match="is not a time"):
        times.since_ms(text, NOON_MS)


def test_times_for_programs() -> None:
    """
    Programs read ISO 8601 in UTC with milliseconds; no time stays none.
    """
    assert "2026-03-01T12:00:00.007Z" == times.iso(NOON_MS + 7)
    assert times.iso(None) is None


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (48.9, "0:48"), (161, "2:41"), (3_723, "1:02:03"), (273_906, "3-04:05:06"), (-5, "0:00")],
)
def test_a_clock(seconds: float, shown: str) -> None:
    """
    A clock shows hours and days only where there are any, and never a negative time.
    """
    assert shown == times.clock(seconds)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.0004, "1 ms"),
        (0.04, "40 ms"),
        (0.44, "0.4 s"),
        (48, "48 s"),
        (161, "2 min 41 s"),
        (120, "2 min"),
        (5_040, "1 h 24 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_in_words(seconds: float, shown: str) -> None:
    """
    Words have two units at most.
    """
    assert shown == times.words(seconds)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be where clocks change: on 29 March 2026 it is 3 o'clock after 2."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("13:01", "2026-03-01T12:01:00.000Z"),
        ("13:00", "2026-03-02T12:00:00.000Z"),
        ("6:30", "2026-03-02T05:30:00.000Z"),
        ("today 23:59:59", "2026-03-01T22:59:59.000Z"),
        ("Tomorrow 06:00", "2026-03-02T05:00:00.000Z"),
        ("2026-03-29T06:00", "2026-03-29T04:00:00.000Z"),
        ("2026-03-29T06:00Z", "2026-03-29T06:00:00.000Z"),
        ("2026-03-02", "2026-03-01T23:00:00.000Z"),
        ("2096-03-02T06:00+01:00", "2096-03-02T05:00:00.000Z"),
    ],
)
def test_moments_ahead_are_read(text: str, expected: str) -> None:
    """
    A time of day is the next such one, of this time zone, whatever clocks do that day; ISO 8601 is any.
    """
    assert expected == times.iso(times.begin_ms(text, NOON_MS))


@pytest.mark.parametrize(
    "text",
    ["", "6", "24:00", "06:60", "yesterday 06:00", "2026-02-30", "2026-02-28T12:00", "today 00:00", "3h"],
)
def test_times_what_is_no_moment_ahead_is_refused(text: str) -> None:
    """
    Neither a time that does not exist, nor one that is past.
    """
    with pytest.raises(UsageError):
        times.begin_ms(text, NOON_MS)
