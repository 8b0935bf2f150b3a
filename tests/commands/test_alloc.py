"""`nox alloc`: pools are defined, listed, paused and removed; looks request allocations of a stand-in."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from io import StringIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import Mock

import pytest
from pydantic import TypeAdapter
from redis import from_url

from nox_cli.alloc.journal import Journal
from nox_cli.alloc.json_objects import (
    LookRecord,
    PoolChangeRecord,
    PoolPageRecord,
    PoolRecord,
    PoolSetRecord,
)
from nox_cli.alloc.run import Looks
from nox_cli.alloc.user_pools import UserPools
from nox_cli.results.json_objects import Page
from tests.support.environment import search_path
from tests.support.programs import write_program
from tests.support.waiting import wait_until
from workers.errors import NothingMatched, StoreUnreachable
from workers.logs import Log
from workers.pools.report import Look
from workers.store.pools import OF_WORKER, Allocation, AllocationState, Pause

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

    from redis import Redis

    from nox_cli.config.settings import Settings
    from tests.conftest import StartRedis
    from tests.support.nox import Nox
    from workers.pools.autoscaler import Autoscaler
    from workers.store.redis.store import RedisStore

LIMIT_S = 60.0
# Shorter than the lease of a look.
BROKEN_OFF_S = 40.0
SIZE = ("--cores", "2", "--memory", "4G", "--time", "1h", "--allow-loopback")
ECHO = ("--kind", "echo", "--payload", "1", "--no-start")
# A stand-in: numbers from 1, refuses what `refusal` says, lists nothing, keeps what it was given.
SBATCH = """#!/bin/sh
cd {folder} || exit 2
case " $* " in
*" --version "*) echo "slurm 24.11.5"; exit ;;
*" --test-only "*) echo "sbatch: Job 9 to start at 2026-11-30T12:00:00 using 2 processors" >&2; exit ;;
esac
if [ -s refusal ]; then cat refusal >&2; exit 1; fi
echo "$*" >> calls
cat > "script-$(wc -l < calls)"
wc -l < calls
"""
# Those that `listed` names.
SQUEUE = """#!/bin/sh
for word; do case $word in --format=*) mark=${{word#--format=}} mark=${{mark%%|*}} ;; esac; done
sed "s/^/$mark|/" {folder}/listed
"""
SCANCEL = """#!/bin/sh
echo "$*" >> {folder}/cancelled
"""


class Cluster:
    """A stand-in for Slurm: its programs, and files that say what they answer."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        programs = folder / "bin"
        for name, text in {"sbatch": SBATCH, "squeue": SQUEUE, "scancel": SCANCEL}.items():
            self.program(name, text)
        (programs / "srun").symlink_to("/bin/true")
        for name in ("refusal", "listed", "calls", "cancelled"):
            (folder / name).touch()
        self.environ = {"PATH": f"{programs}:{search_path()}"}

    def program(self, name: str, text: str) -> None:
        """Make a program, or replace it while it may run."""
        write_program(self.folder / "bin" / name, text.format(folder=self.folder))

    @property
    def names(self) -> list[str]:
        """The names of the batch jobs that were requested, in order."""
        return re.findall(r"--job-name=(\S+)", (self.folder / "calls").read_text())

    def list(self, *states: str) -> None:
        """Let squeue list the batch jobs that were requested, in these states."""
        jobs = enumerate(zip(self.names, states, strict=True), 1)
        lines = [f"{number}|{state}|N/A|N/A|2|{name}|Priority" for number, (name, state) in jobs]
        (self.folder / "listed").write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """The stand-in for Slurm."""
    return Cluster(tmp_path / "cluster")


@pytest.fixture
def login(redis_nox: Nox, cluster: Cluster) -> Nox:
    """A nox on a login node: Redis, and programs of Slurm's on PATH."""
    redis_nox.environ |= cluster.environ | {"NOX_USER": "ada", "NOX_AUTOSTART": "never"}
    return redis_nox


def document(nox: Nox, kind: Any, *words: str) -> dict[str, Any]:
    """Run a command with --json, check the type of its output, and return it."""
    ended = nox("alloc", *words, "--json", check=True)
    TypeAdapter(kind).validate_json(ended.stdout)
    found: dict[str, Any] = json.loads(ended.stdout)
    assert 1 == found["schema"]
    return found


def defined(nox: Nox, *words: str, name: str = "small") -> Path:
    """Define a pool; return the path of its file."""
    nox("alloc", "set", name, *SIZE, *words, check=True)
    return nox.home / "pools" / f"{name}.json"


def look(nox: Nox, name: str = "small", wish: int = 1) -> CompletedProcess[str]:
    """Look once, as if looks had found a wish for as long as it has to last."""
    with nox.store() as store:
        assert store.pools is not None
        lease = store.pools.acquire("ada", "test-1-ab")
        assert not isinstance(lease, str)
        store.pools.record(lease, name, {"wish": wish, "wished_ms": lease.now_ms - 60_000})
        store.pools.release(lease)
    return nox("alloc", "run", "--once", check=True)


def calls(redis: Redis) -> int:
    """Count the scripts that Redis has run."""
    return int(redis.info("commandstats")["cmdstat_evalsha"]["calls"])


def test_a_pool_is_a_file_of_the_user_and_numbers_in_the_store(login: Nox) -> None:
    """
    What is executed is in the file only, which nobody else can read; the store has its hash.
    """
    path = defined(login, "--before", "module load secret", "--", "-p", "main", "-A", "my project")
    file = json.loads(path.read_text())

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)
    assert ["-p", "main", "-A", "my project"] == file["words"]
    assert "module load secret" == file["before"]
    with login.store() as store:
        assert store.pools is not None
        (pool,) = store.pools.pools("ada")
    assert 64 == len(pool.digest)
    for word in ("main", "secret", "nox_cli"):
        assert word not in repr(pool)


def test_a_pool_that_is_set_again_is_defined_anew(login: Nox) -> None:
    """
    An option that is left out has its default again, and what changed is named; as JSON too.
    """
    made = document(login, PoolSetRecord, "set", "small", *SIZE, "--budget", "100h/week")
    again = login("alloc", "set", "small", *SIZE, "--max", "3", check=True)
    same = login("alloc", "set", "small", *SIZE, "--max", "3", check=True)

    assert made["is_new"]
    assert {"core_hours": 100.0, "days": 7} == made["definition"]["budget"]
    assert "Job 9 to start at" in made["test"]
    assert "changed: --budget from 100h/week to none" in again.stdout
    assert "changed: --max from 10 to 3" in again.stdout
    assert "note: sbatch --test-only: Job 9 to start at" in again.stderr
    assert "nothing changed" in same.stdout


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("small", *SIZE[:-1]), 2, "where each node finds itself"),
        (("sm.all", *SIZE), 2, "cannot be the name of a pool"),
        (("small", "--cores", "0", *SIZE[2:]), 2, "--cores"),
        (("small", *SIZE, "--time", "10"), 5, "--time is 10 s, which leaves no time for jobs"),
        (("small", *SIZE, "--budget", "1h/day"), 5, "one allocation takes 2"),
        (("small", *SIZE, "--budget", "much"), 2, "is not a budget"),
        (("small", *SIZE, "--before", "if"), 5, "--before is not a line of bash"),
        (("small", *SIZE, "--", "--array=1-9"), 5, "cannot be among the words for sbatch"),
        (("small", *SIZE, "--", "job.sh"), 5, "is no option of sbatch"),
        (("small", "--cores", "2"), 2, "--memory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_pool_that_cannot_work_is_not_stored(
    login: Nox, words: tuple[str, ...], code: int, error: str
) -> None:
    """
    One to three lines say why; neither the store nor the disk has it.
    """
    refused = login("alloc", "set", *words)

    assert (code, "") == (refused.returncode, refused.stdout)
    assert error in refused.stderr
    assert 3 >= len(refused.stderr.splitlines())
    assert not (login.home / "pools").exists()
    assert "no pools" in login("alloc", "list", check=True).stdout


