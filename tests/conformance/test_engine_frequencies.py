"""Frequencies and thermochemistry, for each engine, and what is said of geometries that mislead."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.standin import molecules
from tests.standin.keepers import calculation
from tests.support.engines import ENGINES, PROGRAM, Engine, chemistry, partial
from workers.job import Reason
from workers.keeper.keeper import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.result import ChemistryResult

KCAL_PER_HARTREE = 627.509474
MIB = 1024**2


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each engine in turn."""
    engine = Engine(request.param, tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.driver.keeper.close()


def frequencies(result: ChemistryResult) -> tuple[float, ...]:
    """The frequencies of a result that has some."""
    assert result.vibrations is not None
    return result.vibrations.frequencies_cm1


def test_water_has_three_modes_and_a_free_energy(engine: Engine) -> None:
    """
    Frequencies and intensities come with the number of gradients, thermochemistry with its conditions.
    """
    result = engine.compute(molecules.WATER, "ohess")

    assert [1540, 3642, 3650] == [pytest.approx(value, abs=3) for value in frequencies(result)]
    assert result.vibrations is not None
    gradients = 18 if engine.name == PROGRAM else 12
    assert (gradients, 0) == (result.vibrations.gradients, result.vibrations.imaginary_modes)
    assert [133, 7, 17] == [pytest.approx(x, abs=2) for x in result.vibrations.ir_intensities_km_per_mol]
    assert frequencies(result)[0] == result.vibrations.lowest_mode_cm1
    gas = result.thermochemistry
    assert gas is not None
    assert (298.15, 101_325.0, 2, "detected") == (
        gas.temperature_k,
        gas.pressure_pa,
        gas.symmetry_number,
        gas.symmetry_number_origin,
    )
    assert pytest.approx(gas.zpe_hartree, rel=1e-9) == sum(frequencies(result)) / 2 / 219474.6313632
    assert pytest.approx(gas.gibbs_hartree) == gas.enthalpy_hartree - 298.15 * gas.entropy_hartree_per_k
    assert result.convergence is not None
    assert 8e-4 == result.convergence.gradient_norm_threshold_hartree_per_bohr
    assert () == result.verdicts


def test_numbers_beside_the_frequencies_are_those_of_the_geometry(engine: Engine) -> None:
    """
    Energy, gradient, dipole and charges are not those of a displaced geometry.
    """
    structure = molecules.turned(molecules.WATER)
    plain = engine.compute(structure, accuracy=0.1)
    curved = engine.compute(structure, "hess")

    assert pytest.approx(plain.energy_hartree, abs=1e-9) == curved.energy_hartree
    assert pytest.approx(plain.dipole_vector_debye, abs=1e-5) == curved.dipole_vector_debye
    assert pytest.approx(plain.charges_e, abs=1e-6) == curved.charges_e
    assert plain.positions_angstrom == curved.positions_angstrom


@pytest.mark.parametrize(
    ("structure", "modes", "sigma"),
    [
        pytest.param(molecules.HELIUM, 0, 1, id="atom"),
        pytest.param(molecules.HYDROGEN, 1, 2, id="hydrogen"),
        pytest.param(molecules.CARBON_DIOXIDE, 4, 2, id="carbon dioxide"),
        pytest.param(molecules.HYDROGEN_CYANIDE, 4, 1, id="hydrogen cyanide"),
        pytest.param(molecules.METHANOL, 12, 1, id="methanol"),
    ],
)
def test_every_shape_has_its_modes(
    engine: Engine, structure: molecules.Structure, modes: int, sigma: int
) -> None:
    """
    An atom has no modes, a linear molecule 3N-5, any other 3N-6; each of them has a free energy.
    """
    result = engine.compute(structure, "ohess", opt_level="vtight")

    assert modes == len(frequencies(result))
    assert all(value > 50 for value in frequencies(result))
    assert result.thermochemistry is not None
    assert sigma == result.thermochemistry.symmetry_number
    assert math.isfinite(result.thermochemistry.gibbs_hartree)


def test_the_dipole_follows_the_atoms(engine: Engine) -> None:
    """
    Carbon dioxide's stretch out of step is bright, the one in step dark; its two bends are one.
    """
    result = engine.compute(molecules.turned(molecules.CARBON_DIOXIDE), "ohess", opt_level="vtight")

    assert result.vibrations is not None
    bend, other, in_step, out_of_step = result.vibrations.ir_intensities_km_per_mol
    assert pytest.approx(bend, rel=0.02) == other
    assert in_step < 0.1
    assert out_of_step > 500
    assert pytest.approx(frequencies(result)[0], abs=0.5) == frequencies(result)[1]


def test_conditions_and_symmetry_number_are_what_was_asked(engine: Engine) -> None:
    """
    Temperature, pressure and symmetry number of the request make the free energy.
    """
    asked = {"temperature_k": 500.0, "pressure_pa": 1e6, "symmetry_number": 1}
    gas = engine.compute(molecules.WATER, "ohess", **asked).thermochemistry
    usual = engine.compute(molecules.WATER, "ohess").thermochemistry

    assert gas is not None
    assert usual is not None
    assert asked.items() <= msgspec.structs.asdict(gas).items()
    assert "given" == gas.symmetry_number_origin
    assert gas.zpe_hartree == usual.zpe_hartree
    assert gas.gibbs_hartree < usual.gibbs_hartree


def test_engine_frequencies_each_displacement_is_told(engine: Engine) -> None:
    """
    The optimisation's steps come first, then what is displaced, and the fraction only ever grows to 1.
    """
    engine.compute(molecules.WATER, "ohess")
    told = engine.driver.progress

    assert ["opt", "freq"] == list(dict.fromkeys(step.phase for step in told))
    gradients = [step.step for step in told if step.phase == "freq"]
    assert ([None, None] if engine.name == PROGRAM else list(range(2, 13, 2))) == gradients
    fractions = [step.fraction or 0.0 for step in told]
    assert sorted(fractions) == fractions
    assert pytest.approx(1) == fractions[-1]


def test_the_log_has_modes_and_thermochemistry(engine: Engine) -> None:
    """
    The log lists every mode, and says under which conditions G is.
    """
    log = engine.run(molecules.WATER, "ohess").log.decode()

    assert "optimisation and frequencies with" in log
    assert "mode   frequency / cm-1   IR / km/mol" in log
    assert "thermochemistry at 298.15 K and 101325 Pa, symmetry number 2 (detected)" in log
    assert "  G            -5.0680" in log


def test_an_optimisation_that_does_not_converge_has_no_frequencies(engine: Engine) -> None:
    """
    Frequencies of a geometry on its way are not computed.
    """
    ended = engine.run(molecules.molecule("glycine"), "ohess", cycles=2)

    assert ended.failure is not None
    assert Reason.NOT_CONVERGED == ended.failure.reason
    assert partial(ended).vibrations is None


def test_a_slope_has_frequencies_but_no_free_energy(engine: Engine) -> None:
    """
    Off a stationary point there is a warning that says so, and neither H nor S nor G.
    """
    ended = engine.run(molecules.molecule("glycine"), "hess")
    result = chemistry(ended)

    assert 24 == len(frequencies(result))
    assert result.thermochemistry is None
    assert "not_stationary" in result.verdicts
    (told,) = [line for line in ended.warnings if line.startswith("not a stationary point: |g| is 4.7e-02")]
    assert told.endswith("(--ohess optimises first)")


def test_a_loose_optimisation_may_end_on_a_slope(engine: Engine) -> None:
    """
    Where the level asked for stops above the limit, the warning says to optimise further.
    """
    ended = engine.run(molecules.molecule("glycine"), "ohess", opt_level="crude")
    result = chemistry(ended)

    assert result.thermochemistry is None
    assert ("not_stationary",) == result.verdicts
    assert ended.warnings[0].endswith("no H, S and G (optimise further: --ohess tight)")


def test_planar_ammonia_is_a_saddle(engine: Engine) -> None:
    """
    Symmetry keeps it planar: it converges, and one imaginary mode says it is no minimum.
    """
    ended = engine.run(molecules.PLANAR_AMMONIA, "ohess")
    result = chemistry(ended)

    assert result.vibrations is not None
    assert 1 == result.vibrations.imaginary_modes
    assert ("imaginary_modes",) == result.verdicts
    assert ("1 imaginary mode, 971i cm-1",) == ended.warnings
    assert result.thermochemistry is not None
    assert 6 == result.thermochemistry.symmetry_number


def test_engine_frequencies_both_rotors_of_toluene_have_comparable_free_energies(engine: Engine) -> None:
    """
    The methyl group turns almost freely: one position is a saddle by less than 20i cm-1, counted as real,
    so that the free energies of both are near each other.
    """
    eclipsed, upright = (
        engine.compute(molecules.molecule(f"toluene-{position}"), "ohess")
        for position in ("eclipsed", "upright")
    )

    assert -20 < frequencies(eclipsed)[0] < 0 < frequencies(upright)[0] < 20
    assert eclipsed.thermochemistry is not None
    assert upright.thermochemistry is not None
    assert () == eclipsed.verdicts == upright.verdicts
    assert abs(eclipsed.energy_hartree - upright.energy_hartree) * KCAL_PER_HARTREE < 0.01
    apart = eclipsed.thermochemistry.gibbs_hartree - upright.thermochemistry.gibbs_hartree
    assert abs(apart) * KCAL_PER_HARTREE < 0.3


def test_the_proton_of_the_glycine_zwitterion_moves(engine: Engine) -> None:
    """
    In the gas phase the zwitterion becomes the neutral acid: converged, and another molecule.
    """
    ended = engine.run(molecules.molecule("glycine-zwitterion"), "opt")
    result = chemistry(ended)

    assert result.bonds_changed is not None
    assert (((1, 8),), ((4, 8),)) == (result.bonds_changed.broken, result.bonds_changed.formed)
    assert "bonds_changed" in result.verdicts
    assert ("bonds changed: H8 moved N1 -> O4",) == ended.warnings


def test_the_beta_alanine_zwitterion_breaks(engine: Engine) -> None:
    """
    In the gas phase it falls apart into ammonia, ethene and carbon dioxide.
    """
    ended = engine.run(molecules.molecule("beta-alanine-zwitterion"), "opt")
    result = chemistry(ended)

    assert result.bonds_changed is not None
    assert ((1, 2), (3, 4)) == result.bonds_changed.broken
    assert ("bonds changed: N1-C2 broken, C3-C4 broken",) == ended.warnings


@pytest.mark.parametrize("kind", ["sp", "hess", "opt", "ohess"])
def test_a_later_job_is_compared_with_the_first_input(engine: Engine, kind: str) -> None:
    """
    Whatever is computed at a geometry that another job ended with: bonds that job changed are told again,
    and the first job is named.
    """
    first = engine.compute(molecules.molecule("glycine-zwitterion"), "opt", opt_level="tight")
    assert first.first_bond_orders is not None
    assert (1, 8) in {bond[:2] for bond in first.first_bond_orders}
    structure = (list(first.symbols), [list(place) for place in first.positions_angstrom])
    chain = {"job": "ab" * 16, "bond_orders": first.first_bond_orders}
    ended = engine.run(structure, kind, source={"job": "cd" * 16, "first_input": chain})
    result = chemistry(ended)

    assert result.bonds_changed is not None
    assert (((1, 8),), ((4, 8),), "ab" * 16) == (
        result.bonds_changed.broken,
        result.bonds_changed.formed,
        result.bonds_changed.first_job,
    )
    assert first.first_bond_orders == result.first_bond_orders
    assert ended.warnings[0] == "bonds changed since the input of job abababababab: H8 moved N1 -> O4"
    alone = engine.compute(structure, kind)
    assert "bonds_changed" not in alone.verdicts


def test_an_ordinary_optimisation_changes_no_bonds(engine: Engine) -> None:
    """
    A molecule that stays itself has no changed bonds and no verdicts.
    """
    result = engine.compute(molecules.molecule("glycine"), "opt")

    assert result.bonds_changed is not None
    assert ((), ()) == (result.bonds_changed.broken, result.bonds_changed.formed)
    assert () == result.verdicts


def test_a_small_gap_is_told(engine: Engine) -> None:
    """
    Singlet oxygen, two orbitals for two electrons, is right only in part.
    """
    ended = engine.run(molecules.OXYGEN)

    assert ("small_gap",) == chemistry(ended).verdicts
    assert ended.warnings[0].startswith("small gap: 0.00 eV")


def test_a_lone_cation_may_have_a_positive_energy(engine: Engine) -> None:
    """
    Without valence electrons it always has; of several atoms it is a verdict.
    """
    ion = engine.run((["Ca"], [[0.0, 0.0, 0.0]]), charge=2)
    pair = engine.run((["Ca", "Ca"], [[0.0, 0.0, 0.0], [0.0, 0.0, 4.0]]), charge=2)

    assert chemistry(ion).energy_hartree > 0
    assert () == chemistry(ion).verdicts
    assert "positive_energy" in chemistry(pair).verdicts


def test_an_unbound_orbital_is_told(engine: Engine) -> None:
    """
    Of a neutral molecule it is a verdict; of an anion, where it is common, only a note.
    """
    pressed = engine.run((["O", "O"], [[0.0, 0.0, 0.0], [0.0, 0.0, 0.55]]), unpaired=2)
    corners = [[0.86, 0.86, 0.86], [-0.86, -0.86, 0.86], [-0.86, 0.86, -0.86], [0.86, -0.86, -0.86]]
    sulfate = engine.run((["S", "O", "O", "O", "O"], [[0.0, 0.0, 0.0], *corners]), charge=-2)

    assert "unbound" in chemistry(pressed).verdicts
    assert any("highest occupied orbital is unbound" in warning for warning in pressed.warnings)
    assert "unbound" not in chemistry(sulfate).verdicts
    assert sulfate.warnings[0].startswith("note: the highest occupied orbital is unbound, at 0.")


@cache
def one_after_another(engine: Engine) -> ChemistryResult:
    """Compute the Hessian of methanol with one core."""
    return engine.compute(molecules.METHANOL, "hess", accuracy=0.001)


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != PROGRAM], indirect=True)
@pytest.mark.parametrize(
    ("memory_bytes", "said"),
    [
        (1024 * MIB, "3 side by side"),
        (40 * MIB, "2 side by side, as the"),
        (20 * MIB, "1 side by side, as the"),
    ],
)
def test_displacements_are_computed_side_by_side(engine: Engine, memory_bytes: int, said: str) -> None:
    """
    As many as there are cores and memory for; the numbers are those of one after another.
    """
    alone = one_after_another(engine)
    record = calculation(*molecules.METHANOL, kind="hess", engine=engine.name, accuracy=0.001)
    ended = engine.driver.run(record, cores=3, limits=Limits(memory_bytes=memory_bytes, time_s=0))
    beside = chemistry(ended)

    assert said in ended.log.decode()
    assert frequencies(beside) == pytest.approx(frequencies(alone), abs=0.05)
    assert alone.vibrations is not None
    assert beside.vibrations is not None
    assert beside.vibrations.ir_intensities_km_per_mol == pytest.approx(
        alone.vibrations.ir_intensities_km_per_mol, abs=0.01
    )


def test_a_wavefunction_that_leads_astray_costs_no_result(engine: Engine) -> None:
    """
    GFN1 of hydrogen along z, whose displaced points xtb-python cannot compute from one another's.
    """
    (mode,) = frequencies(engine.compute((["H", "H"], [[0, 0, 0], [0, 0, 0.76]]), "hess", method="gfn1"))

    assert pytest.approx(5104, abs=3) == mode
