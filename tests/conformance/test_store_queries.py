"""The store's contract: whatever is asked of a list, it equals what one finds by looking at every job."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from tests.support.stores import ADA, BOB, claim, failed, new_job, outcome, submit
from workers.job import JobState, Reason
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from workers.job import Job
    from workers.store.base import Store

JOBS = 70
KEYS: dict[SortKey, Any] = {
    SortKey.NUMBER: lambda job: job.number,
    SortKey.CREATED: lambda job: job.created_ms,
    SortKey.ENDED: lambda job: job.ended_ms,
    SortKey.PRIORITY: lambda job: job.priority,
}
QUERIES = st.fixed_dictionaries(
    {
        "sort": st.sampled_from(SortKey),
        "descending": st.booleans(),
        "limit": st.sampled_from([1, 3, 10, 200]),
    },
    optional={
        "owner": st.sampled_from([ADA, BOB, "nobody"]),
        "states": st.frozensets(st.sampled_from(JobState)),
        "reason": st.sampled_from([Reason.SCF, Reason.USER]),
        "batch": st.sampled_from(["x", "y", "z"]),
        "name_glob": st.sampled_from(["a*", "*1", "?2", "*"]),
        "tags": st.sampled_from([{"k": "0"}, {"k": "1", "even": "yes"}]),
    },
)


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with jobs of two owners, three batches, several priorities and every state jobs come to."""
    for i in range(JOBS):
        owner, batch = (ADA, BOB)[i // 3 % 2], ("", "x", "y")[i // 2 % 3]
        tags = {"k": str(i % 2)} | ({"even": "yes"} if i % 4 == 1 else {})
        submit(
            store,
            new_job(f"{'abc'[i % 3]}{i}", owner=owner, batch=batch, priority=(0, 5, -5, 0)[i % 4], tags=tags),
        )
    for i in range(30):
        lease = claim(store, slot=i).lease
        if i % 4:
            store.finish(
                lease, (outcome(), failed(Reason.SCF), outcome(JobState.CANCELLED, Reason.USER))[i % 3]
            )
    waiting = [job for job in everything(store) if job.state is JobState.QUEUED]
    store.cancel([job.id for job in waiting[::5]], owner=None)
    return store


def everything(store: Store) -> list[Job]:
    """Read every job, by number."""
    return store.get_many(store.with_numbers(0, 1_000_000))


def is_wanted(job: Job, query: Query) -> bool:
    """Tell whether a job belongs to a list, by what the query's fields mean."""
    return (
        query.owner in {None, job.owner}
        and (not query.states or job.state in query.states)
        and query.reason in {None, job.reason}
        and query.batch in {"", job.batch}
        and (not query.name_glob or fnmatchcase(job.name, query.name_glob))
        and query.tags.items() <= job.tags.items()
        and (query.since_ms is None or job.created_ms >= query.since_ms)
        and (query.sort is not SortKey.ENDED or job.state.is_final)
    )


@limits(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=QUERIES, since=st.none() | st.integers(0, JOBS - 1))
def test_a_list_is_what_one_finds_by_looking(filled: Store, asked: dict[str, Any], since: int | None) -> None:
    """
    All pages of any list together hold each job that matches once and no other, in the order asked for.
    """
    jobs = everything(filled)
    query = Query(**asked, since_ms=None if since is None else jobs[since].created_ms)
    wanted = {job.id for job in jobs if is_wanted(job, query)}
    found: list[Job] = []
    cursor: str | None = None
    while cursor != "":
        page = filled.page(Query(**asked, since_ms=query.since_ms, cursor=cursor or ""))
        assert len(page.items) <= query.limit
        found += page.items
        cursor = page.cursor

    assert len(wanted) == len(found)
    assert wanted == {job.id for job in found}
    keys = [KEYS[query.sort](job) for job in found]
    assert all((a >= b) if query.descending else (a <= b) for a, b in pairwise(keys))
