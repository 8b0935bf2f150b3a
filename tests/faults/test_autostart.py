"""The background worker: no job is ever left between a worker that goes and one that comes."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.environment import clean
from tests.support.processes import PROC, arguments, end, has_open, is_alive
from tests.support.stores import new_job, submit
from tests.support.waiting import wait_until
from workers.bell.base import PIPE_NAME
from workers.job import JobState
from workers.runtime.autostart import LOCK_NAME, LOG_LIMIT_BYTES, LOG_NAME, Wake, WorkerLock, wake
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.nox import Nox

SUBMITTERS = 3
IDLE_TIMEOUT_S = 0.05
# Submits around the moment an idle worker goes, then waits for the job: nobody else's submit must save it.
SUBMITTER = """
import random, sys, time
from pathlib import Path
from tests.support.stores import new_job, submit
from tests.support.waiting import wait_until
from workers.runtime.autostart import wake
from workers.store.sqlite.store import SqliteStore
home, rounds, idle_timeout_s = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
store = SqliteStore.open(home)
for _ in range(rounds):
    (job_id,) = submit(store, new_job(owner="ada"))
    wake(home, policy="always", login_node=False, idle_timeout_s=idle_timeout_s)
    wait_until(lambda: store.get(job_id).state.is_final, 60, "a job that was stranded")
    time.sleep(random.random() * 3 * idle_timeout_s)
"""


@pytest.fixture
def woken_home(home: Path, nox: Nox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state directory; workers that are started from the test itself have the tests' environment."""
    for name, value in clean(home).items():
        monkeypatch.setenv(name, value)
    yield home
    for pid in nox.background():
        end(pid)


@pytest.mark.parametrize("rounds", [10, pytest.param(50, marks=pytest.mark.long)])
@pytest.mark.parametrize("submitters", [1, SUBMITTERS])
def test_autostart_no_job_is_stranded(nox: Nox, home: Path, submitters: int, rounds: int) -> None:
    """
    Jobs that come just when an idle worker goes are run all the same, by that worker or by the next.
    """
    SqliteStore.open(home).close()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SUBMITTER, str(home), str(rounds), str(IDLE_TIMEOUT_S)],
            env=clean(home) | {"NOX_USER": "ada", "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(submitters)
    ]

    assert [0] * submitters == [process.wait(10 * rounds + 10) for process in processes]
    wait_until(lambda: not nox.background(), 30, "the end of the last worker")


def test_autostart_one_worker_is_started(woken_home: Path, nox: Nox) -> None:
    """
    The first call starts a worker, which holds the lock from then on; the next ones ring.
    """
    SqliteStore.open(woken_home).close()

    woken = [wake(woken_home, policy="always", login_node=False).wake for _ in range(3)]

    assert [Wake.STARTED, Wake.RUNG, Wake.RUNG] == woken
    assert 1 == len(wait_until(nox.background, 30, "the worker"))


def test_a_started_worker_belongs_to_nobody(woken_home: Path, nox: Nox) -> None:
    """
    It has a session of its own, no input, the root as directory, and a private log in the state directory.
    """
    SqliteStore.open(woken_home).close()
    wake(woken_home, policy="always", login_node=False)
    (pid,) = wait_until(nox.background, 30, "the worker")  # what it is called can be read a moment later
    place = PROC / str(pid)

    assert pid == os.getsid(pid)
    assert "/" == os.fspath((place / "cwd").readlink())
    assert "/dev/null" == os.fspath((place / "fd/0").readlink())
    log = woken_home / LOG_NAME
    assert [str(log)] * 2 == [os.fspath((place / f"fd/{number}").readlink()) for number in (1, 2)]
    assert 0o600 == stat.S_IMODE(log.stat().st_mode)


def test_engines_do_not_inherit_the_lock(woken_home: Path, nox: Nox) -> None:
    """
    An engine that outlived its worker would otherwise keep the next one from starting.
    """
    store = SqliteStore.open(woken_home)
    (job_id,) = submit(store, new_job(owner="ada"))
    wake(woken_home, policy="always", login_node=False, variables={"NOX_USER": "ada"})
    wait_until(lambda: store.get(job_id).state is JobState.DONE, 30, "the end of the job")
    (worker,) = nox.background()

    below = nox.processes() - {worker}
    held = [pid for pid in below if has_open(pid, woken_home / LOCK_NAME)]
    assert below
    assert has_open(worker, woken_home / LOCK_NAME)
    assert [] == held
    store.close()


