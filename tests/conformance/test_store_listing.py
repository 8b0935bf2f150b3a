"""The store's contract: which jobs a list has, in which order."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import ADA, BOB, claim, failed, names, new_job, run_to_end, submit, submit_named
from workers.job import JobState, Reason
from workers.store.base import SCAN_LIMIT
from workers.store.values import Query, Revision, SortKey

if TYPE_CHECKING:
    from workers.store.base import Store


def listed(store: Store, **query: Any) -> list[str]:
    """Name the jobs of one page."""
    return names(store.page(Query(**query)).items)


def test_a_list_is_newest_first_unless_said_otherwise(store: Store) -> None:
    """
    The default is what a person looks for: the newest.
    """
    submit_named(store, "a b c")

    assert ["c", "b", "a"] == listed(store)
    assert ["a", "b", "c"] == listed(store, descending=False)


def test_a_list_of_nothing_is_empty(store: Store) -> None:
    """
    No job, no cursor.
    """
    page = store.page(Query())

    assert ((), "") == (page.items, page.cursor)


def test_a_listed_job_is_the_whole_job(store: Store) -> None:
    """
    A list holds the same records as looking up one by one.
    """
    (job_id,) = submit(store, new_job("a", batch="x", tags={"k": "v"}))
    run_to_end(store, job_id)

    assert (store.get(job_id),) == store.page(Query()).items


def test_a_list_can_be_of_one_owner(store: Store) -> None:
    """
    None is everybody.
    """
    submit_named(store, "a b")
    submit_named(store, "c", owner=BOB)

    assert ["b", "a"] == listed(store, owner=ADA)
    assert ["c"] == listed(store, owner=BOB)
    assert ["c", "b", "a"] == listed(store, owner=None)
    assert [] == listed(store, owner="nobody")


def test_a_list_can_be_of_some_states(store: Store) -> None:
    """
    Several states are one list, in the order of the sort key, not state by state.
    """
    a, b, c, d = submit_named(store, "a b c d")
    run_to_end(store, a)
    run_to_end(store, b, failed())
    claim(store)
    assert JobState.RUNNING is store.get(c).state
    assert JobState.QUEUED is store.get(d).state

    assert ["d"] == listed(store, states=frozenset({JobState.QUEUED}))
    assert ["b", "a"] == listed(store, states=frozenset({JobState.DONE, JobState.FAILED}))
    assert ["d", "a"] == listed(store, states=frozenset({JobState.DONE, JobState.QUEUED}))
    assert ["a", "c", "d"] == listed(
        store, states=frozenset({JobState.DONE, JobState.RUNNING, JobState.QUEUED}), descending=False
    )
    assert [] == listed(store, states=frozenset({JobState.HELD}))


def test_a_list_can_be_of_one_reason(store: Store) -> None:
    """
    Failed jobs are told apart by why.
    """
    a, b, _ = submit_named(store, "a b c")
    run_to_end(store, a, failed(Reason.SCF))
    run_to_end(store, b, failed(Reason.MEMORY))

    assert ["a"] == listed(store, reason=Reason.SCF)
    assert ["b"] == listed(store, reason=Reason.MEMORY, states=frozenset({JobState.FAILED}))
    assert [] == listed(store, reason=Reason.TIMEOUT)


def test_a_list_can_be_of_one_batch(store: Store) -> None:
    """
    A batch is named exactly.
    """
    submit_named(store, "a b", batch="screen")
    submit_named(store, "c", batch="screen2")
    submit_named(store, "d")

    assert ["b", "a"] == listed(store, batch="screen")
    assert ["c"] == listed(store, batch="screen2", owner=ADA)
    assert [] == listed(store, batch="screen", owner=BOB)
    assert [] == listed(store, batch="scree*")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("conf_*", ["conf_b", "conf_a"]),
        ("conf_?", ["conf_b", "conf_a"]),
        ("conf_[ac]", ["conf_a"]),
        ("*", ["it's 100%", "confXa", "conf_b", "conf_a"]),
        ("conf_a", ["conf_a"]),
        ("CONF_*", []),
        ("conf", []),
        ("*'s 100%", ["it's 100%"]),
    ],
)
def test_a_list_can_be_of_names(store: Store, pattern: str, found: list[str]) -> None:
    """
    Names match shell patterns as a whole, with regard to case; SQL's own wildcards are plain characters.
    """
    for name in ("conf_a", "conf_b", "confXa", "it's 100%"):
        submit(store, new_job(name))

    assert found == listed(store, name_glob=pattern)


def test_a_list_can_be_of_tags(store: Store) -> None:
    """
    Every tag asked for must be there with its value; further tags do not matter.
    """
    submit_named(store, "a", tags={"solvent": "thf", "round": "1"})
    submit_named(store, "b", tags={"solvent": "thf"})
    submit_named(store, "c", tags={"solvent": "water"})

    assert ["b", "a"] == listed(store, tags={"solvent": "thf"})
    assert ["a"] == listed(store, tags={"solvent": "thf", "round": "1"})
    assert [] == listed(store, tags={"solvent": "t"})
    assert [] == listed(store, tags={"round": "thf"})


def test_a_list_can_begin_at_a_time(store: Store) -> None:
    """
    `since` is the time of creation, and that very millisecond belongs to it.
    """
    (a,) = submit_named(store, "a")
    created = store.get(a).created_ms

    assert ["a"] == listed(store, since_ms=created)
    assert ["a"] == listed(store, since_ms=0)
    assert [] == listed(store, since_ms=created + 1)


def test_filters_add_up(store: Store) -> None:
    """
    A job is listed if every filter lets it through.
    """
    submit_named(store, "a b", batch="x", tags={"k": "1"})
    submit_named(store, "a", batch="y", tags={"k": "1"})
    submit_named(store, "a", batch="x", tags={"k": "2"})
    submit_named(store, "a", batch="x", tags={"k": "1"}, owner=BOB)

    found = store.page(
        Query(
            owner=ADA,
            states=frozenset({JobState.QUEUED}),
            batch="x",
            name_glob="a*",
            tags={"k": "1"},
            since_ms=0,
        )
    )
    assert 1 == len(found.items)
    assert (ADA, "x", "a", {"k": "1"}) == (
        found.items[0].owner,
        found.items[0].batch,
        found.items[0].name,
        dict(found.items[0].tags),
    )


@pytest.mark.parametrize("sort", [SortKey.NUMBER, SortKey.CREATED])
def test_a_list_can_be_sorted_by_number_and_creation(store: Store, sort: SortKey) -> None:
    """
    Jobs of one submit were created together; the number decides among them.
    """
    submit_named(store, "a b c")
    submit_named(store, "d")

    assert ["d", "c", "b", "a"] == listed(store, sort=sort)
    assert ["a", "b", "c", "d"] == listed(store, sort=sort, descending=False)


def test_a_list_can_be_sorted_by_priority(store: Store) -> None:
    """
    The highest priority first, or last; negative ones below zero.
    """
    for name, priority in (("mid", 0), ("low", -100), ("high", 100), ("some", 9)):
        submit_named(store, name, priority=priority)

    assert ["high", "some", "mid", "low"] == listed(store, sort=SortKey.PRIORITY)
    assert ["low", "mid", "some", "high"] == listed(store, sort=SortKey.PRIORITY, descending=False)


def test_a_list_can_be_sorted_by_end(store: Store) -> None:
    """
    What ended last comes first, whenever it was submitted.
    """
    high, low = (submit_named(store, name, priority=p)[0] for name, p in (("high", 5), ("low", 0)))
    first = claim(store)
    second = claim(store)
    assert (high, low) == (first.job.id, second.job.id)
    store.finish(second.lease, failed())
    ended = store.get(low).ended_ms
    assert ended is not None
    while store.page(Query(limit=1)).items[0].created_ms <= ended:
        submit_named(store, "later")
    store.finish(first.lease, failed())

    query = {"sort": SortKey.ENDED, "states": frozenset({JobState.FAILED})}
    assert ["high", "low"] == listed(store, **query)
    assert ["low", "high"] == listed(store, **query, descending=False)


def test_a_filter_no_index_serves_looks_at_so_many_jobs_for_one_page(store: Store) -> None:
    """
    One page costs a bounded look, whatever the store holds; its cursor goes on to what lies beyond.
    """
    (old,) = submit_named(store, "needle")
    submit(store, *(new_job("hay") for _ in range(SCAN_LIMIT)))
    query = Query(name_glob="needle", sort=SortKey.PRIORITY)
    first = store.page(query)
    second = store.page(query._replace(cursor=first.cursor))

    assert () == first.items
    assert first.cursor
    assert [old] == [job.id for job in second.items]
    assert ["hay"] * 50 == listed(store, name_glob="h*")


NAMES = (
    "mol-1",
    "mol-12",
    "MOL-1",
    "mol.1",
    "mol%1",
    "säure",
    "säureä",
    "日本",
    "a[b]c",
    "a*b",
    "^a$",
    "]",
    "",
    " x ",
)
GLOBS = (
    "mol*",
    "*1",
    "m*-*2",
    "mol?1",
    "mol-?",
    "s?ure",
    "??",
    "*ä*",
    "mol[-.]1",
    "mol[!-]1",
    "[a-mA-M]*1",
    "[!a-m]*",
    "[a-z]äure?",
    "a[[]b]c",
    "a[*]b",
    "[]]",
    "[z-a]*",
    "a[b",
    "^a$",
    "%*",
    "mol%1",
    "*",
    "**",
    "?*?",
    " * ",
    "*o*l*1*",
    "mol-1",
    "x",
)


@pytest.mark.parametrize("glob", GLOBS)
def test_a_glob_means_the_same_in_every_store(store: Store, glob: str) -> None:
    """
    What a store leaves out by itself is what the pattern leaves out, in any alphabet.
    """
    submit(store, *(new_job(name) for name in NAMES))

    assert [name for name in NAMES if fnmatchcase(name, glob)] == listed(
        store, name_glob=glob, descending=False
    )


def test_a_glob_of_many_stars_takes_no_longer(store: Store) -> None:
    """
    A pattern that could match in very many ways is looked for once.
    """
    submit(store, *(new_job("a" * 200) for _ in range(20)))

    assert [] == listed(store, name_glob="*a" * 60 + "*b")
    assert [] == listed(store, name_glob="?" * 150 + "b*")
    assert [] == listed(store, name_glob="[!b]" * 40 + "*b")


@pytest.mark.parametrize(
    "tags", [{"k": 'a"b'}, {"k": "a/b"}, {"k": "ä"}, {"k": "a\\b"}, {"schlüssel": "1"}, {"k": ""}], ids=str
)
def test_a_tag_of_any_characters_is_found(store: Store, tags: dict[str, str]) -> None:
    """
    However its text is stored, and after another tag was set.
    """
    ids = submit(store, new_job("a", tags=tags), new_job("b"), new_job("c", tags={"k": "other"}))
    assert ["a"] == listed(store, tags=tags)

    store.revise(ids, Revision(tags={"more": "x/y"}), owner=None)
    assert ["a"] == listed(store, tags=tags)
    assert ["c", "b", "a"] == listed(store, tags={"more": "x/y"})


def test_a_search_ends_where_older_jobs_begin(store: Store) -> None:
    """
    A filter by time holds among jobs that the name leaves out.
    """
    submit_named(store, "old other")
    old = store.page(Query(limit=1)).items[0].created_ms
    time.sleep(0.01)
    submit_named(store, "new other new")

    assert ["new", "new"] == listed(store, name_glob="new", since_ms=old + 1)
    assert [] == listed(store, name_glob="old", since_ms=old + 1)
