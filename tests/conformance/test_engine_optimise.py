"""Optimisations, for each engine: every kind of structure converges, and each step is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.standin import molecules
from tests.support.engines import ENGINES, PROGRAM, Engine, chemistry, partial
from workers.engine.levels import LEVELS
from workers.job import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.standin.molecules import Structure


FRAMES = Path(__file__).parents[2] / "benchmarks/molecules/acceptance.xyz"
# Names, and energies (GFN2, hartree) that no displaced start may end above.
CHAINS = {
    "ketene": -9.3181,
    "diazomethane": -8.9167,
    "phenyl azide": -24.1004,
    "pentatetraene": -12.5904,
    "2-butyne": -11.5572,
    "propadienone": -11.4086,
}
ALONE = [name for name in ENGINES if name != PROGRAM]


def displaced(name: str, seed: int, sigma: float) -> tuple[Structure, dict[str, int]]:
    """Displace a molecule of the optimiser's benchmark; also return its charge and unpaired electrons."""
    text = FRAMES.read_text(encoding="utf-8")
    size = re.search(rf"^(\d+)\n{re.escape(name)}; .*charge=(-?\d+) unpaired=(\d+)\n", text, re.MULTILINE)
    assert size is not None
    rows = [line.split() for line in text[size.end() :].splitlines()[: int(size[1])]]
    positions = np.array([row[1:] for row in rows], dtype=float)
    moves = np.random.default_rng(seed).normal(0, sigma, positions.shape)
    structure = [row[0] for row in rows], (positions + moves).tolist()
    return structure, {"charge": int(size[2]), "unpaired": int(size[3])}


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each engine in turn."""
    engine = Engine(request.param, tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.driver.keeper.close()


# Name, structure, charge, and an energy (GFN2, hartree) that the end may not lie above.
STRUCTURES: dict[str, tuple[Structure, int, float]] = {
    "atom": (molecules.HELIUM, 0, -1.7431),
    "hydrogen": (molecules.HYDROGEN, 0, -0.98268),
    "nitrogen": (molecules.NITROGEN, 0, -5.76393),
    "carbon dioxide": (molecules.CARBON_DIOXIDE, 0, -10.30845),
    "hydrogen cyanide": (molecules.HYDROGEN_CYANIDE, 0, -5.50406),
    "acetylene": (molecules.ACETYLENE, 0, -5.20677),
    "diacetylene": (molecules.DIACETYLENE, 0, -9.42852),
    "water": (molecules.WATER, 0, -5.07054),
    "ammonium": (molecules.AMMONIUM, 1, -4.49),
    "two waters 3 A apart": (molecules.beside(molecules.WATER, molecules.WATER, [0, 0, 3]), 0, -10.1458),
    "two waters 6 A apart": (molecules.beside(molecules.WATER, molecules.WATER, [6, 0, 0]), 0, -10.1408),
    "two heliums": (molecules.beside(molecules.HELIUM, molecules.HELIUM, [0, 0, 3.2]), 0, -3.4862),
    "benzene and water": (
        molecules.beside(molecules.molecule("benzene"), molecules.WATER, [0, 0, 4]),
        0,
        -20.95,
    ),
    "methanol": (molecules.METHANOL, 0, -8.22611),
    "peroxide": (molecules.PEROXIDE, 0, -9.0),
    "glycine": (molecules.molecule("glycine"), 0, -17.87227),
    "caffeine": (molecules.molecule("caffeine"), 0, -42.15393),
}

# The program's own optimiser calls it enough on this slope.
SHALLOW = {"two waters 6 A apart": -10.1407}


def limit(engine: Engine, name: str) -> float:
    """The energy that the end may not lie above."""
    usual = STRUCTURES[name][2]
    return SHALLOW.get(name, usual) if engine.name == PROGRAM else usual


@pytest.mark.parametrize("name", STRUCTURES)
def test_engine_optimise_converges(engine: Engine, name: str) -> None:
    """
    Atoms, diatomics, straight and bent molecules, and molecules apart from each other all converge.
    """
    structure, charge, _ = STRUCTURES[name]
    result = engine.compute(structure, "opt", charge=charge)

    assert result.convergence is not None
    assert result.convergence.converged
    assert result.energy_hartree < limit(engine, name)
    assert result.gradient_norm_hartree_per_bohr is not None
    assert result.gradient_norm_hartree_per_bohr < 1e-3


@pytest.mark.parametrize("name", ["two waters 3 A apart", "two waters 6 A apart", "benzene and water"])
def test_molecules_apart_converge_tightly(engine: Engine, name: str) -> None:
    """
    Where only weak forces act, tight limits are reached too.
    """
    structure, charge, _ = STRUCTURES[name]
    result = engine.compute(structure, "opt", charge=charge, opt_level="vtight")

    assert result.convergence is not None
    assert result.convergence.gradient_norm_hartree_per_bohr < 2e-4
    assert result.energy_hartree < limit(engine, name)


@pytest.mark.parametrize("name", list(LEVELS))
def test_engine_optimise_each_level_is_reached(engine: Engine, name: str) -> None:
    """
    The level names the limits of the energy's change and of the gradient, as in xtb.
    """
    level = LEVELS[name]
    reached = engine.compute(molecules.molecule("ethanol"), "opt", opt_level=name).convergence

    assert reached is not None
    assert reached.energy_change_hartree is not None
    assert abs(reached.energy_change_hartree) < level.energy_change
    assert reached.gradient_norm_hartree_per_bohr < level.gradient_norm
    assert (level.energy_change, level.gradient_norm) == (
        reached.energy_change_threshold_hartree,
        reached.gradient_norm_threshold_hartree_per_bohr,
    )


def test_engine_optimise_each_step_is_told_and_kept(engine: Engine) -> None:
    """
    Every step is one report, one line of the log and one frame of the trajectory.
    """
    result = engine.compute(molecules.molecule("ethanol"), "opt")
    frames = (engine.driver.scratch / "trajectory.xyz").read_text().split("energy=")[1:]
    told = engine.driver.progress

    assert result.convergence is not None
    assert result.convergence.steps == len(frames) == len(told) == result.convergence.gradients
    assert list(result.convergence.trajectory_energies_hartree) == [step.energy_hartree for step in told]
    assert list(range(1, len(told) + 1)) == [step.step for step in told]
    assert {"opt"} == {step.phase for step in told}
    assert sorted(step.fraction or 0 for step in told) == [step.fraction for step in told]
    assert [f"{step.energy_hartree:.12f}" for step in told] == [frame.split()[0] for frame in frames]


def test_the_last_geometry_is_the_result(engine: Engine) -> None:
    """
    `opt.xyz` holds the geometry and the energy of the result, in the frame of the input.
    """
    result = engine.compute(molecules.AMMONIUM, "opt", charge=1)
    count, comment, *rows = (engine.driver.scratch / "opt.xyz").read_text().splitlines()

    assert "5" == count
    assert comment.startswith(f"energy={result.energy_hartree:.12f} gnorm=")
    assert " charge=1 unpaired=0 nox=" in comment
    assert [row.split()[0] for row in rows] == list(result.symbols)
    for row, position in zip(rows, result.positions_angstrom, strict=True):
        assert pytest.approx(position, abs=1e-9) == [float(value) for value in row.split()[1:]]
    again = engine.compute((list(result.symbols), [list(p) for p in result.positions_angstrom]), charge=1)
    assert pytest.approx(result.energy_hartree, abs=1e-7) == again.energy_hartree


def test_running_out_of_steps_keeps_what_was_reached(engine: Engine) -> None:
    """
    An optimisation that is not converged has failed, with the last geometry and its numbers at hand.
    """
    ended = engine.run(molecules.molecule("dopamine"), "opt", cycles=3)
    result = partial(ended)

    assert ended.failure is not None
    assert Reason.NOT_CONVERGED == ended.failure.reason
    assert ended.failure.message.startswith("not converged in 3 steps: |dE| is ")
    change, norm, lowest = ended.failure.evidence
    assert change.endswith(" Eh, wanted below 5.0e-06")
    assert norm.endswith(" Eh/bohr, wanted below 1.0e-03")
    assert lowest.endswith(" of 3")
    assert result.convergence is not None
    assert (False, 3) == (result.convergence.converged, result.convergence.steps)
    assert (engine.driver.scratch / "opt.xyz").exists()


@pytest.mark.parametrize(("name", "level_name"), [("ethanol", "tight"), ("glycine", "crude")])
def test_engine_optimise_only_what_was_missed_is_named(engine: Engine, name: str, level_name: str) -> None:
    """
    Stopped where one of the two criteria is met, an optimisation names the other one, and that alone.
    """
    structure, level = molecules.molecule(name), LEVELS[level_name]
    engine.run(structure, "opt", opt_level=level_name)
    missed: dict[int, list[str]] = {}
    for step in engine.driver.progress[1:-1]:
        assert (step.step, step.energy_change_hartree, step.gradient_norm_hartree_per_bohr).count(None) == 0
        is_flat = abs(step.energy_change_hartree or 0.0) < level.energy_change
        is_still = (step.gradient_norm_hartree_per_bohr or 0.0) < level.gradient_norm
        missed[step.step or 0] = [name for name, met in (("|dE|", is_flat), ("|g|", is_still)) if not met]
    alone = {steps: names for steps, names in missed.items() if len(names) == 1}

    assert alone or engine.name == PROGRAM
    for steps, names in alone.items():
        ended = engine.run(structure, "opt", opt_level=level_name, cycles=steps)
        assert ended.failure is not None
        said = ended.failure.message.removeprefix(f"not converged in {steps} steps: ")
        assert names == [part.split()[0] for part in said.split("; ")]


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != PROGRAM], indirect=True)
def test_a_single_step_has_no_energy_change(engine: Engine) -> None:
    """
    At a minimum one step meets the gradient's criterion, and it is the energy's that is missed.
    """
    relaxed = engine.compute(molecules.METHANOL, "opt", opt_level="tight")
    again = (list(relaxed.symbols), [list(place) for place in relaxed.positions_angstrom])
    ended = engine.run(again, "opt", cycles=1)

    assert ended.failure is not None
    assert "not converged in 1 step: a single step has no energy change" == ended.failure.message
    assert ended.failure.evidence[0].startswith("|g| ")


def test_a_larger_molecule_converges(engine: Engine) -> None:
    """
    A molecule with many soft directions converges within the cycles xtb allows.
    """
    result = chemistry(engine.run(molecules.molecule("dopamine"), "opt", opt_level="tight"))

    assert result.energy_hartree < -33.7722


@pytest.mark.parametrize("engine", ALONE, indirect=True)
@pytest.mark.parametrize(("seed", "sigma"), [(1, 0.05), (2, 0.05), (3, 0.15), (4, 0.15)])
@pytest.mark.parametrize("name", CHAINS)
def test_a_straight_chain_converges_from_anywhere(engine: Engine, name: str, seed: int, sigma: float) -> None:
    """
    Displaced chains converge in few steps; none of them raises the energy.
    """
    structure, state = displaced(name, seed, sigma)
    result = engine.compute(structure, "opt", **state)
    reached = result.convergence

    assert reached is not None
    assert reached.converged
    assert reached.steps < 40
    assert max(np.diff(reached.trajectory_energies_hartree)) < 1e-5
    assert result.energy_hartree < CHAINS[name]


@pytest.mark.parametrize("engine", ALONE, indirect=True)
@pytest.mark.parametrize("kind", ["opt", "ohess"])
def test_a_coulomb_explosion_has_a_verdict_of_its_own(engine: Engine, kind: str) -> None:
    """
    Two cations that fly apart have no minimum to converge to: the job is done, and says so.
    """
    structure, state = displaced("glyoxal dication", 1, 0.05)
    ended = engine.run(structure, kind, **state)
    result = chemistry(ended)

    assert result.convergence is not None
    assert not result.convergence.converged
    assert result.convergence.steps < 60
    assert "coulomb_explosion" in result.verdicts
    assert any(
        re.match(r"pieces of \+1.0 and \+1.0 e fly apart, 1\d Å by now", told) for told in ended.warnings
    )
    assert result.vibrations is None


@pytest.mark.parametrize("engine", ALONE, indirect=True)
def test_an_ion_that_loses_a_piece_converges(engine: Engine) -> None:
    """
    A dication whose pieces share a minimum, or of which one piece keeps all of the charge, converges.
    """
    structure, state = displaced("ethane dication", 1, 0.05)
    result = engine.compute(structure, "opt", **state)

    assert result.convergence is not None
    assert result.convergence.converged
    assert "coulomb_explosion" not in result.verdicts
