"""Structures for tests: from files, and small ones written here (Å)."""

from __future__ import annotations

from itertools import product
from pathlib import Path

Structure = tuple[list[str], list[list[float]]]

_FOLDERS = (Path(__file__).parents[1] / "molecules", Path(__file__).parents[2] / "examples")


def molecule(name: str) -> Structure:
    """Read a molecule's file."""
    path = next(folder / f"{name}.xyz" for folder in _FOLDERS if (folder / f"{name}.xyz").exists())
    rows = [line.split() for line in path.read_text().splitlines()[2:] if line.strip()]
    return [row[0] for row in rows], [[float(value) for value in row[1:4]] for row in rows]


BOHR = 0.529177210903
WATER: Structure = (["O", "H", "H"], [[0, 0, 0], [0, 0.757, 0.587], [0, -0.757, 0.587]])
# Two atoms share a coordinate exactly: here xtb's own gradient is off by 5e-2 hartree/bohr.
TRAP: Structure = (
    ["O", "H", "H"],
    [[0, 0, 0], [0, 1.8 * BOHR, 0], [0, 0.3 * BOHR, 1.75 * BOHR]],
)
# Geometries of the G2 set, drawn in planes and along axes.
METHANOL: Structure = (
    ["C", "O", "H", "H", "H", "H"],
    [
        [-0.047131, 0.664389, 0.0],
        [-0.047131, -0.758551, 0.0],
        [-1.092995, 0.969785, 0.0],
        [0.878534, -1.048458, 0.0],
        [0.437145, 1.080376, 0.891772],
        [0.437145, 1.080376, -0.891772],
    ],
)
PEROXIDE: Structure = (
    ["O", "O", "H", "H"],
    [
        [0, 0.734058, -0.05275],
        [0, -0.734058, -0.05275],
        [0.839547, 0.880752, 0.422001],
        [-0.839547, -0.880752, 0.422001],
    ],
)
HYDRAZINE: Structure = (
    ["N", "N", "H", "H", "H", "H"],
    [
        [0, 0.718959, -0.077687],
        [0, -0.718959, -0.077687],
        [0.211082, 1.092752, 0.847887],
        [-0.948214, 1.005026, -0.304078],
        [-0.211082, -1.092752, 0.847887],
        [0.948214, -1.005026, -0.304078],
    ],
)
FORMALDEHYDE: Structure = (
    ["O", "C", "H", "H"],
    [[0, 0, 0.683501], [0, 0, -0.536614], [0, 0.93439, -1.124164], [0, -0.93439, -1.124164]],
)
CARBON_DIOXIDE: Structure = (["O", "C", "O"], [[0, 0, -1.2], [0, 0, 0], [0, 0, 1.25]])
HYDROGEN_CYANIDE: Structure = (["H", "C", "N"], [[0, 0, -1.1], [0, 0, 0], [0, 0, 1.2]])
ACETYLENE: Structure = (["H", "C", "C", "H"], [[0, 0, -1.7], [0, 0, -0.6], [0, 0, 0.6], [0, 0, 1.7]])
DIACETYLENE: Structure = (
    ["H", "C", "C", "C", "C", "H"],
    [[0, 0, -3.0], [0, 0, -1.9], [0, 0, -0.7], [0, 0, 0.7], [0, 0, 1.9], [0, 0, 3.0]],
)
HYDROGEN: Structure = (["H", "H"], [[0, 0, 0], [0, 0, 0.9]])
NITROGEN: Structure = (["N", "N"], [[0, 0, 0], [0, 0, 1.3]])
OXYGEN: Structure = (["O", "O"], [[0, 0, 0], [0.1, 0.2, 1.2]])
HYDROXYL: Structure = (["O", "H"], [[0, 0, 0], [0.1, 0.2, 0.95]])
NITRIC_OXIDE: Structure = (["N", "O"], [[0, 0, 0], [0.1, 0.2, 1.13]])
# xtb's GFN1-xTB calls converged here what gives scandium a charge of -15 e.
SCANDIUM_FLUORIDE: Structure = (
    ["Sc", "F", "F", "F"],
    [[0, 0, 0.1], [1.9, 0, 0], [-0.95, 1.65, 0], [-0.95, -1.65, 0]],
)
# Seven 4f electrons, all of the core: no electron is unpaired.
GADOLINIUM_CHLORIDE: Structure = (
    ["Gd", "Cl", "Cl", "Cl"],
    [[0, 0, 0.1], [2.5, 0, 0], [-1.25, 2.17, 0], [-1.25, -2.17, 0]],
)
HELIUM: Structure = (["He"], [[1, 2, 3]])
PLANAR_AMMONIA: Structure = (
    ["N", "H", "H", "H"],
    [[0, 0, 0], [1.0, 0, 0], [-0.5, 0.8660254, 0], [-0.5, -0.8660254, 0]],
)
METHYL: Structure = (["C", *PLANAR_AMMONIA[0][1:]], [[1.08 * x for x in row] for row in PLANAR_AMMONIA[1]])
AMMONIUM: Structure = (
    ["N", "H", "H", "H", "H"],
    [[0, 0, 0], [0.6, 0.6, 0.6], [-0.6, -0.6, 0.6], [0.6, -0.6, -0.6], [-0.6, 0.6, -0.6]],
)


def alkane(carbons: int) -> Structure:
    """Make a straight chain, all trans."""
    symbols, positions = [], []
    for at in range(carbons):
        side = (-1) ** at
        symbols += ["C", "H", "H"]
        positions += [[x, side * y, 1.27 * at] for x, y in ((0, 0.42), (0.88, 1.05), (-0.88, 1.05))]
    last = (-1) ** (carbons - 1)
    ends = [[0, -0.21, -0.9], [0, -0.21 * last, 1.27 * (carbons - 1) + 0.9]]
    return [*symbols, "H", "H"], positions + ends


def fullerene() -> Structure:
    """Make C60: the corners of a truncated icosahedron, with edges of 1.42 Å."""
    golden = (1 + 5**0.5) / 2
    corners = {
        (corner[turn], corner[turn - 1], corner[turn - 2])
        for x, y, z in ((0, 1, 3 * golden), (1, 2 + golden, 2 * golden), (golden, 2, 2 * golden + 1))
        for a, b, c in product((1, -1), repeat=3)
        for corner in [(a * x, b * y, c * z)]
        for turn in range(3)
    }
    return ["C"] * len(corners), [[0.71 * value for value in corner] for corner in sorted(corners)]


def beside(first: Structure, second: Structure, shift: list[float]) -> Structure:
    """Put a second structure beside a first."""
    moved = [[a + b for a, b in zip(position, shift, strict=True)] for position in second[1]]
    return first[0] + second[0], first[1] + moved


def turned(structure: Structure) -> Structure:
    """Turn a structure into a frame that no symmetry axis shares."""
    rows = [[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]]
    symbols, positions = structure
    return symbols, [[sum(row[i] * position[i] for i in range(3)) for row in rows] for position in positions]
