"""The machine: what jobs may use of it, what kind of place it is, whether its clock can be right."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nox_cli.hints import COMPUTE_ELSEWHERE
from nox_cli.submission.jobs import DEFAULT_MEMORY_BYTES
from nox_cli.watch.shortages import whole_memory
from workers import machine
from workers.findings import Finding, ok, problem, warning
from workers.job import MEMORY_STEP_BYTES
from workers.sizes import size_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.batch.grant import Limit

# 2025-01-01: no clock that is right shows a time before nox was.
FIRST_DAY_S = 1_735_689_600


def check_machine(environ: Mapping[str, str]) -> list[Finding]:
    """Look at cores, memory, stack and clock."""
    return [_cores(environ), _memory(environ), _stack(), _clock()]


def check_place(environ: Mapping[str, str], *, is_local: bool) -> list[Finding]:
    """Say whether this is a login node, or which allocation this is."""
    if name := machine.allocation(environ):
        return [ok("place", f"inside the allocation of {name}")]
    if not machine.is_login_node(environ):
        return [ok("place", "no batch system here")]
    found = "a login node: nox submit starts no worker here"
    if not is_local:
        return [ok("place", found)]
    return [warning("place", found, COMPUTE_ELSEWHERE)]


def check_reach(environ: Mapping[str, str], redis_url: str) -> list[Finding]:
    """Find a Redis that no other node of a cluster can reach, where jobs and workers are on several."""
    from workers.store.redis.address import RedisUrl

    address = RedisUrl(redis_url).address()
    is_in_cluster = bool(machine.allocation(environ)) or machine.is_login_node(environ)
    if not (is_in_cluster and address.is_loopback):
        return []
    found = f"redis at {address.place} can be reached from this host only, not from other nodes"
    return [warning("place", found, "name its host in REDIS_URL: redis://HOST:PORT/DB (docs/redis.md)")]


def _cores(environ: Mapping[str, str]) -> Finding:
    cores = machine.core_limit(environ)
    return ok("cores", f"{cores.amount} usable ({cores.source}): so many slots has a worker here")


def _memory(environ: Mapping[str, str]) -> Finding:
    limit = machine.memory_limit(environ)
    usable = f"{size_words(limit.amount)} usable ({limit.source})"
    if limit.amount >= DEFAULT_MEMORY_BYTES:
        return ok("memory", f"{usable}{_unlimited(environ, limit)}")
    default = size_words(DEFAULT_MEMORY_BYTES)
    found = f"{usable}, and a job asks for {default} if nothing is said"
    less = (
        f"submit with --memory {whole_memory(limit.amount)}, or " if limit.amount >= MEMORY_STEP_BYTES else ""
    )
    return warning("memory", found, f"{less}allow this session more")


def _unlimited(environ: Mapping[str, str], limit: Limit) -> str:
    """Say where a batch system may have granted less than nox can find out."""
    name = machine.allocation(environ).partition(" ")[0]
    if limit.source != machine.MACHINE or name in {"", "SLURM_JOB_ID"}:
        return ""
    return "; the batch system does not say what this job may use: nox worker --memory"


def _stack() -> Finding:
    limit = machine.stack_limit_bytes()
    if limit is None or limit >= machine.STACK_ENOUGH_BYTES:
        return ok("stack", "as large as engines want" if limit is None else f"up to {size_words(limit)}")
    found = f"limited to {size_words(limit)}, too little for large molecules: engines will crash"
    return warning("stack", found, "raise the hard limit where workers start: ulimit -Hs unlimited")


def _clock() -> Finding:
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if time.time() >= FIRST_DAY_S:
        return ok("clock", shown)
    return problem(
        "clock", f"this machine's shows {shown}, before nox was made", "set it: timedatectl set-ntp true"
    )
