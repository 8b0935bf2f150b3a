"""`benchmarks.soak.gather`: what a soak finds in a store at its end."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from benchmarks.soak.gather import miscounted, records
from tests.support.stores import BOB, new_job, submit
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.store.base import Store


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """An empty local store."""
    with closing(SqliteStore.open(home)) as opened:
        yield opened


def test_counts_that_are_not_those_of_the_records_are_found(store: Store) -> None:
    """
    Of each owner and each batch, the jobs are counted again.
    """
    submit(store, new_job(batch="b"), new_job(batch="c"), new_job(owner=BOB))
    known = records(store)
    assert [] == list(miscounted(store, known))

    submit(store, new_job(batch="b", owner=BOB))
    assert [f"owner {BOB}", "batch b"] == list(miscounted(store, known))
