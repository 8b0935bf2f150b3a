"""`workers.store.sqlite.submit`: what belongs to the newest submit, however it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import ADA, BOB, new_job
from workers.errors import InputRefused, StoreFull, SubmitCut
from workers.store.base import SUBMIT_CHUNK
from workers.store.sqlite import submit
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.job import NewJob


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


def jobs(count: int, owner: str = ADA) -> list[NewJob]:
    """Make jobs."""
    return [new_job(owner=owner) for _ in range(count)]


def ids(of: list[NewJob]) -> list[str]:
    """Name jobs."""
    return [job.id for job in of]


def test_submits_that_interleave_stay_apart(store: SqliteStore) -> None:
    """
    Two processes of one owner submit in parts at once: the newest submit is the one that began last, whole.
    """
    first, second = jobs(6), jobs(6)
    for part in range(0, 6, 2):
        store.submit(first[part : part + 2], submission="first")
        store.submit(second[part : part + 2], submission="second")

    assert ids(second) == store.last(ADA)


def test_a_repeated_call_is_not_noted_twice(store: SqliteStore) -> None:
    """
    A submit that was repeated, in whole, in part or overlapping, names each job once and in order.
    """
    wanted = jobs(5)
    store.submit(wanted[:3], submission="one")
    store.submit(wanted[1:4], submission="one")
    store.submit(wanted, submission="one")
    store.submit([wanted[0], wanted[0]], submission="one")

    assert ids(wanted) == store.last(ADA)


def test_a_new_submit_of_old_jobs_names_them(store: SqliteStore) -> None:
    """
    Jobs that were stored before belong to the newest submit too, in the order they were given.
    """
    old, new = jobs(3), jobs(2)
    store.submit(old, submission="one")
    mixed = [old[2], new[0], old[0], new[1]]
    accepted = store.submit(mixed, submission="two")

    assert [True, False, True, False] == [answer.existing for answer in accepted]
    assert ids(mixed) == store.last(ADA)


def test_a_submit_may_hold_jobs_of_several_owners(store: SqliteStore) -> None:
    """
    Each owner's newest submit has that owner's jobs.
    """
    mixed = [*jobs(2), *jobs(2, BOB), *jobs(1)]
    store.submit(mixed, submission="one")

    assert [mixed[0].id, mixed[1].id, mixed[4].id] == store.last(ADA)
    assert ids(mixed[2:4]) == store.last(BOB)


def test_old_submits_are_forgotten(store: SqliteStore) -> None:
    """
    What is kept to answer for the newest submit does not grow with the number of submits.
    """
    for i in range(30):
        store.submit(jobs(2), submission=f"{i}")
    with store._database.read() as connection:
        counted = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("submits", "submit_ranges")
        ]

    assert [8, 8] == counted


def test_submit_one_job_twice_in_a_submit_is_one_job(store: SqliteStore) -> None:
    """
    The same id and digest again is the same job; with another digest nothing is stored.
    """
    (job,) = jobs(1)
    other = new_job(id=job.id, digest="another")

    with pytest.raises(InputRefused, match="asks for something else"):
        store.submit([job, other], submission="one")
    assert {} == dict(store.counts())
    first, again = store.submit([job, job], submission="two")
    assert (first.number, False, True) == (again.number, first.existing, again.existing)


def test_a_submit_that_was_cut_names_what_is_stored(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If the second step fails, the first stays: its ids are told, and the same submit stores the rest.
    """
    wanted = jobs(SUBMIT_CHUNK + 5)
    real = submit.store
    calls: list[int] = []

    def fail_late(*args: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise StoreFull("disk full", hint="free some space")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(submit, "store", fail_late)
    with pytest.raises(SubmitCut) as caught:
        store.submit(wanted, submission="one")
    kept = ids(wanted[:SUBMIT_CHUNK])

    assert tuple(kept) == caught.value.stored
    assert "the submit was cut: disk full; 200 of 205 jobs are stored" == caught.value.message
    assert kept == store.last(ADA)
    accepted = store.submit(wanted, submission="one")
    assert [True] * SUBMIT_CHUNK + [False] * 5 == [answer.existing for answer in accepted]
    assert ids(wanted) == store.last(ADA)
