"""Reading of the files that the xtb program leaves; positions are in bohr."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.engine.calculator import Properties
from workers.engine.molecule.units import ANGSTROM_PER_BOHR, EV_PER_HARTREE
from workers.engine.rotated_frame import TURN
from workers.engine.vibrations.normal_modes import Modes
from workers.errors import EngineCrashed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from workers.engine.arrays import Array

_LINES_AROUND = 2  # of a frame: the number of atoms, and the comment


@dataclass(frozen=True, slots=True)
class Frame:
    """One geometry of an optimisation's log."""

    positions: Array  # shape (atoms, 3)
    energy: float
    norm: float  # of the whole gradient


def write_xyz(path: Path, symbols: Sequence[str], positions: Array) -> None:
    """Write a geometry, bohr, shape (atoms, 3), as the program reads it."""
    rows = (positions * ANGSTROM_PER_BOHR).tolist()
    atoms = [f"{s} {x:.14f} {y:.14f} {z:.14f}" for s, (x, y, z) in zip(symbols, rows, strict=True)]
    path.write_text("\n".join([str(len(atoms)), "", *atoms]) + "\n")


def read_gradient(path: Path, atoms: int) -> tuple[float, Array]:
    """Read energy and gradient, shape (atoms, 3).

    Raises:
        EngineCrashed: they are not there.
    """
    try:
        words = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        energy, *slopes = (float(word) for word in words[1 : 2 + 3 * atoms])
        return energy, np.array(slopes, dtype=np.float64).reshape(atoms, 3)
    except (OSError, ValueError) as error:
        raise _unreadable("energy and gradient", error) from None


def properties(folder: Path, atoms: int) -> Properties:
    """Read the properties of a tight-binding calculation; the dipole is turned back.

    Raises:
        EngineCrashed: they are not there.
    """
    try:
        told: dict[str, Any] = json.loads((folder / "xtbout.json").read_text())
        return Properties(
            dipole=np.asarray(_numbers(told["dipole / a.u."]) @ TURN),
            charges=_numbers(told["partial charges"]),
            bond_orders=_bond_orders(folder / "wbo", atoms),
            orbital_energies=_numbers(told["orbital energies / eV"]) / EV_PER_HARTREE,
            occupations=_numbers(told["fractional occupation"]),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise _unreadable("properties", error) from None


def force_field_properties(folder: Path, positions: Array) -> Properties:
    """Read the charges of a force field, and compute the dipole that they make at positions in bohr.

    Raises:
        EngineCrashed: they are not there.
    """
    try:
        charges = np.array((folder / "gfnff_charges").read_text().split(), dtype=np.float64)
        return Properties(dipole=charges @ positions, charges=charges)
    except (OSError, ValueError) as error:
        raise _unreadable("charges", error) from None


def read_geometry(path: Path, atoms: int) -> Array:
    """Read the geometry an optimisation ended at, shape (atoms, 3).

    Raises:
        EngineCrashed: it is not there.
    """
    try:
        return _positions(path.read_text().splitlines()[_LINES_AROUND:][:atoms])
    except (OSError, ValueError, IndexError) as error:
        raise _unreadable("optimised geometry", error) from None


class OptimisationLog:
    """The program's log of an optimisation, read as it grows."""

    def __init__(self, path: Path, atoms: int) -> None:
        self._path = path
        self._lines = atoms + _LINES_AROUND
        self._read = 0  # bytes

    def grown(self) -> Iterator[Frame]:
        """Read the frames that were not there before.

        Raises:
            EngineCrashed: what is there is no frame.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                lines = file.read().splitlines(keepends=True)
        except FileNotFoundError:
            return
        while len(lines) >= self._lines and lines[self._lines - 1].endswith(b"\n"):
            frame, lines = lines[: self._lines], lines[self._lines :]
            self._read += sum(map(len, frame))
            yield _frame([line.decode("utf-8", "replace") for line in frame])


def read_modes(path: Path) -> Modes:
    """Read frequencies and infrared intensities by rising frequency; motions of the whole are left out.

    Raises:
        EngineCrashed: they are not there.
    """
    found: dict[str, list[float]] = {"Frequencies": [], "IR Inten": []}
    try:
        for line in path.read_text(errors="replace").splitlines():
            name, _, values = line.partition("--")
            if name.strip() in found:
                found[name.strip()] += map(float, values.split())
    except (OSError, ValueError) as error:
        raise _unreadable("frequencies", error) from None
    frequencies, intensities = map(np.array, found.values())
    if len(frequencies) != len(intensities):
        raise EngineCrashed("the xtb program left frequencies that cannot be read")
    order = np.argsort(frequencies, kind="stable")
    return Modes(frequencies[order], intensities[order])


def _frame(lines: list[str]) -> Frame:
    try:
        words = lines[1].split()
        energy, norm = (float(words[words.index(name) + 1]) for name in ("energy:", "gnorm:"))
        return Frame(_positions(lines[_LINES_AROUND:]), energy, norm)
    except (ValueError, IndexError) as error:
        raise _unreadable("log of the optimisation", error) from None


def _positions(lines: list[str]) -> Array:
    rows = [[float(word) for word in line.split()[1:4]] for line in lines]
    return np.array(rows, dtype=np.float64).reshape(-1, 3) / ANGSTROM_PER_BOHR


def _bond_orders(path: Path, atoms: int) -> Array:
    orders = np.zeros((atoms, atoms))
    for line in path.read_text().splitlines():
        first, second, order = line.split()
        orders[int(first) - 1, int(second) - 1] = orders[int(second) - 1, int(first) - 1] = float(order)
    return orders


def _numbers(values: Any) -> Array:
    return np.array(values, dtype=np.float64)


def _unreadable(what: str, error: Exception) -> EngineCrashed:
    return EngineCrashed(f"the xtb program left no {what} that can be read", evidence=(str(error)[:500],))
