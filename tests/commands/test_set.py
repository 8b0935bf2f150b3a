"""`nox set`: what waiting jobs ask for can be changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import BOB, GIB, claim, run_to_end, submit_named
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store


def test_waiting_running_and_ended(any_nox: Nox, any_store: Store) -> None:
    """
    Waiting jobs are changed, running and ended ones left; one line says so.
    """
    ids = submit_named(any_store, "ended running waiting")
    run_to_end(any_store, ids[0])
    claim(any_store)
    ended = any_nox("set", "1-3", "--priority", "10", check=True)

    assert [0, 0, 10] == [job.priority for job in any_store.get_many(ids)]
    assert (
        f"changed 1 job, left 1 done · 1 running alone ({any_store.kind}: {any_store.where})\n"
    ) == ended.stdout


def test_every_option(any_nox: Nox, any_store: Store) -> None:
    """
    Priority, cores, memory, time, name and tags.
    """
    (job_id,) = submit_named(any_store, "cat", cores=16, tags={"kept": "1"})
    said = "--priority -5 --cores 2 --memory 3G --time 1h --name dog --tag set=a --tag other=b"
    any_nox("set", "1", *said.split(), check=True)
    job = any_store.get(job_id)

    assert (-5, 2, 3 * GIB, 3_600, "dog") == (
        job.priority,
        job.cores,
        job.memory_bytes,
        job.time_limit_s,
        job.name,
    )
    assert {"kept": "1", "set": "a", "other": "b"} == dict(job.tags)

    any_nox("set", "1", "--time", "0", "--priority", "0", check=True)

    assert (0, 0) == (any_store.get(job_id).time_limit_s, any_store.get(job_id).priority)


def test_set_as_json(nox: Nox, store: Store) -> None:
    """
    --json tells what became of each job.
    """
    (job_id,) = submit_named(store, "cat")
    document = json.loads(nox("set", "1", "--priority", "1", "--json").stdout)
    expected = {"job_id": job_id, "before": "pending", "state": "pending", "changed": True, "refused": False}

    assert [expected] == document["jobs"]
    assert {"kind": "local", "where": store.where} == document["store"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["1"], 2),
        (["1", "--priority", "101"], 2),
        (["1", "--tag", "nothing"], 2),
        (["1", "--name", "../cat"], 5),
        (["9", "--priority", "1"], 3),
        (["--priority", "1"], 2),
    ],
)
def test_set_what_makes_no_sense(nox: Nox, store: Store, words: list[str], code: int) -> None:
    """
    Nothing to set, a number out of range, no such job: nothing is changed.
    """
    (job_id,) = submit_named(store, "cat")
    before = store.get(job_id)

    assert code == nox("set", *words).returncode
    assert before == store.get(job_id)


def test_set_other_peoples_jobs(any_nox: Nox, any_store: Store) -> None:
    """
    A job of somebody else's needs --any-user; without it nothing at all is changed.
    """
    ids = [*submit_named(any_store, "mine"), *submit_named(any_store, "his", owner=BOB)]
    ended = any_nox("set", "1-2", "--priority", "1")

    assert 2 == ended.returncode
    assert "belong to bob; nothing was changed\nhint: add --any-user to change" in ended.stderr
    assert [0, 0] == [job.priority for job in any_store.get_many(ids)]

    any_nox("set", "1-2", "--priority", "1", "--any-user", check=True)

    assert [1, 1] == [job.priority for job in any_store.get_many(ids)]


def test_a_job_that_asks_for_less_starts_at_once(any_nox: Nox, any_store: Store) -> None:
    """
    A worker that had no room for a job hears that it asks for less.
    """
    any_nox.worker("--slots", "1", "--cores", "1")
    (job_id,) = submit_named(any_store, "wide", cores=2)
    any_nox("set", "1", "--cores", "1", check=True)

    wait_until(lambda: any_store.get(job_id).state is JobState.DONE, 60, "the job's end")
