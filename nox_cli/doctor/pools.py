"""Checks of pools: the batch system, the files of pools, and why a pool requests nothing."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from nox_cli.alloc.user_pools import UserPools
from nox_cli.counts import counted
from nox_cli.watch.pools import RUN, late_words, paused_words
from workers import machine
from workers.batch.slurm import Slurm, find_batch_system
from workers.batch.system import NoAnswer
from workers.errors import SettingsInvalid
from workers.findings import Finding, ok, problem, warning
from workers.job import JobState
from workers.store.pools import Pause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nox_cli.config.settings import Settings
    from workers.store.base import Store
    from workers.store.pools import Pool
    from workers.store.redis.store import RedisStore

# A program of the batch system has this time, and the check that of three programs.
_ANSWER_S = 10.0
BATCH_S = 3 * _ANSWER_S + 5.0
# Without a look for this time, jobs wait for nothing.
_UNSEEN_S = 3_600.0
_OWN_TO_A_NODE = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108  what is there is on one machine only


def check_batch_system(environ: Mapping[str, str]) -> list[Finding]:
    """Check whether the batch system answers and has accounts, and whether its nodes see this nox."""
    if machine.allocation(environ) or find_batch_system(environ) is None:
        return []
    system = Slurm(environ, _ANSWER_S)
    try:
        system.look()
    except NoAnswer as error:
        hint = "nothing is requested until it answers: try squeue --me, and ask the site"
        return [warning("batch", str(error), hint), _installed()]
    found = [ok("batch", f"{system.name or 'the batch system'} answers")]
    if not system.has_accounts:
        what = "sacct does not answer here: how a batch job ended is known for minutes only"
        found.append(ok("accounts", what, "let nox alloc run look every minute or so, not once an hour"))
    return [*found, _installed()]


def check_pools(settings: Settings, store: Store) -> list[Finding]:
    """Check the files of the user's pools, and name pools that request nothing.

    Raises:
        StoreError: the store cannot be read.
    """
    if store.pools is None or not (pools := store.pools.pools(settings.owner)):
        return []
    mine = UserPools(cast("RedisStore", store), settings)
    waiting = store.counts(owner=settings.owner).get(JobState.QUEUED, 0)
    found = [finding for pool in pools for finding in (*_file(mine, pool), *_state(pool, waiting))]
    return found or [ok("pools", f"{counted(len(pools), 'pool')}, none is paused")]


def _installed() -> Finding:
    """Report whether the nodes of a cluster see this installation."""
    place = Path(sys.prefix)
    if kind := machine.network_file_system(place):
        return ok("nodes", f"nox is in {place}, on a network file system ({kind})")
    if any(map(place.is_relative_to, (*_OWN_TO_A_NODE, tempfile.gettempdir()))):
        what = f"nox is in {place}, which is another directory on each node"
        return warning("nodes", what, "install it in a directory that the nodes see")
    return ok(
        "nodes", f"nox is in {place}, on a file system of this machine", "the nodes must have it there too"
    )


def _file(mine: UserPools, pool: Pool) -> Iterator[Finding]:
    """Check the file of a pool, if it is on this machine."""
    try:
        stored = mine.file(pool.name)
    except SettingsInvalid as error:
        yield problem("pools", f"pool {pool.name}: {error.what}", error.hint)
        return
    if stored is None:
        hint = "nox alloc run has to run there"
        yield ok("pools", f"the file of pool {pool.name} is not on this machine", hint)
    elif stored.digest != pool.digest and pool.paused is None:
        what = f"{mine.path(pool.name)} is not the file that nox alloc set wrote: it requests nothing"
        yield problem("pools", what, f"look at it, then nox alloc resume {pool.name}")


def _state(pool: Pool, waiting: int) -> Iterator[Finding]:
    """Report a pause, or that no autoscaler looks while jobs wait."""
    if pool.paused is not None:
        last = "".join(pool.why.splitlines()[-1:])
        what = f"{paused_words(pool)}{last and f' ({last})'}"
        kind = ok if pool.paused is Pause.USER else warning
        yield kind("pools", what, f"nox alloc show {pool.name}; nox alloc resume {pool.name}")
    elif waiting and (late := late_words(pool, _UNSEEN_S)):
        what = f"{late}, and {counted(waiting, 'job')} waiting"
        yield warning("pools", what, f"{RUN}, or {RUN} --once every five minutes in cron")
