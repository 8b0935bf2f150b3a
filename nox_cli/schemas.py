"""JSON Schemas of the documents that nox writes and reads."""

from __future__ import annotations

from enum import StrEnum
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Struct
    from pydantic import BaseModel

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


class DocumentName(StrEnum):
    """A document that has a schema."""

    RESULT = "result"  # what an engine returns: `result` of `nox status --raw`
    OUTCOME = "outcome"  # how an attempt ended: the result, the failure, the warnings
    JOB = "job"  # what was asked: `spec` of `nox status --raw`
    REQUEST = "request"  # what `nox submit` reads from .json
    RECORD = "record"  # a job as `nox list` shows it
    EVENT = "event"  # a line of `nox events` on a job
    ALLOCATION_EVENT = "allocation_event"  # a line of `nox events` on an allocation
    SUBMITTED = "submitted"  # what `nox submit --json` prints
    STATUS = "status"  # what `nox status JOB --json` prints
    ROW = "row"  # a row of `nox results`
    CHANGE = "change"  # a line of `nox watch --json`
    CHANGES = "changes"  # what `nox hold`, `release`, `set` and `retry` print with --json
    WAIT = "wait"  # what `nox wait --json` prints
    EXPLANATION = "explanation"  # what `nox explain JOB --json` prints
    WORKER = "worker"  # a worker in `nox worker list --json`


class Schema(NamedTuple):
    """A JSON Schema (draft 2020-12)."""

    schema: Mapping[str, Any]


def schema_of(name: DocumentName) -> Schema:
    """Derive the schema from the models that check such documents."""
    from pydantic import TypeAdapter

    from nox_cli.changes.json_objects import ChangesRecord
    from nox_cli.results.json_objects import (
        AllocationEventRecord,
        EventRecord,
        JobRecord,
        PublicJob,
        ResultRow,
        Submitted,
    )
    from nox_cli.watch.json_objects import ChangeRecord, Explanation, WaitRecord, WorkerRecord
    from workers.documents import REQUEST, SPEC
    from workers.result import ChemistryResult, EchoResult, OutcomeRecord

    # What is read may leave defaults out; what is written has every field.
    if name is DocumentName.REQUEST:
        found = REQUEST.json_schema(mode="validation")
    else:
        written: dict[DocumentName, Any] = {
            DocumentName.RESULT: TypeAdapter(_modelled(EchoResult | ChemistryResult)),
            DocumentName.OUTCOME: TypeAdapter(_modelled(OutcomeRecord)),
            DocumentName.JOB: SPEC,
            DocumentName.RECORD: TypeAdapter(JobRecord),
            DocumentName.EVENT: TypeAdapter(EventRecord),
            DocumentName.ALLOCATION_EVENT: TypeAdapter(AllocationEventRecord),
            DocumentName.SUBMITTED: TypeAdapter(Submitted),
            DocumentName.STATUS: TypeAdapter(PublicJob),
            DocumentName.ROW: TypeAdapter(ResultRow),
            DocumentName.CHANGE: TypeAdapter(ChangeRecord),
            DocumentName.CHANGES: TypeAdapter(ChangesRecord),
            DocumentName.WAIT: TypeAdapter(WaitRecord),
            DocumentName.EXPLANATION: TypeAdapter(Explanation),
            DocumentName.WORKER: TypeAdapter(WorkerRecord),
        }
        found = written[name].json_schema(mode="serialization")
    return Schema({"$schema": _DRAFT} | found | {"title": f"nox {name}"})


def _modelled(kind: Any) -> Any:
    """Return the pydantic model of a record of `workers.result`, or a type with models for such records."""
    import msgspec
    from pydantic import Field

    arguments = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _model(kind)
    if get_origin(kind) is Annotated:
        length = arguments[1].max_length
        return Annotated[_modelled(arguments[0]), Field(max_length=length)]
    if get_origin(kind) is tuple:
        return tuple.__class_getitem__(tuple(part if part is ... else _modelled(part) for part in arguments))
    if get_origin(kind) in {Union, UnionType}:
        union = reduce(or_, map(_modelled, arguments))
        records = [part for part in arguments if isinstance(part, type) and issubclass(part, msgspec.Struct)]
        return Annotated[union, Field(discriminator="kind")] if len(records) > 1 else union
    return kind


@cache
def _model(record: type[Struct]) -> type[BaseModel]:
    """Make the model of a record."""
    import msgspec
    from pydantic import ConfigDict, Field, JsonValue, create_model

    from workers.names import Solvation
    from workers.result import NOTHING, ChemistryResult, EchoResult, OutcomeRecord

    # What the types of msgspec cannot express.
    shown: Mapping[tuple[type, str], Any] = {
        (EchoResult, "payload"): JsonValue,
        (ChemistryResult, "solvation"): Solvation | Literal["cosmo"] | None,
        (OutcomeRecord, "result"): EchoResult | ChemistryResult | None,
    }
    hints = get_type_hints(record, include_extras=True)
    made: dict[str, Any] = {}
    for field in msgspec.structs.fields(record):
        hint = shown.get((record, field.name), hints[field.name])
        default = ... if field.required else None if field.default == NOTHING else field.default
        made[field.name] = (_modelled(hint), Field(default, alias=field.encode_name))
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    model: type[BaseModel] = create_model(record.__name__, __config__=config, __doc__=record.__doc__, **made)
    return model
