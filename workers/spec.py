"""What was asked: typed once, here, from text that came from outside.

These models are the only way into a store.  They are strict: no field that is not named here, finite numbers
only, bounded sizes.  Whether a structure can be computed is `workers.engine.checks`' question.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from workers import names

MAX_ATOMS = 1_000
MAX_SPEC_BYTES = 1024**2
MAX_JSON_DEPTH = 32

Vector = tuple[float, float, float]


def bounded(value: JsonValue, depth: int = MAX_JSON_DEPTH) -> JsonValue:
    """Hand a JSON value on if it is nested at most `depth` deep and its numbers are finite.

    Raises:
        PydanticCustomError: a number is not finite.
        ValueError: it is deeper.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("finite_number", "a number is not finite")
    if isinstance(value, dict | list):
        if not depth:
            raise ValueError(f"nested deeper than {MAX_JSON_DEPTH}")
        for inner in value.values() if isinstance(value, dict) else value:
            bounded(inner, depth - 1)
    return value


Payload = Annotated[JsonValue, AfterValidator(bounded)]


class Strict(BaseModel):
    """Frozen, and closed to fields and numbers it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


OptLevel = names.OptLevel
Method = names.Method
EngineName = names.EngineName
Solvation = names.Solvation


class Structure(Strict):
    """Atoms: element symbols, and positions in Å of shape (atoms, 3)."""

    symbols: Annotated[tuple[Annotated[str, Field(max_length=3)], ...], Field(max_length=MAX_ATOMS)]
    positions_angstrom: Annotated[tuple[Vector, ...], Field(max_length=MAX_ATOMS)]


class Source(Strict):
    """Where a structure came from."""

    file: Annotated[str, Field(max_length=4096)] = ""
    frame: int | None = None
    sha256: Annotated[str, Field(max_length=64)] = ""  # of the input's bytes
    job: Annotated[str, Field(max_length=32)] = ""  # the id of the job whose geometry it is; empty: none's


class EchoSpec(Strict):
    """The smallest job: it returns its payload."""

    kind: Literal["echo"] = "echo"
    payload: Payload = None


ChemistryKind = Literal["sp", "grad", "opt", "hess", "ohess", "bhess"]


class ChemistrySpec(Strict):
    """One calculation of one structure."""

    kind: ChemistryKind
    structure: Structure
    charge: Annotated[int, Field(ge=-1_000, le=1_000)] = 0
    unpaired: Annotated[int, Field(ge=0, le=1_000)] = 0
    charge_origin: Annotated[str, Field(max_length=255)] = "default"
    unpaired_origin: Annotated[str, Field(max_length=255)] = "default"
    method: Method = Method.GFN2
    engine: EngineName = EngineName.XTB
    engine_version: Annotated[str, Field(max_length=32)] = ""  # "" : whatever the worker has
    opt_level: OptLevel | None = None  # opt, ohess, bhess only; None: normal, and tight before frequencies
    solvation: Solvation | None = None  # the model; None: gas phase
    solvent: Annotated[str, Field(max_length=40)] = ""  # as `workers.engine.solvents` spells it
    spin_polarised: bool = False
    accuracy: Annotated[float, Field(ge=1e-4, le=1e3)] = 1.0
    electronic_temperature_k: Annotated[float, Field(gt=0, le=1e5)] = 300.0
    iterations: Annotated[int, Field(ge=1, le=10_000)] = 250
    cycles: Annotated[int, Field(ge=1, le=100_000)] | None = None  # optimiser steps; None: by size, as xtb
    # Atoms that an optimisation may not move, from 1.
    frozen_atoms: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=MAX_ATOMS)] = ()
    temperature_k: Annotated[float, Field(gt=0, le=1e5)] = 298.15  # of thermochemistry
    pressure_pa: Annotated[float, Field(gt=0, le=1e12)] = 101_325.0
    symmetry_number: Annotated[int, Field(ge=1, le=1_000)] | None = None  # None: detected
    # For the xtb program, as they are (`workers.engine.passed_on`): the text of its input file, and options.
    program_input: Annotated[str, Field(max_length=names.MAX_PROGRAM_INPUT_BYTES)] = ""
    program_options: Annotated[
        tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=names.MAX_PROGRAM_OPTIONS)
    ] = ()
    source: Source = Source()
    # The positions are to be those `source.job` ends with; until then the structure stands in for them.
    awaits_geometry: bool = False
    retry_of: Annotated[str, Field(max_length=32)] = ""  # the id of the job that it tries again from its end

    @model_validator(mode="after")
    def _names_its_solvent(self) -> ChemistrySpec:
        if bool(self.solvent) != (self.solvation is not None):
            raise ValueError("a model of solvation and a solvent belong together")
        return self

    @property
    def engine_key(self) -> str:
        """The engine and, where one is pinned, its major.minor version: `xtb@22.1`."""
        return engine_key(self.engine, self.engine_version)


JobSpec = Annotated[EchoSpec | ChemistrySpec, Field(discriminator="kind")]
SPEC: TypeAdapter[EchoSpec | ChemistrySpec] = TypeAdapter(JobSpec)


def engine_key(engine: str, version: str) -> str:
    """Name an engine as jobs are pinned to it and workers offer it.

    A worker offers both the bare name and the name with its major.minor version.
    """
    return f"{engine}@{'.'.join(version.split('.')[:2])}" if version else engine


class XtbInputs(Strict):
    """The `inputs` of an `opt_properties` request."""

    xyz: Annotated[str, Field(max_length=MAX_SPEC_BYTES)]
    charge: int = 0
    multiplicity: Annotated[int, Field(ge=1, le=1_001)] = 1
    params: XtbParams


class XtbParams(Strict):
    """The `params` of an `opt_properties` request."""

    gfn: Literal[1, 2] = 2
    opt: bool = True
    opt_level: OptLevel | None = None  # None: normal, and tight before frequencies
    frequencies: bool = False
    alpb: Annotated[str, Field(max_length=40)] | None = None
    gbsa: Annotated[str, Field(max_length=40)] | None = None
    spinpol: bool = False
    temperature_k: float = 298.15
    pressure_pa: float = 101_325.0
    accuracy: float = 1.0
    electronic_temperature_k: float = 300.0
    iterations: int = 250
    cycles: int | None = None
    freeze: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=MAX_ATOMS)] = ()


XtbInputs.model_rebuild()


class EchoRequest(Strict):
    """A request for an echo job, as JSON hands it over."""

    kind: Literal["echo"]
    payload: Payload = None
    name: Annotated[str, Field(max_length=255)] = ""


class XtbRequest(Strict):
    """A request for a calculation, as JSON hands it over."""

    engine: Literal["xtb"]
    kind: Literal["opt_properties"]
    inputs: XtbInputs
    name: Annotated[str, Field(max_length=255)] = ""


JobRequest = Annotated[EchoRequest | XtbRequest, Field(discriminator="kind")]
REQUEST: TypeAdapter[EchoRequest | XtbRequest] = TypeAdapter(JobRequest, config=ConfigDict(defer_build=True))
