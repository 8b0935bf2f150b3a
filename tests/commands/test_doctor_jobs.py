"""`nox doctor` on jobs that are stuck: no worker, none that fits, or one that is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.doctor.jobs import check_attempts, check_records, check_running, check_waiting, check_workers
from nox_cli.exits import ExitCode
from tests.support.doctor import examine_store
from tests.support.ended import complete, run_again
from tests.support.stores import ADA, BOB, GIB, OTHER_WORKER, beat, claim, new_job, submit, submit_named
from tests.support.vandal import vandal_of
from workers import machine
from workers.batch.grant import Limit
from workers.findings import Severity
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    import pytest

    from tests.support.nox import Nox
    from workers.store.base import Store


def test_jobs_without_any_worker_are_stuck(any_nox: Nox, any_store: Store) -> None:
    """
    Waiting jobs and no living worker: code 1, and how to start one; somebody else's jobs are theirs.
    """
    submit_named(any_store, "a b")
    submit(any_store, new_job("c", owner=BOB))
    report = examine_store(any_nox)

    assert (ExitCode.JOB_FAILED, ["waiting"]) == (report.exit, report.problems)
    assert "2 jobs waiting, and no worker is alive" == report.one("waiting")["found"]
    assert "start one: nox worker" == report.one("waiting")["hint"]


def test_jobs_no_living_worker_can_run_are_told_with_the_reason(any_store: Store) -> None:
    """
    Engine, version, cores, memory: each that no living worker has is named, with what they have.
    """
    any_store.tick(beat(cores=2, memory_bytes=4 * GIB))
    cases = {
        "64 cores (the most a worker has: 2)": new_job(cores=64),
        "16.0 GiB of memory (the most a worker has: 4.0 GiB)": new_job(memory_bytes=16 * GIB),
        "engine xtb@23.0 (offered: xtb@22.1)": new_job(engine="xtb@23.0"),
        "engine tblite (offered: xtb@22.1)": new_job(engine="tblite"),
    }
    submit(any_store, *cases.values(), new_job("fits"))
    found = check_waiting(ADA, any_store)

    assert list(cases) == [one.found.partition(": wanted ")[2] for one in found]
    assert "no living worker can run job 1" == found[0].found.partition(":")[0]
    assert {Severity.PROBLEM} == {one.severity for one in found}
    assert "nox worker --cores 64; or nox cancel 1" in found[0].hint
    assert "nox worker --cores 1 --memory 16384M; or nox cancel 2" in found[1].hint


def test_a_worker_for_a_large_job_is_to_be_started_on_a_large_machine(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where this machine has too few cores for a job, the hint sends the user to one that has them.
    """
    any_store.tick(beat(cores=1))
    submit_named(any_store, "a", cores=2)
    hints = []
    for cores in (2, 1):
        monkeypatch.setattr(machine, "core_limit", lambda _, n=cores: Limit(n, "affinity"))
        hints.append(check_waiting(ADA, any_store)[0].hint)

    assert "start one that has it: nox worker --cores 2; or nox cancel 1" == hints[0]
    assert "start one on a machine that has it: nox worker --cores 2; or nox cancel 1" == hints[1]


def test_jobs_stuck_for_one_reason_are_one_finding(any_store: Store) -> None:
    """
    A hundred jobs that want the same are named by the first three and a count.
    """
    any_store.tick(beat(cores=2))
    submit_named(any_store, "a " * 100, cores=4)
    (found,) = check_waiting(ADA, any_store)

    assert "jobs 1, 2, 3 and 97 more" in found.found


def test_a_worker_for_somebody_else_runs_nothing_of_mine(any_store: Store) -> None:
    """
    A worker that takes bob's jobs only does not help ada.
    """
    any_store.tick(beat(owner=BOB))
    submit_named(any_store, "a")
    (found,) = check_waiting(ADA, any_store)

    assert found.found.endswith(f": wanted a worker for jobs of {ADA}")


