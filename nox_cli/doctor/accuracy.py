"""What engines compute here, beside what the xtb program computed, and gradients beside slopes of the energy.

The short form of the project's own tests of accuracy, for the machine nox is installed on.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from nox_cli.doctor.numbers import Apart, Numbers
from nox_cli.exits import ExitCode
from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nox_cli.doctor.accuracy_program import Program
    from nox_cli.doctor.engine_child import Child
    from workers.keeper.keeper import Ended

    Direction = Sequence[tuple[float, float, float]]

# Numbers of the xtb program for molecules of nox's own; the file says how they were made.
RECORDED = Path(__file__).with_name("recorded.json")
# How far numbers may be apart, as docs/validation.md says.
ENERGY_HARTREE, GAP_EV, DIPOLE_DEBYE, CHARGE_E = 1e-7, 1e-3, 1e-3, 1e-4
GRADIENT_HARTREE_PER_BOHR = 1e-6
# Energies differ in proportion to the molecule: tblite's by up to 4e-9 Eh an atom (MoF6), 1.3e-7 Eh for C60.
ATOM_ENERGY_HARTREE = 5e-9
# tblite leaves out more than the xtb program does of what atoms feel of one another from here on.
WIDE_ANGSTROM, WIDE_ENERGY_HARTREE = 13.0, 1e-4
LIMIT_S = 60.0
# Slopes are differences of energies this far either way, computed more accurately than jobs are.
_STEP_BOHR, _ACCURACY = 0.0005, 0.01
# All atoms are displaced at once, in so many random directions.
_DIRECTIONS, _SEED = 3, 1


@dataclass(frozen=True, slots=True)
class Subject:
    """A structure to compare engines on: its specification, and what is recorded of it by method."""

    name: str
    spec: Mapping[str, Any]
    recorded: Mapping[str, Numbers | None]

    @property
    def atoms(self) -> int:
        """How many atoms it has."""
        return len(self.spec["structure"]["symbols"])

    @property
    def is_wide(self) -> bool:
        """Whether any two atoms lie far apart."""
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
    recorded: Apart | None = None  # None: nothing is recorded of it
    program: Apart | None = None  # None: there is no program, or it did not compute it
    gradient_hartree_per_bohr: float | None = None  # furthest from the slope of the energy
    failed: str = ""  # why there are no numbers, or not all

    @property
    def limits(self) -> Mapping[str, float]:
        """How far each number may be from the xtb program's, and the gradient from the slope."""
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
        """Tell the largest difference of a name from either source; None: it was not compared."""
        if name == "gradient_hartree_per_bohr":
            return self.gradient_hartree_per_bohr
        apart = [getattr(one, name) for one in (self.recorded, self.program) if one is not None]
        return max((abs(value) for value in apart if value is not None), default=None)

    @property
    def too_far(self) -> tuple[str, ...]:
        """Name the numbers that are further away than they may be, or are none."""
        return tuple(name for name, limit in self.limits.items() if not (self.furthest(name) or 0.0) <= limit)

    @property
    def severity(self) -> Severity:
        """Judge the row."""
        if self.failed or self.too_far:
            return Severity.PROBLEM
        return Severity.OK if self.furthest("energy_hartree") is not None else Severity.WARNING


@dataclass(slots=True)
class AccuracyComparison:
    """Compares the numbers of engines on structures; `exit` is known once the rows have been read."""

    engines: Mapping[str, str]  # with their versions
    subjects: Sequence[Subject]
    program: Program | None
    open_child: Callable[[str], Child]
    source: str  # of what is recorded
    _verdicts: set[Severity] = field(default_factory=set)

    def rows(self) -> Iterator[AccuracyRow]:
        """Compare one engine on one structure after the other; nothing is raised, whatever an engine does."""
        said: dict[tuple[int, str], Numbers | None] = {}
        for engine, version in self.engines.items():
            with self.open_child(engine) as child:
                for number, subject in enumerate(self.subjects):
                    for method in subject.recorded:
                        key = number, method
                        if self.program is not None and key not in said:
                            said[key] = self.program.compute(subject.spec, method)
                        row = AccuracyRow(
                            subject.name, subject.atoms, method, engine, version, subject.is_wide
                        )
                        row = _compared(row, subject, child, said.get(key))
                        self._verdicts.add(row.severity)
                        yield row

    @property
    def exit(self) -> ExitCode:
        """Whether there was a problem."""
        return ExitCode.JOB_FAILED if Severity.PROBLEM in self._verdicts else ExitCode.DONE