@pytest.mark.parametrize("words", [("list",), ("run",), ("show", "a"), ("remove", "a"), ("set", "a", *SIZE)])
def test_a_local_store_has_no_pools(nox: Nox, cluster: Cluster, words: tuple[str, ...]) -> None:
    """
    No node could read it: every subcommand says so, and what to do.
    """
    refused = nox("alloc", *words, env=cluster.environ)

    assert 2 == refused.returncode
    assert "the jobs are in the local store" in refused.stderr
    assert "nox config set redis_url" in refused.stderr


def test_a_pool_that_the_store_refuses_says_that_its_file_is_written(login: Nox) -> None:
    """
    The next look pauses it, as the file is not the one that the store knows; set again, it is active.
    """
    path = defined(login)
    with from_url(login.redis_url or "") as client:
        client.execute_command("ACL", "SETUSER", "default", "resetkeys", "~nox:meta", "%R~nox:*")
        refused = login("alloc", "set", "small", *SIZE, "--max", "3")
        client.execute_command("ACL", "SETUSER", "default", "allkeys")

    assert 4 == refused.returncode
    assert "the file of pool small is written, the store may not have it: set it again" in refused.stderr
    assert 3 == json.loads(path.read_text())["max"]
    assert "paused (changed)" in login("alloc", "run", "--once", check=True).stderr
    defined(login, "--max", "3")
    assert "active" in login("alloc", "list", check=True).stdout


