"""`nox doctor --numbers`: the engines of this machine beside the xtb program, gradients beside slopes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from nox_cli.doctor import accuracy
from nox_cli.doctor.engines import PROGRAM, Child
from nox_cli.exits import ExitCode
from tests.standin import molecules
from tests.standin.keepers import ROOT
from tests.support.engines import ENGINES
from tests.support.examples import EXAMPLES
from tests.support.programs import write_program
from workers.engine.program import discovery
from workers.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nox_cli.doctor.accuracy import AccuracyRow, Subject
    from tests.support.nox import Nox
    from workers.engine.program.discovery import Program

WATER = accuracy.Subject("water", accuracy.spec_of(*molecules.TRAP, 0, 0), {"gfn2": None})
# Answers as the xtb program does when it is asked for its version.
VERSION = """
import sys
if "--version" in sys.argv:
    print("   * xtb version 6.7.1 (edcfbbe) compiled by someone on 2024-07-22")
    sys.exit()
"""
# An engine process whose xtb is one that answers with another's numbers.
WRONG = """
from msgspec.structs import replace
from workers.engine import registry
from workers.engine.registry import needs, preload, prepare
def run(spec, scratch, report, warn):
    result = registry.run(spec, scratch, report, warn)
    change = {change}
    return replace(result, **change)
"""


def compared(
    *subjects: Subject, program: Program | None = None, engine: str = ENGINES[0]
) -> list[AccuracyRow]:
    """Compare one engine on structures."""
    comparison = accuracy.AccuracyComparison({engine: "1.0"}, subjects, program, "")
    rows = list(comparison.rows())
    assert (ExitCode.JOB_FAILED if rows[0].severity is Severity.PROBLEM else ExitCode.DONE) == comparison.exit
    return rows


def script(folder: Path, text: str) -> dict[str, str]:
    """Make an `xtb` that is a Python program; the PATH that finds it alone."""
    write_program(folder / "xtb", f"#!{sys.executable}\n{text}")
    return {"PATH": str(folder)}


def test_every_engine_equals_what_is_recorded_and_the_program(nox: Nox) -> None:
    """
    Each engine has a row for each molecule and method, compared with both, and all is well: exit 0.
    """
    ended = nox("doctor", "--numbers", "--json")
    found = json.loads(ended.stdout)
    rows = found["numbers"]

    assert (ExitCode.DONE, "") == (ended.returncode, ended.stderr)
    assert 1 == found["schema"]
    assert found["program"]["version"]
    _, subjects = accuracy.recorded()
    expected = {(e, one.name, method) for e in ENGINES for one in subjects for method in one.recorded}
    assert expected == {(row["engine"], row["structure"], row["method"]) for row in rows}
    assert {"ok"} == {row["verdict"] for row in rows}
    assert all(row["from_recorded"] and row["from_program"] for row in rows)
    assert all(0 < row["gradient_from_slope_hartree_per_bohr"] < 1e-6 for row in rows)


def test_the_files_of_a_person_are_compared_instead(nox: Nox, tmp_path: Path) -> None:
    """
    Structures are read as submit reads them, each frame by itself, with charge and spin; as a table.
    """
    rows = "\n".join(f"{s} {x} {y} {z}" for s, (x, y, z) in zip(*molecules.HYDROXYL, strict=True))
    (tmp_path / "two.xyz").write_text(f"2\ncharge=-1\n{rows}\n2\ncharge=1 uhf=2\n{rows}\n")
    ended = nox("doctor", "--numbers", "two.xyz", cwd=tmp_path)
    lines = [line.split() for line in ended.stdout.splitlines()]

    assert ExitCode.DONE == ended.returncode, ended.stdout
    assert {(name, "gfn2", engine, "ok") for engine in ENGINES for name in ("two-0001", "two-0002")} == {
        (*line[:3], line[-1]) for line in lines if line and line[0].startswith("two-")
    }
    assert "every number is as it should be" == " ".join(lines[-1])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["water.xyz"], ExitCode.USAGE, "add --numbers"),
        (["--numbers", "-c", "1"], ExitCode.USAGE, "none is given"),
        (
            ["--numbers", str(EXAMPLES / "water.xyz"), "-c", "1"],
            ExitCode.INPUT_REFUSED,
            "nothing was compared",
        ),
    ],
)
def test_doctor_numbers_what_cannot_be_compared_is_refused(
    nox: Nox, words: Sequence[str], code: ExitCode, said: str
) -> None:
    """
    Files without --numbers, a charge of nothing, and an odd number of electrons are told in words.
    """
    ended = nox("doctor", *words)

    assert (code, True) == (ended.returncode, said in ended.stderr), ended.stderr


def test_a_long_molecule_may_differ_more_with_tblite() -> None:
    """
    With tblite straight dodecane, of 38 atoms, is 1.6e-6 hartree above the program, octane as it is there.
    """
    program = discovery.find()
    octane, dodecane = (
        accuracy.Subject("alkane", accuracy.spec_of(*molecules.alkane(carbons), 0, 0), {"gfn2": None})
        for carbons in (8, 12)
    )
    short, long = compared(octane, dodecane, program=program, engine="tblite")

    assert (26 * 5e-9, 1e-4) == (short.limits["energy_hartree"], long.limits["energy_hartree"])
    assert (Severity.OK, Severity.OK) == (short.severity, long.severity)
    assert 1e-7 < (long.furthest("energy_hartree") or 0.0) < 1e-5


def test_a_large_molecule_may_differ_more() -> None:
    """
    Energies differ in proportion to the molecule: with tblite C60 is 1.3e-7 hartree below the program.
    """
    subject = accuracy.Subject("c60", accuracy.spec_of(*molecules.fullerene(), 0, 0), {"gfn2": None})
    [row] = compared(subject, program=discovery.find(), engine="tblite")

    assert (60, Severity.OK) == (row.atoms, row.severity)
    assert 1e-7 < (row.furthest("energy_hartree") or 0.0) < 2e-7


@pytest.mark.parametrize(
    ("change", "too_far"),
    [
        ("{'energy_hartree': result.energy_hartree + 2e-7}", "energy_hartree"),
        ("{'gap_ev': result.gap_ev - 2e-3}", "gap_ev"),
        ("{'dipole_debye': result.dipole_debye + 2e-3}", "dipole_debye"),
        ("{'charges_e': [result.charges_e[0] + 2e-4, *result.charges_e[1:]]}", "charge_e"),
        (
            "{(n := 'gradient_hartree_per_bohr'): [[g + 2e-6 for g in row] for row in getattr(result, n)]}",
            "gradient_hartree_per_bohr",
        ),
    ],
)
def test_a_number_that_is_off_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: str, too_far: str
) -> None:
    """
    Each kind of number, twice as far off as it may be, is a problem, and it alone.
    """
    (tmp_path / "wrong_engine.py").write_text(WRONG.format(change=change))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.setattr("nox_cli.doctor.engines.ENTRY", "wrong_engine")
    _, (subject, *_) = accuracy.recorded()
    rows = compared(subject)

    assert [(too_far,)] * 2 == [row.too_far for row in rows]
    assert {Severity.PROBLEM} == {row.severity for row in rows}


def test_doctor_numbers_where_nothing_is_there_to_compare_with_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    Without a program a structure that nothing is recorded of has its slope compared, and a warning.
    """
    monkeypatch.setenv("PATH", str(tmp_path))
    assert discovery.find() is None
    (row,) = compared(WATER)

    assert (Severity.WARNING, None, None) == (row.severity, row.recorded, row.program)
    assert row.gradient_hartree_per_bohr is not None
    assert row.gradient_hartree_per_bohr < 1e-6


