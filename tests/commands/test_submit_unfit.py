"""`nox submit`: a job that no living worker can ever run is told at once, and stored all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.pools import define, pools_of
from tests.support.stores import ADA, GIB, beat, served
from workers.job import JobState
from workers.store.pools import Pause

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

ECHO = ("submit", "--kind", "echo", "--payload", "1")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (("--cores", "16"), "16 cores (the most a worker has: 8)"),
        (("--memory", "64G"), "64.0 GiB of memory (the most a worker has: 16.0 GiB)"),
        (("--time", "3h"), "3 h left (the most a worker has: 1 h)"),
    ],
)
def test_a_job_that_fits_no_worker_is_told(
    any_nox: Nox, any_store: Store, asked: tuple[str, ...], wanted: str
) -> None:
    """
    The warning stands on stderr; the id on stdout and the code are as ever, and the job waits.
    """
    any_store.tick(beat(owner=None, memory_bytes=16 * GIB, time_s=3_600))

    ended = any_nox(*ECHO, "--no-start", *asked, check=True)

    assert f"warning: 1 job will wait: no worker has {wanted}\n" in ended.stderr
    assert JobState.QUEUED is any_nox.job(ended.stdout.strip()).state


def test_submit_unfit_nothing_is_said_where_a_worker_fits_or_none_is_known(
    any_nox: Nox, any_store: Store
) -> None:
    """
    One that fits is enough; where only other people's workers live, one's own may be started yet.
    """
    any_store.tick(beat(owner="somebody", cores=1))
    alone = any_nox(*ECHO, "--no-start", "--cores", "8", check=True)
    any_store.tick(beat("wide-1-a", owner=None, cores=8))
    fitting = any_nox(*ECHO, "--no-start", "--cores", "8", check=True)

    assert "will wait" not in alone.stderr + fitting.stderr


def test_submit_unfit_nothing_is_said_where_a_pool_may_start_a_worker(redis_nox: Nox) -> None:
    """
    Unless the pool is paused, or too small as well.
    """
    redis_nox.environ["NOX_USER"] = ADA
    with redis_nox.store() as store, served(store, owner=None, cores=2):
        define(store)
        fitting = redis_nox(*ECHO, "--cores", "8", check=True)
        larger = redis_nox(*ECHO, "--cores", "9", check=True)
        pools_of(store).pause(ADA, "small", Pause.USER)
        paused = redis_nox(*ECHO, "--cores", "8", check=True)

    assert "will wait" not in fitting.stderr
    assert "1 job will wait: no worker has 9 cores" in larger.stderr
    assert "1 job will wait: no worker has 8 cores" in paused.stderr


def test_a_worker_that_is_started_for_a_job_cannot_do_wonders(nox: Nox) -> None:
    """
    What this machine does not have the background worker will not have either.
    """
    ended = nox(*ECHO, "--cores", "1024", check=True, env={"NOX_AUTOSTART": "always"})

    assert "warning: 1 job will wait: no worker has 1024 cores (the most a worker has: " in ended.stderr