def test_a_password_in_the_url_is_refused(login: Nox) -> None:
    """
    It would be in every batch script; the message does not show it.
    """
    url = str(login.redis_url).replace("://", "://:s3cret@")
    refused = login("alloc", "set", "small", *SIZE, env={"REDIS_URL": url})

    assert "s3cret" not in refused.stdout + refused.stderr
    assert refused.returncode
    assert not (login.home / "pools").exists()


def test_a_machine_without_sbatch_requests_nothing(login: Nox) -> None:
    """
    `set` notes it, and `run` ends with what to do.
    """
    environ = {"PATH": search_path()}
    made = login("alloc", "set", "small", *SIZE, env=environ, check=True)
    refused = login("alloc", "run", "--once", env=environ)

    assert "note: sbatch is not on PATH here" in made.stderr
    assert 2 == refused.returncode
    assert "sbatch is not on PATH here" in refused.stderr


def test_a_look_requests_what_jobs_wait_for(login: Nox, cluster: Cluster) -> None:
    """
    A wish has to last for two looks.  The user's words are on the command line, before nox's own name.
    """
    defined(login, "--", "-p", "main", "-A", "my project")
    idle = login("alloc", "run", "--once", check=True)
    login.submit(*ECHO)
    asked = look(login)

    assert ("", "") == (idle.stdout, idle.stderr)
    assert ("pool small: requested allocation 1\n", "") == (asked.stdout, asked.stderr)
    (name,) = cluster.names
    assert re.fullmatch(r"nox\.small\.[0-9a-f]{16}", name)
    assert f"--parsable -p main -A my project --job-name={name}" in (cluster.folder / "calls").read_text()
    script = (cluster.folder / "script-1").read_text()
    assert f"export NOX_ALLOCATION={name.rpartition('.')[2]}" in script
    assert "--cores=2 --memory=4096M --time-limit=auto" in script
    (row,) = document(login, Page[PoolRecord], "list")["items"]
    assert (1, 0, 1) == (row["pending"], row["running"], row["demand_jobs"])
    shown = document(login, PoolPageRecord, "show", "small")
    assert [("1", "pending")] == [(one["number"], one["state"]) for one in shown["allocations"]]


def test_a_look_without_work_is_silent(login: Nox, cluster: Cluster) -> None:
    """
    Also while an allocation is pending for the job that waits: cron mails every line.
    """
    defined(login)
    login.submit(*ECHO)
    look(login)
    cluster.list("PENDING")
    ended = [login("alloc", "run", "--once", check=True) for _ in range(3)]

    assert [("", "")] * 3 == [(one.stdout, one.stderr) for one in ended]
    assert 1 == len(cluster.names)


def test_a_refusal_is_one_line_on_stderr(login: Nox, cluster: Cluster) -> None:
    """
    The exit code is 0, the next looks wait in silence, and the pool shows the refusal.
    """
    defined(login)
    (cluster.folder / "refusal").write_text("sbatch: error: Batch job submission failed: Invalid account\n")
    login.submit(*ECHO)
    refused = look(login)
    again = login("alloc", "run", "--once", check=True)

    assert "" == refused.stdout
    assert refused.stderr.startswith("warning: pool small: no allocation: ")
    assert ("", "") == (again.stdout, again.stderr)
    assert "Invalid account" in login("alloc", "list", check=True).stdout
    (row,) = document(login, Page[PoolRecord], "list")["items"]
    assert 1 == row["refusals"]
    assert row["no_request_before"] is not None


