"""Which engine a submit is pinned to."""

from __future__ import annotations

import pytest

from nox_cli.engines import EngineWanted, Pin, pin
from workers.names import EngineName

XTB, TBLITE = EngineName.XTB, EngineName.TBLITE
BOTH = {"tblite": "0.8.0", "xtb": "22.1"}


def unasked() -> list[frozenset[str]]:
    """Stand for workers that must not be asked."""
    raise AssertionError("the workers were asked")


@pytest.mark.parametrize(
    ("wanted", "installed", "expected"),
    [
        ("auto", BOTH, Pin(XTB, "22.1")),
        ("auto", {"tblite": "0.8.0"}, Pin(TBLITE, "0.8.0")),
        ("tblite", BOTH, Pin(TBLITE, "0.8.0")),
        ("xtb", BOTH, Pin(XTB, "22.1")),
    ],
)
def test_takes_what_is_installed(wanted: str, installed: dict[str, str], expected: Pin) -> None:
    """
    Where an engine is installed it is taken with its version, xtb before tblite, and no worker is asked.
    """
    assert expected == pin(EngineWanted(wanted), installed, unasked)


@pytest.mark.parametrize(
    ("wanted", "offered", "expected"),
    [
        ("auto", ["tblite tblite@0.8", "echo xtb xtb@22.1"], Pin(XTB, "22.1")),
        ("auto", ["tblite tblite@0.8", "tblite tblite@0.10"], Pin(TBLITE, "0.10")),
        ("tblite", ["xtb xtb@22.1 tblite tblite@0.8"], Pin(TBLITE, "0.8")),
    ],
)
def test_else_what_living_workers_offer(wanted: str, offered: list[str], expected: Pin) -> None:
    """
    Where nothing fits here, the newest that a living worker offers is taken.
    """
    assert expected == pin(EngineWanted(wanted), {}, lambda: [frozenset(o.split()) for o in offered])


@pytest.mark.parametrize(("wanted", "name"), [("auto", TBLITE), ("xtb", XTB), ("tblite", TBLITE)])
def test_else_the_jobs_wait_for_any_version(wanted: str, name: EngineName) -> None:
    """
    Where nobody has an engine the jobs are not pinned to a version, and that is warned of.
    """
    found = pin(EngineWanted(wanted), {}, lambda: [frozenset({"echo"})])

    assert (name, "") == (found.engine, found.version)
    assert f"jobs wait for one with {name}" in found.warning
