"""The work of `nox worker` as a function, without a command line."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from nox_cli.argv import Call
from nox_cli.config.settings import load
from nox_cli.exits import ExitCode
from nox_cli.run.worker import AllocatedWorker, Begun, WorkerEnded, WorkerOptions, WorkerView, run_worker
from tests.support.stores import ADA, submit_named
from tests.support.waiting import wait_until
from workers.errors import StoreRefused, StoreUnreachable, UsageError
from workers.job import JobState
from workers.logs import Log, LogForm
from workers.store.opening import open_store
from workers.store.pools import AllocationState, AutoscalerLease, PoolDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.store.base import Store

TOKEN = "0123456789abcdef"


def test_a_worker_runs_jobs_without_a_command_line(tmp_path: Path) -> None:
    """
    Options, settings, a store and a log are all that a worker needs; it returns how it ended.
    """
    environ = {"HOME": str(tmp_path), "NOX_HOME": str(tmp_path / "home"), "NOX_USER": "ada"}
    settings, lines = load(environ, Call("worker", ())), io.StringIO()
    store = open_store(settings.store)
    submit_named(store, "a")
    ended = run_worker(
        WorkerOptions(burst=True, slots=1), settings, lambda: store, environ, Log(lines, LogForm.TEXT)
    )
    (job,) = store.get_many(store.with_numbers(1, 1, limit=1))
    store.close()

    assert (ExitCode.DONE, JobState.DONE) == (ended.exit, job.state), lines.getvalue()
    assert "local store at" in lines.getvalue()


def test_a_worker_with_contradicting_options_opens_no_store(tmp_path: Path) -> None:
    """
    `--burst` and `--idle-timeout` are refused before anything is opened.
    """
    settings = load({"HOME": str(tmp_path)}, Call("worker", ()))
    options = WorkerOptions(burst=True, idle_timeout=1.0)

    with pytest.raises(UsageError, match="contradict each other"):
        run_worker(options, settings, pytest.fail, {}, Log(io.StringIO(), LogForm.TEXT))


class Site:
    """A Redis with a pool and one allocation, in which workers run."""

    def __init__(self, tmp_path: Path, redis_url: str) -> None:
        self.environ = {
            "HOME": str(tmp_path),
            "NOX_HOME": str(tmp_path / "home"),
            "NOX_USER": ADA,
            "REDIS_URL": redis_url,
            "NOX_ALLOCATION": TOKEN,
        }
        self.store = open_store(load(self.environ, Call("worker", ())).store)
        assert self.store.pools is not None
        self.pools = self.store.pools
        self.pools.define(ADA, "cpu", PoolDefinition(4, 2**30, 3_600), "0" * 64)
        lease = self.pools.acquire(ADA, "login-1-a")
        assert isinstance(lease, AutoscalerLease)
        new: dict[str, object] = {"state": "pending", "cores": 4, "memory_bytes": 2**30}
        self.pools.record(lease, "cpu", {}, [(TOKEN, new | {"time_s": 3_600, "intended_ms": 1})])
        self.seen: list[str] = []  # tokens in beats of workers that have begun
        self.lines = io.StringIO()

    def work(self, **environ: str) -> WorkerEnded:
        """Run a worker until nothing is left to do."""
        site = self

        class View(WorkerView):
            def begun(self, begun: Begun) -> None:  # noqa: ARG002
                site.seen += [one.beat.allocation for one in site.store.workers()]

        found = self.environ | environ
        return run_worker(
            WorkerOptions(burst=True, slots=1),
            load(found, Call("worker", ())),
            lambda: self.store,
            found,
            Log(self.lines, LogForm.TEXT),
            View(),
        )


@pytest.fixture
def site(tmp_path: Path, redis_url: str) -> Iterator[Site]:
    """A pool with an allocation that is pending."""
    made = Site(tmp_path, redis_url)
    yield made
    made.store.close()


def test_a_worker_joins_its_allocation_and_parts_from_it(site: Site) -> None:
    """
    Its beats have the token, the allocation runs, and in the end it has the number of attempts.
    """
    submit_named(site.store, "a b c")
    assert ExitCode.DONE == site.work().exit

    (allocation,) = site.pools.allocations()
    assert [TOKEN] == site.seen
    assert (AllocationState.RUNNING, 3) == (allocation.state, allocation.jobs), site.lines.getvalue()
    assert 1_600_000_000_000 < (allocation.joined_ms or 0) <= (allocation.left_ms or 0)
    assert f"worker={allocation.worker}" in site.lines.getvalue()
    assert "allocation" not in site.lines.getvalue()


@pytest.mark.parametrize("text", ["x", "0123456789ABCDEF", f"{TOKEN}0", "-" * 16, f"{TOKEN}\n"])
def test_a_worker_ignores_what_is_no_token(site: Site, text: str) -> None:
    """
    A line of the log says so, and jobs run.
    """
    submit_named(site.store, "a")
    assert ExitCode.DONE == site.work(NOX_ALLOCATION=text).exit

    (allocation,) = site.pools.allocations()
    assert [""] == site.seen
    assert (AllocationState.PENDING, "") == (allocation.state, allocation.worker)
    assert "NOX_ALLOCATION is ignored" in site.lines.getvalue()
    assert 1 == site.store.counts()[JobState.DONE]


def test_a_worker_of_an_unknown_allocation_works_all_the_same(site: Site) -> None:
    """
    A line of the log says that the store does not know it: its pool was removed.
    """
    site.pools.remove(ADA, "cpu")
    submit_named(site.store, "a")
    assert ExitCode.DONE == site.work().exit

    assert "does not know the allocation" in site.lines.getvalue()
    assert 1 == site.store.counts()[JobState.DONE]
    assert [] == site.pools.allocations(ended=True)


def test_a_worker_whose_pools_do_not_answer_works_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Each of the two attempts to reach them costs a line of the log.
    """

    def fail(*_: object) -> None:
        raise StoreUnreachable("redis did not answer")

    monkeypatch.setattr(site.pools, "join", fail)
    monkeypatch.setattr(site.pools, "part", fail)
    submit_named(site.store, "a")
    assert ExitCode.DONE == site.work().exit

    assert "could not be joined: redis did not answer" in site.lines.getvalue()
    assert "could not be left: redis did not answer" in site.lines.getvalue()
    assert 1 == site.store.counts()[JobState.DONE]


