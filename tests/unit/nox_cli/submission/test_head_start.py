"""The first jobs of a large submit are stored once, whatever the store does."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.submission.handover import hand_over
from nox_cli.submission.head_start import FIRST, GROWTH, HeadStart
from nox_cli.submission.jobs import AT_ONCE, Draft, common_job, new_jobs
from nox_cli.submission.options import NOT_UNIQUE, SubmitOptions
from workers.errors import StoreUnreachable
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER = "ada"
MAKE = partial(new_jobs, common=common_job(SubmitOptions(), OWNER, ""), start=AT_ONCE, unique=NOT_UNIQUE)


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


@pytest.fixture
def head(store: SqliteStore) -> HeadStart:
    """A head start over the store."""
    return HeadStart(lambda: store, lambda _: None, nullcontext)


def drafts(count: int) -> list[Draft]:
    """Make drafts of echo jobs."""
    return [Draft("echo", "{}", "echo", str(number)) for number in range(count)]


def test_chunks_grow_and_are_one_submit(store: SqliteStore, head: HeadStart) -> None:
    """
    Jobs are stored when there are enough, then in larger chunks; the handover stores the others.
    """
    every = drafts(FIRST * (1 + GROWTH) + 1)
    stored = []
    for count in range(1, len(every) + 1):
        head.look(every[:count], MAKE)
        stored.append(sum(store.counts().values()))
    jobs = [*head.jobs, *MAKE(every[len(head.jobs) :])]
    result = hand_over(store, jobs, begun=head.first)

    sizes = {0: FIRST - 1, FIRST: FIRST * GROWTH, FIRST * (1 + GROWTH): 2}
    assert sizes == {count: stored.count(count) for count in dict.fromkeys(stored)}
    assert [job.id for job in jobs] == [job.job_id for job in result.jobs] == store.last(OWNER)
    assert {"{}"} == set(store.specs([job.id for job in jobs]).values())
    assert {""} == {job.spec_json for job in head.jobs}


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_chunk_without_an_answer_is_stored_once(
    store: SqliteStore, head: HeadStart, monkeypatch: pytest.MonkeyPatch, is_stored: bool
) -> None:
    """
    The store fails before or after it has stored a chunk: the handover stores each job once, as a new one.
    """
    submit = store.submit

    def unheard(*jobs: Any, **words: Any) -> None:
        if is_stored:
            submit(*jobs, **words)
        raise StoreUnreachable("redis does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(store, "submit", unheard)
        head.look(drafts(FIRST), MAKE)
    head.look([*drafts(FIRST * 20)], MAKE)
    assert FIRST * is_stored == len(head.job_ids) == sum(store.counts().values())
    result = hand_over(store, head.jobs, begun=head.first)

    assert list(range(1, FIRST + 1)) == [job.number for job in result.jobs]
    assert not any(job.existing for job in result.jobs)
