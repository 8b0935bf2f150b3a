"""The checks of `nox doctor`, in the order in which they run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nox_cli.doctor import engines, jobs, machine, pools, settings, store
from nox_cli.doctor.examination import Check, Examination
from nox_cli.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nox_cli.config.settings import Settings
    from workers.store.base import Store

# The store has time limits of its own; these are for a disk or a network that hangs.
_STORE_S, _INSIDE_S, _JOBS_S = 15.0, 60.0, 30.0


def examination(
    found: Settings, environ: Mapping[str, str], open_store: Callable[[], Store | None]
) -> Examination:
    """Prepare the checks of all that jobs depend on; they run while their findings are read.

    Args:
        found: the settings.
        environ: the environment.
        open_store: opens the store; None: there is none yet.
    """
    return Examination(tuple(_checks(found, environ, open_store)))


def _checks(
    found: Settings, environ: Mapping[str, str], open_store: Callable[[], Store | None]
) -> Iterator[Check]:
    yield Check("settings", partial(settings.check_settings, found))
    if found.trouble is None:
        yield from store_checks(found, open_store)
        yield Check("artifacts", partial(machine.check_artifacts, found.artifacts))
        yield Check("leftovers", partial(machine.check_leftovers, found.home))
    yield Check("engines", engines.check_any)
    yield Check(engines.PROGRAM, engines.check_program)
    for name in engines.installed():
        yield Check(name, partial(engines.check_engine, name), limit_s=engines.LIMIT_S + engines.END_S)
    yield Check("machine", partial(machine.check_machine, environ))
    yield Check("place", partial(machine.check_place, environ, is_local=found.store.redis_url is None))
    yield Check("batch", partial(pools.check_batch_system, environ), limit_s=pools.BATCH_S)
    if found.store.redis_url is not None:
        yield Check("place", partial(machine.check_reach, environ, found.store.redis_url))
    yield Check("completion", partial(machine.check_completion, environ))


def store_checks(found: Settings, open_store: Callable[[], Store | None]) -> Iterator[Check]:
    """List the checks of the store and its contents; all but the first are skipped if it cannot be opened."""
    owner, reached = found.owner, store.Reached(open_store, found.home)
    yield Check("store", reached.check, ExitCode.STORE, _STORE_S)
    yield Check("store", reached.then(store.check_inside), ExitCode.STORE, _INSIDE_S)
    yield Check("records", reached.then(jobs.check_records), ExitCode.STORE, _JOBS_S)
    yield Check("attempts", reached.then(jobs.check_attempts), ExitCode.STORE, _JOBS_S)
    yield Check("workers", reached.then(partial(jobs.check_workers, owner=owner)), limit_s=_JOBS_S)
    yield Check("waiting", reached.then(partial(jobs.check_waiting, owner)), limit_s=_JOBS_S)
    yield Check("running", reached.then(partial(jobs.check_running, owner)), limit_s=_JOBS_S)
    yield Check("pools", reached.then(partial(pools.check_pools, found)), limit_s=_JOBS_S)
