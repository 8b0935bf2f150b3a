"""Optimisers on one surface: nox, its peers, and the xtb program.

All get energies and gradients from the same engine, and are ended by nox's criteria of a level.  The xtb
program runs as it is.  The peers are no dependencies of nox: they run where they are installed.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.engine.calculator import Surface, positions_of
from workers.engine.checkpoint import Checkpoint
from workers.engine.libraries.xtb import XtbCalculator
from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.engine.optimiser import optimise
from workers.engine.optimiser.trail import Trail
from workers.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.engine.arrays import Array
    from workers.engine.calculator import SurfacePoint
    from workers.engine.levels import Level
    from workers.spec import ChemistrySpec

    Walker = Callable[[ChemistrySpec, "Watched"], None]


@dataclass(slots=True)
class Walk:
    """The course and the end of an optimisation."""

    gradients: int
    seconds: float  # of processor time
    converged: bool
    why: str = ""  # it did not converge
    accepted: list[float] = field(default_factory=list)  # energies, hartree
    positions: list[list[float]] = field(default_factory=list)  # the last, bohr

    @property
    def energy(self) -> float | None:
        """The last energy, hartree; None: there is none."""
        return self.accepted[-1] if self.accepted else None

    @property
    def rise(self) -> float:
        """By how much the worst accepted step raised the energy, hartree."""
        return max((after - before for before, after in pairwise(self.accepted)), default=0.0)

    def document(self) -> dict[str, Any]:
        """Write it for JSON."""
        return asdict(self)


class EndedError(BaseException):
    """Raised through an optimiser when its last point is good enough, or it has had its gradients.

    No `Exception`, so that no optimiser takes it for trouble of its own.
    """


class Watched(Surface):
    """A surface that records points and ends the walk on it."""

    def __init__(self, spec: ChemistrySpec, level: Level) -> None:
        super().__init__(XtbCalculator(spec, level.accuracy), is_silent=True)
        self.level = level
        self.points: list[SurfacePoint] = []
        self.is_converged = False
        self._most = level.cycles(len(spec.structure.symbols))

    def at(self, positions: Array) -> SurfacePoint:
        """Compute a point; raise `EndedError` if it is enough."""
        point = super().at(positions)
        self.points.append(point)
        if len(self.points) > 1:
            change = abs(point.energy - self.points[-2].energy)
            self.is_converged = change < self.level.energy_change and point.norm < self.level.gradient_norm
        if self.is_converged or len(self.points) >= self._most:
            raise EndedError
        return point


def pyberny(spec: ChemistrySpec, surface: Watched) -> None:
    """Walk with pyberny as it is."""
    from berny import Berny
    from berny.geomlib import Geometry

    geometry = Geometry(list(spec.structure.symbols), positions_of(spec) * ANGSTROM_PER_BOHR)
    never: dict[str, Any] = {"gradientmax": 0.0, "gradientrms": 0.0, "stepmax": 0.0, "steprms": 0.0}
    walker = Berny(geometry, maxsteps=10_000, **never)
    for proposed in walker:
        point = surface.at(np.asarray(proposed.coords) / ANGSTROM_PER_BOHR)
        walker.send((point.energy, point.gradient))


def geometric(spec: ChemistrySpec, surface: Watched) -> None:
    """Walk with geomeTRIC, in translation-rotation-internal coordinates."""
    from geometric.engine import Engine
    from geometric.internal import DelocalizedInternalCoordinates
    from geometric.molecule import Molecule
    from geometric.optimize import Optimize, OptParams

    class Asked(Engine):  # type: ignore[misc]
        def calc_new(self, coords: Array, dirname: str) -> dict[str, Any]:  # noqa: ARG002
            point = surface.at(coords.reshape(-1, 3))
            return {"energy": point.energy, "gradient": point.gradient.ravel()}

    molecule = Molecule()
    molecule.elem = list(spec.structure.symbols)
    molecule.xyzs = [positions_of(spec) * ANGSTROM_PER_BOHR]
    never = {f"convergence_{name}": 1e-15 for name in ("energy", "grms", "gmax", "drms", "dmax")}
    coordinates = DelocalizedInternalCoordinates(molecule, build=True, connect=False, addcart=False)
    with tempfile.TemporaryDirectory() as folder:
        parameters = OptParams(maxiter=10_000, **never)
        Optimize(positions_of(spec).ravel(), molecule, coordinates, Asked(molecule), folder, parameters)


def _atoms(spec: ChemistrySpec, surface: Watched) -> Any:
    """Make ASE's atoms of a specification, which get their forces from the surface."""
    from ase import Atoms
    from ase.calculators.calculator import Calculator
    from ase.units import Bohr, Hartree

    class Asked(Calculator):  # type: ignore[misc]
        implemented_properties = ("energy", "forces")

        def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = ()) -> None:
            super().calculate(atoms, properties, system_changes)
            point = surface.at(atoms.positions / Bohr)
            self.results = {"energy": point.energy * Hartree, "forces": -point.gradient * Hartree / Bohr}

    return Atoms(spec.structure.symbols, positions_of(spec) * Bohr, calculator=Asked())


