"""What only the xtb program does, each against the program itself, and what it is handed as it is."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conformance.test_engine import central_difference
from tests.standin import molecules
from tests.standin.keepers import calculation
from tests.support.engines import PROGRAM, Engine, chemistry, partial
from workers.documents import SPEC
from workers.engine.checkpoint import Checkpoint
from workers.engine.levels import settle
from workers.engine.registry import available
from workers.job import Reason
from workers.spec import ChemistrySpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.standin.molecules import Structure

KCAL_PER_HARTREE = 627.509474
STRETCHED = "$constrain\n   force constant=1.0\n   distance: 1,2,1.1\n$end\n"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine that drives the program."""
    engine = Engine(PROGRAM, tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.driver.keeper.close()


def by_hand(folder: Path, structure: Structure, *options: str) -> dict[str, float]:
    """Run the program as a person does, and read the boxed numbers at the end of its output."""
    symbols, positions = structure
    rows = [f"{symbol} {x} {y} {z}" for symbol, (x, y, z) in zip(symbols, positions, strict=True)]
    (folder / "by-hand.xyz").write_text("\n".join([str(len(rows)), "", *rows]) + "\n")
    printed = subprocess.run(
        ["xtb", "by-hand.xyz", *options],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "OMP_NUM_THREADS": "1", "XTBPATH": "/usr/share/xtb"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {
        name.strip(): float(value)
        for name, value in re.findall(r"\| ([A-Z][A-Z -]+[A-Z]) +(-?\d+\.\d+) \S+ +\|", printed)
    }


@pytest.mark.parametrize(
    ("method", "options"),
    [("gfn2", ()), ("gfn1", ("--gfn", "1")), ("gfn0", ("--gfn", "0")), ("gfnff", ("--gfnff",))],
)
def test_numbers_are_the_programs(
    engine: Engine, tmp_path: Path, method: str, options: tuple[str, ...]
) -> None:
    """
    Energy, gradient and gap are what the program tells a person who runs it.
    """
    adenine = molecules.molecule("adenine")
    told = by_hand(tmp_path, adenine, "--grad", *options)
    result = engine.compute(adenine, method=method)

    assert pytest.approx(told["TOTAL ENERGY"], abs=1e-8) == result.energy_hartree
    assert pytest.approx(told["GRADIENT NORM"], abs=1e-6) == result.gradient_norm_hartree_per_bohr
    if method != "gfnff":
        assert pytest.approx(told["HOMO-LUMO GAP"], abs=1e-4) == result.gap_ev


def test_numbers_in_a_solvent_are_the_programs(engine: Engine, tmp_path: Path) -> None:
    """
    The turn that cures the gradient is so slight that the surface of a solvent stays where it was.
    """
    told = by_hand(tmp_path, molecules.METHANOL, "--ohess", "tight", "--alpb", "water", "--acc", "0.1")
    result = engine.compute(molecules.METHANOL, "ohess", solvation="alpb", solvent="water")

    assert result.thermochemistry is not None
    assert pytest.approx(told["TOTAL ENERGY"], abs=2e-6) == result.energy_hartree
    assert pytest.approx(told["TOTAL FREE ENERGY"], abs=4e-5) == result.thermochemistry.gibbs_hartree


@pytest.mark.parametrize("method", ["gfn0", "gfnff"])
@pytest.mark.parametrize("structure", [molecules.TRAP, molecules.METHANOL], ids=["trap", "methanol"])
def test_gradients_are_slopes(engine: Engine, structure: Structure, method: str) -> None:
    """
    The gradient equals central differences of the energy, also where atoms share coordinates.
    """
    gradient = engine.compute(structure, method=method, accuracy=0.01).gradient_hartree_per_bohr

    assert gradient is not None
    for atom, axis in ((0, 1), (1, 1), (2, 2)):
        slope = central_difference(engine, structure, method, atom, axis)
        assert pytest.approx(slope, abs=5e-6) == gradient[atom][axis]


def test_a_force_field_gives_what_it_has(engine: Engine) -> None:
    """
    Charges and their dipole, steps and frequencies; no orbitals, no bond orders, and nothing made up.
    """
    result = engine.compute(molecules.molecule("ethanol"), "ohess", method="gfnff")

    assert result.convergence is not None
    assert result.convergence.converged
    assert pytest.approx(0, abs=1e-6) == sum(result.charges_e or ())
    assert (result.dipole_debye or 0) > 1
    assert (None, None, None, None) == (result.orbitals, result.gap_ev, result.bond_orders, result.homo_ev)
    assert result.bonds_changed is None
    assert result.vibrations is not None
    assert 21 == len(result.vibrations.frequencies_cm1)
    assert result.thermochemistry is not None


def test_a_force_field_takes_a_radical(engine: Engine) -> None:
    """
    Unpaired electrons mean nothing to it, and do not disturb it.
    """
    assert engine.compute(molecules.HYDROXYL, method="gfnff", unpaired=1).energy_hartree < 0


def test_a_biased_hessian_is_near_the_structure(engine: Engine, tmp_path: Path) -> None:
    """
    Energy and free energy are the program's; it is no optimisation, and a slope is no objection.
    """
    glycine = molecules.molecule("glycine")
    told = by_hand(tmp_path, glycine, "--bhess", "tight", "--acc", "0.1")
    ended = engine.run(glycine, "bhess")
    result = chemistry(ended)

    assert result.thermochemistry is not None
    assert pytest.approx(told["TOTAL ENERGY"], abs=1e-6) == result.energy_hartree
    assert pytest.approx(told["TOTAL FREE ENERGY"], abs=1e-4) == result.thermochemistry.gibbs_hartree
    assert result.vibrations is not None
    assert 24 == len(result.vibrations.frequencies_cm1)
    assert (None, ()) == (result.convergence, result.verdicts)
    assert result.provenance is not None
    assert "tight" == result.provenance.opt_level
    assert "opt.xyz" in {path.name for path in engine.driver.scratch.iterdir()}


def test_a_biased_hessian_of_an_atom(engine: Engine) -> None:
    """
    An atom has no modes and a free energy.
    """
    result = engine.compute(molecules.HELIUM, "bhess")

    assert result.vibrations is not None
    assert () == result.vibrations.frequencies_cm1
    assert result.thermochemistry is not None


def test_an_input_file_holds_a_distance(engine: Engine) -> None:
    """
    A constraint of the input file is kept; what it adds to the energy is told, and the text is in the result.
    """
    ended = engine.run(molecules.WATER, "opt", program_input=STRETCHED)
    result = chemistry(ended)
    free = engine.compute(molecules.WATER, "opt")

    assert distance(result.positions_angstrom) > distance(free.positions_angstrom) + 0.05
    assert STRETCHED == result.program_input
    (told,) = ended.warnings
    assert re.fullmatch(r"the input file's restraints are in the energy: 0\.00\d{4} Eh", told)


def distance(positions: Any) -> float:
    """How far the first two atoms are apart, Å."""
    return float(sum((a - b) ** 2 for a, b in zip(*positions[:2], strict=True)) ** 0.5)


def test_options_reach_the_program(engine: Engine, tmp_path: Path) -> None:
    """
    A solvation model that nox has no option for changes the energy as by hand, and is in the result.
    """
    told = by_hand(tmp_path, molecules.WATER, "--cosmo", "water")
    result = engine.compute(molecules.WATER, program_options=["--cosmo", "water"])

    assert pytest.approx(told["TOTAL ENERGY"], abs=1e-6) == result.energy_hartree
    assert ("--cosmo", "water") == result.program_options
    assert ("cosmo", "water") == (result.solvation, result.solvent)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"program_input": STRETCHED.replace("1,2", "1,9")}, "does not understand what it was given: "),
        ({"program_input": "$external\n orca bin=/bin/sh\n"}, "line 1: $external may not be handed to xtb"),
        ({"program_options": ["--vparam", "/etc/passwd"]}, "--vparam may not be handed to xtb"),
        ({"method": "gfn0", "solvation": "alpb", "solvent": "water"}, "ALPB has no parameters for GFN0"),
        ({"method": "ipea1"}, "xtb-cli has no IPEA1-xTB"),
        ({"spin_polarised": True}, "xtb-cli has no spin polarisation"),
    ],
)
def test_engine_program_what_it_may_not_or_cannot_do_is_refused(
    engine: Engine, asked: dict[str, Any], says: str
) -> None:
    """
    Even in a record that no command line wrote nothing is dropped, replaced or read from elsewhere.
    """
    ended = engine.run(molecules.WATER, **asked)

    assert ended.failure is not None
    assert Reason.INPUT == ended.failure.reason
    assert says in ended.failure.message


