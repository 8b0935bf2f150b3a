"""The store's contract: the points of running optimisations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import OTHER_WORKER, beat, claim, failed, outcome, submit_named
from tests.support.waiting import wait_until
from workers.job import MAX_LOSSES, Progress, Reason
from workers.store.values import POINTS_KEPT, Point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.support.vandal import Vandal
    from workers.job import Lease
    from workers.store.base import Store

LIMIT_S = 20.0
FIRST, SECOND, THIRD = (
    Point(1, -5.0703213456789012, 0.0317),
    Point(2, -5.0705, 9.2e-3),
    Point(3, -5.070544, 2.1e-5),
)


def report(store: Store, lease: Lease, *points: Point) -> None:
    """Report the progress of an optimisation that has passed points."""
    step = points[-1].step if points else None
    store.progress(lease, Progress(phase="opt", step=step), points)


def running(store: Store, *points: Point) -> Lease:
    """Submit a job, claim it and report points."""
    submit_named(store, "a")
    lease = claim(store).lease
    report(store, lease, *points)
    return lease


def points(store: Store, lease: Lease) -> Sequence[Point]:
    """Read the points of a job."""
    return store.points([lease.job_id]).get(lease.job_id, ())


def test_points_are_read_to_the_last_bit_in_their_order(store: Store) -> None:
    """
    Each call adds its points to those of the calls before; progress without points leaves them.
    """
    lease = running(store, FIRST)
    report(store, lease, SECOND, THIRD)
    report(store, lease)

    assert (FIRST, SECOND, THIRD) == points(store, lease)


def test_points_of_several_jobs_are_read_at_once(store: Store) -> None:
    """
    Jobs without points are left out: those that wait, those without an optimisation, those that do not exist.
    """
    first = running(store, FIRST)
    second = running(store, FIRST, SECOND)
    without = running(store)
    (waiting,) = submit_named(store, "b")

    asked = [waiting, second.job_id, without.job_id, first.job_id, "f" * 32, "no id"]
    assert {first.job_id: (FIRST,), second.job_id: (FIRST, SECOND)} == store.points(asked)
    assert {} == store.points([])


def test_points_are_bounded(store: Store) -> None:
    """
    The newest are kept, whether they come one by one or more at once than are kept.
    """
    lease = running(store)
    course = [Point(step, -5.0 - step / 1e3, 1 / step) for step in range(1, 2 * POINTS_KEPT + 4)]
    for begin in range(0, POINTS_KEPT, 3):
        report(store, lease, *course[begin : begin + 3])
    assert POINTS_KEPT == len(points(store, lease))

    report(store, lease, *course[begin + 3 :])
    assert tuple(course[-POINTS_KEPT:]) == points(store, lease)


def test_points_that_are_reported_again_are_stored_once(store: Store) -> None:
    """
    A report whose reply was lost may be repeated, with further points.
    """
    lease = running(store, FIRST, SECOND)
    report(store, lease, FIRST, SECOND)
    report(store, lease, SECOND, THIRD)

    assert (FIRST, SECOND, THIRD) == points(store, lease)


def test_points_of_an_engine_that_began_again_replace_the_later_ones(store: Store) -> None:
    """
    After the engine was killed, the attempt computes again from its last checkpoint.
    """
    lease = running(store, FIRST, SECOND, THIRD)
    again = SECOND._replace(gradient_norm=8e-3)
    report(store, lease, again)

    assert (FIRST, again) == points(store, lease)


ENDS: dict[str, Callable[[Store, Lease], object]] = {
    "done": lambda store, lease: store.finish(lease, outcome()),
    "failed": lambda store, lease: store.finish(lease, failed(Reason.NOT_CONVERGED)),
    "released": lambda store, lease: store.give_back(lease, "drained"),
}


@pytest.mark.parametrize("end", list(ENDS.values()), ids=list(ENDS))
def test_points_are_removed_as_the_attempt_ends(store: Store, end: Callable[[Store, Lease], object]) -> None:
    """
    Nothing is left of them, neither for readers nor in the store.
    """
    lease = running(store, FIRST, SECOND)
    end(store, lease)

    assert () == points(store, lease)
    assert [] == store.audit()


def test_points_are_removed_as_a_retry_follows(store: Store) -> None:
    """
    The next attempt begins without any.
    """
    submit_named(store, "a", retries=1, retry_on=frozenset({Reason.CRASHED}))
    lease = claim(store).lease
    report(store, lease, FIRST, SECOND)
    store.finish(lease, failed(Reason.CRASHED))

    assert () == points(store, lease)
    assert [] == store.audit()


def test_points_of_a_lost_attempt_are_removed(store: Store, vandal: Vandal) -> None:
    """
    The tick that requeues the job of a dead worker removes them, and so does the one that gives the job up.
    """
    (job_id,) = submit_named(store, "a")
    for _ in range(MAX_LOSSES):
        lease = claim(store).lease
        report(store, lease, FIRST, SECOND)
        vandal.run_out(job_id)
        wait_until(lambda: job_id in store.tick(beat(OTHER_WORKER)).reaped, LIMIT_S, "the job to be requeued")
        assert () == points(store, lease)
        assert [] == store.audit()


def test_points_of_the_next_attempt_are_its_own(store: Store) -> None:
    """
    It continues from a checkpoint, and its first step is not that of the attempt before.
    """
    lease = running(store, FIRST, SECOND)
    store.keep_checkpoint(lease, b"geometry", 1)
    store.give_back(lease, "drained")
    following = claim(store).lease
    assert () == points(store, following)

    report(store, following, THIRD)
    assert (THIRD,) == points(store, following)


def test_points_are_removed_with_a_job(store: Store) -> None:
    """
    A job that is cleaned leaves nothing behind.
    """
    lease = running(store, FIRST)
    store.finish(lease, outcome())
    store.remove([lease.job_id], owner=None)

    assert {} == store.points([lease.job_id])
    assert [] == store.audit()
