"""Compares engines on this machine: energies and properties with the xtb program's, gradients with slopes.

This is the short form of the project's own tests of accuracy.
"""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nox_cli.exits import ExitCode
from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.errors import InputRefused, NothingMatched, UsageError
from workers.findings import Severity
from workers.names import Method

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TextIO

    from nox_cli.doctor.engines import Child
    from nox_cli.doctor.json_objects import AccuracyRecord, AccuracyRecords, ApartRecord
    from workers.engine.program.discovery import Program
    from workers.result import ChemistryResult

# Numbers of the xtb program for molecules that come with nox; the file describes how they were made.
RECORDED = Path(__file__).with_name("recorded.json")
# The largest differences that docs/validation.md allows.
ENERGY_HARTREE, GAP_EV, DIPOLE_DEBYE, CHARGE_E = 1e-7, 1e-3, 1e-3, 1e-4
GRADIENT_HARTREE_PER_BOHR = 1e-6
# Energies differ in proportion to the molecule: tblite's by up to 4e-9 Eh an atom (MoF6), 1.3e-7 Eh for C60.
ATOM_ENERGY_HARTREE = 5e-9
# From this distance on, tblite neglects more of the interaction of two atoms than the xtb program does.
WIDE_ANGSTROM, WIDE_ENERGY_HARTREE = 13.0, 1e-4
LIMIT_S = 60.0
# A slope is the difference of two energies, each this far from the structure, computed more accurately than
# those of jobs.
_STEP_BOHR, _ACCURACY = 0.0005, 0.01
# The number of random directions; all atoms are displaced at once.
_DIRECTIONS, _SEED = 3, 1