class _FailedError(Exception):
    """Raised where an engine gives no numbers; says why."""


def recorded() -> tuple[str, tuple[Subject, ...]]:
    """Read what is recorded: how it was made, and the molecules."""
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
    """Specify a singlepoint, but for method and engine."""
    return {
        "kind": "sp",
        "structure": {"symbols": symbols, "positions_angstrom": positions_angstrom},
        "charge": charge,
        "unpaired": unpaired,
    }


def _compared(row: AccuracyRow, subject: Subject, child: Child, program: Numbers | None) -> AccuracyRow:
    spec = {**subject.spec, "method": row.method}
    recorded = subject.recorded[row.method]
    try:
        result = _result(child, spec)
        ours = Numbers(
            energy_hartree=result["energy_hartree"],
            gap_ev=result["gap_ev"],
            dipole_debye=result["dipole_debye"],
            charges_e=tuple(result["charges_e"]),
        )
        row = replace(
            row,
            energy_hartree=ours.energy_hartree,
            recorded=None if recorded is None else ours.apart(recorded),
            program=None if program is None else ours.apart(program),
        )
        return replace(row, gradient_hartree_per_bohr=_off_slope(child, {**spec, "accuracy": _ACCURACY}))
    except _FailedError as error:
        return replace(row, failed=str(error))


def _off_slope(child: Child, spec: Mapping[str, Any]) -> float:
    """Tell how far the gradient is from the slope of the energy, at most, hartree/bohr.

    Raises:
        _FailedError: the engine did not compute a displaced structure.
    """
    gradient = _result(child, spec)["gradient_hartree_per_bohr"]
    positions = spec["structure"]["positions_angstrom"]
    apart: list[float] = []
    for direction in _directions(len(positions)):
        ends = [
            _result(child, _displaced(spec, direction, side * _STEP_BOHR))["energy_hartree"]
            for side in (1, -1)
        ]
        slope = (ends[0] - ends[1]) / (2 * _STEP_BOHR)
        along = sum(
            g * share
            for row, shares in zip(gradient, direction, strict=True)
            for g, share in zip(row, shares, strict=True)
        )
        apart.append(abs(slope - along))
    return max(apart)


def _directions(atoms: int) -> Iterator[Direction]:
    """Yield random directions of length 1 in which to displace, the same each time."""
    size = 3 * atoms
    random = Random(_SEED)  # noqa: S311  they keep no secret
    for _ in range(_DIRECTIONS):
        drawn = [random.gauss(0, 1) for _ in range(size)]
        length = math.hypot(*drawn)
        yield _as_rows([value / length for value in drawn])


def _as_rows(values: Sequence[float]) -> Direction:
    return [(values[at], values[at + 1], values[at + 2]) for at in range(0, len(values), 3)]


def _displaced(spec: Mapping[str, Any], direction: Direction, length_bohr: float) -> dict[str, Any]:
    structure = spec["structure"]
    step = length_bohr * ANGSTROM_PER_BOHR
    moved = [
        [value + step * share for value, share in zip(position, shares, strict=True)]
        for position, shares in zip(structure["positions_angstrom"], direction, strict=True)
    ]
    return {**spec, "structure": {**structure, "positions_angstrom": moved}}


def _result(child: Child, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Have an engine compute.

    Raises:
        _FailedError: it gave no result.
    """
    ended: Ended = child.compute(spec, limit_s=LIMIT_S)
    if ended.stopped is not None:
        raise _FailedError(f"no answer within {LIMIT_S:.0f} s")
    if ended.failure is not None or ended.result is None:
        raise _FailedError(ended.failure.message if ended.failure else "it gave no result")
    found: Mapping[str, Any] = ended.result.model_dump(mode="json")
    return found