def test_words_from_the_store_cannot_drive_a_terminal(login: Nox) -> None:
    """
    Programs of others can write to it: a refusal, a reason or the path of a log may be anything.
    """
    odd = "\x1b]0;owned\x07\u202egnp"
    defined(login)
    with login.store() as store:
        assert store.pools is not None
        lease = store.pools.acquire("ada", "test-1-ab")
        assert not isinstance(lease, str)
        new = Allocation(
            "0123456789abcdef",
            "ada",
            "small",
            AllocationState.PENDING,
            2,
            2**32,
            3_600,
            1,
            reason=odd,
            log=odd,
        )
        fields = {name: value for name, value in new._asdict().items() if name not in OF_WORKER}
        changes = {"refusal": odd, "paused": Pause.STRIKES, "why": f"{odd}\n{odd}"}
        store.pools.record(lease, "small", changes, [(new.token, fields)])
        store.pools.release(lease)

    for words in (("list",), ("show", "small"), ("list", "--json"), ("show", "small", "--json")):
        shown = login("alloc", *words, check=True)
        assert "owned" in shown.stdout
        assert {"\x1b", "\x07", "\u202e"}.isdisjoint(shown.stdout + shown.stderr)


def test_the_dry_run_shows_what_a_look_would_do(login: Nox, cluster: Cluster) -> None:
    """
    Shapes, the decision with its limits, the script and the answer to it; nothing is requested or written.
    """
    defined(login, "--", "-p", "main")
    login.submit(*ECHO)
    login.submit(*ECHO, "--cores", "64")
    shown = login("alloc", "run", "--dry-run", check=True).stdout
    found = document(login, LookRecord, "run", "--dry-run")

    assert "no pool runs 1 job of 64 cores, 2.0 GiB, echo; the nearest lacks 64 cores (it has 2)\n" in shown
    assert "pool small requests 1 allocation if the next look finds the same" in shown
    assert "wanted 1; 0 pending, 0 running; --max allows 10, --pending allows 2" in shown
    assert "sbatch -p main" in shown
    assert "#SBATCH --cpus-per-task=2" in shown
    assert "sbatch --test-only: Job 9 to start at" in shown
    assert found["is_dry_run"]
    assert {"small", None} == {shape["pool"] for shape in found["shapes"]}
    (decision,) = found["decisions"]
    assert (1, {"--max": 10, "--pending": 2}) == (decision["wanted"], decision["limits"])
    assert decision["script"].startswith("#!/bin/bash -l\n")
    assert [] == cluster.names
    (row,) = document(login, Page[PoolRecord], "list")["items"]
    assert row["looked_at"] is None


def test_a_pool_that_is_paused_requests_nothing(login: Nox, cluster: Cluster) -> None:
    """
    Until it is resumed; a definition does not resume what its user has paused.
    """
    defined(login)
    paused = document(login, PoolChangeRecord, "pause", "small")
    again = login("alloc", "set", "small", *SIZE, "--max", "3", check=True)
    login.submit(*ECHO)
    plan = login("alloc", "run", "--dry-run", check=True).stdout
    shown = login("alloc", "list", check=True).stdout

    assert "paused" == paused["change"]
    assert "note: it is paused: nox alloc resume small" in again.stderr
    assert "requests nothing: it is paused (user)" in plan
    assert "paused (user)" in shown
    document(login, PoolChangeRecord, "resume", "small")
    look(login)
    assert 1 == len(cluster.names)


def test_a_file_that_was_changed_pauses_its_pool(login: Nox, cluster: Cluster) -> None:
    """
    A line says so once; nothing is requested until its user accepts the file.
    """
    path = defined(login)
    path.write_text(path.read_text().replace('"max": 10', '"max": 1'))
    login.submit(*ECHO)
    first = login("alloc", "run", "--once", check=True)
    second = login("alloc", "run", "--once", check=True)

    assert "pool small is paused (changed)" in first.stderr
    assert ("", "") == (second.stdout, second.stderr)
    assert [] == cluster.names
    assert "look at its file" in login("alloc", "show", "small", check=True).stderr
    login("alloc", "resume", "small", check=True)
    (row,) = document(login, Page[PoolRecord], "list")["items"]
    assert (None, 1) == (row["paused"], row["definition"]["max"])


