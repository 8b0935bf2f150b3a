"""Checkpoints: the progress of a calculation, in a file from which another attempt can continue.

    line 1   `Reached`: the calculation, the geometry and, once that is optimised, the end of the optimisation
    then     a `Row` for each displaced coordinate of the Hessian

The worker copies the file to the store now and then, and puts it into the folder of the next attempt.  A file
of another calculation or another version, or one that cannot be read, is not used.  Half a line at the end,
as of an engine that was killed, does no harm.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec.structs import replace

from workers.engine import printout
from workers.engine.bonds import listed
from workers.engine.checkpoint_file import FILE, MAX_BYTES
from workers.files import write_whole
from workers.result import BondsChanged, ChemistryResult, Continued, Convergence, Record
from workers.spec import ChemistrySpec, Vector

if TYPE_CHECKING:
    from pathlib import Path

    from workers.engine.arrays import Array
    from workers.spec import BondOrder

# The version of the numbers in a file; it changes with their meaning.
FORM = "1"
# Shorter calculations are not worth a file.
FIRST_S = 0.1
# After that, slow steps are written one by one, and fast ones together: a kill costs next to nothing.
EVERY_S = 0.05


class Relaxed(Record, frozen=True, kw_only=True):
    """The end of the optimisation at whose geometry the Hessian is computed."""

    convergence: Convergence
    bonds_changed: BondsChanged | None


class Reached(Record, frozen=True, kw_only=True):
    """The progress of a calculation."""

    calculation: str  # what is computed, with what: the sha256 of specification, engine and version
    positions_bohr: tuple[Vector, ...]  # shape (atoms, 3)
    bond_orders: tuple[tuple[int, int, float], ...] = ()  # of the input's geometry: atoms i < j from 0
    gradients: int  # computed on the way to this geometry, in all attempts
    relaxed: Relaxed | None = None  # None: it is to be optimised further, or never is
    first_norm: float | None = None  # of the gradient at the input's geometry; hartree/bohr


class Row(Record, frozen=True, kw_only=True):
    """The results of displacing one coordinate."""

    coordinate: int
    hessian: tuple[float, ...]  # hartree/bohr^2, shape (3 atoms,)
    dipole: Vector  # e


class Checkpoint:
    """Reads the progress of an earlier attempt, and writes that of this one."""

    def __init__(self, folder: Path, spec: ChemistrySpec, engine: tuple[str, str]) -> None:
        """Read what an earlier attempt has left.

        Args:
            folder: the attempt's.
            spec: the specification, with its accuracy and limits resolved.
            engine: name and version.
        """
        # What is as usual is left out: a field that a newer nox adds changes no calculation.
        said = "\0".join((FORM, msgspec.json.encode(_unusual(spec)).decode(), *engine))
        self._calculation = hashlib.sha256(said.encode()).hexdigest()
        self._path = folder / FILE
        self._size = 3 * len(spec.structure.symbols)
        self._due = monotonic() + FIRST_S
        self._bonds: tuple[tuple[int, int, float], ...] = ()
        self._header: Reached | None = None  # to be written with the next row
        self._waiting: list[tuple[int, Array, Array]] = []
        self._written = 0
        self.rows: dict[int, Row] = {}
        self.earlier = self._read()

    @property
    def continued(self) -> Continued | None:
        """The part of the result that earlier attempts have computed; None: nothing."""
        if self.earlier is None:
            return None
        return Continued(gradients=self.earlier.gradients + 2 * len(self.rows))

    @property
    def steps(self) -> int:
        """The number of steps that the optimiser took in earlier attempts."""
        return 0 if self.earlier is None else self.earlier.gradients - 1

    def positions(self) -> Array | None:
        """Read the geometry from which to continue, bohr, shape (atoms, 3); None: the input's."""
        return None if self.earlier is None else np.array(self.earlier.positions_bohr)

    def bond_orders(self) -> Array:
        """Read the bond orders at the input's geometry, those that matter, shape (atoms, atoms)."""
        orders = np.zeros((self._size // 3, self._size // 3))
        for first, second, order in self._bonds:
            orders[first, second] = orders[second, first] = order
        return orders

    @property
    def first_bond_orders(self) -> tuple[BondOrder, ...]:
        """List the bond orders at the input's geometry, atoms counted from 1."""
        return tuple((first + 1, second + 1, order) for first, second, order in self._bonds)

    def begin(self, orders: Array) -> None:
        """Keep the bond orders at the input's geometry, shape (atoms, atoms)."""
        self._bonds = tuple((first - 1, second - 1, order) for first, second, order in listed(orders) or ())

    def step(self, positions: Array, passed: int, first_norm: float) -> None:
        """Record a geometry of the optimisation, and write it if the last write is long enough ago.

        Args:
            positions: the geometry, bohr, shape (atoms, 3).
            passed: the number of geometries of this attempt before it.
            first_norm: the gradient norm of the first geometry.
        """
        if monotonic() >= self._due:
            reached = self._reached(positions, self.steps + passed)
            self._begin_file(replace(reached, first_norm=first_norm))
            self._due = monotonic() + EVERY_S

    def settle(self, positions: Array, relaxed: Relaxed | None, gradients: int) -> None:
        """Note the geometry of the Hessian, bohr, and the number of gradients that led to it."""
        if self.earlier is None or self.earlier.relaxed != relaxed:
            self._header = self._reached(positions, gradients, relaxed)

    def row(self, coordinate: int, hessian: Array, dipole: Array) -> None:
        """Note a row of the Hessian; write all noted rows if the last write is long enough ago.

        Args:
            coordinate: the displaced coordinate, from 0.
            hessian: the row, hartree/bohr^2, shape (3 atoms,).
            dipole: the derivative of the dipole, e, shape (3,).
        """
        self._waiting.append((coordinate, hessian, dipole))
        if monotonic() < self._due:
            return
        self._due = monotonic() + EVERY_S
        text, self._waiting = "".join(_line(*row) for row in self._waiting), []
        if self._header is not None:
            self._begin_file(self._header)
            self._header = None
        if self._written + len(text) <= MAX_BYTES:  # beyond, the rows that are kept have to do
            with self._path.open("a") as file:
                file.write(text)
            self._written += len(text)

    def _reached(self, positions: Array, gradients: int, relaxed: Relaxed | None = None) -> Reached:
        places = tuple((x, y, z) for x, y, z in positions.tolist())
        return Reached(
            calculation=self._calculation,
            positions_bohr=places,
            bond_orders=self._bonds,
            gradients=gradients,
            relaxed=relaxed,
        )

    def _begin_file(self, reached: Reached) -> None:
        """Write the file as a whole; a reader at the same time finds the old one complete."""
        text = msgspec.json.encode(reached).decode() + "\n"
        write_whole(self._path, text)
        self._written = len(text)

    def _read(self) -> Reached | None:
        """Read what an earlier attempt left, if it is of this calculation."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeError):
            text = ""
        try:
            reached, rows = self._understand(text)
        except ValueError:
            printout.note("what an earlier attempt has reached cannot be used here: starting again")
            self._path.unlink(missing_ok=True)
            return None
        self.rows, self._bonds, self._written = rows, reached.bond_orders, len(text)
        where = f"after {reached.gradients + 2 * len(rows)} gradients"
        printout.note(f"going on where an earlier attempt was stopped, {where}")
        return reached

    def _understand(self, text: str) -> tuple[Reached, dict[int, Row]]:
        """Read the lines of a file.

        Raises:
            ValueError: they are not of this calculation.
        """
        *lines, half = text.split("\n")
        if not lines:
            raise ValueError("there is not even one line")
        reached = msgspec.json.decode(lines[0], type=Reached)
        rows = [msgspec.json.decode(line, type=Row) for line in lines[1:]]
        if half:
            self._path.write_text(text[: len(text) - len(half)])
        atoms = self._size // 3
        is_whole = reached.calculation == self._calculation and len(reached.positions_bohr) == atoms
        is_whole &= all(0 <= row.coordinate < self._size == len(row.hessian) for row in rows)
        is_whole &= all(0 <= first < second < atoms for first, second, _ in reached.bond_orders)
        if not is_whole or reached.gradients < 1:
            raise ValueError("it is of another calculation")
        return reached, {row.coordinate: row for row in rows}


def _unusual(value: Any) -> Any:
    """Return the fields of a specification that differ from their defaults; other values as they are."""
    if not is_dataclass(value):
        return value
    found = ((field, getattr(value, field.name)) for field in fields(value))
    return {field.name: _unusual(part) for field, part in found if part != field.default}


def _line(coordinate: int, hessian: Array, dipole: Array) -> str:
    x, y, z = dipole.tolist()
    row = Row(coordinate=coordinate, hessian=tuple(hessian.tolist()), dipole=(x, y, z))
    return msgspec.json.encode(row).decode() + "\n"


def credited(result: ChemistryResult, checkpoint: Checkpoint) -> ChemistryResult:
    """Add to a result its first bond orders, and the number of gradients of earlier attempts."""
    if result.convergence is not None and result.bond_orders is not None:
        result = replace(result, first_bond_orders=checkpoint.first_bond_orders)
    if checkpoint.continued is None or result.provenance is None:
        return result
    provenance = replace(result.provenance, continued=checkpoint.continued)
    return replace(result, provenance=provenance)
