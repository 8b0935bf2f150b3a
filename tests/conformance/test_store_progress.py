"""The store's contract: how far an attempt has come, and how it keeps its lease."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    OTHER_WORKER,
    claim,
    failed,
    give_back_and_reclaim,
    history,
    outcome,
    submit_named,
)
from workers.job import RESULT_PHASE, JobState, Lease, Progress, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.store.base import Store
    from workers.store.values import Outcome

STEP = Progress(
    fraction=0.25,
    phase="opt",
    step=7,
    energy_hartree=-42.14208190123456,
    energy_change_hartree=-8.8e-07,
    gradient_norm_hartree_per_bohr=9.2e-04,
)


def test_progress_is_kept_to_the_last_bit(store: Store) -> None:
    """
    Every number is read as it was written, and the last word counts.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.progress(lease, Progress(fraction=0.1, phase="opt", step=1))
    store.progress(lease, STEP)

    assert STEP == store.get(job_id).progress


def test_a_job_without_progress_says_nothing(store: Store) -> None:
    """
    What an engine did not say is null, not zero.
    """
    (job_id,) = submit_named(store, "a")

    assert Progress() == store.get(job_id).progress
    store.progress(claim(store).lease, Progress(step=0))
    assert Progress(step=0) == store.get(job_id).progress


def test_progress_is_no_event(store: Store) -> None:
    """
    The change stream tells states, not steps.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    for step in range(5):
        store.progress(lease, STEP._replace(step=step))

    assert [JobState.QUEUED, JobState.RUNNING] == history(store, job_id)


def test_the_next_attempt_begins_without_progress(store: Store) -> None:
    """
    A new attempt starts from the beginning, and so does what is shown of it.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.progress(lease, STEP)
    store.give_back(lease, "drained")
    claim(store)

    assert Progress() == store.get(job_id).progress


@pytest.mark.parametrize("how", [outcome, partial(failed, Reason.NOT_CONVERGED)])
def test_the_record_of_a_finished_job_has_the_numbers_of_its_result(
    store: Store, how: Callable[..., Outcome]
) -> None:
    """
    Lists show how a job ended without reading the outcome; nothing of an earlier step is left.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.progress(lease, STEP)
    final = Progress(phase=RESULT_PHASE, step=9, energy_hartree=-42.5, gradient_norm_hartree_per_bohr=1e-4)
    store.finish(lease, how(progress=final))

    assert final == store.get(job_id).progress


def test_a_job_that_ends_without_a_result_keeps_what_it_reported(store: Store) -> None:
    """
    Where it had got to is all that is known of an attempt that crashed.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.progress(lease, STEP)
    store.finish(lease, failed(Reason.CRASHED))

    assert STEP == store.get(job_id).progress


@pytest.mark.parametrize("how", [outcome, partial(failed, Reason.NOT_CONVERGED)])
def test_a_record_of_an_earlier_version_shows_no_step_with_its_final_energy(
    store: Store, how: Callable[..., Outcome]
) -> None:
    """
    They recorded the energy of the result next to step, dE and |g| of an earlier step.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.finish(lease, how(progress=STEP))

    expected = Progress(fraction=STEP.fraction, energy_hartree=STEP.energy_hartree)
    assert expected == store.get(job_id).progress


def test_leases_are_renewed_in_the_order_asked(store: Store) -> None:
    """
    Every lease that was named gets its answer, in order.
    """
    submit_named(store, "a b c")
    leases = [claim(store).lease for _ in range(3)]
    renewals = store.renew(leases[::-1])

    assert leases[::-1] == [renewal.lease for renewal in renewals]
    assert [(True, False)] * 3 == [(renewal.alive, renewal.cancel_requested) for renewal in renewals]
    assert [] == store.renew([])


def test_a_lost_lease_is_not_renewed(store: Store) -> None:
    """
    Stale fences, ended jobs, jobs that were given back or never existed: all are lost; the others go on.
    """
    submit_named(store, "a b c")
    stale, good = give_back_and_reclaim(store)
    ended, returned = claim(store).lease, claim(store).lease
    store.finish(ended, outcome())
    store.give_back(returned, "drained")
    absent = Lease("f" * 32, 1, OTHER_WORKER)

    asked = [stale, good, ended, returned, absent]
    assert [False, True, False, False, False] == [renewal.alive for renewal in store.renew(asked)]


def test_a_renewal_tells_of_a_cancel(store: Store) -> None:
    """
    The worker hears of a cancel with its next renewal, and at each after that.
    """
    a, _ = submit_named(store, "a b")
    first, second = claim(store).lease, claim(store).lease
    store.cancel([a], owner=None)

    for _ in range(2):
        answers = [(renewal.alive, renewal.cancel_requested) for renewal in store.renew([first, second])]
        assert [(True, True), (True, False)] == answers


def test_renewing_changes_no_record(store: Store) -> None:
    """
    A renewal is no event and leaves the job as it is.
    """
    (job_id,) = submit_named(store, "a")
    found = claim(store)
    store.renew([found.lease])

    assert found.job == store.get(job_id)
    assert [JobState.QUEUED, JobState.RUNNING] == history(store, job_id)
