"""`nox hold` and `nox release`: waiting jobs are kept from starting, and let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.stores import claim, run_to_end, submit_named
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store


def test_waiting_running_and_ended(any_nox: Nox, any_store: Store) -> None:
    """
    Waiting jobs are held and released, others left alone; one line says so.
    """
    any_nox.environ["NOX_AUTOSTART"] = "never"
    ids = submit_named(any_store, "ended running waiting")
    run_to_end(any_store, ids[0])
    claim(any_store)
    place = f"({any_store.kind}: {any_store.where})"

    held = any_nox("hold", "1-3", check=True).stdout
    assert f"held 1 job, left 1 done · 1 running alone {place}\n" == held
    assert ["done", "running", "held"] == [job.state for job in any_store.get_many(ids)]
    assert f"held nothing, left 1 waiting alone {place}\n" == any_nox("hold", "3", check=True).stdout

    released = any_nox("release", "3", check=True).stdout
    assert f"released 1 job {place}\n" == released
    assert JobState.QUEUED is any_store.get(ids[2]).state


def test_a_released_job_starts_at_once(any_nox: Nox, any_store: Store) -> None:
    """
    A worker that waits hears of it; until then status names the command that lets it start.
    """
    any_nox("submit", "--kind", "echo", "--hold", check=True)
    any_nox.worker("--slots", "1")
    (job,) = any_store.get_many(any_store.with_numbers(1, 1))

    assert JobState.HELD is job.state
    assert "try:  nox release 1" in any_nox("status", "1", check=True).stdout
    any_nox("release", "@waiting", check=True)
    wait_until(lambda: any_store.get(job.id).state is JobState.DONE, 60, "the job's end")


def test_a_held_job_starts_no_worker(nox: Nox, store: Store) -> None:
    """
    Submitting held jobs wakes nobody; releasing them does.
    """
    always: dict[str, str | None] = {"NOX_AUTOSTART": "always"}
    nox("submit", "--kind", "echo", "--hold", env=always, check=True)

    assert [] == store.workers()
    nox("release", "1", env=always, check=True)
    assert 0 == nox("wait", "1", "--timeout", "60").returncode


def test_a_person_is_told(nox: Nox) -> None:
    """
    On a terminal a submit says that its jobs are held, or when they start.
    """
    for words, told in ((["--hold"], "held: nox release @last"), (["--delay", "2d"], "not before ")):
        with Terminal(nox, "submit", "--kind", "echo", "--no-start", *words) as terminal:
            terminal.wait_for(told)
            assert 0 == terminal.end()
