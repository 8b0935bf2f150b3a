"""The xtb program, as the reference."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.standin.molecules import Structure

Vectors = list[list[float]]


@dataclass(frozen=True)
class Reference:
    """What the program printed and wrote."""

    energy_hartree: float
    gap_ev: float
    gradient: Vectors | None
    charges: list[float] | None
    dipole_debye: float | None
    bond_orders: dict[tuple[int, int], float]  # atoms from 1, the first the lower


@dataclass(frozen=True)
class Curvature:
    """What the program printed after a Hessian."""

    frequencies_cm1: list[float]  # the six of the whole molecule first
    symmetry_number: int
    zpe_hartree: float
    enthalpy_hartree: float
    gibbs_hartree: float


def xtb(structure: Structure, folder: Path, *options: str) -> Reference:
    """Run the program on a structure in a folder of its own."""
    printed = _run(structure, folder, options)
    return Reference(
        energy_hartree=float(_last(r"TOTAL ENERGY\s+(\S+)", printed)),
        gap_ev=float(_last(r"HOMO-LUMO GAP\s+(\S+)", printed)),
        gradient=_gradient(folder / "gradient", len(structure[0])),
        charges=_charges(folder / "charges"),
        dipole_debye=_dipole(printed),
        bond_orders=_bond_orders(folder / "wbo"),
    )


def curvature(structure: Structure, folder: Path, *options: str) -> Curvature:
    """Run the program's frequencies and thermochemistry."""
    printed = _run(structure, folder, options)
    rows = re.findall(r"eigval :(.*)", printed[printed.index("Frequency Printout") :])
    return Curvature(
        frequencies_cm1=[float(word) for row in rows for word in row.split()],
        symmetry_number=int(_last(r"rotational number\s+(\d+)", printed)),
        zpe_hartree=float(_last(r"zero point energy\s+(\S+)", printed)),
        enthalpy_hartree=float(_last(r"TOTAL ENTHALPY\s+(\S+)", printed)),
        gibbs_hartree=float(_last(r"TOTAL FREE ENERGY\s+(\S+)", printed)),
    )


def _run(structure: Structure, folder: Path, options: tuple[str, ...]) -> str:
    """Run the program; give what it printed."""
    symbols, positions = structure
    rows = [f"{s} {x:.14f} {y:.14f} {z:.14f}" for s, (x, y, z) in zip(symbols, positions, strict=True)]
    (folder / "in.xyz").write_text("\n".join([str(len(rows)), "", *rows]) + "\n")
    return subprocess.run(
        ["xtb", "in.xyz", *options],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    ).stdout


def _last(pattern: str, text: str) -> str:
    found = re.findall(pattern, text)
    assert found, f"the xtb program printed nothing like {pattern}"
    return str(found[-1])


def _gradient(path: Path, atoms: int) -> Vectors | None:
    """Read Turbomole's gradient file, hartree/bohr."""
    if not path.exists():
        return None
    lines = path.read_text().splitlines()[2 + atoms : 2 + 2 * atoms]
    return [[float(word.replace("D", "E")) for word in line.split()] for line in lines]


def _charges(path: Path) -> list[float] | None:
    return [float(word) for word in path.read_text().split()] if path.exists() else None


def _dipole(printed: str) -> float | None:
    found = re.findall(r"full:(?:\s+\S+){3}\s+(\S+)\n", printed)
    return float(found[0]) if found else None


def _bond_orders(path: Path) -> dict[tuple[int, int], float]:
    rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return {(int(first), int(second)): float(order) for first, second, order in rows}
