"""The specification of a calculation: plain data, so that commands which make one are quick to load.

A specification out of its bounds cannot be made.  Documents from outside, those of a store too, are read by
`workers.documents`.  Whether it can be computed is checked by `workers.engine.molecule.specification`.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from workers import names

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SPEC_BYTES = 1024**2
LEAST_BOND_ORDER = 0.25  # pairs of less are apart

Vector = tuple[float, float, float]
Lattice = tuple[Vector, Vector, Vector]
Pair = tuple[int, int]  # atoms i < j, counted from 1
BondOrder = tuple[int, int, float]  # Wiberg's, of such a pair

MAX_ATOMS = names.MAX_ATOMS
OptLevel = names.OptLevel
Method = names.Method
EngineName = names.EngineName
Solvation = names.Solvation

MAX_JSON_DEPTH = 32

# The configuration with which `workers.documents` reads these classes.
_STRICT = {"extra": "forbid", "allow_inf_nan": False}

_POSITIVE = sys.float_info.min
# The least and the largest value that are allowed.
_RANGES: Mapping[str, tuple[float, float]] = {
    "charge": (-1_000, 1_000),
    "unpaired": (0, 1_000),
    "accuracy": (1e-4, 1e3),
    "electronic_temperature_k": (_POSITIVE, 1e5),
    "iterations": (1, 10_000),
    "cycles": (1, 100_000),
    "temperature_k": (_POSITIVE, 1e5),
    "pressure_pa": (_POSITIVE, 1e12),
    "symmetry_number": (1, 1_000),
}
# The largest number of characters, or of parts.
_LENGTHS: Mapping[str, int] = {
    "charge_origin": 255,
    "unpaired_origin": 255,
    "engine_version": 32,
    "solvent": 40,
    "frozen_atoms": MAX_ATOMS,
    "program_input": names.MAX_PROGRAM_INPUT_BYTES,
    "program_options": names.MAX_PROGRAM_OPTIONS,
    "retry_of": 32,
    "symbols": MAX_ATOMS,
    "positions_angstrom": MAX_ATOMS,
    "file": 4_096,
    "sha256": 64,
    "job": 32,
    # No structure has electrons for this many bonds.
    "bond_orders": 16 * MAX_ATOMS,
    "broken": 16 * MAX_ATOMS,
    "formed": 16 * MAX_ATOMS,
}


def _keep_in_bounds(part: ChemistrySpec | Structure | Source | FirstInput) -> None:
    """Refuse numbers out of their ranges, and fields that are too long.

    Raises:
        ValueError: there is such a field; it is named first.
    """
    for name in part.__slots__:
        if name in _RANGES:
            value, (least, most) = getattr(part, name), _RANGES[name]
            if value is not None and not least <= value <= most:
                raise ValueError(f"{name}: from {least:g} to {most:g} is allowed, not {value}")
        elif name in _LENGTHS and len(getattr(part, name)) > _LENGTHS[name]:
            raise ValueError(f"{name}: longer than {_LENGTHS[name]}")


def _keep_short(name: str, words: tuple[str, ...], most: int) -> None:
    if max(map(len, words), default=0) > most:
        raise ValueError(f"{name}: one is longer than {most} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Atoms: element symbols, and positions in Å of shape (atoms, 3); of a crystal the cell's vectors too."""

    symbols: tuple[str, ...]
    positions_angstrom: tuple[Vector, ...]
    # The rows are a, b and c, all three periodic; None: a molecule.
    lattice_angstrom: Lattice | None = None

    __pydantic_config__: ClassVar = _STRICT

    def __post_init__(self) -> None:
        """Keep it in bounds.

        Raises:
            ValueError: there are too many atoms, or a symbol is too long.
        """
        _keep_in_bounds(self)
        _keep_short("symbols", self.symbols, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstInput:
    """The first input of a chain of jobs, each of which starts from the final geometry of the one before.

    The bonds of later jobs are compared with its bonds.
    """

    job: str  # the id of the job whose input it was
    bond_orders: tuple[BondOrder, ...]  # those of `LEAST_BOND_ORDER` and more
    # The changes at the geometry that is used, for methods without bond orders.
    broken: tuple[Pair, ...] = ()
    formed: tuple[Pair, ...] = ()

    __pydantic_config__: ClassVar = _STRICT

    def __post_init__(self) -> None:
        """Keep it in bounds.

        Raises:
            ValueError: a text or a list is too long.
        """
        _keep_in_bounds(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The origin of a structure."""

    file: str = ""
    frame: int | None = None
    sha256: str = ""  # of the input's bytes
    job: str = ""  # the id of the job whose geometry it is; empty: none
    first_input: FirstInput | None = None  # of the chain of jobs; None: this structure, or bonds are unknown

    __pydantic_config__: ClassVar = _STRICT

    def __post_init__(self) -> None:
        """Keep it in bounds.

        Raises:
            ValueError: a text is too long.
        """
        _keep_in_bounds(self)


class NotFinite(ValueError):
    """Raised for a number that is not finite."""


def bounded(value: Any, depth: int = MAX_JSON_DEPTH) -> None:
    """Check that a JSON value is nested at most `depth` deep and that its numbers are finite.

    Raises:
        NotFinite: a number is not finite.
        ValueError: it is deeper.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise NotFinite("a number is not finite")
    if isinstance(value, dict | list):
        if not depth:
            raise ValueError(f"nested deeper than {MAX_JSON_DEPTH}")
        for inner in value.values() if isinstance(value, dict) else value:
            bounded(inner, depth - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoSpec:
    """The specification of an echo job, which returns its payload."""

    kind: Literal["echo"] = "echo"
    payload: Any = None  # a JSON value

    __pydantic_config__: ClassVar = _STRICT

    def __post_init__(self) -> None:
        """Keep it in bounds.

        Raises:
            ValueError: a number is not finite, or it is nested too deep.
        """
        bounded(self.payload)


ChemistryKind = Literal["sp", "grad", "opt", "hess", "ohess", "bhess"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChemistrySpec:
    """One calculation of one structure."""

    kind: ChemistryKind
    structure: Structure
    charge: int = 0
    unpaired: int = 0
    charge_origin: str = "default"
    unpaired_origin: str = "default"
    method: Method = Method.GFN2
    engine: EngineName = EngineName.XTB
    engine_version: str = ""  # empty: that of the worker
    opt_level: OptLevel | None = None  # opt, ohess, bhess only; None: normal, and tight before frequencies
    solvation: Solvation | None = None  # the model; None: gas phase
    solvent: str = ""  # as `workers.engine.molecule.solvents` spells it
    spin_polarised: bool = False
    accuracy: float = 1.0
    electronic_temperature_k: float = 300.0
    iterations: int = 250
    cycles: int | None = None  # optimiser steps; None: by size, as xtb
    # Atoms that an optimisation may not move, from 1.
    frozen_atoms: tuple[int, ...] = ()
    temperature_k: float = names.TEMPERATURE_K  # of thermochemistry
    pressure_pa: float = names.PRESSURE_PA
    symmetry_number: int | None = None  # None: detected
    # Passed to the xtb program unchanged (`workers.engine.program_options`): the text of its input file, and
    # options.
    program_input: str = ""
    program_options: tuple[str, ...] = ()
    source: Source = Source()
    # The positions will be the final ones of `source.job`; until then those of the structure are used.
    awaits_geometry: bool = False
    close_contacts: bool = False  # allow atoms that are very close to each other
    retry_of: str = ""  # the id of the job that it retries from its last geometry

    __pydantic_config__: ClassVar = _STRICT

    def __post_init__(self) -> None:
        """Keep it in bounds.

        Raises:
            ValueError: a number is out of its range, a text too long, or a solvent without a model of
                solvation or the reverse.
        """
        _keep_in_bounds(self)
        _keep_short("program_options", self.program_options, 64)
        if self.frozen_atoms and min(self.frozen_atoms) < 1:
            raise ValueError("frozen_atoms: atoms are counted from 1")
        if bool(self.solvent) != (self.solvation is not None):
            raise ValueError("a model of solvation and a solvent belong together")

    @property
    def engine_key(self) -> str:
        """The engine and, where one is pinned, its major.minor version: `xtb@22.1`."""
        return engine_key(self.engine, self.engine_version)


def engine_key(engine: str, version: str) -> str:
    """Return the key of an engine, to which jobs are pinned and which workers offer.

    A worker offers both the bare name and the name with its major.minor version.
    """
    return f"{engine}@{'.'.join(version.split('.')[:2])}" if version else engine


def written(spec: ChemistrySpec) -> str:
    """Write a specification as the JSON that a store keeps.

    Raises:
        ValueError: it holds half of a surrogate pair.
    """
    text = json.dumps(spec, default=plain_fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text.encode()
    return text


def plain_fields(part: ChemistrySpec | Structure | Source | FirstInput) -> dict[str, Any]:
    """Return the fields of a part, without newer ones that have their default, so that digests stay equal."""
    found = {name: getattr(part, name) for name in part.__slots__}
    if found.get("close_contacts") is False:
        del found["close_contacts"]
    for name in ("lattice_angstrom", "first_input"):
        if name in found and found[name] is None:
            del found[name]
    return found