def test_a_pool_that_is_set_while_a_look_waits_is_not_paused(login: Nox, cluster: Cluster) -> None:
    """
    The look reads the file once it has the lease, so that file and hash are both those of after.
    """
    defined(login)
    with login.store() as store, from_url(str(login.redis_url)) as redis:
        assert store.pools is not None
        lease = store.pools.acquire("ada", "test-1-ab")
        assert not isinstance(lease, str)
        before = calls(redis)
        waiting = login.popen("alloc", "run", "--once")
        wait_until(lambda: calls(redis) > before + 10, LIMIT_S, "attempts to take the lease")
        login("alloc", "set", "small", *SIZE, "--max", "3", check=True)
        store.pools.release(lease)
    out, err = waiting.communicate(timeout=LIMIT_S)

    assert (0, "", "") == (waiting.returncode, out, err)
    (row,) = document(login, Page[PoolRecord], "list")["items"]
    assert (None, 3) == (row["paused"], row["definition"]["max"])
    assert [] == cluster.names


def test_a_file_that_others_could_write_is_not_used(login: Nox, cluster: Cluster) -> None:
    """
    By name it is an error; among all pools it is paused, with a line once, and its jobs count for others.
    """
    defined(login, name="open").chmod(0o660)
    defined(login, name="small")
    refused = login("alloc", "run", "open", "--once")
    first = login("alloc", "run", "--once", check=True)
    login.submit(*ECHO)
    second = look(login)

    assert 2 == refused.returncode
    assert "others can use it" in refused.stderr
    assert "others can use it; pool open is paused" in first.stderr
    assert "" == second.stderr
    assert "others can use it" in login("alloc", "show", "open", check=True).stdout
    assert [True] == [name.startswith("nox.small.") for name in cluster.names]


def test_a_pool_that_is_removed_cancels_what_is_pending(login: Nox, cluster: Cluster) -> None:
    """
    What runs continues, and its number is shown; file and pool are gone.
    """
    path = defined(login)
    for _ in range(2):
        login.submit(*ECHO, "--cores", "2", "--time", "30m")
    look(login, wish=2)
    cluster.list("RUNNING", "PENDING")
    login("alloc", "run", "--once", check=True)
    removed = document(login, PoolChangeRecord, "remove", "small")

    assert (["2"], ["1"]) == (removed["cancelled"], removed["running"])
    assert f"--name={cluster.names[1]} 2\n" in (cluster.folder / "cancelled").read_text()
    assert not path.exists()
    assert "no pools" in login("alloc", "list", check=True).stdout
    again = login("alloc", "remove", "small")
    assert 3 == again.returncode
    assert "ada has no pool small" in again.stderr


def test_a_pool_of_another_machine_is_shown_and_paused(login: Nox, tmp_path: Path) -> None:
    """
    Its file is elsewhere, which is said; only its machine can look after it.
    """
    defined(login)
    there = {"NOX_HOME": str(tmp_path / "elsewhere")}

    assert (
        "the file of pool small is on another machine" in login("alloc", "list", env=there, check=True).stderr
    )
    assert "on another machine" in login("alloc", "show", "small", env=there, check=True).stdout
    assert "its file is not on this machine" in login("alloc", "pause", "small", env=there, check=True).stderr
    assert "resumed small" in login("alloc", "resume", "small", env=there, check=True).stdout
    refused = login("alloc", "run", "small", "--once", env=there)
    assert 3 == refused.returncode
    assert "is not on this machine" in refused.stderr
    assert 3 == login("alloc", "run", "--once", env=there).returncode
    assert "remove it there" in login("alloc", "remove", "small", env=there, check=True).stderr


