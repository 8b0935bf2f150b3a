"""Hints for jobs without a worker: start one, or on a login node submit a batch script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.config.settings import environment

if TYPE_CHECKING:
    from workers.job import Job

WORKER = "nox worker"
# Sites forbid computing on login nodes, so no hint there suggests it.
_BATCH_JOB = "a batch script that runs nox worker or nox run (docs/clusters.md)"
COMPUTE_ELSEWHERE = f"submit {_BATCH_JOB}"


def is_here_a_login_node() -> bool:
    """Whether this process runs on a login node."""
    from workers.machine import is_login_node

    return is_login_node(environment())


def fits_here(job: Job) -> bool:
    """Whether a worker on this machine could have the cores and memory that a job needs."""
    from workers.machine import core_limit, memory_limit

    environ = environment()
    return job.cores <= core_limit(environ).amount and job.memory_bytes <= memory_limit(environ).amount


def start_one(command: str = WORKER, lead: str = "start one: ") -> str:
    """Return the hint to start a worker: a command, or on a login node a batch job.

    Args:
        command: the command that starts a worker here.
        lead: the words before the command.
    """
    if not is_here_a_login_node():
        return f"{lead}{command}"
    from workers.machine import LOGIN_NODE

    return f"{LOGIN_NODE}: {COMPUTE_ELSEWHERE}"


def use_redis(chosen: str) -> str:
    """Return the hint to use Redis; `chosen`: the setting that chooses the local store, or empty."""
    return f"take {chosen} away" if chosen else "export REDIS_URL=redis://HOST:6379/0"


def go_on_with() -> str:
    """Return what runs jobs that are still waiting: a command, or on a login node a batch job."""
    return _BATCH_JOB if is_here_a_login_node() else WORKER


def release_here(which: str) -> tuple[str, ...]:
    """Return the command that lets jobs run here that wait for `nox push`; none on a login node."""
    return () if is_here_a_login_node() else (f"nox release {which} --local",)
