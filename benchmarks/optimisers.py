"""Optimisers beside the one nox ships: `python -m benchmarks.optimisers`, from a venv of its own.

All start from the same geometries, get energies and gradients from the same engine, and are ended by the same
criteria: those of level normal.  The xtb program runs as it is.  What is compared is no dependency of nox:
make a venv, install nox's dependencies and `geometric ase sella`, and run this from the project's directory.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from tests.standin import molecules as small
from workers.engine.calculator import Surface, numbers_of, positions_of
from workers.engine.levels import LEVELS
from workers.engine.libraries.xtb import XtbCalculator
from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.engine.optimiser import optimise
from workers.engine.optimiser.cartesian import CartesianStepper
from workers.engine.optimiser.internal import StepperLost
from workers.spec import ChemistrySpec, Structure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workers.engine.arrays import Array
    from workers.engine.calculator import Point

LEVEL = LEVELS["normal"]
MOST_GRADIENTS = 300
_FOLDER = Path(__file__).parent
_EVERY = 8  # of the 200 molecules one in so many
# fmt: off
NAMED = (
    "water", "methanol", "ethanol", "benzene", "aspirin", "caffeine", "glycine", "adenine", "dopamine",
    "toluene-eclipsed", "beta-alanine-zwitterion",
)
# fmt: on


class EndedError(BaseException):
    """Raised through an optimiser when its last point is good enough, or it has had its gradients.

    No `Exception`: none of them may take it for trouble of its own.
    """


class Watched(Surface):
    """A surface that ends the walk on it."""

    def __init__(self, spec: ChemistrySpec) -> None:
        super().__init__(XtbCalculator(spec, 1.0))
        self.evaluations = 1  # the first one alone is printed
        self.points: list[Point] = []
        self.is_converged = False

    def at(self, positions: Array) -> Point:
        """Compute a point; raise `EndedError` if it is enough."""
        point = super().at(positions)
        self.points.append(point)
        if len(self.points) > 1:
            change = abs(point.energy - self.points[-2].energy)
            self.is_converged = change < LEVEL.energy_change and point.norm < LEVEL.gradient_norm
        if self.is_converged or len(self.points) >= MOST_GRADIENTS:
            raise EndedError
        return point


@dataclass(frozen=True, slots=True)
class Walk:
    """How an optimisation went."""

    energy: float | None  # None: no point was reached
    gradients: int
    seconds: float
    is_converged: bool
    why: str = ""


def systems() -> Iterator[tuple[str, str, Structure]]:
    """Yield kinds, names and structures."""
    for number, structure in enumerate(_frames(_FOLDER / "molecules" / "small200.xyz")):
        if number % _EVERY == 0:
            yield "molecules", f"small200-{number:03d}", structure
    for name in NAMED:
        yield "molecules", name, _structure(*small.molecule(name))
    dimer = small.beside(small.WATER, small.turned(small.WATER), [6.0, 0.5, 0.3])
    for name, one in (
        ("He", small.HELIUM),
        ("H2", small.HYDROGEN),
        ("N2", small.NITROGEN),
        ("CO2", small.CARBON_DIOXIDE),
        ("HCN", small.HYDROGEN_CYANIDE),
        ("C2H2", small.ACETYLENE),
        ("C4H2", small.DIACETYLENE),
        ("2 H2O, 6 Å apart", dimer),
        ("3 H2O", small.beside(dimer, small.WATER, [3.0, 3.0, 0.2])),
        ("CH3OH + H2O", small.beside(small.METHANOL, small.WATER, [0.5, 0.2, 3.5])),
        ("C6H6 + H2O", small.beside(small.molecule("benzene"), small.WATER, [0.3, 0.2, 3.4])),
    ):
        yield "atoms, chains, clusters", name, _structure(*one)


def nox(spec: ChemistrySpec, surface: Watched) -> None:
    """Walk as nox does."""
    point = surface.at(positions_of(spec))
    stepper = optimise._stepper(spec, point.positions, MOST_GRADIENTS)  # noqa: SLF001
    while len(point.positions) > 1:
        try:
            positions = stepper.step(point)
        except StepperLost:
            stepper = CartesianStepper(numbers_of(spec), point.positions)
            positions = stepper.step(point)
        point = surface.at(positions)
    surface.is_converged = True


def pyberny(spec: ChemistrySpec, surface: Watched) -> None:
    """Walk with pyberny as it is."""
    from berny import Berny
    from berny.geomlib import Geometry

    geometry = Geometry(list(spec.structure.symbols), positions_of(spec) * ANGSTROM_PER_BOHR)
    never: dict[str, Any] = {"gradientmax": 0.0, "gradientrms": 0.0, "stepmax": 0.0, "steprms": 0.0}
    walker = Berny(geometry, maxsteps=MOST_GRADIENTS, **never)
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
        parameters = OptParams(maxiter=MOST_GRADIENTS, **never)
        Optimize(positions_of(spec).ravel(), molecule, coordinates, Asked(molecule), folder, parameters)


def sella(spec: ChemistrySpec, surface: Watched) -> None:
    """Walk with Sella, in internal coordinates."""
    from ase import Atoms
    from ase.calculators.calculator import Calculator
    from ase.units import Bohr, Hartree
    from sella import Sella

    class Asked(Calculator):  # type: ignore[misc]
        implemented_properties = ("energy", "forces")

        def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = ()) -> None:
            super().calculate(atoms, properties, system_changes)
            point = surface.at(atoms.positions / Bohr)
            self.results = {"energy": point.energy * Hartree, "forces": -point.gradient * Hartree / Bohr}

    atoms = Atoms(spec.structure.symbols, positions_of(spec) * Bohr, calculator=Asked())
    Sella(atoms, order=0, internal=True, logfile=None).run(fmax=1e-9, steps=MOST_GRADIENTS)


OPTIMISERS: dict[str, tuple[str, Callable[[ChemistrySpec, Watched], None]]] = {
    "nox": ("numpy", nox),
    "pyberny": ("berny", pyberny),
    "geomeTRIC": ("geometric", geometric),
    "Sella": ("sella", sella),
}


def walk(spec: ChemistrySpec, optimiser: Callable[[ChemistrySpec, Watched], None]) -> Walk:
    """Run an optimiser to its end, whatever that is."""
    surface, why = Watched(spec), ""
    start = time.perf_counter()
    try:
        optimiser(spec, surface)
    except EndedError:
        why = "" if surface.is_converged else f"{MOST_GRADIENTS} gradients"
    except Exception as error:  # noqa: BLE001  that it fails is what is to be known
        why = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    energy = surface.points[-1].energy if surface.points else None
    return Walk(energy, len(surface.points), seconds, surface.is_converged, why)


def program(spec: ChemistrySpec) -> Walk:
    """Run `xtb --opt`."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            f"{symbol} {x:.12f} {y:.12f} {z:.12f}"
            for symbol, (x, y, z) in zip(
                spec.structure.symbols, spec.structure.positions_angstrom, strict=True
            )
        ]
        Path(folder, "in.xyz").write_text("\n".join([str(len(rows)), "", *rows]) + "\n")
        words = ["xtb", "in.xyz", "--opt", "--chrg", str(spec.charge), "--uhf", str(spec.unpaired)]
        start = time.perf_counter()
        ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        energies = re.findall(r"TOTAL ENERGY\s+(\S+)", ended.stdout)
        return Walk(
            float(energies[-1]) if energies else None,
            len(re.findall(r"\.+ CYCLE ", ended.stdout)) + 1,
            seconds,
            Path(folder, ".xtboptok").exists(),
            "" if ended.returncode == 0 else f"exit {ended.returncode}",
        )


