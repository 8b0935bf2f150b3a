"""Optimisations with frozen atoms, for each engine: those stay, and all others reach their minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.standin import molecules
from tests.support.engines import ENGINES, PROGRAM, Engine
from workers.job import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.standin.molecules import Structure


@pytest.fixture(scope="module", params=[name for name in ENGINES if name != PROGRAM])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each engine in turn whose steps are nox's."""
    engine = Engine(request.param, tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.driver.keeper.close()


# Structure, and the atoms that are frozen: one, two, a ring, a molecule of two, those of a straight line.
FROZEN: dict[str, tuple[Structure, tuple[int, ...]]] = {
    "one atom": (molecules.METHANOL, (2,)),
    "a stretched bond": (molecules.NITROGEN, (1,)),
    "two atoms": (molecules.METHANOL, (1, 4)),
    "a ring": (molecules.molecule("caffeine"), (2, 3, 4, 5, 6, 7, 9, 10, 11, 13)),
    "a molecule beside one": (molecules.beside(molecules.WATER, molecules.WATER, [0, 0.5, 3]), (1, 2, 3)),
    "on a line": (molecules.ACETYLENE, (2, 3)),
    "all but one": (molecules.METHANOL, (1, 2, 3, 5, 6)),
}


@pytest.mark.parametrize("name", FROZEN)
def test_frozen_atoms_stay_and_the_others_end_on_no_slope(engine: Engine, name: str) -> None:
    """
    A frozen atom is where it was; on the others no force is left, though one is on what is frozen, and
    energy and gradient are those of the geometry that is given.
    """
    structure, frozen = FROZEN[name]
    result = engine.compute(structure, "opt", opt_level="vtight", frozen_atoms=frozen)
    rows = [number - 1 for number in frozen]
    before, after = np.array(structure[1], dtype=float), np.array(result.positions_angstrom)
    gradient = np.array(result.gradient_hartree_per_bohr)

    assert result.convergence is not None
    assert np.abs(after - before)[rows].max() < 1e-12
    assert np.linalg.norm(np.delete(gradient, rows, axis=0)) < 2e-4
    assert pytest.approx(np.linalg.norm(np.delete(gradient, rows, axis=0))) == (
        result.gradient_norm_hartree_per_bohr
    )
    assert result.convergence.trajectory_energies_hartree[0] >= result.energy_hartree
    again = engine.compute((structure[0], after.tolist()), accuracy=0.05)
    assert pytest.approx(again.energy_hartree, abs=1e-7) == result.energy_hartree
    assert result.provenance is not None
    assert frozen == result.provenance.frozen_atoms
    assert result.convergence.steps - 1 == result.convergence.internal_steps


def test_engine_frozen_what_freezing_leaves_free_ends_as_without_it(engine: Engine) -> None:
    """
    One frozen atom fixes nothing but the place: the energy is that of the free optimisation.
    """
    free = engine.compute(molecules.METHANOL, "opt", opt_level="vtight")
    held = engine.compute(molecules.METHANOL, "opt", opt_level="vtight", frozen_atoms=(3,))

    assert pytest.approx(free.energy_hartree, abs=1e-7) == held.energy_hartree


@pytest.mark.parametrize(
    ("kind", "frozen", "said"),
    [
        ("ohess", (1,), "in an optimisation alone"),
        ("hess", (1,), "in an optimisation alone"),
        ("sp", (1,), "in an optimisation alone"),
        ("opt", (1, 4), "atom 4 cannot be frozen: there are 3"),
        ("opt", (3, 2, 1), "every atom is frozen"),
    ],
)
def test_engine_frozen_what_cannot_be_frozen_is_refused(
    engine: Engine, kind: str, frozen: tuple[int, ...], said: str
) -> None:
    """
    Frequencies with frozen atoms, atoms that are not there, and all of them are refused in words.
    """
    fields: dict[str, Any] = {"opt_level": "normal"} if kind == "opt" else {}
    ended = engine.run(molecules.WATER, kind, frozen_atoms=frozen, **fields)

    assert ended.failure is not None
    assert Reason.INPUT is ended.failure.reason
    assert said in ended.failure.message
