"""Which exit code an error means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from nox_cli.exits import MEANINGS, ExitCode, exit_code
from workers import errors

if TYPE_CHECKING:
    from collections.abc import Iterator


def kinds(of: type[errors.NoxError] = errors.NoxError) -> Iterator[type[errors.NoxError]]:
    """List every class of error below one."""
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_code_has_a_meaning() -> None:
    """
    The table that help prints holds every code, in order.
    """
    assert list(ExitCode) == list(MEANINGS)


def test_codes_are_frozen() -> None:
    """
    The numbers are the ones scripts rely on.
    """
    assert [0, 1, 2, 3, 4, 5, 6, 8, 70, 124, 130, 143] == [int(code) for code in ExitCode]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, ExitCode.USAGE),
        (errors.SettingsInvalid, ExitCode.USAGE),
        (errors.FileInTheWay, ExitCode.USAGE),
        (errors.OutputLost, ExitCode.USAGE),
        (errors.JobNotFound, ExitCode.NOTHING_MATCHED),
        (errors.ArtifactNotFound, ExitCode.NOTHING_MATCHED),
        (errors.InputRefused, ExitCode.INPUT_REFUSED),
        (errors.StoreUnreachable, ExitCode.STORE),
        (errors.StoreFull, ExitCode.STORE),
        (errors.NotConverged, ExitCode.JOB_FAILED),
        (errors.LeaseLost, ExitCode.BUG),
    ],
)
def test_an_error_means_the_code_of_its_nearest_kind(kind: type[errors.NoxError], code: ExitCode) -> None:
    """
    The class of an error, or the nearest above it, decides the exit code.
    """
    assert code == exit_code(kind("it happened"))


def test_error_codes_are_distinct_words() -> None:
    """
    What JSON output names an error by is one lower-case word, and no two kinds share one.
    """
    codes = [kind.code for kind in kinds()]

    assert sorted(set(codes)) == sorted(codes)
    assert [] == [code for code in codes if not re.fullmatch(r"[a-z_]+", code)]
