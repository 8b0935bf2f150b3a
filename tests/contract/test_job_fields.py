"""The table of a job's attributes agrees with the classes of jobs and with what the stores keep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from workers.job import CLIENT_FIELDS, FIELDS, PROGRESS_FIELDS, Field, Job, NewJob, Progress
from workers.store.sqlite.statements import SQL

if TYPE_CHECKING:
    from collections.abc import Mapping

# The types that the values of each kind may have, besides None.
TYPES = {
    "id": "str",
    "text": "str",
    "whole": "int",
    "integer": "int",
    "number": "float",
    "flag": "bool",
    "state": "JobState",
    "reason": "Reason",
    "reasons": "frozenset[Reason]",
    "tags": "Mapping[str, str]",
}


def types(record: type[NamedTuple]) -> Mapping[str, str]:
    """Read the types of a record's attributes, as they are written."""
    return {name: found.__forward_arg__ for name, found in record.__annotations__.items()}


def test_fields_are_the_attributes_of_a_job() -> None:
    """
    The table has each attribute of a job once, in the same order; only its progress has a table of its own.
    """
    assert Job._fields == (*(field.name for field in FIELDS), "progress")
    assert Progress._fields == tuple(field.name for field in PROGRESS_FIELDS)


@pytest.mark.parametrize(("record", "fields"), [(Job, FIELDS), (Progress, PROGRESS_FIELDS)])
def test_fields_have_the_types_of_the_attributes(record: type[NamedTuple], fields: tuple[Field, ...]) -> None:
    """
    An attribute has the type of its kind, or None where that is its default.
    """
    defaults = record._field_defaults
    expected = {
        one.name: TYPES[one.kind] + (" | None" if defaults.get(one.name, 0) is None else "") for one in fields
    }

    assert expected == {name: types(record)[name] for name in expected}


def test_fields_that_clients_set_are_those_of_a_new_job() -> None:
    """
    `NewJob` has them with the types of `Job`, and with its defaults, or none.
    """
    names = {field.name for field in CLIENT_FIELDS}
    shared = {name for name in NewJob._fields if name in Job._fields and name != "parents"}

    assert names == shared
    assert {name: types(Job)[name] for name in names} == {name: types(NewJob)[name] for name in names}
    for name in names & NewJob._field_defaults.keys():
        assert NewJob._field_defaults[name] == Job._field_defaults[name]


def test_fields_have_places_of_their_own() -> None:
    """
    No two share a name in Redis, and the local store has a column for each, in its schema or added later.
    """
    fields = (*FIELDS, *PROGRESS_FIELDS)
    table = re.search(r"CREATE TABLE jobs \((.*?)\n\);", (SQL / "schema.sql").read_text(), re.DOTALL)
    assert table is not None
    columns = set(re.findall(r"^    (\w+) ", table[1], re.MULTILINE))

    assert len(fields) == len({field.redis for field in fields})
    assert len(fields) == len({field.sql for field in fields})
    assert {field.sql for field in fields if not field.since} <= columns
    assert columns.isdisjoint(field.sql for field in fields if field.since)
