"""The work of `nox alloc run`: one look, a plan of one, or looks without end."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.alloc import pool_file
from nox_cli.alloc.journal import Journal, once
from nox_cli.alloc.management import TOKEN
from nox_cli.alloc.records import PlannedRequest, allocation_record, decision_record, shape_record
from workers.errors import NoxError, Retry, StoreError, UsageError
from workers.pools.autoscaler import LOOK_S, Autoscaler
from workers.store.pools import KEPT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nox_cli.alloc.journal import JournalLine
    from nox_cli.alloc.json_objects import LookRecord
    from nox_cli.alloc.user_pools import UserPools
    from nox_cli.exits import ExitCode
    from workers.batch.system import BatchSystem
    from workers.logs import Log
    from workers.pools.autoscaler import OwnPool
    from workers.pools.report import Look
    from workers.store.base import Store

# The pause while the store is unreachable.
_RETRY_S = 5.0


class LookReport(NamedTuple):
    """A look that was made, or planned."""

    store: Store
    look: Look
    notes: tuple[str, ...] = ()
    plan: Mapping[str, PlannedRequest] | None = None  # by pool; None: the look was made

    @property
    def lines(self) -> tuple[JournalLine, ...]:
        """A line for each thing that the look did, and for a silence that keeps jobs waiting."""
        return tuple(once(self.look))

    def document(self) -> LookRecord:
        """Return the look."""
        look = self.look
        return {
            "store": {"kind": self.store.kind, "where": self.store.where},
            "is_dry_run": self.plan is not None,
            "shapes": [shape_record(line) for line in look.shapes],
            "decisions": [
                decision_record(one, (self.plan or {}).get(one.pool.name)) for one in look.decisions
            ],
            "requested": [
                {"pool": one.pool, "token": one.token, "number": one.number, "words": one.words}
                for one in look.requested
            ],
            "cancelled": [allocation_record(one) for one in look.cancelled],
            "ended": [allocation_record(one) for one in look.ended],
            "paused": [pool.name for pool in look.paused],
            "silence": look.silence,
            "notes": list(self.notes),
        }


def look_once(mine: UserPools, system: BatchSystem, names: Sequence[str]) -> LookReport:
    """Look at pools once.

    Args:
        mine: the pools of the user.
        system: the batch system.
        names: the pools; none: all that have their file on this machine.

    Raises:
        NothingMatched: there is no such pool.
        SettingsInvalid: the file of a pool cannot be used.
        StoreError: the store cannot be used.
    """
    _clean(mine)
    notes: list[str] = []
    look = _autoscaler(mine, system, partial(mine.own_pools, names, notes)).look()
    return LookReport(mine.store, look, tuple(dict.fromkeys(notes)))  # the files may have been read twice


def plan(mine: UserPools, system: BatchSystem, names: Sequence[str]) -> LookReport:
    """Find out what a look would do; nothing is written or requested.  See `look_once`."""
    notes: list[str] = []
    own = mine.own_pools(names, notes, is_trial=True)
    look = _autoscaler(mine, system, lambda: own).plan()
    requests = {}
    for one in own:
        script = one.script(TOKEN)
        requests[one.name] = PlannedRequest(one.words, script, system.test(script, one.words))
    return LookReport(mine.store, look, tuple(notes), requests)


class LoopEnded(NamedTuple):
    """The exit code of a loop that has ended."""

    exit: ExitCode


class Looks:
    """Makes looks, and logs what happens in them."""

    def __init__(
        self,
        mine: UserPools,
        system: BatchSystem,
        names: Sequence[str],
        log: Log,
        rest: Callable[[float], None],
    ) -> None:
        """Read the files of pools.

        Args:
            mine: the pools of the user.
            system: the batch system.
            names: the pools; none: all that have their file on this machine.
            log: receives the lines of the log.
            rest: sleeps while another autoscaler looks; an error that it raises ends the look.

        Raises:
            NothingMatched: there is no such pool.
            SettingsInvalid: the file of a pool cannot be used.
            StoreError: the store cannot be read.
        """
        self._mine, self._names, self._log = mine, names, log
        self._journal = Journal()
        self._notes: list[str] = []
        self._trouble = ""
        # One for all looks: it reuses the lease of a look that its store broke off.
        self._autoscaler = _autoscaler(mine, system, self._read, rest)
        own = self._read()
        _clean(mine)
        log.info("looks after pools", pools=" ".join(one.name for one in own), store=mine.store.where)

    def step(self) -> float:
        """Look once; return the seconds until the next look is due.

        An unreachable store, or a pool that cannot be used, is logged once.

        Raises:
            StoreRefused: the store refuses, which will not change by itself.
        """
        try:
            look = self._autoscaler.look()
        except NoxError as error:
            if isinstance(error, StoreError) and error.retry is Retry.NEVER:
                raise
            # One outage of Redis is several errors: it refuses connections, is silent, loads its data.
            trouble = error.code if isinstance(error, StoreError) else error.what
            if trouble != self._trouble:
                self._log.warning(f"{error.what}; allocations continue, and so does nox alloc run")
            self._trouble = trouble
            return _RETRY_S
        if self._trouble:
            self._log.info("that is over; looks after its pools again")
            self._trouble = ""
        for line in self._journal.lines(look):
            (self._log.warning if line.is_warning else self._log.info)(line.text)
        return min(LOOK_S, look.again_s)

    def _read(self) -> list[OwnPool]:
        """Read the files of the pools, and log what keeps others from being looked after, once."""
        notes: list[str] = []
        own = self._mine.own_pools(self._names, notes)
        for note in notes:
            if note not in self._notes:
                self._log.warning(note.removeprefix("warning: "))
        self._notes = notes
        return own


def need(system: BatchSystem | None) -> BatchSystem:
    """Return the batch system.

    Raises:
        UsageError: this machine has none.
    """
    if system is None:
        raise UsageError(
            "sbatch is not on PATH here",
            did="nothing was done",
            hint="run it on a login node; cron has a short PATH: put PATH=... above the line of the crontab",
        )
    return system


def _autoscaler(
    mine: UserPools,
    system: BatchSystem,
    read: Callable[[], list[OwnPool]],
    rest: Callable[[float], None] | None = None,
) -> Autoscaler:
    return Autoscaler(mine.store, mine.pools, system, mine.owner, read, rest)


def _clean(mine: UserPools) -> None:
    """Remove logs of allocations that the store has forgotten."""
    pool_file.clean_logs(mine.home, time.time() - KEPT_S)
