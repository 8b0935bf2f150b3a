"""`nox logs`: what the engine printed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.support.ended import complete, run_again, water, xyz
from tests.support.nox import COMMAND
from tests.support.stores import artifact, claim, outcome, submit, submit_named
from tests.support.waiting import wait_until
from workers.machine import host
from workers.runtime.artifacts import live_log

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.job import Lease
    from workers.store.base import Store

HOSTILE = "start\n\x1b]52;c;aGk=\x07 and \x1b[31mred\x9b\r\nend\n"


def running(store: Store, machine: str) -> Lease:
    """Store a job and claim it for a worker on a machine."""
    submit(store, water())
    return claim(store, f"{machine}-1-abcdef").lease


def printed(nox: Nox, lease: Lease) -> Path:
    """Make the file in which a running engine's output grows."""
    path = live_log(nox.home / "artifacts", lease.job_id, lease.fence)
    path.parent.mkdir(parents=True)
    return path


def test_the_final_log(any_nox: Nox, any_store: Store) -> None:
    """
    An ended job's log comes from the store, whole or its last lines.
    """
    complete(any_store)

    assert "one\ntwo\n" == any_nox("logs", "1").stdout
    assert "one\ntwo\n" == any_nox("logs", "1", "-f").stdout
    assert "two\n" == any_nox("logs", "1", "-n", "1").stdout
    assert "" == any_nox("logs", "1", "-n", "0").stdout
    assert "one\ntwo\n" == any_nox("logs").stdout


def test_logs_nothing_steers_the_terminal(nox: Nox, store: Store) -> None:
    """
    Escape sequences are shown, in a pipe too; the bytes as they are come only with --raw.
    """
    complete(store, None, artifact("engine.log", HOSTILE))
    raw = subprocess.run(
        [*COMMAND, "logs", "1", "--raw"], env=nox.environ, cwd=nox.cwd, capture_output=True, check=True
    )

    assert "start\n" + r"\x1b]52;c;aGk=\x07 and \x1b[31mred\x9b\r" + "\nend\n" == nox("logs", "1").stdout
    assert HOSTILE.encode() == raw.stdout


def test_bytes_that_are_no_text(nox: Nox, store: Store) -> None:
    """
    Bytes that are not UTF-8 are shown as what they are.
    """
    made = artifact("engine.log", "x")
    path = nox.cwd / "log"
    path.write_bytes(b"caf\xe9 \xff\n")
    digest = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
    complete(store, None, type(made)("engine.log", 7, digest, "", host=host(), path=str(path)))

    assert "caf\\xe9 \\xff\n" == nox("logs", "1").stdout


def test_logs_several_jobs(nox: Nox, store: Store) -> None:
    """
    Several logs come each under its job; one that is missing is told of and ends nothing.
    """
    complete(store, water("cat"))
    submit_named(store, "waiting")
    ended = nox("logs", "1-2", check=True)

    assert "==> 1 cat <==\none\ntwo\n==> 2 waiting <==\n" == ended.stdout
    assert "job 2 has not started\n" == ended.stderr
    assert 2 == nox("logs", "1-2", "-f").returncode


def test_logs_nothing_to_show(nox: Nox, store: Store) -> None:
    """
    A job that has not started, an attempt that never was, an engine that printed nothing: 3 and why.
    """
    complete(store, None, xyz("water"))
    submit_named(store, "waiting")
    said = [nox("logs", *words) for words in (["2"], ["1", "--attempt", "2"], ["1"])]

    assert [3, 3, 3] == [one.returncode for one in said]
    assert "job 2 has not started" in said[0].stderr
    assert "job 1 has no attempt 2" in said[1].stderr
    assert "the engine of job 1 printed nothing" in said[2].stderr


def test_a_running_job_here(nox: Nox, store: Store) -> None:
    """
    What a running job's engine has printed so far is read from the file in which it grows.
    """
    lease = running(store, host())
    silent = nox("logs", "1")
    printed(nox, lease).write_text("so far\n")

    assert (3, True) == (silent.returncode, "has printed nothing so far" in silent.stderr)
    assert "so far\n" == nox("logs", "1").stdout
    assert "so far\n" == nox("logs", "1", "--attempt", "1").stdout


def test_a_running_job_elsewhere(nox: Nox, store: Store) -> None:
    """
    The growing log of a job on another machine is there: nox says where.
    """
    running(store, "node07")
    for words in (["1"], ["1", "-f"]):
        ended = nox("logs", *words)

        assert 3 == ended.returncode
        assert "job 1 runs on node07" in ended.stderr
        assert "hint: on node07: nox logs 1 -f" in ended.stderr


def test_following_to_the_end(any_nox: Nox, any_store: Store) -> None:
    """
    With -f the log is printed as it grows, and to its end when the job ends, nothing lost or doubled.
    """
    submit(any_store, water())
    said = any_nox.cwd / "said"
    with said.open("wb") as out:
        following = any_nox.popen("logs", "1", "-f", stdout=out)

    def has(part: str) -> bool:
        return part in said.read_text()

    lease = claim(any_store, f"{host()}-1-abcdef").lease
    path = printed(any_nox, lease)
    path.write_text("first\n")
    wait_until(lambda: has("first\n"), 60, "the first line")
    with path.open("a") as log:
        log.write("second\n")
    wait_until(lambda: has("second\n"), 60, "the second line")
    path.unlink()
    any_store.finish(lease, outcome(artifacts=(artifact("engine.log", "first\nsecond\nlast\n"),)))
    wait_until(lambda: has("last\n"), 60, "the last line")

    assert 0 == following.wait(60)
    assert "first\nsecond\nlast\n" == said.read_text()


def test_the_log_of_an_earlier_attempt(any_nox: Nox, any_store: Store) -> None:
    """
    A job that waits again shows the log of its newest attempt; `--attempt` that of any, also as another runs.
    """
    any_nox.environ["NOX_AUTOSTART"] = "never"
    job_id = complete(any_store)
    run_again(any_store, job_id, artifact("engine.log", "second\n"))
    any_store.retry([job_id], owner=None, done=True)
    assert "second\n" == any_nox("logs", "1", check=True).stdout
    lease = claim(any_store, f"{host()}-1-abcdef").lease
    printed(any_nox, lease).write_text("third\n")

    for words, said in (
        ((), "third\n"),
        (("--attempt", "1"), "one\ntwo\n"),
        (("--attempt", "2"), "second\n"),
    ):
        assert said == any_nox("logs", "1", *words, check=True).stdout
    any_store.give_back(lease, "drained")
    any_store.cancel([job_id], owner=None)
    assert "third\n" == any_nox("logs", "1", check=True).stdout
    assert "third\n" == any_nox("logs", "1", "-f", check=True).stdout
