"""Windows on long lists of jobs: which rows are visible, and which pages are read for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.top.window import PAGE, JobWindow
from tests.support.stores import ADA, new_job, submit
from workers.job import JobState
from workers.store.values import Query

if TYPE_CHECKING:
    from workers.store.base import Store

JOBS = 6 * PAGE + 7
HEIGHT = 10
NEWEST_FIRST = Query(owner=ADA)


def fill(store: Store, window: JobWindow) -> int:
    """Read all pages that a window wants; return how many there were."""
    read = 0
    while (wanted := window.wanted()) is not None:
        window.take(wanted, store.page(wanted.query))
        read += 1
    return read


def numbers(window: JobWindow) -> list[int]:
    """The numbers of the jobs in the visible rows."""
    return [row.job.number for row in window.rows() if row.job is not None]


def current(window: JobWindow) -> int:
    """The number of the current job."""
    assert window.current is not None
    return window.current.number


def test_window_reads_only_the_page_it_shows(any_store: Store) -> None:
    """
    One page is read for the first rows, and one more where rows of the next page come into view.
    """
    submit(any_store, *(new_job() for _ in range(JOBS)))
    window = JobWindow(NEWEST_FIRST, HEIGHT)

    assert 1 == fill(any_store, window)
    assert list(range(JOBS, JOBS - HEIGHT, -1)) == numbers(window)
    window.move(PAGE - 1)
    assert 0 == fill(any_store, window)
    window.move(1)
    assert 1 == fill(any_store, window)
    assert JOBS - PAGE == current(window)


def test_window_jumps_to_the_end_by_one_page(any_store: Store) -> None:
    """
    The end of a list is read from there: one page, whose rows stand in the order of the list.
    """
    submit(any_store, *(new_job() for _ in range(JOBS)))
    window = JobWindow(NEWEST_FIRST, HEIGHT)
    fill(any_store, window)
    window = window.edge(is_end=True)

    assert 1 == fill(any_store, window)
    assert list(range(HEIGHT, 0, -1)) == numbers(window)
    assert 1 == current(window)
    window.move(-PAGE)
    assert 1 == fill(any_store, window)
    assert PAGE + 1 == current(window)


def test_window_walks_a_whole_list_and_back(any_store: Store) -> None:
    """
    Every job is met once on the way down, and again on the way up, though far pages are dropped.
    """
    submit(any_store, *(new_job() for _ in range(JOBS)))
    window = JobWindow(NEWEST_FIRST, HEIGHT)
    fill(any_store, window)
    met = [current(window)]
    for step in [1] * (JOBS - 1) + [-1] * (JOBS - 1):
        window.move(step)
        fill(any_store, window)
        met.append(current(window))

    down = list(range(JOBS, 0, -1))
    assert down + down[-2::-1] == met


def test_window_stays_on_its_job_when_newer_ones_come(any_store: Store) -> None:
    """
    The current job stays the current one; from the first row one follows the newest.
    """
    submit(any_store, *(new_job() for _ in range(HEIGHT)))
    first, other = JobWindow(NEWEST_FIRST, HEIGHT), JobWindow(NEWEST_FIRST, HEIGHT)
    fill(any_store, first)
    fill(any_store, other)
    other.move(2)
    submit(any_store, *(new_job() for _ in range(3)))
    for window in (first, other):
        window.expire()
        fill(any_store, window)

    assert HEIGHT + 3 == current(first)
    assert HEIGHT - 2 == current(other)


def test_window_of_an_empty_list_has_no_current_job(any_store: Store) -> None:
    """
    A list without jobs is whole after one page, wherever one goes.
    """
    window = JobWindow(NEWEST_FIRST, HEIGHT)
    fill(any_store, window)
    window.move(5)
    window = window.edge(is_end=True)

    assert window.is_whole
    assert (None, [], 0) == (window.current, window.rows(), window.position)


def test_window_moves_up_when_the_last_jobs_leave(any_store: Store) -> None:
    """
    Where jobs no longer match, the current row is the last that is left.
    """
    ids = submit(any_store, *(new_job() for _ in range(HEIGHT)))
    window = JobWindow(NEWEST_FIRST._replace(states=frozenset({JobState.QUEUED})), HEIGHT)
    fill(any_store, window)
    window.move(HEIGHT)
    fill(any_store, window)
    any_store.cancel(ids[:4], owner=ADA)
    window.expire()
    fill(any_store, window)

    assert [10, 9, 8, 7, 6, 5] == numbers(window)
    assert 5 == current(window)
