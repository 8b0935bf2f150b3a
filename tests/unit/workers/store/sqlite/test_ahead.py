"""Jobs that a slot claims ahead in the local store: what marks them, and what a group of ends costs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import beat, claim, claimant, failed, new_job, outcome, submit
from workers.errors import LeaseLost
from workers.job import JobState, Parent
from workers.store.sqlite.schema import VERSION
from workers.store.sqlite.store import FILE, SqliteStore
from workers.store.values import Ahead, AttemptEnd, Claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AHEAD = Ahead(held=1, engine="echo", kind="echo", atoms=0)


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """A store with six jobs."""
    with closing(SqliteStore.open(home)) as opened:
        submit(opened, *(new_job() for _ in range(6)))
        yield opened


def columns(home: Path) -> list[str]:
    """Name what the store keeps of a lease."""
    with closing(sqlite3.connect(home / FILE)) as raw:
        assert (VERSION,) == raw.execute("PRAGMA user_version").fetchone()
        return [row[1] for row in raw.execute("PRAGMA table_info(leases)")]


def test_ahead_column_comes_with_the_first_claim(store: SqliteStore, home: Path) -> None:
    """
    A store has no mark of claims ahead until there is one; its version stays, and other stores go on.
    """
    other = SqliteStore.open(home)
    first = claim(other)
    other.begin(first.lease)
    assert "ahead" not in columns(home)

    second = claim(store, ahead=AHEAD)
    assert "ahead" in columns(home)
    other.begin(second.lease)
    other.finish(second.lease, outcome())
    assert JobState.RUNNING is claim(other).job.state
    other.close()


def test_ahead_loss_of_a_store_without_the_column_counts(store: SqliteStore, home: Path) -> None:
    """
    Jobs of a worker of a version that knows no claims ahead are requeued with a loss.
    """
    lease = claim(store).lease
    with closing(sqlite3.connect(home / FILE)) as raw, raw:
        raw.execute("UPDATE leases SET until_ms = 0")
    assert (lease.job_id,) == store.tick(beat("other-1-a")).reaped
    assert 1 == store.get(lease.job_id).losses


def test_finish_several_is_one_commit(store: SqliteStore, home: Path) -> None:
    """
    The ends of a group and its claims change the file once, even if one of the leases is lost.
    """
    leases = [claim(store, slot=slot).lease for slot in range(3)]
    store.give_back(leases[1], "drained")
    with closing(sqlite3.connect(home / FILE)) as raw:

        def version() -> int:
            return int(raw.execute("PRAGMA data_version").fetchone()[0])

        before, answers = version(), []
        for calls in (1, 2):
            answers = store.finish_several([AttemptEnd(lease, outcome(), claimant()) for lease in leases])
            assert before + calls == version()
    assert [False, True, False] == [isinstance(answer, LeaseLost) for answer in answers]
    assert {JobState.DONE: 2, JobState.RUNNING: 4} == store.counts()


def test_claims_of_a_group_see_what_its_ends_changed(home: Path) -> None:
    """
    Jobs that come next are read together, and again once an end made a better job ready or cancelled some.
    """
    with closing(SqliteStore.open(home)) as store:
        names = [new_job(name, batch="b", max_fails=1) for name in "abcdefghi"]
        child = new_job("child of c", priority=5, parents=(Parent(names[2].id),))
        submit(store, *names, child)
        leases = [claim(store, slot=slot).lease for slot in range(3)]
        answers = store.finish_several([AttemptEnd(lease, outcome(), claimant()) for lease in leases])
        claims = [answer for answer in answers if isinstance(answer, Claim)]
        assert ["d", "e", "child of c"] == [granted.job.name for granted in claims]

        ends = (outcome(), outcome(), failed())
        of_batch = [claims[2], claims[0], claims[1]]
        answers = store.finish_several(
            [AttemptEnd(one.lease, end, claimant()) for one, end in zip(of_batch, ends, strict=True)]
        )
        assert ["f", "g"] == [granted.job.name for granted in answers[:2] if isinstance(granted, Claim)]
        assert answers[2] is None
        assert 2 == store.counts()[JobState.CANCELLED]
