"""Second derivatives of a surface on which they are known, whichever atom is left at rest."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.standin import molecules
from tests.unit.workers.engine.optimiser.test_optimise import Springs, asked
from workers.engine.calculator import Surface, positions_of
from workers.engine.checkpoint import Checkpoint
from workers.engine.vibrations.hessian import STEP_BOHR, differentiate
from workers.errors import ScfNotConverged
from workers.job import gradients_of_frequencies

if TYPE_CHECKING:
    from pathlib import Path

    from workers.engine.arrays import Array
    from workers.spec import ChemistrySpec

ATOMS = len(molecules.AMMONIUM[0])
HELD_E = np.array([-0.6, 0.4, 0.4, 0.4, 0.4])


class Charged(Springs):
    """Springs between fixed charges, one electron short."""

    def compute(self, positions: Array, *, is_verbose: bool) -> tuple[float, Array]:
        """Half the square of every spring's strain."""
        self._positions = positions
        return super().compute(positions, is_verbose=is_verbose)

    def dipole(self) -> Array:
        """Each charge times its place."""
        return HELD_E @ self._positions


@pytest.mark.parametrize("at_rest", range(ATOMS))
def test_hessian_what_the_atom_at_rest_would_show_follows_from_the_others(
    at_rest: int, tmp_path: Path
) -> None:
    """
    Hessian and dipole derivatives of a charged molecule are those of displacing every atom.
    """
    spec = asked(molecules.AMMONIUM, charge=1)
    surface = Surface(Charged(spec))
    positions = positions_of(spec)
    told: list[int] = []
    checkpoint = Checkpoint(tmp_path, spec, ("springs", "1"))

    found = differentiate([surface], positions, at_rest, 1, told.append, checkpoint)

    gradients = gradients_of_frequencies(ATOMS)
    assert list(range(2, gradients + 1, 2)) == told
    assert gradients == surface.evaluations
    assert np.allclose(displaced(Springs(spec), positions), found.hessian, atol=1e-9)
    assert np.allclose(np.kron(HELD_E[:, None], np.eye(3)), found.dipole, atol=1e-12)


def displaced(springs: Springs, positions: Array) -> Array:
    """Differentiate by every coordinate of every atom."""
    rows = []
    for coordinate in range(positions.size):
        ends = []
        for side in (1, -1):
            moved = positions.copy()
            moved.flat[coordinate] += side * STEP_BOHR
            ends.append(springs.compute(moved, is_verbose=False)[1].ravel())
        rows.append((ends[0] - ends[1]) / (2 * STEP_BOHR))
    hessian = np.array(rows)
    return np.asarray((hessian + hessian.T) / 2)


class Misled(Springs):
    """Springs whose third point cannot be had from the second's wavefunction."""

    def __init__(self, spec: ChemistrySpec, *, is_curable: bool) -> None:
        super().__init__(spec)
        self._is_curable = is_curable
        self._points = 0

    def compute(self, positions: Array, *, is_verbose: bool) -> tuple[float, Array]:
        """Fail where misled."""
        self._points += 1
        if self._points == 3:
            self._points -= 1
            raise ScfNotConverged("the self-consistent iterations did not converge")
        return super().compute(positions, is_verbose=is_verbose)

    def forget(self) -> None:
        """Go on, if that is what it takes."""
        if self._is_curable:
            self._points = 0


@pytest.mark.parametrize("is_curable", [True, False])
def test_a_point_that_fails_from_the_last_wavefunction_is_tried_without(is_curable: bool) -> None:
    """
    Once: what fails then too has failed.
    """
    spec = asked(molecules.METHANOL)
    surface, positions = Surface(Misled(spec, is_curable=is_curable)), positions_of(spec)
    surface.at(positions)
    surface.at(positions)

    with nullcontext() if is_curable else pytest.raises(ScfNotConverged):
        assert (
            pytest.approx(Springs(spec).compute(positions, is_verbose=False)[0])
            == surface.at(positions).energy
        )