def sella(spec: ChemistrySpec, surface: Watched) -> None:
    """Walk with Sella, in internal coordinates."""
    from sella import Sella

    Sella(_atoms(spec, surface), order=0, internal=True, logfile=None).run(fmax=1e-9, steps=10_000)


def ase_line_search(spec: ChemistrySpec, surface: Watched) -> None:
    """Walk with ASE's BFGS and line search."""
    from ase.optimize import BFGSLineSearch

    BFGSLineSearch(_atoms(spec, surface), logfile=None).run(fmax=1e-9, steps=10_000)


def ase_preconditioned(spec: ChemistrySpec, surface: Watched) -> None:
    """Walk with ASE's preconditioned LBFGS."""
    from ase.optimize.precon import Exp, PreconLBFGS

    PreconLBFGS(_atoms(spec, surface), precon=Exp(), use_armijo=True, logfile=None).run(
        fmax=1e-9, steps=10_000
    )


PEERS: dict[str, Walker] = {
    "pyberny": pyberny,
    "geomeTRIC": geometric,
    "Sella": sella,
    "ASE BFGSLineSearch": ase_line_search,
    "ASE PreconLBFGS": ase_preconditioned,
}


def nox(spec: ChemistrySpec, level: Level) -> Walk:
    """Run nox's optimiser, by its own criteria."""
    surface, why, converged = Surface(XtbCalculator(spec, level.accuracy), is_silent=True), "", False
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()) as printed:
        checkpoint = Checkpoint(Path(folder), spec, ("xtb", ""))
        trail = Trail(spec, level, Path(folder), lambda _: None, checkpoint)
        try:
            relaxed = optimise.relax(spec, surface, level, trail)
        except EngineError as error:
            why, positions = str(error), positions_of(spec)
        else:
            converged, positions = relaxed.convergence.converged, relaxed.point.positions
    seconds = time.process_time() - start
    if not converged:
        why = why or printed.getvalue()[-200:]
    return Walk(surface.evaluations, seconds, converged, why, trail.energies, positions.tolist())


def peer(spec: ChemistrySpec, level: Level, walker: Walker) -> Walk:
    """Run another optimiser to its end, whatever that is."""
    surface, why = Watched(spec, level), ""
    start = time.process_time()
    try:
        walker(spec, surface)
    except EndedError:
        why = "" if surface.is_converged else f"{len(surface.points)} gradients"
    except Exception as error:  # noqa: BLE001  that it fails is a result
        why = f"{type(error).__name__}: {error}"
    return Walk(
        gradients=len(surface.points),
        seconds=time.process_time() - start,
        converged=surface.is_converged,
        why=why,
        accepted=[one.energy for one in surface.points],
        positions=surface.points[-1].positions.tolist() if surface.points else [],
    )


def program(spec: ChemistrySpec, level: Level) -> Walk:
    """Run `xtb --opt`; its gradients are its cycles and one."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            f"{symbol} {x:.12f} {y:.12f} {z:.12f}"
            for symbol, (x, y, z) in zip(
                spec.structure.symbols, spec.structure.positions_angstrom, strict=True
            )
        ]
        Path(folder, "in.xyz").write_text("\n".join([str(len(rows)), "", *rows]) + "\n")
        words = [
            "xtb",
            "in.xyz",
            "--opt",
            level.name,
            "--chrg",
            str(spec.charge),
            "--uhf",
            str(spec.unpaired),
        ]
        before = os.times()
        ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        seconds = os.times().children_user - before.children_user
        energies = re.findall(r"TOTAL ENERGY\s+(\S+)", ended.stdout)
        return Walk(
            gradients=len(re.findall(r"\.+ CYCLE ", ended.stdout)) + 1,
            seconds=seconds,
            converged=Path(folder, ".xtboptok").exists(),
            why="" if ended.returncode == 0 else f"exit {ended.returncode}",
            accepted=[float(energies[-1])] if energies else [],
        )


def walk(spec: ChemistrySpec, level: Level, walker: str) -> Walk:
    """Run nox, xtb or another optimiser."""
    if walker in PEERS:
        return peer(spec, level, PEERS[walker])
    return {"nox": nox, "xtb": program}[walker](spec, level)
