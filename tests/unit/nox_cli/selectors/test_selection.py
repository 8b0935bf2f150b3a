"""Selectors: which jobs a word names."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest

from nox_cli.selectors.reader import look_up
from nox_cli.selectors.selection import named, select
from tests.support.stores import ADA, BOB, claim, failed, new_job, outcome, submit, submit_named
from workers.errors import JobNotFound, NothingMatched, UsageError
from workers.job import JobState, Reason
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.store.base import Store
    from workers.store.values import Page, Query


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """A local store: job 1 done, 2 failed, 3 running, 4 and 5 waiting, 6 bob's, 7 the last submit."""
    found = open_store(StoreSettings(None, "nox:", home))
    submit_named(found, "cat int1 int2 prod ts", batch="cycle")
    found.finish(claim(found).lease, outcome(JobState.DONE))
    found.finish(claim(found).lease, failed(Reason.SCF))
    claim(found)
    submit(found, new_job("cat", owner=BOB, batch="cycle"))
    submit_named(found, "rad")
    yield found
    found.close()


def numbers(store: Store, *words: str, stdin: str = "") -> list[int]:
    """Select as ada; name the jobs by number."""
    ids = select(store, words, owner=ADA, stdin=StringIO(stdin))
    return [job.number for job in look_up(store, ids)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("4", [4]),
        ("2-4", [2, 3, 4]),
        ("4,1-2", [4, 1, 2]),
        ("6-99", [6, 7]),
        ("@last", [7]),
        ("@failed", [2]),
        ("@failed:scf", [2]),
        ("@running", [3]),
        ("@waiting", [4, 5, 7]),
        ("@all", [1, 2, 3, 4, 5, 7]),
        ("@batch:cycle", [1, 2, 3, 4, 5]),
        ("name:int*", [2, 3]),
        ("name:[ct]*", [1, 5]),
        ("@done", [1]),
        ("@completed", [1]),
        ("@pending", [4, 5, 7]),
        ("@queued", [4, 5, 7]),
        ("prod", [4]),
        ("cycle", [1, 2, 3, 4, 5]),
    ],
)
def test_a_word_names_jobs(store: Store, word: str, expected: list[int]) -> None:
    """
    Each kind of selector names its jobs, oldest first; groups are one's own jobs.
    """
    assert expected == numbers(store, word)


def test_selectors_several_words_unite(store: Store) -> None:
    """
    Several selectors keep their order, and a job comes once.
    """
    assert [5, 2, 1, 3, 4] == numbers(store, "5", "@failed", "1-5")


def test_ids_and_prefixes(store: Store) -> None:
    """
    A whole id and a unique prefix of it, in any case, name the job.
    """
    job_id = submit(store, new_job(id="abcd" + "0" * 28))[0]

    assert (job_id,) == select(store, [job_id], owner=ADA, stdin=StringIO())
    assert (job_id,) == select(store, ["ABCD"], owner=ADA, stdin=StringIO())


def test_ids_on_stdin(store: Store) -> None:
    """
    `-` stands for the selectors on stdin, in its place.
    """
    assert [7, 1, 2, 4] == numbers(store, "7", "-", "4", stdin="1\n2 -\n7\n")


def test_an_ambiguous_prefix_lists_what_it_could_be(store: Store) -> None:
    """
    A prefix of several ids is refused, and they are listed.
    """
    ids = submit(store, new_job(id="beef" + "0" * 28), new_job(id="beef" + "1" * 28))

    with pytest.raises(UsageError, match="beginning of several ids") as refused:
        numbers(store, "beef")

    assert all(job_id in refused.value.hint for job_id in ids)


@pytest.mark.parametrize(
    "word",
    [
        "",
        "abc",
        "foo",
        "@",
        "@everything",
        "@failed:",
        "@failed:bad",
        "@batch:",
        "name:",
        "1-",
        "-1",
        "5-2",
        "1,,2",
    ],
)
def test_selectors_what_is_no_selector_is_refused(store: Store, word: str) -> None:
    """
    A word that cannot name jobs is a usage error, not an empty selection.
    """
    with pytest.raises(UsageError):
        numbers(store, word)


@pytest.mark.parametrize("word", ["99", "dead", "9999999999999999"])
def test_a_job_that_is_not_there(store: Store, word: str) -> None:
    """
    A number or a prefix without a job is told of by name.
    """
    with pytest.raises(JobNotFound, match=word):
        numbers(store, word)


def test_a_whole_id_that_is_not_there(store: Store) -> None:
    """
    A whole id is taken at its word; looking it up tells that it does not exist.
    """
    with pytest.raises(JobNotFound, match="0" * 32):
        numbers(store, "1", "0" * 32)


@pytest.mark.parametrize("word", ["90-99", "@failed:memory", "@batch:other", "name:none*"])
def test_selectors_nothing_matched(store: Store, word: str) -> None:
    """
    A group without jobs matches nothing.
    """
    with pytest.raises(NothingMatched, match="no job matches"):
        numbers(store, word)


def test_selectors_too_many_jobs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    More jobs than fit into bounded memory are refused.
    """
    monkeypatch.setattr("nox_cli.selectors.selection.MAX_JOBS", 3)

    assert [1, 2, 3] == numbers(store, "1-3")
    with pytest.raises(UsageError, match="more than 3 jobs"):
        numbers(store, "@all")


def test_a_group_is_read_as_far_as_it_is_asked_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whoever takes the first jobs of a group has its first page read, and no other.
    """
    submit(store, *(new_job() for _ in range(1_000)))
    pages: list[Query] = []
    page = store.page

    def counted(query: Query) -> Page:
        pages.append(query)
        return page(query)

    monkeypatch.setattr(store, "page", counted)
    ids = named(store, ["@all"], owner=ADA, stdin=StringIO())

    assert store.with_numbers(1, 2) == [next(ids), next(ids)]
    assert 1 == len(pages)
    assert 1_004 == len(list(ids))
    assert 2 == len(pages)