def test_a_force_field_that_runs_out_of_steps_has_failed(engine: Engine) -> None:
    """
    The program ends with 0 and leaves `.xtboptok` all the same; what it says counts.
    """
    ended = engine.run(molecules.molecule("dopamine"), "ohess", method="gfnff", cycles=2)

    assert ended.failure is not None
    assert Reason.NOT_CONVERGED == ended.failure.reason
    assert partial(ended).convergence is not None
    assert partial(ended).vibrations is None


def test_steps_are_told_as_they_are_done(engine: Engine) -> None:
    """
    Each step of the program's is one report.
    """
    ended = engine.run(molecules.molecule("dopamine"), "opt", cycles=1)

    assert ended.failure is not None
    assert [1] == [step.step for step in engine.driver.progress]


def test_an_optimisation_goes_on_where_an_earlier_attempt_was(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The program starts from the geometry that was reached, and the result says what was computed before.
    """
    ethanol = molecules.molecule("ethanol")
    whole = engine.compute(ethanol, "opt", opt_level="tight")
    record = calculation(*ethanol, kind="opt", opt_level="tight", engine=PROGRAM)
    monkeypatch.setattr("workers.engine.checkpoint.FIRST_S", 0.0)
    asked = SPEC.validate_python(record)
    assert isinstance(asked, ChemistrySpec)
    spec = settle(asked)
    reached = np.array(whole.positions_angstrom) / molecules.BOHR
    engine.tidy()  # a slow machine has saved a checkpoint of the whole run
    Checkpoint(engine.driver.scratch, spec, (PROGRAM, available()[PROGRAM])).step(reached, 9, 0.1)
    result = chemistry(engine.driver.run(record))

    assert whole.convergence is not None
    assert result.convergence is not None
    assert result.convergence.steps < whole.convergence.steps
    assert pytest.approx(whole.energy_hartree, abs=1e-6) == result.energy_hartree
    assert result.provenance is not None
    assert result.provenance.continued is not None
    assert 9 == result.provenance.continued.gradients