def test_jobs_that_fit_are_no_finding(any_store: Store) -> None:
    """
    What a living worker can run merely waits for its turn; who lives is told with what they offer.
    """
    any_store.tick(beat())
    submit_named(any_store, "a")
    (waiting,), (workers,) = check_waiting(ADA, any_store), check_workers(any_store)

    assert (Severity.OK, "1 job waiting; the living workers can run what waits") == (
        waiting.severity,
        waiting.found,
    )
    assert "1 alive: node07 (nox 0.1.0, 2 slots, 8 cores, 16.0 GiB, xtb@22.1, jobs of ada)" == workers.found


def test_a_lane_of_a_worker_that_is_gone_will_open(any_store: Store) -> None:
    """
    A job reserved for a worker that ended waits for anybody; one for a worker that lives is its own.
    """
    any_store.tick(beat(OTHER_WORKER))
    submit_named(any_store, "a", lane="gone-1-abc")
    submit_named(any_store, "b", lane=OTHER_WORKER)

    assert [Severity.OK] == [found.severity for found in check_waiting(ADA, any_store)]


def test_a_job_whose_worker_is_gone_is_stuck(any_nox: Nox, any_store: Store) -> None:
    """
    The job and the host are named, code 1, as long as no other worker lives.
    """
    submit_named(any_store, "a")
    claim(any_store)
    report = examine_store(any_nox)

    assert (ExitCode.JOB_FAILED, ["running"]) == (report.exit, report.problems)
    told = "the worker of job 1 is gone (node07), and no other lives to take over"
    assert told == report.one("running")["found"]


def test_a_job_another_worker_will_take_back_is_a_warning(any_store: Store) -> None:
    """
    With a living worker about, nothing needs to be done.
    """
    submit_named(any_store, "a")
    claim(any_store)
    any_store.tick(beat(OTHER_WORKER))
    (found,) = check_running(ADA, any_store)

    assert Severity.WARNING is found.severity
    assert "takes it back" in found.hint


def test_a_job_on_a_living_worker_is_fine(any_store: Store) -> None:
    """
    One that runs where it should is counted, and no more.
    """
    any_store.tick(beat())
    submit_named(any_store, "a")
    claim(any_store)
    (found,) = check_running(ADA, any_store)

    assert "1 job running, each on a living worker" == found.found


def test_a_killed_worker_is_noticed(nox: Nox, store: Store) -> None:
    """
    A real worker that was killed in the middle of a job leaves a job without a worker.
    """
    worker = nox.worker("--slots", "1")
    worker.wait_log("slot")
    (seen,) = store.workers()
    worker.kill()
    submit_named(store, "a")
    claim(store, worker=seen.beat.worker)
    report = examine_store(nox)

    assert ["running"] == report.problems
    assert seen.host in report.one("running")["found"]
    assert "none is alive" == report.one("workers")["found"]


def test_damaged_records_are_named(any_nox: Nox, any_store: Store) -> None:
    """
    A record that cannot be read is told by its number, whatever state it was in.
    """
    ids = submit_named(any_store, "a b c")
    vandal_of(StoreSettings(any_nox.redis_url, "nox:", any_nox.home)).damage(ids[1])
    (found,) = check_records(any_store)

    assert (Severity.PROBLEM, "1 job cannot be read: job 2") == (found.severity, found.found)


def test_doctor_jobs_what_earlier_attempts_left_is_counted(any_nox: Nox, any_store: Store) -> None:
    """
    Their number, their size and the command that removes them, which does; it is no problem.
    """
    (before,) = check_attempts(any_store)
    job_id = complete(any_store)
    run_again(any_store, job_id)
    run_again(any_store, job_id)
    (found,) = check_attempts(any_store)
    command = found.hint.removeprefix("remove yours: nox ")
    any_nox(*command.split(), "--yes", check=True)

    assert ("no outcome of an earlier attempt is kept", "") == (before.found, before.hint)
    assert found.found.startswith("2 earlier attempts of 1 job kept, ")
    assert found.found.endswith(" KiB in the store")
    assert {Severity.OK} == {before.severity, found.severity}
    assert [before] == check_attempts(any_store)
    assert "ok" == examine_store(any_nox).one("attempts")["verdict"]
