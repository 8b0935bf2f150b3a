"""Which checks there are, in the order they are made."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nox_cli.doctor import engines, jobs, machine, places, settings, store
from nox_cli.doctor.examination import Check, Examination
from nox_cli.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nox_cli.session import Session

# The store keeps to limits of its own; these are for a disk or a network that hangs.
_STORE_S, _INSIDE_S, _JOBS_S = 15.0, 60.0, 30.0


def examination(call: Session, environ: Mapping[str, str]) -> Examination:
    """Put the checks of everything jobs depend on in order."""
    return Examination(tuple(_checks(call, environ)))


def _checks(call: Session, environ: Mapping[str, str]) -> Iterator[Check]:
    told = call.settings
    yield Check("settings", partial(settings.check_settings, told))
    if told.trouble is None:
        yield from store_checks(call)
        yield Check("artifacts", partial(places.check_artifacts, told.artifacts))
        yield Check("leftovers", partial(places.check_leftovers, told.home))
    yield Check("engines", engines.check_any)
    yield Check(engines.PROGRAM, engines.check_program)
    for name in engines.installed():
        yield Check(name, partial(engines.check_engine, name), limit_s=engines.LIMIT_S + engines.END_S)
    yield Check("machine", partial(machine.check_machine, environ))
    yield Check("place", partial(machine.check_place, environ, is_local=told.store.redis_url is None))
    if told.store.redis_url is not None:
        yield Check("place", partial(machine.check_reach, environ, told.store.redis_url))
    yield Check("completion", partial(places.check_completion, environ))


def store_checks(call: Session) -> Iterator[Check]:
    """List the checks of the store and of what is in it; all but the first need it to be reached."""
    owner, reached = call.settings.owner, store.Reached(call)
    yield Check("store", reached.check, ExitCode.STORE, _STORE_S)
    yield Check("store", reached.then(store.check_inside), ExitCode.STORE, _INSIDE_S)
    yield Check("records", reached.then(jobs.check_records), ExitCode.STORE, _JOBS_S)
    yield Check("attempts", reached.then(jobs.check_attempts), ExitCode.STORE, _JOBS_S)
    yield Check("workers", reached.then(jobs.check_workers), limit_s=_JOBS_S)
    yield Check("waiting", reached.then(partial(jobs.check_waiting, owner)), limit_s=_JOBS_S)
    yield Check("running", reached.then(partial(jobs.check_running, owner)), limit_s=_JOBS_S)
