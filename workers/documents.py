"""Models of documents from outside: requests, and the specifications of jobs that stores hold.

These models are strict: unknown fields are refused, numbers are finite, sizes bounded.  Loading them takes
longer than most commands take, so it is left to the code that reads such documents.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter
from pydantic_core import PydanticCustomError

from workers.names import PRESSURE_PA, TEMPERATURE_K, OptLevel
from workers.spec import MAX_ATOMS, MAX_SPEC_BYTES, ChemistrySpec, EchoSpec, bounded


def _in_bounds(value: JsonValue) -> JsonValue:
    bounded(value)
    return value


def _whole(value: object) -> object:
    """Return a value if it is an integer; a literal would accept `1.0` and `true` as 1, too.

    Raises:
        PydanticCustomError: it is something else.
    """
    if type(value) is not int:
        raise PydanticCustomError("int_type", "input should be a valid integer")
    return value


Payload = Annotated[JsonValue, AfterValidator(_in_bounds)]


class Strict(BaseModel):
    """A frozen model that refuses unknown fields and numbers that are not finite."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",  # else a number that is not finite is written as null, and read as such
        defer_build=True,
    )


JobSpec = Annotated[EchoSpec | ChemistrySpec, Field(discriminator="kind")]
_DEFERRED = ConfigDict(defer_build=True)  # a worker loads these models, and reads nothing by them
SPEC: TypeAdapter[EchoSpec | ChemistrySpec] = TypeAdapter(JobSpec, config=_DEFERRED)


class StrictlyTyped(Strict):
    """A part of a request, whose types are not converted: a text is no number, a number not true or false."""

    model_config = ConfigDict(strict=True)


class XtbParams(StrictlyTyped):
    """The `params` of an `opt_properties` request."""

    gfn: Annotated[Literal[1, 2], BeforeValidator(_whole)] = 2
    opt: bool = True
    opt_level: Annotated[OptLevel, Field(strict=False)] | None = (
        None  # None: normal, and tight before frequencies
    )
    frequencies: bool = False
    alpb: Annotated[str, Field(max_length=40)] | None = None
    gbsa: Annotated[str, Field(max_length=40)] | None = None
    spinpol: bool = False
    force: bool = False
    temperature_k: float = TEMPERATURE_K
    pressure_pa: float = PRESSURE_PA
    accuracy: float = 1.0
    electronic_temperature_k: float = 300.0
    iterations: int = 250
    cycles: int | None = None
    freeze: Annotated[
        tuple[Annotated[int, Field(ge=1, strict=True)], ...], Field(max_length=MAX_ATOMS, strict=False)
    ] = ()


class XtbInputs(StrictlyTyped):
    """The `inputs` of an `opt_properties` request."""

    xyz: Annotated[str, Field(max_length=MAX_SPEC_BYTES)]
    charge: int = 0
    multiplicity: Annotated[int, Field(ge=1, le=1_001)] = 1
    params: XtbParams


class EchoRequest(StrictlyTyped):
    """A request for an echo job, as read from JSON."""

    kind: Literal["echo"]
    payload: Payload = None
    name: Annotated[str, Field(max_length=255)] = ""


class XtbRequest(StrictlyTyped):
    """A request for a calculation, as read from JSON."""

    engine: Literal["xtb"]
    kind: Literal["opt_properties"]
    inputs: XtbInputs
    name: Annotated[str, Field(max_length=255)] = ""


JobRequest = Annotated[EchoRequest | XtbRequest, Field(discriminator="kind")]
REQUEST: TypeAdapter[EchoRequest | XtbRequest] = TypeAdapter(JobRequest, config=_DEFERRED)
