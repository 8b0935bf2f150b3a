"""The progress of a store or a batch, from its counts and a few records, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.watch.survey import Survey
from tests.support.ended import water
from tests.support.stores import ADA, claim, ended_at, failed, outcome, submit
from workers.job import JobState, Reason

if TYPE_CHECKING:
    from workers.store.base import Store
    from workers.store.values import Page, Query


class Counted:
    """A store that counts the records that its pages return."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.records = 0

    def page(self, query: Query) -> Page:
        """List jobs, and count them."""
        found = self.store.page(query)
        self.records += len(found.items)
        return found

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the store does."""
        return getattr(self.store, name)


def test_survey_of_a_batch_leaves_other_jobs_out(store: Store) -> None:
    """
    Counts, failures, energies and the running job are those of the batch, and of no other one.
    """
    for batch in ("one", "two"):
        submit(store, *(water(f"{batch}{index}", batch=batch) for index in range(5)))
        store.finish(claim(store).lease, outcome(progress=ended_at(-5.0)))
        store.finish(claim(store).lease, outcome(progress=ended_at(-4.0)))
        store.finish(claim(store).lease, failed(Reason.SCF))
        claim(store)
        store.cancel(store.last(ADA)[4:], owner=None)
    found = Survey(store, batch="one").read(times.now_ms())

    expected = {JobState.DONE: 2, JobState.FAILED: 1, JobState.RUNNING: 1, JobState.CANCELLED: 1}
    assert expected == dict(found.counts)
    assert [("scf", 1, ["one2"])] == [
        (group.reason, group.count, [named.name for named in group.sample]) for group in found.failures
    ]
    named = [found.lowest, found.newest_done, found.longest_running]
    assert ["one0", "one1", "one3"] == [job.name for job in named if job is not None]
    assert found.elapsed_s is not None
    assert 10 == Survey(store).read(times.now_ms()).total
    assert 10 == Survey(store, owner=ADA).read(times.now_ms()).total
    assert 0 == Survey(store, owner="bob").read(times.now_ms()).total


def test_survey_reads_no_record_while_no_count_changes(store: Store) -> None:
    """
    A look at a store in which nothing happens reads counts, and a job that was run again leaves its group.
    """
    (job_id,) = submit(store, water("cat"))
    store.finish(claim(store).lease, failed(Reason.SCF))
    counted = Counted(store)
    survey = Survey(counted)
    first = survey.read(times.now_ms())
    read = counted.records
    again = survey.read(times.now_ms())
    store.retry([job_id], owner=None)

    assert read == counted.records
    assert first == again
    assert 1 == first.failures_grouped
    assert () == Survey(store).read(times.now_ms()).failures


def test_survey_of_many_jobs_reads_few_records(store: Store) -> None:
    """
    Of jobs that wait only the first and the last are read, and counted all the same.
    """
    submit(store, *(water(f"m{index}", batch="screen") for index in range(400)))
    store.finish(claim(store).lease, outcome(progress=ended_at(-5.0)))
    counted = Counted(store)
    found = Survey(counted, batch="screen").read(times.now_ms())

    assert (400, 399, 1) == (found.total, found.waiting, found.ended)
    assert counted.records < 110
