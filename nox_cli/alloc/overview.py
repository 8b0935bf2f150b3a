"""The pools of a user at a glance, and one of them with its allocations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.alloc.batch_script import pool_script
from nox_cli.alloc.definition import HOUR_S, check_name, expected_engines
from nox_cli.alloc.management import TOKEN
from nox_cli.alloc.records import allocation_record, definition_record
from nox_cli.text import safe
from nox_cli.times import iso, now_ms
from nox_cli.watch.pools import RUN, late_words
from workers.errors import SettingsInvalid
from workers.files import last_lines
from workers.pools.decision import Standing
from workers.store.pools import AllocationState, Pause

if TYPE_CHECKING:
    from pathlib import Path

    from nox_cli.alloc.json_objects import PoolPageRecord, PoolRecord
    from nox_cli.alloc.pool_file import PoolFile, StoredFile
    from nox_cli.alloc.user_pools import UserPools
    from nox_cli.results.json_objects import Page
    from workers.store.pools import Allocation, Pool

# The allocations that `nox alloc show` lists, and the lines of a log.
_MOST, _LINES = 20, 10


class PoolRow(NamedTuple):
    """A pool with the numbers of its allocations."""

    pool: Pool
    pending: int
    running: int
    core_seconds_today: int  # of allocations that have ended
    core_seconds_used: int  # that count against the budget
    file: Path | None  # on this machine

    def record(self) -> PoolRecord:
        """Return the pool as JSON has it."""
        pool = self.pool
        has_budget = pool.definition.budget is not None
        return {
            "name": pool.name,
            "owner": pool.owner,
            "paused": pool.paused,
            "why": pool.why,
            "definition": definition_record(pool.definition),
            "pending": self.pending,
            "running": self.running,
            "foreign": pool.foreign,
            "demand_jobs": pool.demand_jobs,
            "demand_cores": pool.demand_cores,
            "core_hours_today": self.core_seconds_today / HOUR_S,
            "core_hours_used": self.core_seconds_used / HOUR_S if has_budget else None,
            "strikes": pool.strikes,
            "refusals": pool.refusals,
            "refusal": pool.refusal,
            "set_at": iso(pool.set_ms),
            "looked_at": iso(pool.looked_ms),
            "answered_at": iso(pool.answered_ms),
            "no_request_before": iso(pool.next_ms or None),
            "file": None if self.file is None else str(self.file),
        }


class PoolList(NamedTuple):
    """The pools of a user."""

    rows: tuple[PoolRow, ...]

    def document(self) -> Page[PoolRecord]:
        """Return the pools."""
        return {"items": [row.record() for row in self.rows], "cursor": None}


class PoolPage(NamedTuple):
    """One pool with its newest allocations."""

    row: PoolRow
    file: PoolFile | None  # None: it is on another machine
    allocations: tuple[Allocation, ...]  # the newest first
    log_lines: tuple[str, ...]  # the last of the newest log
    advice: tuple[str, ...]  # what to do

    @property
    def script(self) -> str:
        """The batch script of an allocation; empty: the file is elsewhere."""
        return "" if self.file is None else pool_script(self.file, TOKEN)

    def document(self) -> PoolPageRecord:
        """Return the pool and its allocations."""
        file = self.file
        return {
            "pool": self.row.record(),
            "words": None if file is None else list(file.words),
            "before": None if file is None else file.before,
            "script": self.script or None,
            "allocations": [allocation_record(one) for one in self.allocations],
            "log_lines": list(self.log_lines),
            "advice": list(self.advice),
        }


def list_pools(mine: UserPools) -> PoolList:
    """List the pools of a user.

    Raises:
        StoreError: the store cannot be read.
    """
    live = mine.pools.allocations(mine.owner)
    return PoolList(tuple(_row(mine, pool, live) for pool in mine.pools.pools(mine.owner)))


def show_pool(mine: UserPools, name: str) -> PoolPage:
    """Describe a pool, its newest allocations and what to do.

    Raises:
        NothingMatched: there is no pool of that name.
        StoreError: the store cannot be read.
    """
    check_name(name)
    pool = mine.pool(name)
    if pool is None:
        raise mine.no_pool(name)
    found = mine.pools.allocations(mine.owner, pool=name, ended=True)
    newest = sorted(found, key=lambda one: one.intended_ms, reverse=True)[:_MOST]
    row = _row(mine, pool, [one for one in found if one.is_live])
    advice, stored = [], None
    try:
        stored = mine.file(name)
    except SettingsInvalid as error:
        advice.append(error.what)
    advice += _advice(row, stored)
    file = None if stored is None else stored.file
    lines = () if file is None else _log_lines(file, newest)
    return PoolPage(row, file, tuple(newest), lines, tuple(advice))


def _row(mine: UserPools, pool: Pool, live: list[Allocation]) -> PoolRow:
    own = tuple(one for one in live if one.pool == pool.name)
    now = now_ms()
    running = sum(one.state is AllocationState.RUNNING for one in own)
    today = datetime.fromtimestamp(now / 1_000, UTC).date().isoformat()
    return PoolRow(
        pool=pool,
        pending=len(own) - running,
        running=running,
        core_seconds_today=pool.spent.get(today, 0),
        core_seconds_used=Standing(pool, own, now).used_core_seconds(),
        file=mine.path(pool.name) if mine.has_file(pool.name) else None,
    )


def _advice(row: PoolRow, stored: StoredFile | None) -> list[str]:
    """Name what a user can do about a pool."""
    pool = row.pool
    name = pool.name
    found = []
    if pool.paused is not None:
        after = {
            Pause.USER: "",
            Pause.STRIKES: "see the log, correct --before or the words of sbatch, then ",
            Pause.REFUSED: "correct the words of sbatch (nox alloc set), then ",
            Pause.CHANGED: "look at its file; if it is as you want it, ",
        }[pool.paused]
        found.append(f"{after}nox alloc resume {name}")
    if row.file is None:
        found.append("its file is on another machine: nox alloc run works there only")
    elif stored is not None and stored.digest != pool.digest and pool.paused is None:
        found.append(
            f"its file was changed by hand, which pauses it: nox alloc resume {name} accepts the file"
        )
    if stored is not None and set(expected_engines(stored.file.before)) != set(stored.file.engines):
        found.append(f"the engines here are others than when it was set: nox alloc set {name} again")
    if late := late_words(pool):
        found.append(f"{late}: {RUN}, or {RUN} --once every five minutes in cron")
    return found


def _log_lines(file: PoolFile, newest: list[Allocation]) -> tuple[str, ...]:
    """Read the end of the newest log, whose path comes from the file, not from the store."""
    for one in newest:
        has_begun = one.state is AllocationState.RUNNING or not one.is_live
        if has_begun and (lines := last_lines(file.log(one.token), _LINES)):
            return tuple(map(safe, lines))
    return ()
