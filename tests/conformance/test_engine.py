"""What every chemistry engine gives: all the numbers, in the frame of the input, or a clear refusal."""

from __future__ import annotations

import math
import platform
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.standin import molecules
from tests.standin.keepers import calculation
from tests.support.engines import ENGINES, PROGRAM, Engine, chemistry
from workers import __version__
from workers.engine.registry import available
from workers.job import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.standin.molecules import Structure


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each engine in turn."""
    engine = Engine(request.param, tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.driver.keeper.close()


def test_a_result_has_the_same_numbers_whatever_was_computed_before(engine: Engine) -> None:
    """
    What an engine keeps of a molecule for its next conformer changes no bit of a result, after a failure too.
    """
    symbols, positions = molecules.METHANOL
    bent = (symbols, [[x, 1.02 * y, z + 0.03 * x] for x, y, z in positions])
    settings: list[dict[str, Any]] = [{}, {"method": "gfn1"}, {"unpaired": 2}, {"charge": 1, "unpaired": 1}]
    settings.append({"solvation": "gbsa", "solvent": "water"})
    wanted = [(structure, asked) for asked in settings for structure in (molecules.METHANOL, bent)]

    def numbers(structure: Structure, asked: dict[str, Any]) -> dict[str, Any]:
        found = msgspec.structs.asdict(engine.compute(structure, **asked))
        return {name: found[name] for name in found.keys() - {"wall_s", "cpu_s", "peak_memory_bytes"}}

    alone, after_failures = [], []
    for structure, asked in wanted:
        engine.compute(molecules.WATER)
        alone.append(numbers(structure, asked))
    in_turn = [numbers(structure, asked) for structure, asked in wanted]
    for structure, asked in wanted:
        assert engine.run(structure, iterations=1, **asked).failure is not None
        after_failures.append(numbers(structure, asked))

    assert alone == in_turn
    assert alone == after_failures


def test_a_singlepoint_gives_every_number(engine: Engine) -> None:
    """
    Energy, gradient, dipole, charges, bond orders, orbitals and gap come with every calculation.
    """
    symbols, positions = molecules.WATER
    result = engine.compute(molecules.WATER)

    assert ("sp", "gfn2", engine.name) == (result.kind, result.method, result.engine)
    assert available()[engine.name] == result.engine_version
    assert tuple(symbols) == result.symbols
    assert tuple(map(tuple, positions)) == result.positions_angstrom
    assert result.gradient_hartree_per_bohr is not None
    assert 3 == len(result.gradient_hartree_per_bohr)
    assert pytest.approx(math.hypot(*sum(result.gradient_hartree_per_bohr, ()))) == (
        result.gradient_norm_hartree_per_bohr
    )
    assert result.charges_e is not None
    assert pytest.approx(0, abs=1e-6) == sum(result.charges_e)
    assert [(1, 2), (1, 3)] == [bond[:2] for bond in result.bond_orders or ()]
    assert result.orbitals is not None
    assert pytest.approx(8) == sum(result.orbitals.occupations)
    assert result.homo_ev == result.orbitals.energies_ev[3]
    assert result.lumo_ev == result.orbitals.energies_ev[4]
    assert result.convergence is None
    assert 1 == result.threads
    assert result.wall_s > 0
    assert 10 * 1024**2 < result.peak_memory_bytes < 1024**3


@pytest.mark.parametrize(
    ("kind", "asked", "level", "accuracy"),
    [
        ("sp", {}, None, 1.0),
        ("opt", {}, "normal", 1.0),
        ("opt", {"opt_level": "vtight"}, "vtight", 0.05),
        ("hess", {}, None, 0.1),
        ("ohess", {}, "tight", 0.1),
        ("ohess", {"accuracy": 0.01}, "tight", 0.01),
    ],
)
def test_a_result_says_how_it_came_about(
    engine: Engine, kind: str, asked: dict[str, Any], level: str | None, accuracy: float
) -> None:
    """
    Input, origins, settings as they were used, versions and machine are in the result itself.
    """
    source = {"file": "mol/water.xyz", "sha256": "ab" * 32}
    origins = {"charge_origin": "-c", "unpaired_origin": "water.UHF"}
    result = engine.compute(molecules.WATER, kind, source=source, **origins, **asked)

    assert result.provenance is not None
    assert {
        "nox_version": __version__,
        "host": platform.node(),
        "source_file": "mol/water.xyz",
        "input_sha256": "ab" * 32,
        "source_job": "",
        "continued": None,
        "frozen_atoms": [],
        **origins,
        "opt_level": level,
        "accuracy": accuracy,
        "electronic_temperature_k": 300.0,
        "iterations": 250,
    } == msgspec.json.decode(msgspec.json.encode(result.provenance))
    versions = dict(result.libraries)
    assert platform.python_version() == versions["python"]
    assert {"python", "numpy"} == set(versions)
    internal = 0 if result.convergence is None else result.convergence.internal_steps
    assert (internal > 0) == (level is not None and engine.name != PROGRAM)


@pytest.mark.parametrize(
    ("structure", "is_internal"),
    [(molecules.beside(molecules.WATER, molecules.WATER, [0, 0, 3]), True), (molecules.HELIUM, False)],
)
def test_internal_steps_are_counted(engine: Engine, structure: Structure, is_internal: bool) -> None:
    """
    Two molecules take steps in internal coordinates, and an atom takes none.
    """
    reached = engine.compute(structure, "opt").convergence

    assert reached is not None
    taken = reached.steps - 1 if is_internal and engine.name != PROGRAM else 0
    assert taken == reached.internal_steps


def test_the_dipole_points_where_the_input_says(engine: Engine) -> None:
    """
    Water's dipole lies along its axis in the frame of the input, and turns with it.
    """
    straight = engine.compute(molecules.WATER).dipole_vector_debye
    turned = engine.compute(molecules.turned(molecules.WATER)).dipole_vector_debye
    assert straight is not None
    assert turned is not None

    assert pytest.approx([0, 0], abs=1e-6) == list(straight[:2])
    assert 2 < straight[2] < 2.5
    assert pytest.approx([-0.8 * straight[2], 0, 0.6 * straight[2]], abs=1e-4) == list(turned)


@pytest.mark.parametrize("method", ["gfn1", "gfn2"])
@pytest.mark.parametrize(
    "structure",
    [
        pytest.param(molecules.TRAP, id="trap"),
        pytest.param(molecules.METHANOL, id="methanol"),
        pytest.param(molecules.PEROXIDE, id="peroxide"),
        pytest.param(molecules.HYDRAZINE, id="hydrazine"),
        pytest.param(molecules.FORMALDEHYDE, id="formaldehyde"),
        pytest.param(molecules.CARBON_DIOXIDE, id="carbon dioxide"),
        pytest.param(molecules.turned(molecules.METHANOL), id="methanol turned"),
    ],
)
def test_the_gradient_is_the_slope_of_the_energy(engine: Engine, structure: Structure, method: str) -> None:
    """
    Gradients equal central differences of the energy, also where the molecule lies in planes and along
    axes: there the xtb library's own are wrong.
    """
    gradient = engine.compute(structure, method=method, accuracy=0.01).gradient_hartree_per_bohr

    assert gradient is not None
    for atom, slopes in enumerate(gradient):
        for axis, slope in enumerate(slopes):
            assert pytest.approx(central_difference(engine, structure, method, atom, axis), abs=3e-6) == slope


def central_difference(
    engine: Engine, structure: Structure, method: str, atom: int, axis: int, **asked: Any
) -> float:
    """The slope of the energy along one coordinate, hartree/bohr."""
    step = 0.0005  # Å
    energies = []
    for sign in (1, -1):
        symbols, positions = structure[0], [list(position) for position in structure[1]]
        positions[atom][axis] += sign * step
        moved = engine.compute((symbols, positions), method=method, accuracy=0.01, **asked)
        energies.append(moved.energy_hartree)
    return (energies[0] - energies[1]) / (2 * step / molecules.BOHR)


def test_a_triplet_has_two_unpaired_electrons(engine: Engine) -> None:
    """
    Oxygen's HOMO is the second half-filled orbital, its LUMO the first empty one; its bond is double.
    """
    result = engine.compute(molecules.OXYGEN, unpaired=2)

    assert result.orbitals is not None
    assert [1, 1] == [pytest.approx(value, abs=1e-6) for value in result.orbitals.occupations[5:7]]
    assert (result.orbitals.energies_ev[6], result.orbitals.energies_ev[7]) == (
        result.homo_ev,
        result.lumo_ev,
    )
    assert result.gap_ev is not None
    assert pytest.approx(14.8417, abs=1e-3) == result.gap_ev
    assert [(1, 2)] == [bond[:2] for bond in result.bond_orders or ()]


def test_a_radical_is_computed_as_a_doublet(engine: Engine) -> None:
    """
    OH has seven electrons, one of them unpaired.
    """
    result = engine.compute(molecules.HYDROXYL, unpaired=1)

    assert result.orbitals is not None
    assert pytest.approx(7) == sum(result.orbitals.occupations)
    assert pytest.approx(16.2685, abs=1e-3) == result.gap_ev
    assert pytest.approx(-4.428248, abs=1e-5) == result.energy_hartree


def test_the_bonds_of_an_open_shell_are_right(engine: Engine) -> None:
    """
    A bent radical's bond orders belong to the right pairs.
    """
    structure: Structure = (
        ["C", "H", "H", "H"],
        [[0, 0, 0], [0, 0.16, 1.06], [0.95, 0, -0.53], [-0.95, 0, -0.53]],
    )
    bonds = engine.compute(structure, unpaired=1).bond_orders

    assert [(1, 2), (1, 3), (1, 4)] == [bond[:2] for bond in bonds or ()]
    assert all(0.9 < order < 1.1 for *_, order in bonds or ())


def test_a_cation_has_its_charge(engine: Engine) -> None:
    """
    The charges of the atoms add up to the charge asked for.
    """
    result = engine.compute(molecules.AMMONIUM, charge=1)

    assert pytest.approx(1, abs=1e-6) == sum(result.charges_e or ())


def test_an_atom_without_empty_orbitals_has_no_gap(engine: Engine) -> None:
    """
    Helium in GFN1 has one orbital: there is a HOMO, but neither LUMO nor gap.
    """
    result = engine.compute(molecules.HELIUM, method="gfn1")

    assert result.homo_ev is not None
    assert (None, None) == (result.lumo_ev, result.gap_ev)


def test_an_ion_without_valence_electrons_has_no_homo(engine: Engine) -> None:
    """
    Li+ has only its core: the calculation is right, and there is no occupied orbital.
    """
    assert engine.compute((["Li"], [[0, 0, 0]]), charge=1).homo_ev is None


def test_the_methods_differ(engine: Engine) -> None:
    """
    GFN1 and GFN2 are two methods.
    """
    energies = {engine.compute(molecules.WATER, method=method).energy_hartree for method in ("gfn1", "gfn2")}

    assert 2 == len(energies)
    assert pytest.approx(-5.76829, abs=1e-3) == min(energies)


def test_the_electronic_temperature_reaches_the_engine(engine: Engine) -> None:
    """
    A higher electronic temperature smears the electrons over more orbitals.
    """
    hot = engine.compute(molecules.OXYGEN, electronic_temperature_k=20_000.0)

    assert hot.orbitals is not None
    assert hot.orbitals.occupations[7] > 1e-4


def test_iterations_that_do_not_suffice_fail(engine: Engine) -> None:
    """
    A wavefunction that does not converge is no result, and the next calculation is right.
    """
    before = engine.compute(molecules.WATER).energy_hartree
    ended = engine.run(molecules.WATER, iterations=2)

    assert ended.failure is not None
    assert Reason.SCF == ended.failure.reason
    assert "--iterations" in ended.failure.hint
    assert (engine.name == "xtb") == ("--engine tblite" in ended.failure.hint)
    assert ended.result is None
    assert before == engine.compute(molecules.WATER).energy_hartree


def test_iterations_that_ran_away_fail(engine: Engine) -> None:
    """
    A state that no molecule has is no result, however converged; an engine that finds another gives that.
    """
    ended = engine.run(molecules.SCANDIUM_FLUORIDE, method="gfn1")

    if engine.name == "tblite":
        assert pytest.approx(-16.550159, abs=1e-5) == chemistry(ended).energy_hartree
        return
    assert ended.failure is not None
    assert Reason.SCF == ended.failure.reason
    assert "atom 1 with a charge of -15" in ended.failure.message
    assert "--engine tblite" in ended.failure.hint


def test_the_log_tells_what_was_computed(engine: Engine) -> None:
    """
    The log has a header, the library's own iterations and the numbers.
    """
    log = engine.run(molecules.WATER).log.decode()

    assert f"singlepoint with {engine.name} {available()[engine.name]}\n" in log
    assert "H2O, 3 atoms" in log
    assert "gap " in log
    assert len(log.splitlines()) > 20


def test_engine_another_version_than_the_pinned_one_is_refused(engine: Engine) -> None:
    """
    A job pinned to a version runs with that one or not at all.
    """
    ended = engine.run(molecules.WATER, engine_version="1.2.3")

    assert ended.failure is not None
    assert f"the job wants {engine.name}@1.2, and here is {engine.name}@" in ended.failure.message
    assert engine.compute(molecules.WATER, engine_version=available()[engine.name]).energy_hartree < -5


def test_engine_two_threads_give_the_same_energy(engine: Engine) -> None:
    """
    More cores change the time, not the energy, and the process is started for them.
    """
    one = engine.compute(molecules.molecule("benzene"))
    spec = calculation(*molecules.molecule("benzene"), engine=engine.name)
    two = chemistry(engine.driver.run(spec, cores=2))

    assert (1, 2) == (one.threads, two.threads)
    assert pytest.approx(one.energy_hartree, abs=1e-9) == two.energy_hartree
