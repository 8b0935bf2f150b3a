"""What is said of jobs after they were handed over is true, whatever the store does."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from nox_cli.interrupts import Interrupts
from nox_cli.submission import handover
from nox_cli.submission.handover import SHOWN, Refusals, hand_over
from tests.support.stores import new_job
from workers.errors import InputRefused, NotDurable, StoreFull, StoreUnreachable, SubmitCut
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from workers.errors import StoreError
    from workers.job import Job, NewJob
    from workers.store.values import Accepted

AWAY = "redis at localhost:6379 did not answer"


class Unsteady:
    """A real store whose connection fails: at the call `fails_at`, before or after the jobs are stored."""

    def __init__(
        self, store: SqliteStore, *, fails_at: int, error: StoreError, stores: bool, answers: bool
    ) -> None:
        self.store = store
        self.left = fails_at
        self.error = error
        self.stores = stores
        self.answers = answers

    def submit(self, jobs: Sequence[NewJob], *, submission: str, durable: bool = False) -> list[Accepted]:
        """Store jobs, or fail."""
        self.left -= 1
        if self.left < 0 and not self.stores:
            raise self.error
        accepted = self.store.submit(jobs, submission=submission, durable=durable)
        if self.left < 0:
            raise self.error
        return accepted

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Look jobs up, or fail."""
        if not self.answers:
            raise StoreUnreachable(AWAY)
        return self.store.get_many(job_ids)


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An empty local store."""
    opened = SqliteStore.open(home)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hand jobs over two at a time."""
    monkeypatch.setattr(handover, "CHUNK", 2)


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    """Interrupts that are let go after the test."""
    held = Interrupts()
    yield held
    held.came = None
    held.let_go()


def unsteady(
    store: SqliteStore,
    *,
    at: int = 0,
    error: StoreError | None = None,
    stores: bool = False,
    answers: bool = True,
) -> Unsteady:
    """Make the store fail at its call `at`."""
    return Unsteady(store, fails_at=at, error=error or StoreUnreachable(AWAY), stores=stores, answers=answers)


def five() -> list[NewJob]:
    """Make five jobs."""
    return [new_job(name, id=uuid4().hex) for name in "abcde"]


def test_handover_all_are_stored(store: SqliteStore) -> None:
    """
    Jobs are stored in order, as one submit, however many calls it takes.
    """
    jobs = five()
    stored = hand_over(store, jobs)

    assert [(job.id, number, job.name) for number, job in enumerate(jobs, 1)] == [
        (job.job_id, job.number, job.name) for job in stored.jobs
    ]
    assert [job.id for job in jobs] == store.last("ada")
    assert None is stored.cut


def test_a_lost_answer_is_asked_for(store: SqliteStore) -> None:
    """
    A job whose answer was lost after it was stored is submitted.
    """
    job = new_job("a")
    stored = hand_over(unsteady(store, stores=True), [job])  # type: ignore[arg-type]

    assert [(job.id, 1)] == [(one.job_id, one.number) for one in stored.jobs]
    assert None is stored.cut


@pytest.mark.parametrize(("count", "words"), [(1, "the job was not submitted"), (5, "nothing was submitted")])
def test_a_store_that_fails_at_once_keeps_nothing(store: SqliteStore, count: int, words: str) -> None:
    """
    Where the store has none of the jobs, it is said that nothing was submitted.
    """
    with pytest.raises(StoreFull) as caught:
        hand_over(unsteady(store, error=StoreFull("the disk is full")), five()[:count])  # type: ignore[arg-type]

    assert words == caught.value.did


@pytest.mark.parametrize(
    ("count", "words"), [(1, "whether the job was submitted"), (5, "whether any of 5 jobs were submitted")]
)
def test_a_store_that_stays_away_is_not_spoken_for(store: SqliteStore, count: int, words: str) -> None:
    """
    Where the store cannot be asked, nox does not know, and says how to find out.
    """
    jobs = five()[:count]
    with pytest.raises(StoreUnreachable) as caught:
        hand_over(unsteady(store, stores=True, answers=False), jobs)  # type: ignore[arg-type]

    assert f"{words} is not known" == caught.value.did
    assert jobs[0].id in caught.value.hint


@pytest.mark.parametrize(
    ("stores", "answers", "kept", "words"),
    [
        (False, True, 2, "2 of 5 jobs were submitted"),
        (True, True, 4, "4 of 5 jobs were submitted"),
        (True, False, 2, "at least 2 of 5 jobs were submitted"),
    ],
)
def test_a_cut_submit_says_what_is_stored(
    store: SqliteStore, *, stores: bool, answers: bool, kept: int, words: str
) -> None:
    """
    Of a submit that is cut, the jobs that are stored are known and counted.
    """
    jobs = five()
    stored = hand_over(unsteady(store, at=1, stores=stores, answers=answers), jobs)  # type: ignore[arg-type]

    assert [job.id for job in jobs[:kept]] == [job.job_id for job in stored.jobs]
    assert stored.cut is not None
    assert stored.cut.did.startswith(words)


