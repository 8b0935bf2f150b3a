"""One calculation with the xtb program: a few runs in one folder of the job's own.

Energy and gradient come from runs at both ends, and between them the program does what was asked for.  Every
structure is turned first (`workers.engine.rotated_frame`), and what comes back is turned back.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from workers.engine import bonds, printout
from workers.engine.calculator import SurfacePoint, numbers_of, positions_of, require_finite, sound
from workers.engine.checkpoint import Checkpoint, credited
from workers.engine.levels import LEVELS, STATIONARY
from workers.engine.optimiser.optimise import RelaxedPoint, finish
from workers.engine.optimiser.trail import LAST, Trail
from workers.engine.program import files, process
from workers.engine.program.files import Frame, OptimisationLog
from workers.engine.rotated_frame import TURN
from workers.engine.summary import Clock, summarise
from workers.engine.vibrations.frequencies import thermochemistry_of, vibrations_of
from workers.engine.vibrations.normal_modes import Modes
from workers.engine.vibrations.rigid_body import body
from workers.engine.xyz import frame
from workers.errors import EngineCrashed, NotConverged
from workers.job import FREQUENCIES, Progress
from workers.result import ChemistryResult, Convergence
from workers.spec import EngineName, Method

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.engine.arrays import Array
    from workers.engine.calculator import Properties
    from workers.engine.levels import Level
    from workers.engine.program.discovery import Program
    from workers.engine.program.process import ProgramOutput
    from workers.result import BondsChanged
    from workers.spec import BondOrder, ChemistrySpec

_METHODS = {
    Method.GFN2: ("--gfn", "2"),
    Method.GFN1: ("--gfn", "1"),
    Method.GFN0: ("--gfn", "0"),
    Method.GFNFF: ("--gfnff",),
}
# Files that continue from one run to the next: the wavefunction, and a force field's bonds.
_CARRIED = frozenset({"xtbrestart", "gfnff_topo"})
_INPUT = "input"
_STEP = "gradient norm :"  # in the line that ends each step of an optimisation
_GRADIENTS_PER_COORDINATE = 2  # of the program's Hessian


class Work:
    """One calculation; positions and vectors are in the frame of the input.

    Args:
        which: the program.
        parameters: the directory of parameter files that the method needs; empty: it needs none.
        spec: the specification, with its accuracy and limits resolved.
        scratch: the attempt's folder.
        report: called with progress.
    """

    def __init__(
        self,
        which: Program,
        parameters: str,
        spec: ChemistrySpec,
        scratch: Path,
        report: Callable[[Progress], None],
    ) -> None:
        self.restraint = 0.0  # hartree, what an input file has added to the last energy
        self._program = which
        self._parameters = parameters
        self._spec = spec
        self._scratch = scratch
        self._report = report
        self._folder = Path(mkdtemp(prefix="xtb-", dir=scratch))
        self._spent = process.Spent()
        self._clock = Clock()
        self._atoms = len(spec.structure.symbols)
        self._trail: Trail | None = None
        self._first_bond_orders: tuple[BondOrder, ...] | None = None

    def compute(self) -> ChemistryResult:
        """Compute what the specification asks for, from where an earlier attempt was stopped.

        Raises:
            NotConverged: the optimiser's cycle limit was reached; `partial` is the last result.
            ScfNotConverged, EngineInput, EngineCrashed: as a run raises them.
        """
        try:
            return self._credited(self._computed())
        except NotConverged as error:
            if isinstance(error.partial, ChemistryResult):
                error.partial = self._credited(error.partial)
            raise

    def _credited(self, result: ChemistryResult) -> ChemistryResult:
        whole = result if self._trail is None else credited(result, self._trail.checkpoint)
        return replace(whole, first_bond_orders=self._first_bond_orders)

    def _computed(self) -> ChemistryResult:
        start, first = self._point(positions_of(self._spec), "start")
        self._first_bond_orders = bonds.listed(first.bond_orders)
        if self._spec.kind == "bhess":
            return self._near(start, first)
        relaxed, point, properties = None, start, first
        if self._spec.opt_level is not None:
            relaxed = self._relax(start, first, LEVELS[self._spec.opt_level])
            point, properties = relaxed.point, relaxed.properties
            if not relaxed.convergence.converged:
                return finish(self._spec, self._engine, relaxed, self._clock)
        modes = None
        if self._spec.kind in {"hess", "ohess"}:
            modes = self._modes(point, "--hess")
        return self._result(point, properties, relaxed, modes)

    def _near(self, start: SurfacePoint, first: Properties) -> ChemistryResult:
        """Compute frequencies near the input's geometry, which a bias holds there.

        S. Spicher, S. Grimme, J. Chem. Theory Comput. 17 (2021) 1701, doi:10.1021/acs.jctc.0c01306: modes are
        those under the bias, corrected for it; the energy is that of the geometry found, without it.
        """
        assert self._spec.opt_level is not None
        modes = self._modes(start, "--bhess", self._spec.opt_level)
        point, properties = start, first
        if self._atoms > 1:
            point, properties = self._point(self._reached(), "end")
        (self._scratch / LAST).write_text(frame(self._spec, point))
        changed = bonds.changed(first.bond_orders, properties.bond_orders)
        return self._result(point, properties, None, modes, changed)

    def _result(
        self,
        point: SurfacePoint,
        properties: Properties,
        relaxed: RelaxedPoint | None,
        modes: Modes | None,
        changed: BondsChanged | None = None,
    ) -> ChemistryResult:
        spec = self._spec
        vibrations = gas = None
        if modes is not None:
            vibrations = vibrations_of(modes, _GRADIENTS_PER_COORDINATE * point.positions.size)
            if point.norm <= STATIONARY or spec.kind == "bhess":
                gas = thermochemistry_of(spec, point, body(numbers_of(spec), point.positions), modes)
        convergence = None if relaxed is None else relaxed.convergence
        plain = summarise(spec, self._engine, point, properties, self._clock, convergence)
        result = replace(
            plain,
            bonds_changed=changed if relaxed is None else relaxed.bonds_changed,
            vibrations=vibrations,
            thermochemistry=gas,
            cpu_s=plain.cpu_s + self._spent.cpu_s,
            peak_memory_bytes=self._spent.peak_memory_bytes,
        )
        if vibrations is not None:
            printout.vibrations(vibrations, gas)
        printout.footer(result)
        return result

    @property
    def _engine(self) -> tuple[str, str]:
        return EngineName.XTB_CLI.value, self._program.version

    # -- the program's runs ------------------------------------------------------------------------

    def _run(
        self,
        positions: Array,
        name: str,
        *what: str,
        settings: str = "",
        on_line: Callable[[str], None] | None = None,
    ) -> ProgramOutput:
        """Run the program on a geometry, which it knows by `name`."""
        spec = self._spec
        for left in self._folder.iterdir():
            if left.name not in _CARRIED:
                left.unlink()
        turned = np.asarray(positions @ TURN.T)
        files.write_xyz(self._folder / f"{name}.xyz", spec.structure.symbols, turned)
        arguments = [f"{name}.xyz", *what, *_asked(spec)]
        if settings or spec.program_input:
            (self._folder / _INPUT).write_text(f"{settings}{spec.program_input}\n$end\n")
            arguments += ["--input", _INPUT]
        arguments += spec.program_options
        printout.note(f"xtb {' '.join(arguments)}")
        return process.run(
            self._program,
            self._folder,
            arguments,
            self._spent,
            parameters=self._parameters,
            on_line=on_line,
        )

    def _point(self, positions: Array, name: str) -> tuple[SurfacePoint, Properties]:
        """Compute energy, gradient and properties of a geometry."""
        self.restraint = self._run(positions, name, "--grad", "--json").restraint_hartree
        energy, gradient = files.read_gradient(self._folder / f"{name}.engrad", self._atoms)
        point = SurfacePoint(positions, energy, np.asarray(gradient @ TURN))
        require_finite("energy", np.asarray(energy))
        require_finite("gradient", gradient)
        if self._spec.method is Method.GFNFF:
            return point, sound(files.force_field_properties(self._folder, positions))
        return point, sound(files.properties(self._folder, self._atoms))

    def _relax(self, start: SurfacePoint, first: Properties, level: Level) -> RelaxedPoint:
        """Have the program optimise, and follow it step by step."""
        checkpoint = Checkpoint(self._scratch, self._spec, self._engine)
        trail = Trail(self._spec, level, self._scratch, self._report, checkpoint, prints=False)
        log = OptimisationLog(self._folder / "xtbopt.log", self._atoms)

        def follow(line: str = _STEP) -> None:
            if _STEP in line:
                for one in log.grown():
                    trail.add(Frame(np.asarray(one.positions @ TURN), one.energy, one.norm))

        self._trail = trail
        # An earlier attempt may have been stopped on its way.
        cycles = (self._spec.cycles or level.cycles(self._atoms)) - checkpoint.steps
        reached = checkpoint.positions()
        begun = start.positions if reached is None else reached
        said = self._run(
            begun,
            "opt",
            "--opt",
            level.name,
            "--cycles",
            str(max(1, cycles)),
            on_line=follow,
        )
        follow()
        if not trail.energies:
            trail.add(start)
        is_converged = self._is_converged(said)
        point, last = self._point(self._reached(), "end")
        trail.end(point)
        convergence = Convergence(
            converged=is_converged,
            steps=len(trail.energies),
            gradients=len(trail.energies),
            energy_change_threshold_hartree=level.energy_change,
            gradient_norm_threshold_hartree_per_bohr=level.gradient_norm,
            energy_change_hartree=trail.change,
            gradient_norm_hartree_per_bohr=point.norm,
            trajectory_energies_hartree=tuple(trail.energies),
        )
        return RelaxedPoint(point, last, convergence, bonds.changed(first.bond_orders, last.bond_orders))

    def _modes(self, point: SurfacePoint, *what: str) -> Modes:
        """Have the program compute frequencies."""
        if self._atoms == 1:
            return Modes(np.empty(0), np.empty(0))
        begun = 0.0 if self._trail is None else self._trail.share
        self._tell(point, begun)
        printout.note("frequencies are the program's, thermochemistry is worked out from them by nox")
        said = self._run(
            point.positions, "hess", *what, settings=f"$hess\n   sccacc={self._spec.accuracy:.10f}\n$end\n"
        )
        if self._has_failed(said):
            raise NotConverged(
                "the optimisation under the bias did not converge",
                evidence=tuple(said.tail),
                hint="optimise first, or ask for a looser --bhess level",
            )
        modes = files.read_modes(self._folder / "g98.out")
        motions = 3 + body(numbers_of(self._spec), point.positions).rotations
        # What is almost linear the program may take for bent, or the other way round.
        if abs(len(modes.frequencies_cm1) - (point.positions.size - motions)) > 1:
            raise EngineCrashed(
                "the xtb program left another number of frequencies than the structure has",
                evidence=(f"{len(modes.frequencies_cm1)} of {self._atoms} atoms",),
            )
        require_finite("frequencies", modes.frequencies_cm1)
        require_finite("IR intensities", modes.intensities_km_per_mol)
        self._tell(point, 1.0)
        return modes

    def _tell(self, point: SurfacePoint, fraction: float) -> None:
        self._report(
            Progress(
                fraction=fraction,
                phase=FREQUENCIES,
                energy_hartree=point.energy,
                gradient_norm_hartree_per_bohr=point.norm,
            )
        )

    # -- what the program leaves -------------------------------------------------------------------

    def _is_converged(self, said: ProgramOutput) -> bool:
        """Judge an optimisation by the output and the files of the program.

        Raises:
            EngineCrashed: they do not show how it ended.
        """
        if self._has_failed(said):
            return False
        if not (self._folder / ".xtboptok").exists() or not (said.has_converged or self._atoms == 1):
            raise EngineCrashed(
                "the xtb program does not say how the optimisation went", evidence=tuple(said.tail)
            )
        return True

    def _has_failed(self, said: ProgramOutput) -> bool:
        return said.has_failed or (self._folder / "NOT_CONVERGED").exists()

    def _reached(self) -> Array:
        """Read where an optimisation ended.

        Raises:
            EngineCrashed: the file is not there, or not finite.
        """
        turned = files.read_geometry(self._folder / "xtbopt.xyz", self._atoms)
        require_finite("geometry", turned)
        return np.asarray(turned @ TURN)


def _asked(spec: ChemistrySpec) -> list[str]:
    """Write what is computed as the program's options."""
    return [
        *_METHODS[spec.method],
        *("--chrg", str(spec.charge)),
        *("--uhf", str(spec.unpaired)),
        *("--acc", f"{spec.accuracy:.10f}"),
        *("--etemp", f"{spec.electronic_temperature_k:.10f}"),
        *("--iterations", str(spec.iterations)),
        *(() if spec.solvation is None else (f"--{spec.solvation}", spec.solvent)),
    ]
