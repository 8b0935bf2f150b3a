"""JSON Schemas of the documents that nox writes and reads."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


class DocumentName(StrEnum):
    """A document that has a schema."""

    RESULT = "result"  # what an engine returns: `result` of `nox status --raw`
    OUTCOME = "outcome"  # how an attempt ended: the result, the failure, the warnings
    JOB = "job"  # what was asked: `spec` of `nox status --raw`
    REQUEST = "request"  # what `nox submit` reads from .json
    RECORD = "record"  # a job as `nox list` shows it
    EVENT = "event"  # a line of `nox events`
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
    from nox_cli.results.json_objects import EventRecord, JobRecord, PublicJob, ResultRow, Submitted
    from nox_cli.watch.json_objects import ChangeRecord, Explanation, WaitRecord, WorkerRecord
    from workers.documents import REQUEST, SPEC
    from workers.result import RESULT, OutcomeRecord

    # What is read may leave defaults out; what is written has every field.
    if name is DocumentName.REQUEST:
        found = REQUEST.json_schema(mode="validation")
    else:
        written: dict[DocumentName, Any] = {
            DocumentName.RESULT: RESULT,
            DocumentName.OUTCOME: TypeAdapter(OutcomeRecord),
            DocumentName.JOB: SPEC,
            DocumentName.RECORD: TypeAdapter(JobRecord),
            DocumentName.EVENT: TypeAdapter(EventRecord),
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
