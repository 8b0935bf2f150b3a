"""`nox wait`: silence, and an exit code."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import beat, claim, failed, outcome, run_to_end, submit_named

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store


def test_wait_ends_with_the_last_job(any_nox: Nox, any_store: Store) -> None:
    """
    A wait says nothing and ends when the last job has; its code is the verdict.
    """
    submit_named(any_store, "cat int1")
    any_store.tick(beat())
    waiting = any_nox.popen("wait", "1-2")
    any_store.finish(claim(any_store).lease, outcome())
    any_store.finish(claim(any_store).lease, failed())
    said = waiting.communicate(timeout=60)

    assert ("", "") == said
    assert 1 == waiting.returncode


def test_jobs_that_have_ended(nox: Nox, store: Store) -> None:
    """
    Over jobs that have ended a wait ends at once: 0, 1 or 6.
    """
    good, bad, gone = submit_named(store, "good bad gone")
    run_to_end(store, good)
    run_to_end(store, bad, failed())
    store.cancel([gone], owner=None)

    assert [0, 1, 6] == [nox("wait", *words).returncode for words in (["1"], ["1", "2"], ["1", "3"])]


def test_wait_how_long_it_waits(nox: Nox, store: Store) -> None:
    """
    A timeout that ran out is 124; a timeout of 0 looks once, and pending is 8.
    """
    done, _ = submit_named(store, "done waiting")
    run_to_end(store, done)

    assert 124 == nox("wait", "2", "--timeout", "0.05").returncode
    assert 8 == nox("wait", "1-2", "--timeout", "0").returncode
    assert 0 == nox("wait", "1", "--timeout", "0").returncode
    assert 0 == nox("wait", "1-2", "--any").returncode
    assert 2 == nox("wait", "1", "--timeout", "soon").returncode


@pytest.mark.parametrize("command", ["wait", "watch"])
def test_wait_says_once_that_no_worker_is_there(any_nox: Nox, any_store: Store, command: str) -> None:
    """
    One may come at any time, from another terminal or machine: the wait goes on and ends with the job.
    """
    submit_named(any_store, "cat int1")
    waiting = any_nox.popen(command, "1-2")
    assert waiting.stderr is not None
    told = waiting.stderr.readline()
    any_store.tick(beat())
    any_store.finish(claim(any_store).lease, outcome())
    any_store.finish(claim(any_store).lease, outcome())
    rest = waiting.communicate(timeout=60)[1]

    assert "no worker is there to run what waits; start one: nox worker\n" == told
    assert "" == rest
    assert 0 == waiting.returncode


def test_held_jobs_wait_for_no_worker(nox: Nox, store: Store) -> None:
    """
    Of a job that waits for something else it is not said that a worker is missing.
    """
    submit_named(store, "cat", held=True)

    ended = nox("wait", "1", "--timeout", "2.5")

    assert (124, "") == (ended.returncode, ended.stderr)


def test_wait_ends_early_when_one_failed(nox: Nox, store: Store) -> None:
    """
    With --fail-fast the first failure ends the wait, with 1.
    """
    bad, _ = submit_named(store, "bad waiting")
    run_to_end(store, bad, failed())

    assert 1 == nox("wait", "1-2", "--fail-fast").returncode


def test_wait_nothing_to_wait_for(nox: Nox, store: Store) -> None:
    """
    Nothing matched is 3, and 0 with --allow-empty.
    """
    assert store.kind == "local"
    assert 3 == nox("wait", "@running").returncode
    assert 0 == nox("wait", "@running", "--allow-empty").returncode


def test_the_summary(nox: Nox, store: Store) -> None:
    """
    --summary prints a line of counts; --json the same as one value.
    """
    good, bad = submit_named(store, "good bad")
    run_to_end(store, good)
    run_to_end(store, bad, failed())
    document = json.loads(nox("wait", "1-2", "--json").stdout)

    assert nox("wait", "1-2", "--summary").stdout.startswith("1 done · 1 failed after ")
    assert {"pending": 0, "running": 0, "completed": 1, "failed": 1, "cancelled": 0} == document["counts"]
    assert 1 == document["exit"]


def test_ids_on_stdin(nox: Nox, store: Store) -> None:
    """
    Ids come from a pipe as they left `nox submit`.
    """
    (done,) = submit_named(store, "done")
    run_to_end(store, done)

    assert 0 == nox("wait", "-", input=f"{done}\n").returncode


def test_ctrl_c_ends_the_wait_only(nox: Nox, store: Store) -> None:
    """
    Ctrl-C is 130 and says that jobs go on, and how to wait on; the job is untouched.
    """
    (job_id,) = submit_named(store, "cat")
    claim(store)
    waiting = nox.popen("wait", job_id)
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith("no worker is there to run what waits; ")
    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate(timeout=60)

    assert 130 == waiting.returncode
    assert f"interrupted; jobs go on\nhint: go on with nox wait {job_id}\n" == said
    assert "running" == store.get(job_id).state
