"""`nox submit --max-fails`: a batch is given up once so many of its jobs have failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.examples import EXAMPLES
from tests.support.stores import claim, failed
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

FILES = [str(EXAMPLES / f"{name}.xyz") for name in ("water", "methanol", "ethanol")]


def test_a_batch_is_given_up(any_nox: Nox, any_store: Store) -> None:
    """
    The rest is cancelled, explain says why, wait tells by its code, and a retry of the failed brings it back.
    """
    any_nox("submit", "--no-start", "--engine", "xtb", *FILES, "--max-fails", "1", "--batch", "x", check=True)
    any_store.finish(claim(any_store).lease, failed())

    assert {JobState.FAILED: 1, JobState.CANCELLED: 2} == dict(any_store.counts(batch="x"))
    assert 1 == any_nox("wait", "@batch:x").returncode
    told = any_nox("explain", "2", check=True).stdout
    assert "was cancelled: too many jobs of the batch x failed" in told
    assert "try:  nox list --batch x --state failed" in told
    any_nox("retry", "@failed", check=True, env={"NOX_AUTOSTART": "never"})
    assert {JobState.QUEUED: 3} == dict(any_store.counts(batch="x"))


def test_submit_max_fails_one_job_is_no_batch(any_nox: Nox, any_store: Store) -> None:
    """
    A limit on a single job without a batch changes nothing.
    """
    any_nox("submit", "--no-start", "--kind", "echo", "--max-fails", "1", check=True)
    any_store.finish(claim(any_store).lease, failed())

    assert {JobState.FAILED: 1} == dict(any_store.counts())
