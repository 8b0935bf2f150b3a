"""`workers.store.sqlite.clock`: when a lease is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.store.sqlite import clock
from workers.store.sqlite.clock import LEASE_MS, Moment, boot_id, now

MOMENT = Moment(utc_ms=1_700_000_000_000, boot_ms=50_000, boot="this")


@pytest.mark.parametrize(
    ("until_ms", "boot", "is_over"),
    [
        (50_000, "this", False),
        (50_000 + LEASE_MS, "this", False),
        (49_999, "this", True),
        (0, "this", True),
        (-1, "this", True),
        (50_001 + LEASE_MS, "this", True),
        (52_000, "another", True),
        (52_000, "", True),
    ],
)
def test_a_lease_ends_by_time_and_with_the_boot(until_ms: int, boot: str, is_over: bool) -> None:
    """
    A lease of an earlier boot is over, whatever its number says; so is one longer than any can be.
    """
    assert is_over == MOMENT.is_over(until_ms, boot)


def test_a_fresh_lease_lasts() -> None:
    """
    What is granted now is not over now.
    """
    moment = now()

    assert not moment.is_over(moment.lease_until_ms, moment.boot)
    assert not now().is_over(moment.lease_until_ms, boot_id())


def test_a_system_that_names_no_boot_is_told_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where the boot has no name, leases end by time alone.
    """
    monkeypatch.setattr(clock, "_BOOT_ID", Path("/nowhere"))

    assert "" == boot_id.__wrapped__()