def test_a_name_belongs_to_one_store_of_a_machine(login: Nox) -> None:
    """
    The file of another store's pool is neither replaced nor removed nor used.
    """
    path = defined(login)
    before = path.read_text()
    other = {"NOX_PREFIX": "other:"}
    refused = login("alloc", "set", "small", *SIZE, env=other)

    assert 5 == refused.returncode
    assert "belongs to ada in" in refused.stderr
    assert 3 == login("alloc", "remove", "small", env=other).returncode
    assert 3 == login("alloc", "run", "--once", env=other).returncode
    assert before == path.read_text()


def test_a_pool_of_a_redis_that_lost_its_data_is_defined_anew(login: Nox, cluster: Cluster) -> None:
    """
    The Redis at the same address is a new store: `set` replaces the file of the pool, and looks go on.  What
    runs of before counts for `--max`, which is said.
    """
    defined(login)
    login.submit(*ECHO)
    look(login)
    cluster.list("RUNNING")
    with from_url(login.redis_url or "") as client:
        client.flushdb()
    lost = login("alloc", "run", "--once")
    again = login("alloc", "set", "small", *SIZE, "--max", "1", check=True)
    login.submit(*ECHO)
    look(login)
    full = cluster.names
    shown = login("alloc", "show", "small", check=True).stdout
    plan = login("alloc", "run", "--dry-run", check=True).stdout
    login("alloc", "set", "small", *SIZE, "--max", "2", check=True)
    look(login)

    assert 3 == lost.returncode
    assert "has lost its data, and no longer has small; nothing was done" in lost.stderr
    assert "hint: nox alloc set small defines it again" in lost.stderr
    assert "has lost the data that pool small was set for" in again.stderr
    assert "0 pending, 0 running, and 1 that this store did not request (squeue --me)" in shown
    assert "--max allows none now: it counts 1 batch job with its name" in plan
    assert [1, 2] == [len(full), len(cluster.names)]


def test_pools_of_a_user_are_known_after_redis_lost_its_data(login: Nox) -> None:
    """
    A loop that was there before looks after the pools that were set since.
    """
    defined(login)
    with login.store() as store:
        mine = UserPools(
            cast("RedisStore", store), cast("Settings", SimpleNamespace(owner="ada", home=login.home))
        )
        assert mine.has_file("small")
        with from_url(login.redis_url or "") as client:
            client.flushdb()
        assert not mine.has_file("small")
        defined(login)
        assert mine.has_file("small")


def test_the_loop_requests_and_ends_by_a_signal(login: Nox, cluster: Cluster) -> None:
    """
    A line for each thing that happens; at its end it says that allocations continue.
    """
    defined(login)
    login.submit(*ECHO)
    loop = login.popen("alloc", "run")
    wait_until(lambda: bool(cluster.names), LIMIT_S, "a request")
    loop.send_signal(signal.SIGINT)
    _, said = loop.communicate(timeout=LIMIT_S)

    assert 130 == loop.returncode
    assert "looks after pools pools=small" in said
    assert "pool small: requested allocation 1" in said
    assert "allocations and their workers continue" in said
    assert "Traceback" not in said


def test_the_loop_outlives_a_redis_that_is_away(login: Nox, fresh_redis: StartRedis) -> None:
    """
    One line says that it is unreachable, one that it is back; SIGTERM ends the loop with code 0.
    """
    server = fresh_redis(appendonly="yes")
    login.environ["REDIS_URL"] = login.redis_url = server.url
    defined(login)
    log = login.home.parent / "loop.log"
    with log.open("w") as out:
        loop = login.popen("alloc", "run", stderr=out)
    wait_until(lambda: "looks after pools" in log.read_text(), LIMIT_S, "its first line")
    server.stop()
    wait_until(lambda: "so does nox alloc run" in log.read_text(), LIMIT_S, log.read_text)
    server.start()
    wait_until(lambda: "looks after its pools again" in log.read_text(), LIMIT_S, log.read_text)
    loop.terminate()

    assert 0 == loop.wait(LIMIT_S)
    assert 1 == log.read_text().count("so does nox alloc run")