def test_a_worker_joins_its_allocation_as_soon_as_the_store_answers(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Else the autoscaler would wait for it as long as it lives, and its end at a time limit would be a strike.
    """
    monkeypatch.setattr("nox_cli.run.worker.JOIN_EVERY_S", 0.01)
    join, away = site.pools.join, [True] * 3

    def fail_first(token: str, worker: str) -> bool:
        if away:
            away.pop()
            raise StoreUnreachable("redis did not answer")
        return join(token, worker)

    monkeypatch.setattr(site.pools, "join", fail_first)
    worker = AllocatedWorker(site.pools, TOKEN, "node3-1-aaaaaaaa", Log(site.lines, LogForm.TEXT))
    worker.join()
    wait_until(lambda: site.pools.allocations()[0].worker, 60, site.lines.getvalue)
    (during,) = site.pools.allocations()
    worker.part()
    (after,) = site.pools.allocations()

    assert (AllocationState.RUNNING, None) == (during.state, during.left_ms)
    assert (during.joined_ms, True) == (after.joined_ms, after.left_ms is not None)
    assert 1 == site.lines.getvalue().count("could not be joined")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (False, "the store does not know the allocation"),
        (StoreRefused("wrong password"), "could not be joined: wrong password"),
    ],
)
def test_a_worker_that_may_not_join_asks_no_more(
    site: Site, monkeypatch: pytest.MonkeyPatch, second: bool | StoreRefused, said: str
) -> None:
    """
    Once the store answers, it answers for good: the log has why.
    """
    monkeypatch.setattr("nox_cli.run.worker.JOIN_EVERY_S", 0.01)
    join = Mock(side_effect=[StoreUnreachable("redis did not answer"), second])
    monkeypatch.setattr(site.pools, "join", join)
    worker = AllocatedWorker(site.pools, TOKEN, "node3-1-aaaaaaaa", Log(site.lines, LogForm.TEXT))
    worker.join()
    wait_until(lambda: said in site.lines.getvalue(), 60, site.lines.getvalue)
    worker.part()

    assert 2 == join.call_count
    assert "is joined" not in site.lines.getvalue()


def test_a_worker_that_could_not_join_does_so_as_it_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nobody takes its allocation for one that was of no use.
    """

    def fail(*_: object) -> bool:
        raise StoreUnreachable("redis did not answer")

    monkeypatch.setattr(site.pools, "join", fail)
    submit_named(site.store, "a")
    site.work()

    (allocation,) = site.pools.allocations()
    assert allocation.worker
    assert (1, allocation.left_ms) == (allocation.jobs, allocation.joined_ms)


def test_a_worker_of_a_local_store_has_no_allocation_to_join(tmp_path: Path) -> None:
    """
    Such a store has no pools, and its worker runs jobs all the same.
    """
    environ = {"HOME": str(tmp_path), "NOX_HOME": str(tmp_path / "home"), "NOX_ALLOCATION": TOKEN}
    settings, lines = load(environ, Call("worker", ())), io.StringIO()
    store: Store = open_store(settings.store)
    submit_named(store, "a", owner=settings.owner)
    options = WorkerOptions(burst=True, slots=1)
    ended = run_worker(options, settings, lambda: store, environ, Log(lines, LogForm.TEXT))
    counts = store.counts()
    store.close()

    assert (ExitCode.DONE, 1) == (ended.exit, counts[JobState.DONE]), lines.getvalue()
