"""Steps in internal coordinates, by pyberny: few gradients for one connected molecule."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from berny import Berny
from berny.berny import OptPoint
from berny.geomlib import Geometry

from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.engine.optimiser.coordinates import ArrayCoords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.engine.arrays import Array
    from workers.engine.calculator import Point

_SILENT = logging.getLogger("workers.engine.optimiser.internal.silent")
_SILENT.disabled = True
# Its own criteria never hold: the caller decides when it is enough.
_NEVER: dict[str, Any] = {"gradientmax": 0.0, "gradientrms": 0.0, "stepmax": 0.0, "steprms": 0.0}


class _Berny(Berny):
    """Evaluates coordinates all at once, and leaves the search for point groups out: each takes longer than
    the gradients of a small molecule.
    """

    def _apply_symmetry(self, geom: Geometry, *_: object) -> Geometry:
        return geom

    def _build_coord_state(self, geom: Geometry, params: Any) -> tuple[ArrayCoords, Any, Any, OptPoint]:
        coords = ArrayCoords(geom, dihedral=params.dihedral, superweakdih=params.superweakdih)
        start = OptPoint(coords.eval_geom(geom), None, None)
        return coords, coords.hessian_guess(geom), coords.weights(geom), start


class StepperLost(Exception):
    """Raised when pyberny cannot go on from here."""


class InternalStepper:
    """Proposes the next geometry.

    Raises:
        StepperLost: pyberny cannot describe the structure.
    """

    name = "pyberny in internal coordinates"

    def __init__(self, symbols: Sequence[str], positions: Array, cycles: int) -> None:
        self._berny: Any = self._guarded(
            lambda: _Berny(
                Geometry(list(symbols), positions * ANGSTROM_PER_BOHR),
                maxsteps=cycles + 1,
                logger=_SILENT,
                **_NEVER,
            )
        )
        next(self._berny)

    def step(self, point: Point) -> Array:
        """Propose the geometry after `point`, which must be the one proposed before.

        Raises:
            StepperLost: pyberny cannot go on.
        """
        self._guarded(lambda: self._berny.send((point.energy, point.gradient)))
        following = self._guarded(lambda: next(self._berny))
        positions = np.asarray(following.coords) / ANGSTROM_PER_BOHR
        if not np.isfinite(positions).all():
            raise StepperLost("the next geometry is not finite")
        return positions

    @staticmethod
    def _guarded(call: Any) -> Any:
        try:
            with np.errstate(all="ignore"):
                return call()
        except Exception as error:  # noqa: BLE001 - it raises whatever its numerics trip over
            raise StepperLost(f"{type(error).__name__}: {error}") from None
