"""A close look at a Redis: what it is, what it keeps, who may use it, how far away it is."""

from __future__ import annotations

import math
import stat
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from workers.errors import StoreDamaged, StoreError
from workers.findings import ok, problem, warning
from workers.machine import is_loopback
from workers.sizes import size_words
from workers.store import versions
from workers.store.audit import audited, index_finding, points_left
from workers.store.base import SCAN_LIMIT
from workers.store.redis.connection import RedisClient
from workers.store.redis.errors import server_name
from workers.store.redis.health import (
    MEMORY_ONLY,
    OPEN_ON_HOST,
    OPEN_TO_ALL,
    durable,
    read_config,
    read_info,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.findings import Finding
    from workers.store.redis.address import RedisAddress

# Beyond this, ages and times that nox shows are visibly wrong.
CLOCKS_APART_S = 2.0
SLOW_S = 0.1
_TRIES = 5
_NEARLY_FULL, _FULL = 0.8, 0.95
_CONFIG = ("appendfsync", "save", "maxmemory-policy", "maxmemory", "bind", "protected-mode")
_KEEP_HINT = "set appendonly yes in redis.conf; now: redis-cli CONFIG SET appendonly yes"
_PASSWORD_HINT = "set requirepass in redis.conf, and NOX_REDIS_PASSWORD_FILE here: docs/redis.md"  # noqa: S105
_CLOCK_HINT = "set the clock of the machine that is wrong: chronyc tracking, timedatectl"


# The number of blocks of `lua/words.lua` that one call compares, in 5 ms, and the number of jobs of a block.
_BLOCKS, _BLOCK = 4, 256


def inspect(client: RedisClient) -> list[Finding]:
    """Look at a Redis as `Store.inspect` does.

    Raises:
        StoreUnreachable: it does not answer in time.
    """
    config = read_config(client, *_CONFIG)
    memory = read_info(client, "memory")
    return [
        _server(client),
        _persistence(read_info(client, "persistence"), config),
        _eviction(config.get("maxmemory-policy") or memory.get("maxmemory_policy", "")),
        _headroom(memory),
        _password(client.address, config),
        _role(read_info(client, "replication")),
        _clock(client),
        _latency(client),
        _indexes(client),
    ]


def audit(client: RedisClient, newest: int | None = None) -> list[str]:
    """Compare indexes with records, and look for points of jobs that do not run; see `Store.audit`."""
    wrong, pointed = _compare(client, newest)
    return wrong + points_left(pointed)


def _compare(client: RedisClient, newest: int | None) -> tuple[list[str], list[int]]:
    """Return what differs, and the numbers of jobs with points that do not run."""
    wrong: set[int] = set()
    states: set[str] = set()
    pointed: set[int] = set()
    below, left = b"", math.inf if newest is None else newest
    while left > 0:
        below, numbers, miscounted, lost = client.call("audit", below, _BLOCKS)
        wrong |= {int(number) for number in numbers}
        states |= {state.decode() for state in miscounted}
        pointed |= set(lost)
        left = left - _BLOCKS * _BLOCK if below else 0
    return audited(sorted(wrong), sorted(states)), sorted(pointed)


def _server(client: RedisClient) -> Finding:
    name, version = server_name(read_info(client, "server"))
    found = f"{name} {version}" if version else "not known: this user may not ask"
    least = b""
    with suppress(StoreDamaged):  # another program stored something else there: the next change mends it
        least = client.execute("HGET", f"{client.prefix}meta", "min_writer") or b""
    return versions.finding(found, f"redis at {client.address.place}", least.decode(errors="replace"))


def _persistence(kept: dict[str, str], config: dict[str, str]) -> Finding:
    """Report what survives a restart and a power cut."""
    if "err" in {kept.get("aof_last_write_status"), kept.get("rdb_last_bgsave_status")}:
        why = "its last attempt to write jobs to its disk failed"
        return problem("persistence", why, "its own log says why: look for a full disk on its machine")
    power_cut = durable(kept, config)
    if power_cut == MEMORY_ONLY:
        return warning("persistence", f"{MEMORY_ONLY}: a restart forgets every job", _KEEP_HINT)
    if not kept:
        return warning("persistence", power_cut, "ask who runs it whether appendonly is yes")
    if kept.get("aof_enabled") == "1":
        return ok("persistence", f"survives a restart: everything; a power cut: {power_cut}")
    return warning("persistence", f"survives a restart or a power cut: {power_cut}", _KEEP_HINT)


def _eviction(policy: str) -> Finding:
    if not policy:
        return warning("eviction", "not known: this user may not ask", "maxmemory-policy must be noeviction")
    if policy == "noeviction":
        return ok("eviction", "maxmemory-policy noeviction: no job is dropped to make room")
    return problem(
        "eviction",
        f"maxmemory-policy {policy} would lose jobs; no worker serves it",
        "set it to noeviction in redis.conf; now: redis-cli CONFIG SET maxmemory-policy noeviction",
    )


def _headroom(memory: Mapping[str, str]) -> Finding:
    used, limit, there = (
        int(memory.get(name, "0")) for name in ("used_memory", "maxmemory", "total_system_memory")
    )
    if not used:
        return warning("headroom", "not known: this user may not ask")
    room, called = (limit, "maxmemory") if limit else (there, "its machine's memory; no maxmemory is set")
    if not room:
        return ok("headroom", f"{size_words(used)} used; no maxmemory is set")
    found = f"{size_words(used)} used of {size_words(room)} ({called})"
    hint = "raise maxmemory, or remove what is no longer needed: nox clean"
    if used >= _FULL * room:
        return problem("headroom", found, hint)
    return warning("headroom", found, hint) if used >= _NEARLY_FULL * room else ok("headroom", found)


def _indexes(client: RedisClient) -> Finding:
    repair = f"redis-cli HSET {client.prefix}meta words 0, and a worker makes them anew"
    wrong: list[str] = []
    with suppress(StoreDamaged):  # another program stored something else there: the next change mends it
        wrong, _ = _compare(client, SCAN_LIMIT)  # points that an older nox left expire by themselves
    return index_finding(wrong, repair)


def _password(address: RedisAddress, config: Mapping[str, str]) -> Finding:
    """Report who else may read and change jobs."""
    if not _answers_strangers(address):
        return ok("password", "asks for a password")
    if address.scheme == "unix":
        return _socket(Path(address.path))
    if _is_exposed(address, config):
        return problem("password", OPEN_TO_ALL, _PASSWORD_HINT)
    return warning("password", OPEN_ON_HOST, _PASSWORD_HINT)


def _answers_strangers(address: RedisAddress) -> bool:
    """Whether the server answers clients without a password."""
    client = RedisClient(address._replace(username="", password=""), "")
    try:
        client.execute("TIME")
    except StoreError:
        return False
    finally:
        client.close()
    return True


def _socket(path: Path) -> Finding:
    with suppress(OSError):
        if not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return ok("password", "asks for no password; its socket is its owner's alone")
    found = f"asks for no password, and others may use {path}: they can read and change jobs"
    return warning("password", found, "set unixsocketperm 700 in redis.conf")


def _is_exposed(address: RedisAddress, config: Mapping[str, str]) -> bool:
    """Whether a server without a password is open to other machines, as far as is known."""
    if not is_loopback(address.host):
        return True
    listens = [word.removeprefix("-") for word in config.get("bind", "127.0.0.1").split()]
    return config.get("protected-mode") == "no" and not (listens and all(map(is_loopback, listens)))


def _role(replication: Mapping[str, str]) -> Finding:
    if replication.get("role") == "slave":
        primary = f"{replication.get('master_host', '')}:{replication.get('master_port', '')}"
        found = f"a replica of {primary}: it takes no jobs, or loses them"
        return problem("role", found, f"give the address of its primary, {primary}")
    replicas = int(replication.get("connected_slaves", "0"))
    return ok("role", f"a single server, {replicas} replica{'' if replicas == 1 else 's'}")


def _clock(client: RedisClient) -> Finding:
    """Compare the server's clock, by which leases end, with this machine's."""
    asked = time.time()
    seconds, micros = client.execute("TIME")
    answered = time.time()
    apart = int(seconds) + int(micros) / 1e6 - (asked + answered) / 2
    found = f"its clock is {abs(apart):.1f} s {'ahead of' if apart > 0 else 'behind'} this machine's"
    if abs(apart) <= max(CLOCKS_APART_S, answered - asked):
        return ok("store_clock", found)
    return warning("store_clock", f"{found}: times that nox shows are off by as much", _CLOCK_HINT)


def _latency(client: RedisClient) -> Finding:
    taken = []
    for _ in range(_TRIES):
        start = time.perf_counter()
        client.execute("TIME")
        taken.append(time.perf_counter() - start)
    found = f"it answers in {1e3 * median(taken):.1f} ms"
    if median(taken) <= SLOW_S:
        return ok("latency", found)
    return warning("latency", found, "short jobs will wait for it: use a Redis nearer to the workers")