def test_settings_reach_the_worker(woken_home: Path, nox: Nox) -> None:
    """
    The worker serves this very store, also where its environment would name another.
    """
    SqliteStore.open(woken_home).close()
    wake(woken_home, policy="always", login_node=False, variables={"NOX_USER": "ada"})
    (pid,) = wait_until(nox.background, 30, "the worker")

    environ = (PROC / str(pid) / "environ").read_bytes().decode().split("\0")
    assert {f"NOX_HOME={woken_home}", "NOX_FORCE_LOCAL=1", "NOX_USER=ada"} <= set(environ)
    assert [] == [line for line in environ if line.startswith("REDIS_URL")]
    assert "60" == arguments(pid)[arguments(pid).index("--idle-timeout") + 1]


@pytest.mark.parametrize(("policy", "login_node"), [("never", False), ("auto", True)])
def test_autostart_nothing_is_started_where_it_should_not(
    home: Path, policy: str, *, login_node: bool
) -> None:
    """
    By policy, or on a login node, jobs wait; the caller learns why.
    """
    woken = wake(home, policy=policy, login_node=login_node)

    assert Wake.LEFT is woken.wake
    assert woken.why


def test_a_living_worker_is_rung_on_a_login_node_too(home: Path) -> None:
    """
    A worker somebody started there by hand hears of new jobs.
    """
    lock = WorkerLock.take(home)
    os.mkfifo(home / PIPE_NAME)
    listener = os.open(home / PIPE_NAME, os.O_RDWR | os.O_NONBLOCK)

    woken = wake(home, policy="auto", login_node=True)

    assert (Wake.RUNG, b"1") == (woken.wake, os.read(listener, 10))
    os.close(listener)
    assert lock is not None
    lock.release()


def test_a_lock_is_held_once(home: Path) -> None:
    """
    While one has the lock no other gets it; released, it can be taken again.
    """
    first = WorkerLock.take(home)
    assert first is not None
    second = WorkerLock.take(home)
    first.release()
    first.release()
    third = WorkerLock.take(home)
    assert third is not None

    assert second is None
    assert not first.retake()
    third.release()
    assert first.retake()
    first.release()


def test_an_adopted_lock_is_not_passed_on(home: Path) -> None:
    """
    A worker closes the descriptor it was handed to whatever it starts.
    """
    lock = WorkerLock.take(home)
    assert lock is not None
    os.set_inheritable(lock.descriptor, True)

    adopted = WorkerLock.adopt(home, lock.descriptor)

    assert fcntl.fcntl(adopted.descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    adopted.release()
    with pytest.raises(ValueError, match="not held"):
        _ = adopted.descriptor


def test_a_long_log_is_put_aside(woken_home: Path) -> None:
    """
    The log of background workers does not grow without a limit.
    """
    SqliteStore.open(woken_home).close()
    log = woken_home / LOG_NAME
    log.write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))

    wake(woken_home, policy="always", login_node=False)

    assert LOG_LIMIT_BYTES + 1 == log.with_suffix(".log.old").stat().st_size
    wait_until(lambda: b"store at" in log.read_bytes(), 30, "the first line of the new log")


def test_a_foreground_worker_takes_the_lock(nox: Nox) -> None:
    """
    With a worker on some terminal, submit starts none; when that one ends, the next submit does.
    """
    worker = nox.worker("--slots", "1")
    worker.wait_log("slot")
    nox.environ.pop("NOX_AUTOSTART")
    (first,) = nox.submit("--kind", "echo", "--payload", "1")
    nox.wait(first, "completed")
    assert set() == nox.background()
    worker.process.terminate()
    assert 0 == worker.wait()

    (second,) = nox.submit("--kind", "echo", "--payload", "1")

    nox.wait(second, "completed")
    (background,) = nox.background()
    assert is_alive(background)
