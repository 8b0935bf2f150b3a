"""`nox doctor` on a Redis that would lose jobs, give them away, or cannot take them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.exits import ExitCode
from tests.support.clock import Clock
from tests.support.doctor import examine, examine_store, examine_without_engines
from tests.support.waiting import wait_until
from workers.findings import Severity
from workers.store.opening import open_existing
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.nox import Nox
    from workers.findings import Finding

CANARY = "canary4711"


def inspected(url: str, home: Path) -> dict[str, Finding]:
    """Have a Redis look at itself; findings by name."""
    store = open_existing(StoreSettings(url, "nox:", home))
    assert store is not None
    found = store.inspect()
    store.close()
    return {finding.name: finding for finding in found}


def test_a_redis_as_it_should_be(fresh_redis: StartRedis, home: Path) -> None:
    """
    With an append-only file, a password and no eviction there is nothing to say, and no password is said.
    """
    found = inspected(fresh_redis(requirepass=CANARY).url, home)

    assert {Severity.OK} == {finding.severity for finding in found.values()}
    assert "survives a restart: everything" in found["persistence"].found
    assert "asks for a password" == found["password"].found
    assert CANARY not in str(found)


def test_an_evicting_redis_is_a_problem(fresh_redis: StartRedis, nox: Nox) -> None:
    """
    allkeys-lru would lose jobs: code 4, and the command that puts it right.
    """
    report = examine_without_engines(nox, env={"REDIS_URL": fresh_redis(maxmemory_policy="allkeys-lru").url})

    assert (ExitCode.STORE, ["eviction"]) == (report.exit, report.problems)
    assert "maxmemory-policy allkeys-lru would lose jobs" in report.one("eviction")["found"]
    assert "CONFIG SET maxmemory-policy noeviction" in report.one("eviction")["hint"]


def test_memory_only_is_a_warning(fresh_redis: StartRedis, nox: Nox) -> None:
    """
    Without an append-only file and without snapshots a restart forgets every job; code 0, for jobs run.
    """
    report = examine_store(nox, {"REDIS_URL": fresh_redis(appendonly="no").url})

    assert (ExitCode.DONE, "warning") == (report.exit, report.one("persistence")["verdict"])
    assert "memory only" in report.one("persistence")["found"]
    assert "appendonly yes" in report.one("persistence")["hint"]


def test_snapshots_lose_the_last_changes(fresh_redis: StartRedis, home: Path) -> None:
    """
    Snapshots alone are a warning that says what is lost.
    """
    found = inspected(fresh_redis(appendonly="no", save="3600 1").url, home)["persistence"]

    assert Severity.WARNING is found.severity
    assert "later changes are lost" in found.found


@pytest.mark.parametrize("given", ["", f":{CANARY}wrong@"])
def test_a_wrong_password_is_a_problem_and_never_shown(fresh_redis: StartRedis, nox: Nox, given: str) -> None:
    """
    The refusal is told with code 4; neither the right password nor the wrong one is printed.
    """
    server = fresh_redis(requirepass=CANARY)
    report = examine_store(nox, {"REDIS_URL": f"redis://{given}127.0.0.1:{server.port}/0"})

    assert (ExitCode.STORE, ["store"]) == (report.exit, report.problems)
    assert "password" in report.one("store")["found"]
    assert CANARY not in report.printed


def test_a_password_in_a_file_others_can_read_is_told(
    fresh_redis: StartRedis, nox: Nox, tmp_path: Path
) -> None:
    """
    The file is named with the command that shuts it; what it holds is not.
    """
    server = fresh_redis(requirepass=CANARY)
    secret = tmp_path / "password"
    secret.write_text(CANARY)
    secret.chmod(0o644)
    url = f"redis://127.0.0.1:{server.port}/0"
    report = examine_without_engines(nox, env={"REDIS_URL": url, "NOX_REDIS_PASSWORD_FILE": str(secret)})

    assert (ExitCode.USAGE, ["store"]) == (report.exit, report.problems)
    assert f"chmod 600 {secret}" in report.one("store")["hint"]
    assert CANARY not in report.printed


def test_an_open_redis_on_this_host_is_told(fresh_redis: StartRedis, home: Path) -> None:
    """
    Without a password, on loopback, anyone on this host can read and change jobs: a warning.
    """
    found = inspected(fresh_redis().url, home)["password"]

    assert Severity.WARNING is found.severity
    assert "anyone on this host can read and change jobs" in found.found


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({"bind": "*", "protected_mode": "no"}, Severity.PROBLEM),
        ({"bind": "*", "protected_mode": "yes"}, Severity.WARNING),
        ({"bind": "127.0.0.1", "protected_mode": "no"}, Severity.WARNING),
        ({"bind": "*", "protected_mode": "no", "requirepass": CANARY}, Severity.OK),
    ],
)
def test_an_open_redis_on_the_network_is_a_problem(
    fresh_redis: StartRedis, home: Path, options: dict[str, Any], verdict: Severity
) -> None:
    """
    Bound to more than loopback, unprotected and without a password: whoever reaches it owns the jobs.
    """
    assert verdict is inspected(fresh_redis(**options).url, home)["password"].severity


def test_a_user_of_ones_own_beside_an_open_default_is_no_protection(
    fresh_redis: StartRedis, home: Path
) -> None:
    """
    A password that others need not know protects nothing.
    """
    server = fresh_redis()
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "ada", "on", f">{CANARY}", "~*", "&*", "+@all")
    found = inspected(f"redis://ada:{CANARY}@127.0.0.1:{server.port}/0", home)["password"]

    assert Severity.WARNING is found.severity


def test_a_socket_of_ones_own_needs_no_password(fresh_redis: StartRedis, home: Path, tmp_path: Path) -> None:
    """
    A Unix socket is as private as its mode.
    """
    path = tmp_path / "redis.sock"
    server = fresh_redis(unixsocket=str(path), unixsocketperm="700")
    private = inspected(f"unix://{path}", home)["password"].severity
    path.chmod(0o777)

    assert (Severity.OK, Severity.WARNING) == (
        private,
        inspected(f"unix://{path}", home)["password"].severity,
    )
    assert server.pid


def test_a_replica_is_a_problem_that_names_its_primary(fresh_redis: StartRedis, home: Path) -> None:
    """
    What takes no writes takes no jobs.
    """
    primary, replica = fresh_redis(), fresh_redis()
    with replica.client() as client:
        client.replicaof("127.0.0.1", str(primary.port))
        wait_until(lambda: client.info("replication")["role"] == "slave", 60, "a replica")
    found = inspected(replica.url, home)["role"]

    assert Severity.PROBLEM is found.severity
    assert f"127.0.0.1:{primary.port}" in found.hint


def test_a_redis_that_fills_up_is_told_before_it_is_full(fresh_redis: StartRedis, home: Path) -> None:
    """
    From four fifths of maxmemory on it is a warning, and where hardly anything is left a problem.
    """
    server = fresh_redis(maxmemory="50mb")
    with server.client() as client:
        roomy = inspected(server.url, home)["headroom"].severity
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", int(used * 1.15))
        tight = inspected(server.url, home)["headroom"].severity
        client.config_set("maxmemory", used // 2)
        full = inspected(server.url, home)["headroom"].severity

    assert [Severity.OK, Severity.WARNING, Severity.PROBLEM] == [roomy, tight, full]


def test_a_failed_save_is_a_problem(fresh_redis: StartRedis, home: Path, tmp_path: Path) -> None:
    """
    A Redis whose last snapshot could not be written says so, and that its log says why.
    """
    gone = tmp_path / "gone"
    gone.mkdir()
    server = fresh_redis(appendonly="no", save="3600 1", dir=str(gone))
    gone.rmdir()
    with server.client() as client:
        client.set("x", 1)
        client.bgsave()
        wait_until(
            lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", 60, "a save that failed"
        )
    found = inspected(server.url, home)["persistence"]

    assert Severity.PROBLEM is found.severity
    assert "log" in found.hint


def test_doctor_redis_who_may_not_ask_is_told_what_is_not_known(fresh_redis: StartRedis, home: Path) -> None:
    """
    With the rights of docs/redis.md and no INFO, nothing fails: what cannot be known is said to be so.
    """
    server = fresh_redis()
    rules = ("on", f">{CANARY}", "~nox:*", "&*", "+@all", "-@admin", "-@dangerous")
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "ada", *rules)
        client.execute_command("ACL", "SETUSER", "default", "off")
    found = inspected(f"redis://ada:{CANARY}@127.0.0.1:{server.port}/0", home)
    names = ["persistence", "eviction", "headroom"]
    assert ["not known: this user may not ask"] * 3 == [found[name].found for name in names]
    assert Severity.PROBLEM not in {finding.severity for finding in found.values()}


def test_a_clock_that_is_off_is_told(fresh_redis: StartRedis, nox: Nox, tmp_path: Path) -> None:
    """
    A machine an hour ahead of its Redis is told by how much.
    """
    clock = Clock(tmp_path)
    clock.shift(3_600)
    found = examine(nox, env=clock.environment() | {"REDIS_URL": fresh_redis().url}).one("store_clock")
    assert "warning" == found["verdict"]
    told = re.match(r"its clock is ([0-9.]+) s behind this machine's: ", found["found"])
    assert told is not None
    assert 3_600 == pytest.approx(float(told[1]), abs=10)


def test_doctor_redis_looks_on_where_meta_is_another_programs(fresh_redis: StartRedis, home: Path) -> None:
    """
    A key of another kind under nox's own name costs no finding: the next change mends it.
    """
    server = fresh_redis()
    with server.client() as client:
        client.rpush("nox:meta", "not ours")
    found = inspected(server.url, home)
    assert Severity.OK is found["server"].severity
    assert "latency" in found
