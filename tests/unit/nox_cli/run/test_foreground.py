"""Running jobs in this process without a command line."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from nox_cli.exits import ExitCode
from nox_cli.run.foreground import JobEnd, start
from nox_cli.submission.options import KindWanted, SubmitOptions
from nox_cli.submission.prepare import CallContext, Prepared, prepare
from tests.support.stores import ADA, GIB
from workers.errors import FileInTheWay, InputRefused
from workers.job import JobState
from workers.logs import Log
from workers.runtime.slots import Plan, worker_id

if TYPE_CHECKING:
    from pathlib import Path

    from nox_cli.config.settings import Settings
    from workers.store.base import Store


def plan_of(caller: Settings) -> Plan:
    """Plan a process that runs one job at a time."""
    return Plan(
        worker=worker_id(),
        slots=1,
        cores=1,
        memory_bytes=4 * GIB,
        engines=frozenset({"echo"}),
        owner=ADA,
        home=caller.home,
        artifacts=caller.artifacts,
        name="run",
        lane_only=True,
        drain_timeout_s=0.0,
    )


def echo(plan: Plan, **options: object) -> Prepared:
    """Prepare an echo job that is reserved for the plan's worker."""
    asked = SubmitOptions(kind=KindWanted.ECHO, payload="1", name="e", **options)  # type: ignore[arg-type]
    return prepare((), asked, CallContext(ADA, lane=plan.worker))


def test_jobs_run_to_their_end(any_store: Store, caller: Settings, tmp_path: Path) -> None:
    """
    The job is stored, runs here, and its record is written; a second run finds it done.
    """
    plan, ends = plan_of(caller), list[JobEnd]()
    running = start(any_store, echo(plan), plan, str(tmp_path / "out"))
    running.log = Log(io.StringIO(), is_terse=True)
    running.go(ends.append)
    again = start(any_store, echo(plan), plan, str(tmp_path / "out"))
    again.go(ends.append)

    assert (1, 0, ExitCode.DONE) == (len(running.stored.jobs), running.left, running.exit)
    assert [JobState.DONE] * 2 == [end.job.state for end in ends]
    assert ends[0].job.id == ends[1].job.id
    assert ["e-result.json"] == [path.name for path in ends[0].files]
    assert () == again.stored.jobs


def test_a_job_that_cannot_run_here_is_refused(any_store: Store, caller: Settings) -> None:
    """
    Nothing is stored of jobs that need more than the plan has.
    """
    plan = plan_of(caller)
    with pytest.raises(InputRefused, match="needs 2 cores"):
        start(any_store, echo(plan, cores=2), plan, None)

    assert {} == any_store.counts()


def test_files_of_another_origin_are_kept(any_store: Store, caller: Settings, tmp_path: Path) -> None:
    """
    A file that no earlier run wrote is not overwritten.
    """
    (tmp_path / "e-result.json").write_text("mine")
    plan = plan_of(caller)
    with pytest.raises(FileInTheWay):
        start(any_store, echo(plan), plan, str(tmp_path))

    assert {} == any_store.counts()


def test_a_run_that_is_stopped_stores_nothing(any_store: Store, caller: Settings) -> None:
    """
    The caller stops a run before its first chunk of jobs, and may open the lane.
    """
    plan = plan_of(caller)
    running = start(any_store, echo(plan), plan, None, lambda: True)
    running.leave()

    assert ((), 1) == (running.stored.jobs, running.stored.requested)
    assert {} == any_store.counts()
