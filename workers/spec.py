"""What is asked of a calculation, typed: plain data, so that a command that hands it over is quick to load.

Whoever makes one here has checked what it holds; what comes from outside, the record of a store too, is typed
and checked by `workers.documents`.  Whether a structure can be computed is `workers.engine.checks`' question.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le, MaxLen

from workers import names

MAX_ATOMS = 1_000
MAX_SPEC_BYTES = 1024**2

Vector = tuple[float, float, float]

OptLevel = names.OptLevel
Method = names.Method
EngineName = names.EngineName
Solvation = names.Solvation

# How `workers.documents` reads all of these: closed to fields and numbers they do not know.
_STRICT = {"extra": "forbid", "allow_inf_nan": False}

Text = Annotated[str, MaxLen(255)]
JobId = Annotated[str, MaxLen(32)]
AtomNumbers = Annotated[tuple[Annotated[int, Ge(1)], ...], MaxLen(MAX_ATOMS)]
Charge = Annotated[int, Ge(-1_000), Le(1_000)]
Accuracy = Annotated[float, Ge(1e-4), Le(1e3)]
Kelvin = Annotated[float, Gt(0), Le(1e5)]
Pascal = Annotated[float, Gt(0), Le(1e12)]
Iterations = Annotated[int, Ge(1), Le(10_000)]
Cycles = Annotated[int, Ge(1), Le(100_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Atoms: element symbols, and positions in Å of shape (atoms, 3)."""

    symbols: Annotated[tuple[Annotated[str, MaxLen(3)], ...], MaxLen(MAX_ATOMS)]
    positions_angstrom: Annotated[tuple[Vector, ...], MaxLen(MAX_ATOMS)]

    __pydantic_config__: ClassVar = _STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a structure came from."""

    file: Annotated[str, MaxLen(4096)] = ""
    frame: int | None = None
    sha256: Annotated[str, MaxLen(64)] = ""  # of the input's bytes
    job: JobId = ""  # the id of the job whose geometry it is; empty: none's

    __pydantic_config__: ClassVar = _STRICT


ChemistryKind = Literal["sp", "grad", "opt", "hess", "ohess", "bhess"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChemistrySpec:
    """One calculation of one structure."""

    kind: ChemistryKind
    structure: Structure
    charge: Charge = 0
    unpaired: Annotated[int, Ge(0), Le(1_000)] = 0
    charge_origin: Text = "default"
    unpaired_origin: Text = "default"
    method: Method = Method.GFN2
    engine: EngineName = EngineName.XTB
    engine_version: Annotated[str, MaxLen(32)] = ""  # "" : whatever the worker has
    opt_level: OptLevel | None = None  # opt, ohess, bhess only; None: normal, and tight before frequencies
    solvation: Solvation | None = None  # the model; None: gas phase
    solvent: Annotated[str, MaxLen(40)] = ""  # as `workers.engine.solvents` spells it
    spin_polarised: bool = False
    accuracy: Accuracy = 1.0
    electronic_temperature_k: Kelvin = 300.0
    iterations: Iterations = 250
    cycles: Cycles | None = None  # optimiser steps; None: by size, as xtb
    # Atoms that an optimisation may not move, from 1.
    frozen_atoms: AtomNumbers = ()
    temperature_k: Kelvin = 298.15  # of thermochemistry
    pressure_pa: Pascal = 101_325.0
    symmetry_number: Annotated[int, Ge(1), Le(1_000)] | None = None  # None: detected
    # For the xtb program, as they are (`workers.engine.passed_on`): the text of its input file, and options.
    program_input: Annotated[str, MaxLen(names.MAX_PROGRAM_INPUT_BYTES)] = ""
    program_options: Annotated[tuple[Annotated[str, MaxLen(64)], ...], MaxLen(names.MAX_PROGRAM_OPTIONS)] = ()
    source: Source = Source()
    # The positions are to be those `source.job` ends with; until then the structure stands in for them.
    awaits_geometry: bool = False
    retry_of: JobId = ""  # the id of the job that it tries again from its end

    __pydantic_config__: ClassVar = _STRICT

    def __post_init__(self) -> None:
        """Refuse a model of solvation without a solvent, and the reverse.

        Raises:
            ValueError: they do not belong together.
        """
        if bool(self.solvent) != (self.solvation is not None):
            raise ValueError("a model of solvation and a solvent belong together")

    @property
    def engine_key(self) -> str:
        """The engine and, where one is pinned, its major.minor version: `xtb@22.1`."""
        return engine_key(self.engine, self.engine_version)


def engine_key(engine: str, version: str) -> str:
    """Name an engine as jobs are pinned to it and workers offer it.

    A worker offers both the bare name and the name with its major.minor version.
    """
    return f"{engine}@{'.'.join(version.split('.')[:2])}" if version else engine


def written(spec: ChemistrySpec) -> str:
    """Write a specification as the JSON that a store keeps.

    Raises:
        ValueError: it holds half of a surrogate pair.
    """
    text = json.dumps(spec, default=_fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text.encode()
    return text


def _fields(part: ChemistrySpec | Structure | Source) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__slots__}
