"""`nox schema NAME`: the JSON Schema of a document nox writes or reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping


_DRAFT = "https://json-schema.org/draft/2020-12/schema"


class Name(StrEnum):
    """A document with a schema."""

    RESULT = "result"  # what an engine returns: `result` of `nox status --raw`
    OUTCOME = "outcome"  # how an attempt ended: the result, the failure, the warnings
    JOB = "job"  # what was asked: `spec` of `nox status --raw`
    REQUEST = "request"  # what `nox submit` reads from .json


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema (draft 2020-12)."""

    schema: Mapping[str, Any]


def run(name: Name) -> Schema:
    """Derive the schema from the models that check such documents."""
    from pydantic import TypeAdapter

    from workers.documents import REQUEST, SPEC
    from workers.result import RESULT, OutcomeRecord

    # What is read may leave defaults out; what is written has every field.
    outcome: TypeAdapter[Any] = TypeAdapter(OutcomeRecord)
    found = {
        Name.RESULT: lambda: RESULT.json_schema(mode="serialization"),
        Name.OUTCOME: lambda: outcome.json_schema(mode="serialization"),
        Name.JOB: lambda: SPEC.json_schema(mode="serialization"),
        Name.REQUEST: lambda: REQUEST.json_schema(mode="validation"),
    }[name]()
    return Schema({"$schema": _DRAFT} | found | {"title": f"nox {name}"})


def command(
    name: Annotated[Name, typer.Argument(metavar="NAME", help="result, outcome, job or request.")],
) -> Schema:
    """Print the JSON Schema of results, outcomes, jobs or requests."""
    return run(name)
