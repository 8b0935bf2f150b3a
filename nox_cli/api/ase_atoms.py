"""Structures as ASE Atoms: read for a submit, and made of results.  ASE is loaded here only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.inputs.files import STDIN, Input
from workers.errors import InputRefused, PackageMissing

if TYPE_CHECKING:
    from ase import Atoms

    from nox_cli.results.geometry import Geometry
    from workers.spec import Vector

# What nox reads of `atoms.info`, and refuses where it is ambiguous.
_INFO = ("charge", "uhf", "unpaired", "multiplicity", "spin")
# How far the sum of initial charges or moments may be from a whole number.
_WITHIN = 0.01


def is_atoms(value: object) -> bool:
    """Whether a value is an ASE Atoms; this does not load ASE."""
    return any(kind.__module__ == "ase.atoms" and kind.__name__ == "Atoms" for kind in type(value).__mro__)


def input_of(atoms: Any, place: str) -> Input:
    """Write ASE Atoms as an extended xyz file in memory.

    Charge and spin are those of `atoms.info` (`charge`, `uhf` or `multiplicity`), else the sums of initial
    charges and magnetic moments, if there are any.  The job's name is `atoms.info["name"]` or the formula.

    Args:
        atoms: the structure.
        place: its place among the inputs, for messages.

    Raises:
        InputRefused: it has constraints, or a sum that is no whole number.
    """
    if atoms.constraints:
        raise InputRefused(
            f"{place}: the atoms have constraints, which nox does not read",
            hint='pass freeze="1-4,7", counted from 1, and clear them: atoms.set_constraint()',
        )
    said = {key: atoms.info[key] for key in _INFO if key in atoms.info}
    if "charge" not in said and atoms.has("initial_charges"):
        said["charge"] = _whole(float(atoms.get_initial_charges().sum()), "initial charges", place)
    if not said.keys() - {"charge"} and atoms.has("initial_magmoms"):
        if atoms.get_initial_magnetic_moments().ndim > 1:
            raise InputRefused(
                f"{place}: the magnetic moments are vectors, and xTB has spin up and down only",
                hint='set atoms.info["uhf"], the number of unpaired electrons',
            )
        said["uhf"] = abs(_whole(float(atoms.get_initial_magnetic_moments().sum()), "moments", place))
    pairs = [f"{key}={value}" for key, value in said.items()]
    if atoms.pbc.any():
        cell = " ".join(repr(float(number)) for number in atoms.cell.array.flat)
        flags = " ".join("FT"[int(flag)] for flag in atoms.pbc)
        pairs += [f'Lattice="{cell}"', f'pbc="{flags}"']
    rows = [
        f"{symbol} {float(x)!r} {float(y)!r} {float(z)!r}"
        for symbol, (x, y, z) in zip(atoms.get_chemical_symbols(), atoms.positions, strict=True)
    ]
    name = str(atoms.info.get("name") or atoms.get_chemical_formula() or "atoms").replace("/", "-")
    content = "\n".join([str(len(rows)), " ".join(pairs).replace("\n", " "), *rows, ""])
    return Input(STDIN, content.encode("utf-8", "surrogateescape"), label=name)


def atoms_of(
    geometry: Geometry,
    info: dict[str, Any],
    energy_hartree: float | None = None,
    gradient_hartree_per_bohr: tuple[Vector, ...] = (),
) -> Atoms:
    """Make ASE Atoms of a geometry, with energy (eV) and forces (eV/Å) as results of a calculator.

    Raises:
        PackageMissing: ASE is not installed.
    """
    try:
        from ase import Atoms, units
        from ase.calculators.singlepoint import SinglePointCalculator
    except ImportError:
        raise PackageMissing("structures as Atoms need ASE", hint="pip install ase") from None
    atoms = Atoms(symbols=list(geometry.symbols), positions=geometry.positions_angstrom, info=info)
    if geometry.lattice_angstrom is not None:
        atoms.set_cell(geometry.lattice_angstrom)
        atoms.pbc = True
    if energy_hartree is not None:
        import numpy as np

        found: dict[str, Any] = {"energy": energy_hartree * units.Hartree}
        if len(gradient_hartree_per_bohr) == len(atoms):
            found["forces"] = -np.array(gradient_hartree_per_bohr) * (units.Hartree / units.Bohr)
        atoms.calc = SinglePointCalculator(atoms, **found)
    return atoms


def _whole(total: float, what: str, place: str) -> int:
    if abs(total - round(total)) > _WITHIN:
        raise InputRefused(
            f"{place}: the {what} sum to {total:g}, no whole number",
            hint='set atoms.info["charge"] and atoms.info["uhf"]',
        )
    return round(total)