@dataclass(frozen=True, slots=True)
class Apart:
    """The differences of an engine's numbers from the xtb program's; of the charges, the largest one."""

    energy_hartree: float
    gap_ev: float | None
    dipole_debye: float
    charge_e: float

    def document(self) -> ApartRecord:
        """Return the differences by name."""
        return cast("ApartRecord", asdict(self))


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one structure by one method that are compared."""

    energy_hartree: float
    gap_ev: float | None  # None: no orbital is empty
    dipole_debye: float
    charges_e: tuple[float, ...]

    def apart(self, other: Numbers) -> Apart:
        """Subtract other numbers from these."""
        gaps = (self.gap_ev, other.gap_ev)
        return Apart(
            energy_hartree=self.energy_hartree - other.energy_hartree,
            gap_ev=None if None in gaps else (self.gap_ev or 0.0) - (other.gap_ev or 0.0),
            dipole_debye=self.dipole_debye - other.dipole_debye,
            charge_e=max(abs(a - b) for a, b in zip(self.charges_e, other.charges_e, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """A structure on which engines are compared: its specification, and the recorded numbers by method."""

    name: str
    spec: Mapping[str, Any]
    recorded: Mapping[str, Numbers | None]

    @property
    def atoms(self) -> int:
        """The number of its atoms."""
        return len(self.spec["structure"]["symbols"])

    @property
    def is_wide(self) -> bool:
        """Whether any two atoms are further apart than WIDE_ANGSTROM."""
        pairs = combinations(self.spec["structure"]["positions_angstrom"], 2)
        return any(math.dist(first, second) > WIDE_ANGSTROM for first, second in pairs)


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """The differences of one engine on one structure."""

    structure: str
    atoms: int
    method: str
    engine: str
    version: str
    is_wide: bool = False
    energy_hartree: float | None = None
    recorded: Apart | None = None  # None: no numbers are recorded
    program: Apart | None = None  # None: there is no program, or it did not compute the structure
    gradient_hartree_per_bohr: float | None = None  # largest difference from the slope of the energy
    failed: str = ""  # why there are no numbers, or not all

    @property
    def limits(self) -> Mapping[str, float]:
        """The largest differences allowed, from the xtb program and of the gradient from the slope."""
        is_far = self.engine == "tblite" and self.is_wide
        near = max(ENERGY_HARTREE, ATOM_ENERGY_HARTREE * self.atoms)
        return {
            "energy_hartree": WIDE_ENERGY_HARTREE if is_far else near,
            "gap_ev": GAP_EV,
            "dipole_debye": DIPOLE_DEBYE,
            "charge_e": CHARGE_E,
            "gradient_hartree_per_bohr": GRADIENT_HARTREE_PER_BOHR,
        }

    def furthest(self, name: str) -> float | None:
        """Return the largest difference of a number from either source; None: it was not compared."""
        if name == "gradient_hartree_per_bohr":
            return self.gradient_hartree_per_bohr
        apart = [getattr(one, name) for one in (self.recorded, self.program) if one is not None]
        return max((abs(value) for value in apart if value is not None), default=None)

    @property
    def too_far(self) -> tuple[str, ...]:
        """The names of the numbers whose difference is larger than allowed, or not a number."""
        return tuple(name for name, limit in self.limits.items() if not (self.furthest(name) or 0.0) <= limit)

    @property
    def severity(self) -> Severity:
        """The verdict on the row."""
        if self.failed or self.too_far:
            return Severity.PROBLEM
        return Severity.OK if self.furthest("energy_hartree") is not None else Severity.WARNING

    def document(self) -> AccuracyRecord:
        """Return the row."""
        return {
            "structure": self.structure,
            "atoms": self.atoms,
            "method": self.method,
            "engine": self.engine,
            "engine_version": self.version,
            "verdict": self.severity,
            "energy_hartree": self.energy_hartree,
            "from_recorded": None if self.recorded is None else self.recorded.document(),
            "from_program": None if self.program is None else self.program.document(),
            "gradient_from_slope_hartree_per_bohr": self.gradient_hartree_per_bohr,
            "limits": dict(self.limits),
            "too_far": list(self.too_far),
            "failed": self.failed,
        }


@dataclass(slots=True)
class AccuracyComparison:
    """Compares engines on structures while its rows are read; `exit` is known after the last one."""

    engines: Mapping[str, str]  # with their versions
    subjects: Sequence[Subject]
    program: Program | None
    source: str  # of the recorded numbers
    _verdicts: set[Severity] = field(default_factory=set)

    def rows(self) -> Iterator[AccuracyRow]:
        """Compare each engine on each structure; nothing is raised, whatever an engine does."""
        from nox_cli.doctor.engines import PROGRAM, Child

        references: dict[tuple[int, str], Numbers | None] = {}
        with ExitStack() as stack:
            program = None if self.program is None else stack.enter_context(Child(PROGRAM))
            for engine, version in self.engines.items():
                child = stack.enter_context(Child(engine))
                for number, subject in enumerate(self.subjects):
                    for method in subject.recorded:
                        key = number, method
                        if program is not None and key not in references:
                            references[key] = reference(program, {**subject.spec, "method": method})
                        row = AccuracyRow(
                            subject.name, subject.atoms, method, engine, version, subject.is_wide
                        )
                        row = _compared(row, subject, child, references.get(key))
                        self._verdicts.add(row.severity)
                        yield row

    def document(self) -> AccuracyRecords:
        """Compare, and return every row, in order."""
        rows, program = [row.document() for row in self.rows()], self.program
        return {
            "numbers": rows,
            "recorded": self.source,
            "program": None
            if program is None
            else {"path": program.path, "version": program.version or None},
        }

    @property
    def exit(self) -> ExitCode:
        """The exit code: whether there was a problem."""
        return ExitCode.JOB_FAILED if Severity.PROBLEM in self._verdicts else ExitCode.DONE


class _FailedError(Exception):
    """Raised if an engine returns no numbers; its text is the reason."""


def comparison(subjects: Sequence[Subject]) -> AccuracyComparison:
    """Prepare the comparison of all engines of this machine.

    Args:
        subjects: the structures; none: those that come with nox.

    Raises:
        NothingMatched: no engine is installed here.
    """
    from workers.engine.program import discovery
    from workers.engine.registry import available

    engines = available()
    if not engines:
        raise NothingMatched("no engine is installed here", did="nothing was compared", hint="nox doctor")
    source, known = recorded()
    return AccuracyComparison(engines, subjects or known, discovery.find(), source)


def read_subjects(
    files: Sequence[str], chrg: int | None, uhf: str | None, owner: str, stdin: TextIO
) -> list[Subject]:
    """Read structures as `nox submit` reads them.

    Args:
        files: paths; `-` is stdin.
        chrg: the charge of every structure; None: by the file.
        uhf: the number of unpaired electrons of every structure, or `auto`; None: by the file.
        owner: the user.
        stdin: standard input.

    Raises:
        UsageError: a charge or spin without a file, or a request or crystal, which has no numbers.
        InputRefused: a structure cannot be computed.
    """
    from functools import partial

    from nox_cli.inputs.files import read_stdin
    from nox_cli.submission.options import SubmitOptions
    from nox_cli.submission.prepare import CallContext, prepare

    if not files:
        if chrg is not None or uhf is not None:
            raise UsageError("a charge or a spin is of files, and none is given")
        return []
    context = CallContext(owner, partial(read_stdin, stdin))
    try:
        jobs = prepare(files, SubmitOptions(split=True, chrg=chrg, uhf=uhf), context).jobs
    except InputRefused as error:
        error.did = "nothing was compared"
        raise
    specs = [(job.name, json.loads(job.spec_json)) for job in jobs]
    if any("structure" not in spec for _, spec in specs):
        raise UsageError("an echo job has no numbers to compare")
    if any("lattice_angstrom" in spec["structure"] for _, spec in specs):
        raise UsageError("engines are compared on molecules, and a crystal is given", hint="leave it out")
    return [
        Subject(
            name,
            spec_of(
                spec["structure"]["symbols"],
                spec["structure"]["positions_angstrom"],
                spec["charge"],
                spec["unpaired"],
            ),
            {Method.GFN2.value: None},
        )
        for name, spec in specs
    ]


def recorded() -> tuple[str, tuple[Subject, ...]]:
    """Read the recorded numbers: how they were made, and the molecules."""
    document = json.loads(RECORDED.read_text())
    return document["source"], tuple(
        Subject(
            one["name"],
            spec_of(one["symbols"], one["positions_angstrom"], one["charge"], one["unpaired"]),
            {
                method: Numbers(**numbers | {"charges_e": tuple(numbers["charges_e"])})
                for method, numbers in one["numbers"].items()
            },
        )
        for one in document["molecules"]
    )


def spec_of(
    symbols: Sequence[str], positions_angstrom: Sequence[Sequence[float]], charge: int, unpaired: int
) -> dict[str, Any]:
    """Return the specification of a singlepoint, without method and engine."""
    return {
        "kind": "sp",
        "structure": {"symbols": symbols, "positions_angstrom": positions_angstrom},
        "charge": charge,
        "unpaired": unpaired,
    }


def reference(child: Child, spec: Mapping[str, Any]) -> Numbers | None:
    """Compute the numbers of a structure with the xtb program; None: it did not compute them."""
    try:
        return _numbers(child, spec)
    except _FailedError:
        return None


def _compared(row: AccuracyRow, subject: Subject, child: Child, program: Numbers | None) -> AccuracyRow:
    spec = {**subject.spec, "method": row.method}
    recorded = subject.recorded[row.method]
    try:
        ours = _numbers(child, spec)
        row = replace(
            row,
            energy_hartree=ours.energy_hartree,
            recorded=None if recorded is None else ours.apart(recorded),
            program=None if program is None else ours.apart(program),
        )
        return replace(row, gradient_hartree_per_bohr=_off_slope(child, {**spec, "accuracy": _ACCURACY}))
    except _FailedError as error:
        return replace(row, failed=str(error))


def _numbers(child: Child, spec: Mapping[str, Any]) -> Numbers:
    result = _result(child, spec)
    return Numbers(result.energy_hartree, result.gap_ev, result.dipole_debye or 0.0, result.charges_e or ())


def _off_slope(child: Child, spec: Mapping[str, Any]) -> float:
    """Compute the largest difference of the gradient from the slope of the energy, hartree/bohr.

    Raises:
        _FailedError: the engine did not compute a displaced structure.
    """
    import numpy as np

    gradient = _result(child, spec).gradient_hartree_per_bohr
    structure = spec["structure"]
    positions = np.asarray(structure["positions_angstrom"], dtype=np.float64)
    apart: list[float] = []
    for drawn in np.random.default_rng(_SEED).standard_normal((_DIRECTIONS, *positions.shape)):
        direction = drawn / np.linalg.norm(drawn)
        step = _STEP_BOHR * ANGSTROM_PER_BOHR * direction
        ends = (
            {**spec, "structure": {**structure, "positions_angstrom": moved.tolist()}}
            for moved in (positions + step, positions - step)
        )
        above, below = (_result(child, end).energy_hartree for end in ends)
        apart.append(abs((above - below) / (2 * _STEP_BOHR) - float(np.vdot(gradient or (), direction))))
    return max(apart)


def _result(child: Child, spec: Mapping[str, Any]) -> ChemistryResult:
    """Compute with an engine.

    Raises:
        _FailedError: it returned no result.
    """
    from workers.result import ChemistryResult

    ended = child.compute(spec, limit_s=LIMIT_S)
    if ended.stopped is not None:
        raise _FailedError(f"no answer within {LIMIT_S:.0f} s")
    if ended.failure is not None or not isinstance(ended.result, ChemistryResult):
        raise _FailedError(ended.failure.message if ended.failure else "it gave no result")
    return ended.result