def main() -> int:
    """Walk everything with everybody, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimisers", description=__doc__)
    parser.add_argument("--each", action="store_true", help="a line for each walk too")
    each = parser.parse_args().each
    logging.disable(logging.CRITICAL)
    known = {name: run for name, (module, run) in OPTIMISERS.items() if find_spec(module)}
    walks: dict[str, dict[str, list[Walk]]] = defaultdict(lambda: defaultdict(list))
    for run in known.values():  # what loads and compiles with the first use is nobody's speed
        walk(_spec(_structure(*small.molecule("benzene"))), run)
    for kind, name, structure in systems():
        spec = _spec(structure)
        for optimiser, run in known.items():
            walks[kind][optimiser].append(walk(spec, run))
        walks[kind]["xtb --opt"].append(program(spec))
        if each:
            _print_each(name, {optimiser: found[-1] for optimiser, found in walks[kind].items()})
    for kind, by_optimiser in walks.items():
        _print_table(kind, by_optimiser)
    return 0


def _print_each(name: str, walks: dict[str, Walk]) -> None:
    lowest = min(one.energy for one in walks.values() if one.energy is not None)
    for optimiser, one in walks.items():
        above = "" if one.energy is None else f"{1e3 * (one.energy - lowest):8.3f} mEh"
        told = "converged" if one.is_converged else one.why
        print(f"{name:24} {optimiser:10} {one.gradients:4} {one.seconds:7.2f} s {above} {told}")


def _print_table(kind: str, walks: dict[str, list[Walk]]) -> None:
    count = len(next(iter(walks.values())))
    lowest = [
        min(one.energy for one in row if one.energy is not None) for row in zip(*walks.values(), strict=True)
    ]
    told = ("converged", "gradients", "s", "above the lowest/mEh", "of these above 0.01")
    print(f"\n| {count} {kind} | {' | '.join(told)} |")
    print("|---|---|---|---|---|---|")
    for optimiser, found in walks.items():
        above = [
            1e3 * (one.energy - low)
            for one, low in zip(found, lowest, strict=True)
            if one.is_converged and one.energy is not None
        ]
        cells = (
            sum(one.is_converged for one in found),
            sum(one.gradients for one in found),
            f"{sum(one.seconds for one in found):.1f}",
            f"{sum(above):.2f}",
            sum(value > 0.01 for value in above),
        )
        print(f"| {optimiser} | {' | '.join(map(str, cells))} |")


def _frames(path: Path) -> Iterator[Structure]:
    lines = path.read_text().splitlines()
    while lines:
        count = int(lines[0])
        rows = [line.split() for line in lines[2 : 2 + count]]
        yield _structure([row[0] for row in rows], [[float(value) for value in row[1:4]] for row in rows])
        lines = lines[2 + count :]


def _structure(symbols: list[str], positions: list[list[float]]) -> Structure:
    rows = tuple((x, y, z) for x, y, z in positions)
    return Structure(symbols=tuple(symbols), positions_angstrom=rows)


def _spec(structure: Structure) -> ChemistrySpec:
    from workers.engine.molecule.checks import electrons

    unpaired = electrons(structure.symbols, 0) % 2
    return ChemistrySpec(kind="opt", structure=structure, unpaired=unpaired)


if __name__ == "__main__":
    sys.exit(main())