def test_a_cut_of_the_store_is_taken_at_its_word(store: SqliteStore) -> None:
    """
    The ids a store names as kept are kept, even where it can no longer be asked for their numbers.
    """
    jobs = five()
    error = SubmitCut(AWAY, stored=(jobs[0].id,))
    stored = hand_over(unsteady(store, error=error, answers=False), jobs)  # type: ignore[arg-type]

    assert [(jobs[0].id, None)] == [(job.job_id, job.number) for job in stored.jobs]
    assert error is stored.cut


@pytest.mark.parametrize("answers", [True, False])
def test_jobs_that_are_stored_and_not_on_disk_are_named(store: SqliteStore, *, answers: bool) -> None:
    """
    Where durability was demanded and not had, the jobs count as stored, and the error is kept for later.
    """
    jobs = five()[:2]
    error = NotDurable("not yet on its disk", stored=tuple(job.id for job in jobs))
    away = unsteady(store, error=error, stores=True, answers=answers)
    stored = hand_over(away, jobs, durable=True)  # type: ignore[arg-type]

    assert [job.id for job in jobs] == [one.job_id for one in stored.jobs]
    assert error is stored.cut
    assert "all jobs were submitted" == error.did


def test_handover_what_cannot_be_durable_is_not_stored(store: SqliteStore) -> None:
    """
    Where the store refuses the demand, nothing was submitted.
    """
    away = unsteady(store, error=NotDurable("keeps no file"))
    with pytest.raises(NotDurable) as caught:
        hand_over(away, five(), durable=True)  # type: ignore[arg-type]

    assert "nothing was submitted" == caught.value.did


def test_a_handover_that_is_stopped_first_stores_nothing(store: SqliteStore, interrupts: Interrupts) -> None:
    """
    Ctrl-C that comes before the first call stores nothing.
    """
    interrupts.hold()
    signal.raise_signal(signal.SIGINT)
    stored = hand_over(store, five(), stop=interrupts.stopped)

    assert ((), 5, None) == (stored.jobs, stored.requested, stored.cut)
    assert {} == store.counts()
    with pytest.raises(KeyboardInterrupt):
        interrupts.let_go()


def test_an_interrupt_stops_between_calls(
    store: SqliteStore, interrupts: Interrupts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Ctrl-C during a call is held until its jobs are stored; no further ones are.
    """
    submit = SqliteStore.submit

    def interrupted(self: SqliteStore, jobs: Sequence[NewJob], **how: Any) -> list[Accepted]:
        signal.raise_signal(signal.SIGINT)
        return submit(self, jobs, **how)

    monkeypatch.setattr(SqliteStore, "submit", interrupted)
    stored = hand_over(store, five(), stop=interrupts.stopped)

    assert (2, 5, signal.SIGINT) == (len(stored.jobs), stored.requested, interrupts.came)
    assert 2 == sum(store.counts().values())


def refused(*whats: str, hint: str = "") -> Refusals:
    """Refuse some inputs."""
    refusals = Refusals()
    for what in whats:
        refusals.add(InputRefused(what, hint=hint))
    return refusals


def test_refusals_one_is_told_as_it_is() -> None:
    """
    A single bad input is told on one line, with its own hint.
    """
    error = refused("a.xyz: empty", hint="fill it").error(1)

    assert ("a.xyz: empty; nothing was submitted", "fill it", ()) == (
        error.message,
        error.hint,
        error.details,
    )


def test_refusals_several_are_listed() -> None:
    """
    Several are counted, listed, and counted again beyond the first ten.
    """
    error = refused(*(f"{i}.xyz: empty" for i in range(1, SHOWN + 3))).error(20)

    assert "12 of 20 inputs were refused; nothing was submitted" == error.message
    assert "1.xyz: empty" == error.details[0]
    assert "and 2 more" == error.details[-1]
    assert SHOWN + 1 == len(error.details)


@pytest.mark.parametrize(("total", "hint"), [(2, "--skip-bad submits the others"), (1, "")])
def test_others_could_be_submitted(total: int, hint: str) -> None:
    """
    Where other inputs are good, the hint says how to submit those.
    """
    assert hint == refused("a.xyz: empty").error(total).hint


def test_a_hint_they_share_is_kept() -> None:
    """
    One hint for all is given once; different ones would mislead.
    """
    mixed = refused("a", hint="one")
    mixed.add(InputRefused("b", hint="two"))

    assert "one" == refused("a", "b", hint="one").error(2).hint
    assert "" == mixed.error(2).hint
