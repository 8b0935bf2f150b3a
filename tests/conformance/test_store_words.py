"""The store's contract: searches by name and tag find every job there is, whatever has happened to it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import ADA, BOB, claim, new_job, outcome, run_to_end, submit
from workers.job import JobState
from workers.store import base
from workers.store.values import Query, Revision, SortKey

if TYPE_CHECKING:
    from workers.job import Job
    from workers.store.base import Store

TEXTS = (
    "mol1",
    "mol12",
    "MOL1",
    "x" * 255,
    "z",
    "säure",
    "日本語",
    "a[b]c",
    "a*b?c",
    "100%",
    "^a$",
    'a"b\\c',
    "a/b",
    "C:\\/x",
    "tab\tand\nline",
    "zero\0byte",
    "del\x7f",
    "a=b=c",
    "=",
    " ",
)
GLOBS = (
    *(text for text in TEXTS if "[" not in text and "\\" not in text),
    "mol*",
    "mol?",
    "mol1*2",
    "m*1",
    "*1",
    "*o*",
    "[mM]*",
    "[!m]*",
    "[!z-a]*",
    "[z-a]*",
    "a[[]b]c",
    "a[*",
    "s?ure",
    "日*",
    "x*",
    "tab\t*",
    "*\n*",
    "*",
)


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a search take no store for a small one, whose records are all read."""
    monkeypatch.setattr(base, "FEW_JOBS", -1)


def found(store: Store, limit: int = 3, **filters: Any) -> list[Job]:
    """Read all pages of a list."""
    query = Query(limit=limit, **filters)
    jobs: list[Job] = []
    while True:
        page = store.page(query)
        jobs += page.items
        if not page.cursor:
            return jobs
        query = query._replace(cursor=page.cursor)


def everything(store: Store) -> list[Job]:
    """Read all jobs, the newest first."""
    return store.get_many(store.with_numbers(0, 1_000_000))[::-1]


def assert_found(store: Store, **filters: Any) -> None:
    """Compare a search, in both orders, with a look at every job."""
    query = Query(**filters)
    wanted = [
        job
        for job in everything(store)
        if query.owner in {None, job.owner}
        and (not query.states or job.state in query.states)
        and query.batch in {"", job.batch}
        and (not query.name_glob or fnmatchcase(job.name, query.name_glob))
        and query.tags.items() <= job.tags.items()
    ]
    assert wanted == found(store, **filters)
    assert wanted[::-1] == found(store, sort=SortKey.NUMBER, descending=False, **filters)
    assert [job.id for job in wanted] == [
        job.id for job in store.outline_page(query._replace(limit=1000)).items
    ]


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with a job of each name and tag, of two owners, and one without either."""
    for owner in (ADA, BOB):
        submit(
            store,
            *(new_job(text, owner=owner, tags={"k": text, "n": str(i)}) for i, text in enumerate(TEXTS)),
        )
        submit(
            store, new_job(owner=owner), new_job(owner=owner, tags={"k": ""}), new_job("only", owner=owner)
        )
    return store


@pytest.mark.parametrize("glob", GLOBS)
def test_names_are_found_whatever_they_hold(filled: Store, glob: str) -> None:
    """
    A search by name finds what one finds by looking at every job, of one owner or of all.
    """
    assert_found(filled, name_glob=glob)
    assert_found(filled, name_glob=glob, owner=BOB)


@pytest.mark.parametrize("value", [*TEXTS, "", "none", "{"])
def test_tags_are_found_whatever_they_hold(filled: Store, value: str) -> None:
    """
    A search by tag finds what one finds by looking at every job; a second tag and a name narrow it.
    """
    assert_found(filled, tags={"k": value})
    assert_found(filled, tags={"k": value, "n": "1"}, owner=ADA)
    assert_found(filled, tags={"k": value}, name_glob="mol*")


def test_a_search_follows_what_happens_to_jobs(store: Store) -> None:
    """
    Names and tags that are changed are found as they are now, and jobs that were removed no more.
    """
    ids = submit(store, *(new_job(f"mol{i}", tags={"k": str(i % 3)}) for i in range(12)))
    bare = submit(store, new_job(), new_job())
    store.revise([ids[1], bare[0]], Revision(name="new/name", tags={"k": "C:\\/a/b", "é": "ü"}), owner=None)
    store.revise([ids[2], ids[3]], Revision(tags={"k": "changed"}), owner=None)
    for _ in range(2):
        run_to_end(store, ids.pop(0))
    store.cancel(ids[-2:], owner=None)
    store.remove([job.id for job in everything(store)[-1:]] + ids[-1:], owner=None)
    retried = store.retry([ids[-2]], owner=None)

    assert [True] == [change.changed for change in retried]
    for tags in ({"k": "C:\\/a/b"}, {"k": "changed"}, {"k": "1"}, {"é": "ü"}):
        assert_found(store, tags=tags)
    for glob in ("mol*", "mol1", "new/*", "new/name"):
        assert_found(store, name_glob=glob)
    assert [] == store.audit()


def test_a_search_is_narrowed_by_state_and_batch(store: Store) -> None:
    """
    A search among jobs of some states, or of one batch, misses none and lists no other.
    """
    for i in range(3):
        submit(store, *(new_job(f"mol{j}", batch=f"b{i}", tags={"k": str(j % 2)}) for j in range(8)))
    for i in range(5):
        store.finish(claim(store, slot=i).lease, outcome())
    store.cancel([job.id for job in everything(store)[:4]], owner=None)

    for states in ({JobState.DONE}, {JobState.QUEUED}, {JobState.CANCELLED, JobState.DONE}, {JobState.HELD}):
        assert_found(store, name_glob="mol*", states=frozenset(states))
        assert_found(store, tags={"k": "1"}, states=frozenset(states), batch="b0")
    assert_found(store, name_glob="mol[37]", batch="b1")
    assert_found(store, name_glob="mol*", batch="none")


def test_a_search_among_many_jobs_finds_the_oldest(store: Store) -> None:
    """
    What it looks at between two matches has no end in common with how the store divides its jobs.
    """
    at = {0, 1, 254, 255, 256, 511, 512, 700}
    jobs = [
        new_job("needle" if i in at else f"hay{i}", tags={"k": "needle" if i in at else "hay"})
        for i in range(701)
    ]
    submit(store, *jobs)
    wanted = [jobs[i].id for i in sorted(at, reverse=True)]

    for filters in (
        {"name_glob": "needle"},
        {"name_glob": "need*"},
        {"name_glob": "*dle"},
        {"tags": {"k": "needle"}},
    ):
        assert wanted == [job.id for job in found(store, **filters)]
        assert wanted[::-1] == [job.id for job in found(store, 1, descending=False, **filters)]
    assert 500 == len(store.page(Query(name_glob="hay*", limit=500)).items)
    assert [] == store.audit()


def test_a_search_since_a_time_ends_there(store: Store) -> None:
    """
    Jobs that were created earlier are not listed.
    """
    for _ in range(3):
        submit(store, new_job("mol"), new_job("mol", tags={"k": "v"}))
    since_ms = everything(store)[2].created_ms
    wanted = [job for job in everything(store) if job.created_ms >= since_ms]

    assert wanted == found(store, name_glob="mol", since_ms=since_ms)
    assert wanted[::-1] == found(store, name_glob="mol", since_ms=since_ms, descending=False)
    assert [job for job in wanted if job.tags] == found(store, tags={"k": "v"}, since_ms=since_ms)
