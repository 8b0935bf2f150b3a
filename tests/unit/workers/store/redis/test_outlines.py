"""Outlines in Redis: fields that only another program can have written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

from tests.support.stores import submit_named
from workers.job import JobState
from workers.store.opening import open_store
from workers.store.settings import StoreSettings
from workers.store.values import Query, outline_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("r", "banana"),
        ("ro", "crashed,banana"),
        ("pe", "low"),
        ("pf", "nan"),
        ("ps", "1.5"),
        ("at", "x"),
        ("nm", b"\xff"),
        ("c", ""),
    ],
)
def test_an_outline_knows_what_cannot_be_read(
    redis_url: str, home: Path, field: str, value: str | bytes
) -> None:
    """Whatever makes the whole record damaged makes its outline failed."""
    store = open_store(StoreSettings(redis_url, "nox:", home))
    ids = submit_named(store, "a b")
    with redis.Redis.from_url(redis_url) as client:
        client.hset(f"nox:job:{ids[0]}", field, value)
    jobs = [outline_of(job) for job in store.get_many(ids)]

    assert JobState.FAILED is jobs[0].state
    assert [job[:5] for job in jobs] == [job[:5] for job in store.outlines(ids)]
    assert [job.id for job in jobs] == [job.id for job in store.outline_page(Query(descending=False)).items]
    store.close()
