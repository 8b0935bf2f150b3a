"""What to do about jobs that no worker runs: start one, or on a login node hand a batch script over."""

from __future__ import annotations

from nox_cli.config.settings import environment

WORKER = "nox worker"
# Sites forbid to compute on login nodes, so nothing that is said on one names a way to do so.
_BATCH_JOB = "a batch script that runs nox worker or nox run (docs/clusters.md)"
COMPUTE_ELSEWHERE = f"submit {_BATCH_JOB}"


def is_here_a_login_node() -> bool:
    """Whether this process runs on a login node."""
    from workers.machine import is_login_node

    return is_login_node(environment())


def start_one(command: str = WORKER, lead: str = "start one: ") -> str:
    """Say how jobs get a worker: by a command, or on a login node by a batch job.

    Args:
        command: starts a worker here.
        lead: what comes before it.
    """
    if not is_here_a_login_node():
        return f"{lead}{command}"
    from workers.machine import LOGIN_NODE

    return f"{LOGIN_NODE}: {COMPUTE_ELSEWHERE}"


def go_on_with() -> str:
    """Name what goes on with jobs that were left waiting."""
    return _BATCH_JOB if is_here_a_login_node() else WORKER


def release_here(which: str) -> tuple[str, ...]:
    """Name the command that lets jobs run here that wait for `nox push`; none on a login node."""
    return () if is_here_a_login_node() else (f"nox release {which} --local",)
