"""Hints for jobs without a worker: start one, or on a login node request one of the batch system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nox_cli.config.settings import environment

if TYPE_CHECKING:
    from workers.job import Job

WORKER = "nox worker"
# Sites forbid computing on login nodes, so no hint there suggests it.
_SBATCH_WORKER = "nox worker --print-sbatch | sbatch, or nox alloc set (docs/hpc.md)"
_BATCH_WORKER = "submit a batch script that runs nox worker (docs/clusters.md)"
_BATCH_RUN = (
    "submit a batch script that runs nox run (docs/clusters.md); with a Redis that compute nodes reach: "
)


def is_here_a_login_node() -> bool:
    """Whether this process runs on a login node."""
    from workers.machine import is_login_node

    return is_login_node(environment())


def fits_here(job: Job) -> bool:
    """Whether a worker on this machine could have the cores and memory that a job needs."""
    from workers.machine import core_limit, memory_limit

    environ = environment()
    return job.cores <= core_limit(environ).amount and job.memory_bytes <= memory_limit(environ).amount


def start_one(command: str = WORKER, lead: str = "start one: ", *, is_shared: bool = False) -> str:
    """Return the hint to start a worker: a command, or on a login node how a compute node runs one.

    Args:
        command: the command that starts a worker here.
        lead: the words before the command.
        is_shared: other machines reach the store of the jobs.
    """
    if not is_here_a_login_node():
        return f"{lead}{command}"
    from workers.machine import LOGIN_NODE

    return f"{LOGIN_NODE}: {compute_elsewhere(is_shared=is_shared)}"


def compute_elsewhere(*, is_shared: bool) -> str:
    """Return what lets compute nodes run jobs, in one line; `is_shared`: as of `start_one`."""
    import shutil

    environ = environment()
    is_slurm = "SLURM_JOB_ID" in environ or shutil.which("sbatch", path=environ.get("PATH", os.defpath))
    worker = _SBATCH_WORKER if is_slurm else _BATCH_WORKER
    return worker if is_shared else f"{_BATCH_RUN}{worker}"


def use_redis(chosen: str, command: str = "export REDIS_URL=redis://HOST:6379/0") -> str:
    """Return the hint to use Redis: a command, or that a setting chooses the local store (`chosen`)."""
    return f"take {chosen} away" if chosen else command


def is_shared(redis_url: str | None) -> bool:
    """Whether other machines reach the store of a URL; None: the local store."""
    from workers.store.redis.address import RedisUrl

    return redis_url is not None and not RedisUrl(redis_url).address().is_loopback


def go_on_with(*, is_shared: bool) -> str:
    """Return what runs jobs that are still waiting: a command, or on a login node a batch job."""
    return compute_elsewhere(is_shared=is_shared) if is_here_a_login_node() else WORKER


def release_here(which: str) -> tuple[str, ...]:
    """Return the command that lets jobs run here that wait for `nox push`; none on a login node."""
    return () if is_here_a_login_node() else (f"nox release {which} --local",)
