"""A large submit, whose first jobs start while its other inputs are read: all of it is stored, or nothing."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.submission.head_start import FIRST, LEAST_INPUTS
from tests.support.nox import Nox
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartRedis

# The last is stdin.  So many are stored early, and the others are not.
INPUTS = LEAST_INPUTS + 20
SHORT, LONG = {"do": "nap", "s": 0}, {"do": "sleep"}
BAD = "{bad"


def request(payload: object) -> str:
    """Write a request of an echo job."""
    return json.dumps({"kind": "echo", "payload": payload})


def files(nox: Nox, *payloads: object) -> list[str]:
    """Write a request into a file for each input but the last; the first have these payloads."""
    names = [f"r{number:03}.json" for number in range(1, INPUTS)]
    others = [SHORT] * (len(names) - len(payloads))
    for name, payload in zip(names, [*payloads, *others], strict=True):
        (nox.cwd / name).write_text(request(payload))
    return names


def begin(nox: Nox, *payloads: object) -> subprocess.Popen[str]:
    """Start a submit that has read all files, or soon will have, and waits for its stdin."""
    return nox.popen("submit", *files(nox, *payloads), "-", "--no-start", stdin=subprocess.PIPE)


def counts(nox: Nox) -> dict[JobState, int]:
    """Count the jobs of the store; there may be no store yet."""
    if nox.redis_url is None and not (nox.home / "nox.sqlite3").exists():
        return {}
    with nox.store(is_there=True) as store:
        return dict(store.counts())


def await_jobs(nox: Nox, count: int, *, done: int = 0, runs: bool = False) -> None:
    """Wait until there are so many jobs, so many of them are done, and, if `runs`, at least one runs."""

    def is_so() -> bool:
        found = counts(nox)
        is_running = bool(found.get(JobState.RUNNING))
        return (count, done, runs) == (sum(found.values()), found.get(JobState.DONE, 0), is_running)

    wait_until(is_so, 60.0, lambda: f"{count} jobs, {done} of them done: {counts(nox)}")


def newest(nox: Nox) -> list[Any]:
    """List the jobs of the newest submit."""
    items: list[Any] = json.loads(nox("list", "@last", "--json", "--limit", "1000").stdout)["items"]
    return items


def test_a_job_has_ended_before_the_last_input_is_read(any_nox: Nox) -> None:
    """
    Jobs run while the submit waits for its last input; in the end all ids are printed, in order.
    """
    any_nox.worker("--slots", "1", standin=True)
    process = begin(any_nox)
    wait_until(lambda: counts(any_nox).get(JobState.DONE), 60.0, "the end of a job")
    assert None is process.poll()
    out, err = process.communicate(request(SHORT), timeout=60)

    assert (0, INPUTS) == (process.returncode, len(out.split())), err
    with any_nox.store(is_there=True) as store:
        jobs = store.get_many(out.split())
    assert list(range(1, INPUTS + 1)) == [job.number for job in jobs]
    assert set(out.split()) == {job["job_id"] for job in newest(any_nox)}
    assert 1 == len({job.batch for job in jobs})


def test_the_background_worker_is_started_before_the_last_input_is_read(nox: Nox) -> None:
    """
    The worker of the local store starts with the first jobs, and the output names it in the end.
    """
    process = nox.popen("submit", *files(nox), "-", stdin=subprocess.PIPE)
    wait_until(lambda: counts(nox).get(JobState.DONE), 60.0, "the end of a job")
    assert None is process.poll()
    out, err = process.communicate(request(SHORT), timeout=60)

    assert (0, INPUTS) == (process.returncode, len(out.split())), err


def test_a_bad_last_input_leaves_nothing(any_nox: Nox) -> None:
    """
    The submit is refused as a whole: jobs that have ended, run or wait are removed; the last submit is the
    one before.
    """
    any_nox.worker("--slots", "1", standin=True)
    (earlier,) = any_nox.submit("--kind", "echo", "--payload", json.dumps(SHORT))
    any_nox.wait(earlier, "completed")
    process = begin(any_nox, SHORT, LONG)
    await_jobs(any_nox, FIRST + 1, done=2, runs=True)
    out, err = process.communicate(BAD, timeout=60)

    assert (5, "") == (process.returncode, out)
    assert f"; nothing was submitted; {FIRST} jobs stored before were removed again\n" in err
    assert {JobState.DONE: 1} == counts(any_nox)
    assert [earlier] == [job["job_id"] for job in newest(any_nox)]
    assert {earlier} >= {path.name for path in (any_nox.home / "artifacts").glob("*")}


def test_a_submit_that_is_killed_leaves_its_first_jobs(any_nox: Nox) -> None:
    """
    What a killed submit has stored is the newest submit, and runs; the same can be submitted again.
    """
    process = begin(any_nox)
    await_jobs(any_nox, FIRST)
    process.kill()
    process.communicate(timeout=60)

    assert FIRST == len(newest(any_nox))
    any_nox.worker("--slots", "1", standin=True)
    await_jobs(any_nox, FIRST, done=FIRST)
    assert INPUTS - 1 == len(any_nox.submit(*files(any_nox)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_inputs_are_read_leaves_nothing(any_nox: Nox, number: signal.Signals) -> None:
    """
    Ctrl-C and SIGTERM, while the submit reads its inputs, remove its stored jobs, the running one too.
    """
    any_nox.worker("--slots", "1", standin=True)
    process = begin(any_nox, LONG)
    await_jobs(any_nox, FIRST, runs=True)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    said = f"; nothing was submitted; {FIRST} jobs stored before were removed again\n"
    assert (128 + number, "") == (process.returncode, out)
    assert err.endswith(said), err
    assert ({}, []) == (counts(any_nox), newest(any_nox))


@pytest.fixture
def lonely(home: Path, fresh_redis: StartRedis) -> tuple[Nox, Any]:
    """Nox over a Redis that can be stopped, and that Redis."""
    server = fresh_redis()
    return Nox(home, server.url), server


def test_a_redis_that_is_gone_while_inputs_are_read(lonely: tuple[Nox, Any]) -> None:
    """
    The ids of the jobs that are stored are printed, and counted.
    """
    nox, server = lonely
    process = begin(nox)
    await_jobs(nox, FIRST)
    server.stop()
    out, err = process.communicate(request(SHORT), timeout=60)
    server.start()

    assert (4, FIRST) == (process.returncode, len(out.split())), err
    assert f"{FIRST} of {INPUTS} jobs were submitted, and their ids printed" in err
    assert set(out.split()) == {job["job_id"] for job in newest(nox)}
    nox.close()


def test_a_redis_that_is_gone_when_an_input_is_refused(lonely: tuple[Nox, Any]) -> None:
    """
    The jobs that could not be removed are counted, and where they are seen is named.
    """
    nox, server = lonely
    process = begin(nox)
    await_jobs(nox, FIRST)
    server.stop()
    out, err = process.communicate(BAD, timeout=60)
    server.start()

    assert (5, "") == (process.returncode, out)
    assert "nothing was submitted" not in err
    assert f"up to {FIRST} jobs stored before are still there (redis at " in err
    assert FIRST == len(newest(nox))
    nox.close()


@pytest.mark.parametrize(
    "options",
    [
        ["--unique"],
        ["--hold"],
        ["--delay", "1h"],
        ["--begin", "tomorrow 06:00"],
        ["--max-fails", "3"],
        ["--require-durable"],
        ["--dry-run"],
    ],
)
def test_other_submits_read_all_inputs_first(nox: Nox, options: list[str]) -> None:
    """
    Where jobs may not start at once, or depend on each other, nothing is stored before all inputs are read.
    """
    ended = nox("submit", *files(nox), "-", *options, input=BAD)

    assert 5 == ended.returncode
    assert "; nothing was submitted\n" in ended.stderr
    assert not (nox.home / "nox.sqlite3").exists()


def test_a_small_submit_reads_all_inputs_first(nox: Nox) -> None:
    """
    A submit of few inputs stores nothing before they are read.
    """
    ended = nox("submit", *files(nox)[: LEAST_INPUTS - 2], "-", input=BAD)

    assert 5 == ended.returncode
    assert not (nox.home / "nox.sqlite3").exists()
