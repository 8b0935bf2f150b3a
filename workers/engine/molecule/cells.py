"""Cells of crystals, and checks that refuse those that tblite computes wrongly, or rightly by chance only.

tblite (0.8) computes any periodicity as one along all three vectors, and at the gamma point alone.  Measured
with it: energies are the same to 1e-6 Eh however a cell is placed, turned, sheared or cut, with edges of up
to 60 Å; GFN2 of ammonia in a cube of 96 Å is 7e-4 Eh off that of the molecule.  With less than 2 Å between
two faces the sums over images take minutes.

Pure Python, quick to import: the command line asks before it stores, the engine child asks again.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

from workers.engine.molecule.checks import closest_contact, contacts
from workers.errors import InputRefused
from workers.names import Method

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.spec import ChemistrySpec, Lattice, Vector

MIN_WIDTH_ANGSTROM = 2.0
MAX_EDGE_ANGSTROM = 60.0
_METHODS = {Method.GFN1, Method.GFN2}
_KINDS = {"sp", "grad", "opt"}
_THIN = "take a supercell, for one k-point does not do here anyway, or vectors nearer to right angles"


def check_crystal(spec: ChemistrySpec, lattice: Lattice) -> None:
    """Refuse a crystal that cannot be computed, or not so.

    Args:
        spec: the calculation; its positions, of shape (atoms, 3) in Å, lie inside the cell or not.
        lattice: the cell's vectors in Å, as rows.

    Raises:
        InputRefused: it cannot.
    """
    structure, method, solvation = spec.structure, spec.method, spec.solvation
    check_lattice(lattice)
    check_images(structure.symbols, structure.positions_angstrom, lattice, close_contacts=spec.close_contacts)
    if method not in _METHODS:
        raise InputRefused(f"a crystal cannot be computed with {method}", hint="take --gfn 2 or --gfn 1")
    if spec.kind not in _KINDS:
        raise InputRefused(
            "frequencies of a crystal would need phonons at many k-points, which nox does not compute",
            hint="ask for --sp, --grad or --opt",
        )
    if solvation is not None:
        raise InputRefused("a crystal has no solvent around it", hint=f"take --{solvation} away")
    if spec.charge:
        raise InputRefused(
            f"a crystal with a charge of {spec.charge:+d} in each cell has no finite energy",
            hint="put the counter-ions into the cell",
        )


def check_lattice(lattice: Lattice) -> None:
    """Refuse a cell that is none, too small or too large, or left-handed.

    Raises:
        InputRefused: it is.
    """
    if not all(math.isfinite(value) for vector in lattice for value in vector):
        raise InputRefused("the cell has a vector that is not finite")
    edges = [math.hypot(*vector) for vector in lattice]
    if max(edges) > MAX_EDGE_ANGSTROM:
        raise InputRefused(
            f"the cell is {max(edges):,.1f} Å long, more than {MAX_EDGE_ANGSTROM:g} Å",
            hint="are the vectors in Å? a molecule by itself needs no cell",
        )
    widths = _widths(lattice)
    if min(widths) < MIN_WIDTH_ANGSTROM:
        least = min(widths)
        what = f"two faces of the cell are {least:.2f} Å apart, less than {MIN_WIDTH_ANGSTROM:g} Å"
        raise InputRefused(what if least >= 0.005 else "the cell's vectors lie in a plane", hint=_THIN)  # noqa: PLR2004
    if volume(lattice) < 0:
        raise InputRefused(
            "the cell is left-handed", hint="exchange two of its vectors, and shares of them in positions"
        )


def check_images(
    symbols: Sequence[str], positions: Sequence[Vector], lattice: Lattice, *, close_contacts: bool = False
) -> None:
    """Refuse atoms that are too near to the image of another.

    Raises:
        InputRefused: there are such.
    """
    shares = contacts(symbols, close_contacts=close_contacts)
    reach = 2 * max(shares, default=0.0)
    places: list[Vector] = []
    owners: list[int] = []
    for atom, position in zip(range(len(shares)), positions, strict=False):  # as many: `check_positions`
        for place in _near_faces(position, lattice, reach):
            places.append(place)
            owners.append(atom)
    close = closest_contact(places, [shares[owner] for owner in owners])
    if close is not None:
        first, second = sorted((owners[close[0]], owners[close[1]]))
        raise InputRefused(
            f"atoms {first + 1} ({symbols[first]}) and {second + 1} ({symbols[second]}) are {close[2]:.3f} Å "
            f"apart in neighbouring cells, less than {close[3]:.3g} Å",
            hint="is an atom listed on both sides of the cell?"
            + ("" if close_contacts else " --force computes it all the same"),
        )


def volume(lattice: Lattice) -> float:
    """The volume in Å^3; below 0: the cell is left-handed."""
    a, b, c = lattice
    return _dot(a, _cross(b, c))


def _widths(lattice: Lattice) -> list[float]:
    """Return the distances of opposite faces."""
    a, b, c = lattice
    faces = [math.hypot(*_cross(*pair)) for pair in ((b, c), (c, a), (a, b))]
    return [abs(volume(lattice)) / face if face else 0.0 for face in faces]


def _near_faces(position: Vector, lattice: Lattice, reach: float) -> Iterator[Vector]:
    """Put an atom into the cell, and behind each face it lies near to as well."""
    a, b, c = lattice
    size = volume(lattice)
    shares = [_dot(position, _cross(*pair)) / size % 1.0 for pair in ((b, c), (c, a), (a, b))]
    widths = _widths(lattice)
    ways = [
        (share, share + 1.0) if share * width < reach else (share,)
        for share, width in zip(shares, widths, strict=True)
    ]
    for x, y, z in product(*ways):
        yield (
            x * a[0] + y * b[0] + z * c[0],
            x * a[1] + y * b[1] + z * c[1],
            x * a[2] + y * b[2] + z * c[2],
        )


def _dot(one: Vector, other: Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _cross(one: Vector, other: Vector) -> Vector:
    return (
        one[1] * other[2] - one[2] * other[1],
        one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    )
