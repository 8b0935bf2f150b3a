"""Every attribute of the table `workers.job.FIELDS` is written and read by each store."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import redis

from tests.support.stores import new_job, submit
from workers.job import CLIENT_FIELDS, FIELDS, PROGRESS_FIELDS, Field, Job, JobState, Progress, Reason
from workers.store.sqlite.store import FILE

if TYPE_CHECKING:
    from workers.store.base import Store
    from workers.store.settings import StoreSettings

VALUES: dict[str, Any] = {
    "text": "a text",
    "whole": 7,
    "integer": -7,
    "number": -0.25,
    "flag": True,
    "state": JobState.FAILED,
    "reason": Reason.SCF,
    "reasons": frozenset({Reason.CRASHED, Reason.SCF}),
    "tags": {"project": "zeolites"},
}
WHATEVER_ITS_VALUE = ("id", "number")


def sample(field: Field) -> Any:
    """Make a value that is not the attribute's default."""
    value = VALUES[field.kind]
    assert value != Job._field_defaults.get(field.name)
    return value


def stored(value: Any) -> str | int | float:
    """Write a value as both stores keep it."""
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    if isinstance(value, dict):
        return json.dumps(value)
    return int(value) if isinstance(value, bool) else value


def overwrite(settings: StoreSettings, job_id: str, values: dict[Field, Any]) -> None:
    """Put values into a job's record, past the store."""
    if settings.redis_url is not None:
        with redis.Redis.from_url(settings.redis_url) as client:
            client.hset(
                f"nox:job:{job_id}", mapping={one.redis: stored(value) for one, value in values.items()}
            )
        return
    columns = ", ".join(f"{field.sql} = ?" for field in values)
    with closing(sqlite3.connect(settings.home / FILE)) as database, database:
        parameters = [*map(stored, values.values()), bytes.fromhex(job_id)]
        database.execute(f"UPDATE jobs SET {columns} WHERE id = ?", parameters)


def test_store_keeps_each_attribute_that_a_client_sets(store: Store) -> None:
    """
    A job has each value that was submitted, none of which is the default.
    """
    asked = {field.name: sample(field) for field in CLIENT_FIELDS if field.name != "id"}
    (job_id,) = submit(store, new_job(**asked))
    job = store.get(job_id)

    assert asked == {name: getattr(job, name) for name in asked}


def test_store_reads_each_attribute_of_a_record(store: Store, settings: StoreSettings) -> None:
    """
    Every attribute has a place in a record, and its value is read from there.
    """
    (job_id,) = submit(store, new_job())
    values = {field: sample(field) for field in FIELDS if field.name not in WHATEVER_ITS_VALUE}
    progress = {field: VALUES[field.kind] for field in PROGRESS_FIELDS}
    overwrite(settings, job_id, {**values, **progress})
    job = store.get(job_id)

    assert {field.name: value for field, value in values.items()} == {
        field.name: getattr(job, field.name) for field in values
    }
    assert job.progress == Progress(**{field.name: value for field, value in progress.items()})
