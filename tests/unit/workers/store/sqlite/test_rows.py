"""`workers.store.sqlite.rows`: ids as bytes, and records that make no sense."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    artifact,
    beat,
    claim,
    claimant,
    new_job,
    outcome,
    run_to_end,
    submit,
    submit_named,
)
from workers.errors import ArtifactNotFound, InputRefused, JobNotFound
from workers.job import JobState, Progress, Reason
from workers.store.sqlite.rows import bounds, key
from workers.store.sqlite.store import FILE, SqliteStore
from workers.store.values import Query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ID = "00ab" * 8
# What a foreign hand or a flipped bit may have left in a column.
NONSENSE: list[tuple[str, object]] = [
    ("state", "banana"),
    ("state", b"queued"),
    ("state", 3),
    ("reason", "moon"),
    ("owner", b"\xff"),
    ("engine", b"x"),
    ("priority", "high"),
    ("priority", 0.5),
    ("cores", "many"),
    ("cores", -1),
    ("memory_bytes", 1.5),
    ("time_limit_s", "x"),
    ("atoms", b""),
    ("attempt", "x"),
    ("attempt", -1),
    ("round", "x"),
    ("losses", -3),
    ("retries", "x"),
    ("retried", -1),
    ("retry_on", "moon"),
    ("retry_on", b"scf"),
    ("due_ms", 0.5),
    ("cancel_requested", "no"),
    ("created_ms", "x"),
    ("created_ms", -5),
    ("started_ms", "noon"),
    ("ended_ms", 1.5),
    ("fraction", "half"),
    ("energy", b"-5"),
    ("step", "two"),
    ("tags", "{"),
    ("tags", "[1]"),
    ("tags", 5),
    ("tags", b"\xff\xfe"),
]


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


def write(home: Path, column: str, value: object, job_id: str) -> None:
    """Put a value into a record past the store."""
    with closing(sqlite3.connect(home / FILE)) as database, database:
        change = f"UPDATE jobs SET {column} = ? WHERE id = ?"
        assert 1 == database.execute(change, (value, bytes.fromhex(job_id))).rowcount


@pytest.mark.parametrize(("column", "value"), NONSENSE)
def test_nonsense_in_a_waiting_record_is_contained(
    home: Path, store: SqliteStore, column: str, value: object
) -> None:
    """
    The job appears as failed and damaged, is never handed out, and everything else goes on around it.
    """
    ids = submit_named(store, "a b c")
    write(home, column, value, ids[1])

    assert (ids[1], JobState.FAILED, Reason.DAMAGED) == _told(store, ids[1])
    assert set(ids) == {job.id for job in store.page(Query()).items}
    assert ["a", "c"] == [claim(store).job.name for _ in range(2)]
    assert store.claim(claimant()) is None
    assert (ids[1], JobState.FAILED, Reason.DAMAGED) == _told(store, ids[1])
    assert 3 == sum(store.counts().values())
    assert 3 <= len(store.events("0").items)


@pytest.mark.parametrize(("column", "value"), NONSENSE)
def test_nonsense_in_an_ended_record_is_contained(
    home: Path, store: SqliteStore, column: str, value: object
) -> None:
    """
    Reading goes on, whatever an ended record says.
    """
    a, b = submit_named(store, "a b")
    run_to_end(store, a)
    run_to_end(store, b)
    write(home, column, value, a)

    assert (a, JobState.FAILED, Reason.DAMAGED) == _told(store, a)
    assert JobState.DONE is store.get(b).state
    assert {a, b} == {job.id for job in store.page(Query()).items}
    assert "b" == store.page(Query(name_glob="b")).items[0].name


def test_damaged_jobs_are_listed_among_the_failed(home: Path, store: SqliteStore) -> None:
    """
    A state that is none counts as failed in lists and counts, before and after a claim came upon it.
    """
    a, _ = submit_named(store, "a b")
    write(home, "state", "banana", a)
    failed = Query(states=frozenset({JobState.FAILED}))

    assert [a] == [job.id for job in store.page(failed).items]
    assert {JobState.FAILED: 1, JobState.QUEUED: 1} == dict(store.counts())


def test_a_job_without_its_specification_is_damaged(home: Path, store: SqliteStore) -> None:
    """
    What cannot be run is not handed out.
    """
    a, b = submit_named(store, "a b")
    with closing(sqlite3.connect(home / FILE)) as database, database:
        database.execute("DELETE FROM specs WHERE number = 1")

    assert b == claim(store).job.id
    assert Reason.DAMAGED is store.get(a).reason
    with pytest.raises(JobNotFound):
        store.spec(a)


def test_rows_what_an_earlier_attempt_left_is_not_the_jobs(home: Path, store: SqliteStore) -> None:
    """
    Outcome and artifacts are those of the attempt that ended the job, not of one before it.
    """
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id, outcome(artifacts=(artifact("opt.xyz"),)))
    assert (1, 1) == (len(store.outcomes([job_id])), len(store.artifacts(job_id)))
    write(home, "attempt", 2, job_id)

    assert ({}, []) == (store.outcomes([job_id]), store.artifacts(job_id))
    with pytest.raises(ArtifactNotFound):
        store.artifact(job_id, "opt.xyz")


def test_rows_many_damaged_jobs_do_not_hold_a_claim_up_for_ever(home: Path, store: SqliteStore) -> None:
    """
    One claim puts a limited number out of the way; the next goes on.
    """
    ids = submit_named(store, " ".join(f"j{i}" for i in range(201)))
    with closing(sqlite3.connect(home / FILE)) as database, database:
        database.execute("UPDATE jobs SET attempt = 'x' WHERE number <= 200")

    assert store.claim(claimant()) is None
    assert ids[200] == claim(store).job.id
    assert {JobState.FAILED: 200, JobState.RUNNING: 1} == dict(store.counts())


def test_a_running_record_that_makes_no_sense_is_ended(home: Path, store: SqliteStore) -> None:
    """
    Its attempt has lost it, and the lease does not stand for ever.
    """
    a, _ = submit_named(store, "a b")
    lease = claim(store).lease
    write(home, "losses", "many", a)
    with closing(sqlite3.connect(home / FILE)) as database, database:
        database.execute("UPDATE leases SET until_ms = 1")

    assert [False] == [renewal.alive for renewal in store.renew([lease])]
    store.tick(beat())
    assert (a, JobState.FAILED, Reason.DAMAGED) == _told(store, a)
    assert store.tick(beat()).next_event_s is None


@pytest.mark.parametrize(
    "text", ["", "ab", ID.upper(), f"{ID}0", "xyz" * 10 + "ab", " " * 32, "\N{SNOWMAN}" * 32]
)
def test_rows_what_is_no_id_is_nobodys(store: SqliteStore, text: str) -> None:
    """
    Only 32 lower-case hexadecimal digits name a job; nothing else is stored or found under one.
    """
    assert b"" == key(text)
    with pytest.raises(JobNotFound):
        store.get(text)
    with pytest.raises(InputRefused):
        submit(store, new_job(id=text))


def test_an_id_is_stored_in_half_its_length() -> None:
    """
    Bytes and digits are the same number.
    """
    assert bytes.fromhex(ID) == key(ID)
    assert (bytes.fromhex("abc" + "0" * 29), bytes.fromhex("abc" + "f" * 29)) == bounds("abc")
    assert (b"", b"") == bounds("ABC")
    assert (b"", b"") == bounds("a b")


def test_text_that_cannot_be_stored_is_refused(store: SqliteStore) -> None:
    """
    A name with half a character is the input's mistake; nothing of that submit is stored.
    """
    with pytest.raises(InputRefused, match="not text"):
        submit(store, new_job("fine"), new_job("\udcff"))
    assert {} == dict(store.counts())


def test_a_number_too_large_is_kept_as_the_largest(store: SqliteStore) -> None:
    """
    A job that asks for more than any machine has waits, and breaks nothing.
    """
    (job_id,) = submit(store, new_job(memory_bytes=2**63))

    assert 2**63 - 1 == store.get(job_id).memory_bytes
    assert store.claim(claimant()) is None
    assert job_id == claim(store, memory_bytes=2**64).job.id


@pytest.mark.parametrize(
    "said",
    [
        Progress(fraction=0.5),
        Progress(phase="opt"),
        Progress(step=0),
        Progress(energy_hartree=-5.0),
        Progress(energy_change_hartree=-1e-9),
        Progress(gradient_norm_hartree_per_bohr=0.0),
    ],
)
def test_rows_each_number_of_progress_stands_alone(store: SqliteStore, said: Progress) -> None:
    """
    An engine may say any one thing and leave out the others.
    """
    (job_id,) = submit_named(store, "a")
    store.progress(claim(store).lease, said)

    assert said == store.get(job_id).progress


def _told(store: SqliteStore, job_id: str) -> tuple[str, JobState, Reason | None]:
    job = store.get(job_id)
    return job.id, job.state, job.reason
