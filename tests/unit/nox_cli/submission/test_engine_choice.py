"""Which engine a submit is pinned to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nox_cli.submission.engine_choice import EngineWanted, Pin, pin
from workers.engine.abilities import ALPB, CELLS, GFNFF, IPEA1, PASSED_ON
from workers.errors import UsageError
from workers.names import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

XTB, TBLITE, XTB_CLI = EngineName.XTB, EngineName.TBLITE, EngineName.XTB_CLI
BOTH = {"tblite": "0.8.0", "xtb": "22.1"}
ALL = BOTH | {"xtb-cli": "6.7.1"}


def having(versions: dict[str, str]) -> Callable[[Sequence[EngineName]], dict[str, str]]:
    """Stand for what can run here."""
    return lambda names: {name: versions[name] for name in names if name in versions}


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
        ("auto", ALL, Pin(XTB, "22.1")),
        ("xtb-cli", ALL, Pin(XTB_CLI, "6.7.1")),
    ],
)
def test_takes_what_is_installed(wanted: str, installed: dict[str, str], expected: Pin) -> None:
    """
    Where an engine is installed it is taken with its version, xtb before tblite, and no worker is asked.
    """
    assert expected == pin(EngineWanted(wanted), having(installed), unasked)


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
    assert expected == pin(EngineWanted(wanted), having({}), lambda: [frozenset(o.split()) for o in offered])


@pytest.mark.parametrize(("wanted", "name"), [("auto", TBLITE), ("xtb", XTB), ("tblite", TBLITE)])
def test_else_the_jobs_wait_for_any_version(wanted: str, name: EngineName) -> None:
    """
    Where nobody has an engine the jobs are not pinned to a version, and that is warned of.
    """
    found = pin(EngineWanted(wanted), having({}), lambda: [frozenset({"echo"})])

    assert (name, "") == (found.engine, found.version)
    assert f"jobs wait for one with {name}" in found.warning


def test_the_program_is_taken_only_for_what_it_alone_can_do() -> None:
    """
    Left to nox, a force field goes to the xtb program, and nothing else does, even where no library is.
    """
    assert Pin(XTB_CLI, "6.7.1") == pin(EngineWanted.AUTO, having(ALL), unasked, frozenset({GFNFF, ALPB}))
    for needed in (frozenset[str](), frozenset({ALPB})):
        found = pin(EngineWanted.AUTO, having({"xtb-cli": "6.7.1"}), list, needed)
        assert Pin(TBLITE, "") == Pin(found.engine, found.version)


def test_engine_choice_without_the_program_its_jobs_wait_for_a_worker_that_has_it() -> None:
    """
    A living worker's program is pinned by its version; where nobody has one, that is warned of.
    """
    needed = frozenset({PASSED_ON})
    there = pin(EngineWanted.AUTO, having(BOTH), lambda: [frozenset({"xtb-cli", "xtb-cli@6.7"})], needed)
    nowhere = pin(EngineWanted.AUTO, having(BOTH), list, needed)

    assert Pin(XTB_CLI, "6.7") == there
    assert (XTB_CLI, "") == (nowhere.engine, nowhere.version)
    assert nowhere.warning.startswith("no xtb program is on PATH here and no living worker offers it")


def test_crystals_are_tblites_alone() -> None:
    """
    It is taken for them before xtb, and where it is not, xtb's being here is no help: that is said.
    """
    needed = frozenset({CELLS})
    nowhere = pin(EngineWanted.AUTO, having({"xtb": "22.1", "xtb-cli": "6.7.1"}), list, needed)

    assert Pin(TBLITE, "0.8.0") == pin(EngineWanted.AUTO, having(ALL), unasked, needed)
    assert (TBLITE, "") == (nowhere.engine, nowhere.version)
    assert (
        "no tblite is installed here and no living worker offers it: jobs wait for one with tblite"
        == nowhere.warning
    )
    with pytest.raises(UsageError, match="--engine xtb has no cells of crystals"):
        pin(EngineWanted.XTB, having(ALL), list, needed)


def test_engine_choice_what_no_engine_does_at_once_is_refused() -> None:
    """
    Each has its part: together they are nobody's, and the hint names who has what was asked of another.
    """
    with pytest.raises(UsageError, match="no engine has GFN-FF and IPEA1-xTB at once"):
        pin(EngineWanted.AUTO, having(ALL), list, frozenset({GFNFF, IPEA1}))
    with pytest.raises(UsageError, match="--engine tblite has no GFN-FF") as caught:
        pin(EngineWanted.TBLITE, having(ALL), list, frozenset({GFNFF}))

    assert "--engine xtb-cli, or leave it to nox" == caught.value.hint