def test_the_loop_logs_an_outage_once_whatever_redis_answers() -> None:
    """
    It hangs up, refuses connections, is silent, and loads its data: each is an error of its own.
    """
    words = ["closed the connection", "refused the connection", "did not answer", "is still loading its data"]
    failures: list[Exception] = [StoreUnreachable(f"redis at head:6379 {what}") for what in words]
    failures += [
        NothingMatched("ada has no pool small"),
        StoreUnreachable("redis at head:6379 did not answer"),
    ]
    out = StringIO()
    looks = object.__new__(Looks)
    looks._log, looks._trouble, looks._journal = Log(out), "", Journal()
    look = Mock(side_effect=[*failures, Look(0)])
    looks._autoscaler = cast("Autoscaler", SimpleNamespace(look=look))
    for _ in range(len(failures) + 1):
        looks.step()

    said = [re.sub(r".*(?:warning|info)\s+", "", line) for line in out.getvalue().splitlines()]
    ends = "; allocations continue, and so does nox alloc run"
    assert said == [
        f"redis at head:6379 closed the connection{ends}",
        f"ada has no pool small{ends}",
        f"redis at head:6379 did not answer{ends}",
        "that is over; looks after its pools again",
    ]


def test_the_loop_goes_on_after_a_look_that_redis_broke_off(
    login: Nox, cluster: Cluster, fresh_redis: StartRedis
) -> None:
    """
    Its lease is its own: the next look takes it back, and waits for nobody.
    """
    server = fresh_redis(appendonly="yes")
    login.environ["REDIS_URL"] = login.redis_url = server.url
    defined(login)
    login.submit(*ECHO)
    # The first look is between its lease and its end while squeue says nothing.
    lines, asked = cluster.folder / "lines", cluster.folder / "asked"
    os.mkfifo(lines)
    cluster.program("squeue", f"#!/bin/sh\ntouch {asked}\ncat {lines}\n")
    log = login.home.parent / "loop.log"
    with log.open("w") as out:
        loop = login.popen("alloc", "run", stderr=out)
    wait_until(asked.exists, LIMIT_S, "a question of squeue")
    server.stop()
    lines.write_text("")
    wait_until(lambda: "so does nox alloc run" in log.read_text(), LIMIT_S, log.read_text)
    cluster.program("squeue", SQUEUE)
    server.start()
    wait_until(lambda: "looks after its pools again" in log.read_text(), BROKEN_OFF_S, log.read_text)
    loop.terminate()

    assert 0 == loop.wait(LIMIT_S)


def test_the_loop_ends_by_a_signal_while_it_waits_for_another(login: Nox, cluster: Cluster) -> None:
    """
    The look of another autoscaler may last as long as its lease: a signal does not wait for that.
    """
    defined(login)
    with login.store() as store, from_url(str(login.redis_url)) as redis:
        assert store.pools is not None
        assert not isinstance(store.pools.acquire("ada", "test-1-ab"), str)
        before = calls(redis)
        loop = login.popen("alloc", "run")
        wait_until(lambda: calls(redis) > before + 10, LIMIT_S, "attempts to take the lease")
        assert not isinstance(store.pools.acquire("ada", "test-1-ab"), str)  # for its whole length again
        loop.terminate()
        _, said = loop.communicate(timeout=LIMIT_S)
        assert "test-1-ab" == store.pools.acquire("ada", "test-2-cd")

    assert 0 == loop.returncode
    assert "allocations and their workers continue" in said
    assert [] == cluster.names


def test_a_script_for_a_worker_is_alone_on_stdout(login: Nox) -> None:
    """
    It can be piped into sbatch; a local store and a loopback are refused with what to do.
    """
    refused = login("worker", "--print-sbatch")
    there = {"REDIS_URL": "redis://head.example.org:6379/0"}
    printed = login("worker", "--print-sbatch", "--cores", "8", "--time-limit", "4h", env=there, check=True)

    assert 2 == refused.returncode
    assert "where each node finds itself" in refused.stderr
    assert "" == printed.stderr
    assert printed.stdout.startswith("#!/bin/bash -l\n")
    assert "#SBATCH --cpus-per-task=8\n" in printed.stdout
    assert "export REDIS_URL=redis://head.example.org:6379/0\n" in printed.stdout


def test_pools_are_completed(login: Nox) -> None:
    """
    By name, for every subcommand that takes one.
    """
    defined(login, name="small")
    defined(login, name="large")
    offered = login("__complete", "zsh", "pools", "nox", "alloc", "show", "s", check=True).stdout

    assert "small\t\n" == offered
