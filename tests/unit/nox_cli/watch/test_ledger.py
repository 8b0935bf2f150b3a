"""What is known of followed jobs together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.watch.follower import Change
from nox_cli.watch.ledger import Ledger
from tests.support.stores import ADA, ended_at
from workers.job import Job, JobState, Reason

if TYPE_CHECKING:
    from typing import Any

    import pytest

BEGAN_MS = 1_000_000


def job(number: int, state: JobState = JobState.QUEUED, **changes: Any) -> Job:
    """Make a job; one that started did so at the beginning, and one that ended did a second later."""
    times = {"started_ms": None if state.is_waiting else BEGAN_MS, "ended_ms": BEGAN_MS + 1_000}
    times["ended_ms"] = times["ended_ms"] if state.is_final else None
    plain = Job(f"{number:032x}", number, state, ADA, "opt", BEGAN_MS, name=f"mol{number}", formula="H2O")
    return plain._replace(**times | changes)


def change(
    number: int, state: JobState, reason: Reason | None = None, at_ms: int = BEGAN_MS + 2_000
) -> Change:
    """Make a change of a job's state."""
    return Change("", at_ms, f"{number:032x}", number, f"mol{number}", state, 1, reason)


def test_ledger_groups_failures_by_reason() -> None:
    """
    The largest group comes first, each with its newest jobs; one that is run again is no longer in it.
    """
    ledger = Ledger()
    for number in range(1, 10):
        ledger.add(job(number, JobState.FAILED, reason=Reason.SCF))
    ledger.add(job(10))
    ledger.move(change(10, JobState.RUNNING))
    ledger.move(change(10, JobState.FAILED, Reason.TIMEOUT))
    ledger.move(change(9, JobState.QUEUED))
    found = ledger.progress({JobState.FAILED: 9, JobState.QUEUED: 1}, BEGAN_MS + 3_000)

    assert [(Reason.SCF, 8), (Reason.TIMEOUT, 1)] == [(one.reason, one.count) for one in found.failures]
    assert [8, 7, 6, 5, 4] == [named.number for named in found.failures[0].sample]
    assert (9, 10, 9, 1) == (found.failures_grouped, found.total, found.ended, found.waiting)


def test_ledger_compares_energies_of_one_formula_and_kind() -> None:
    """
    The lowest of them is known, and none once a job of another molecule is among them.
    """
    ledger = Ledger()
    for number, energy in enumerate((-5.0, -5.2, -5.1), 1):
        ledger.add(job(number, JobState.DONE, progress=ended_at(energy)))
    lowest = ledger.progress({}, BEGAN_MS).lowest
    ledger.add(job(4, formula="CH4"))

    assert lowest is not None
    assert 2 == lowest.number
    assert ledger.progress({}, BEGAN_MS).lowest is None


def test_ledger_lets_an_estimate_run_down_until_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Between two estimates the time that passes is taken off: drawings four times a second count down.
    """
    monkeypatch.setattr("nox_cli.watch.ledger._ESTIMATE_EVERY_S", 3_600.0)
    ledger = Ledger()
    for number in range(20):
        ledger.add(
            job(
                number,
                JobState.DONE,
                started_ms=BEGAN_MS + 1_000 * number,
                ended_ms=BEGAN_MS + 1_000 * (number + 1),
            )
        )
    ledger.add(job(20, JobState.RUNNING, started_ms=BEGAN_MS + 20_000))
    for number in range(21, 40):
        ledger.add(job(number))
    counts = {JobState.DONE: 20, JobState.RUNNING: 1, JobState.QUEUED: 19}
    first = ledger.progress(counts, BEGAN_MS + 20_100).left
    second = ledger.progress(counts, BEGAN_MS + 20_600).left

    assert first is not None
    assert second is not None
    assert 19 < first.likely_s < 21
    assert 0.5 == round(first.likely_s - second.likely_s, 6)


def test_ledger_estimates_anew_at_once_when_many_jobs_are_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An estimate that is costly is made seldom, but not kept when the jobs it was made for are others; the
    jobs that ended lately are counted all the time.
    """
    monkeypatch.setattr("nox_cli.watch.ledger._ESTIMATE_EVERY_S", 0.0)
    monkeypatch.setattr("nox_cli.watch.ledger._ESTIMATE_SHARE", 1e12)
    ledger = Ledger()
    for number in range(20):
        times = {"started_ms": BEGAN_MS + 1_000 * number, "ended_ms": BEGAN_MS + 1_000 * (number + 1)}
        ledger.add(job(number, JobState.DONE, **times))
    ledger.add(job(20, JobState.RUNNING, started_ms=BEGAN_MS + 20_000))
    for number in range(21, 121):
        ledger.add(job(number))
    counts = {JobState.DONE: 20, JobState.RUNNING: 1, JobState.QUEUED: 100}
    before = ledger.progress(counts, BEGAN_MS + 20_100)
    for number in range(31, 121):
        ledger.move(change(number, JobState.CANCELLED, at_ms=BEGAN_MS + 20_500))
    ledger.move(change(20, JobState.DONE, at_ms=BEGAN_MS + 20_900))
    counts = {JobState.DONE: 21, JobState.CANCELLED: 90, JobState.QUEUED: 10}
    after = ledger.progress(counts, BEGAN_MS + 21_100)

    assert before.left is not None
    assert after.left is not None
    assert 90 < before.left.likely_s < 110
    assert after.left.likely_s < 20
    assert (19, 21) == (sum(before.ends_per_slice), sum(after.ends_per_slice))


def test_progress_as_json_has_every_part() -> None:
    """
    The document has counts in both forms, the estimate, failures with names, and the jobs that stand out.
    """
    ledger = Ledger()
    ledger.add(job(1, JobState.DONE, progress=ended_at(-5.0)))
    ledger.add(job(2, JobState.FAILED, reason=Reason.SCF))
    found = ledger.progress({JobState.DONE: 1, JobState.FAILED: 1}, BEGAN_MS + 9_000).document()

    assert {"pending": 0, "running": 0, "completed": 1, "failed": 1, "cancelled": 0} == found["counts"]
    assert {"done": 1, "failed": 1} == found["raw_counts"]
    assert (2, 1.0, None, None) == (found["total"], found["elapsed_s"], found["rate_per_s"], found["left"])
    sample = [{"job_id": f"{2:032x}", "number": 2, "name": "mol2"}]
    assert [{"reason": "scf", "count": 1, "sample": sample}] == found["failures"]
    assert found["lowest"] == found["newest_done"]
    assert found["lowest"] is not None
    assert (-5.0, 1) == (found["lowest"]["energy_hartree"], found["lowest"]["number"])