@pytest.mark.parametrize(
    "text",
    [
        "raise SystemExit(1)",
        "",
        "open('xtbout.json', 'w').write('{')",
        "open('xtbout.json', 'w').write('{\"xtb version\": \"6\", \"total energy\": null}')",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
    ],
)
def test_a_program_that_fails_is_no_reference(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    """
    Whatever the program does, nothing it did not write properly is compared with.
    """
    monkeypatch.setenv("PATH", script(tmp_path, f"{VERSION}\n{text}")["PATH"])
    program = discovery.find()

    assert program is not None
    assert ("6.7.1", None) == (program.version, compared(WATER, program=program)[0].program)


def test_an_engine_that_fails_is_a_row() -> None:
    """
    What an engine refuses is told, and the next structure is compared.
    """
    close = accuracy.Subject(
        "close", accuracy.spec_of(["H", "H"], [[0, 0, 0], [0, 0, 0]], 0, 0), {"gfn2": None}
    )
    rows = compared(close, WATER)

    assert [Severity.PROBLEM, Severity.WARNING] == [row.severity for row in rows]
    assert "atoms 1 (H) and 2 (H) are 0.000 Å apart" in rows[0].failed


def test_doctor_numbers_what_is_recorded_is_the_programs() -> None:
    """
    Every recorded number is what the xtb program says, to the digits it prints.
    """
    with Child(PROGRAM) as program:
        computed = [
            (recorded, accuracy.reference(program, {**subject.spec, "method": method}))
            for subject in accuracy.recorded()[1]
            for method, recorded in subject.recorded.items()
        ]

    for recorded, found in computed:
        assert recorded is not None
        assert found is not None
        assert pytest.approx(found.energy_hartree, abs=1e-8) == recorded.energy_hartree
        assert pytest.approx(found.gap_ev, abs=1e-5) == recorded.gap_ev
        assert pytest.approx(found.dipole_debye, abs=1e-5) == recorded.dipole_debye
        assert pytest.approx(found.charges_e, abs=1e-6) == recorded.charges_e
