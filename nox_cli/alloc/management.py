"""Definition, pause, resumption and removal of pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nox_cli.alloc import pool_file
from nox_cli.alloc.batch_script import pool_script
from nox_cli.alloc.definition import NOT_SET, PoolOptions, check_name, described, differences
from nox_cli.alloc.records import definition_record
from nox_cli.exits import ExitCode
from workers.batch.system import BatchState, NoAnswer
from workers.errors import InputRefused, SettingsInvalid, StoreError, StoreRefused
from workers.machine import network_file_system
from workers.pools.lease import held, new_holder
from workers.store.pools import NUMBER, AllocationState, Pause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nox_cli.alloc.json_objects import PoolChangeRecord, PoolSetRecord
    from nox_cli.alloc.pool_file import PoolFile
    from nox_cli.alloc.user_pools import UserPools
    from workers.batch.system import BatchSystem
    from workers.store.base import Store
    from workers.store.pools import Allocation

# In the place of a token where there is no allocation yet.
TOKEN = "0000000000000000"  # noqa: S105  the name of an allocation, no secret


class PoolSet(NamedTuple):
    """A pool that was defined or changed."""

    store: Store
    file: PoolFile
    path: Path
    is_new: bool
    changed: Mapping[str, tuple[str, str]]  # option -> old and new value
    test: str  # the answer of the batch system to such a request; empty: there is none here
    notes: tuple[str, ...]

    def document(self) -> PoolSetRecord:
        """Return the definition, and what changed."""
        return {
            "store": {"kind": self.store.kind, "where": self.store.where},
            "pool": self.file.pool,
            "file": str(self.path),
            "definition": definition_record(self.file.definition),
            "is_new": self.is_new,
            "changed": {name: list(values) for name, values in self.changed.items()},
            "test": self.test,
            "notes": list(self.notes),
        }


class PoolChange(NamedTuple):
    """A pool that was paused, resumed or removed."""

    store: Store
    pool: str
    change: str
    cancelled: tuple[str, ...] = ()  # numbers of batch jobs
    running: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    exit: ExitCode = ExitCode.DONE

    def document(self) -> PoolChangeRecord:
        """Return what was done."""
        return {
            "store": {"kind": self.store.kind, "where": self.store.where},
            "pool": self.pool,
            "change": self.change,
            "cancelled": list(self.cancelled),
            "running": list(self.running),
            "notes": list(self.notes),
        }


def set_pool(
    mine: UserPools,
    named: tuple[str, PoolOptions],
    words: Sequence[str],
    environ: Mapping[str, str],
    system: BatchSystem | None,
) -> PoolSet:
    """Write the file of a pool, and define it in the store.

    The definition replaces the one before.

    Args:
        mine: the pools of the user.
        named: the name of the pool, and its options.
        words: the words of sbatch.
        environ: the environment.
        system: the batch system of this machine; None: there is none.

    Raises:
        UsageError, InputRefused: there cannot be such a pool.
        SettingsInvalid: its file cannot be written.
        StoreError: the store cannot be written.
    """
    name, options = named
    check_name(name, NOT_SET)
    notes = []
    try:
        before = pool_file.read(mine.home, name)
    except SettingsInvalid as error:
        before = None
        notes.append(f"{error.what}; it was replaced")
    if before is not None and mine.is_orphan(before.file):
        before = None
        notes.append(
            f"the Redis at {mine.store.where} has lost the data that pool {name} was set for; allocations of "
            "before count for --max until they end (squeue --me lists them)"
        )
    if before is not None and not mine.is_own(before.file):
        raise InputRefused(
            f"pool {name} of this machine belongs to {before.file.owner} in {before.file.where}",
            did=NOT_SET,
            hint="take another name, or remove that one with its settings",
        )
    file = described(name, options, words, (mine.settings, mine.identity, mine.store.where), environ)
    digest = pool_file.write(mine.home, file)
    try:
        mine.pools.define(mine.owner, name, file.definition, digest)
    except InputRefused:
        if before is None:
            pool_file.remove(mine.home, name)
        raise
    except StoreError as error:
        error.did = f"the file of pool {name} is written, the store may not have it: set it again"
        raise
    found = mine.pool(name)
    if found is not None and found.paused is Pause.USER:
        notes.append(f"it is paused: nox alloc resume {name}")
    if system is None:
        notes.append("sbatch is not on PATH here: nox alloc run needs it")
    if not network_file_system(mine.home) and not options.allow_loopback:
        notes.append(f"the nodes must see {file.folder} and {file.nox[0]}")
    return PoolSet(
        store=mine.store,
        file=file,
        path=mine.path(name),
        is_new=before is None,
        changed=differences(before.file, file) if before is not None else {},
        test="" if system is None else system.test(pool_script(file, TOKEN), file.words),
        notes=tuple(notes),
    )


def pause_pool(mine: UserPools, name: str) -> PoolChange:
    """Let a pool request nothing until it is resumed; its allocations continue.

    Raises:
        NothingMatched: there is no pool of that name.
        StoreError: the store cannot be written.
    """
    check_name(name)
    if not mine.pools.pause(mine.owner, name, Pause.USER):
        raise mine.no_pool(name)
    return PoolChange(mine.store, name, "paused", notes=_elsewhere(mine, name))


def resume_pool(mine: UserPools, name: str) -> PoolChange:
    """Let a pool request again, by its file as it is now.

    Raises:
        NothingMatched: there is no pool of that name.
        SettingsInvalid: its file cannot be used.
        StoreRefused: its file changed, and is not on this machine.
        StoreError: the store cannot be written.
    """
    check_name(name)
    pool, stored = mine.pool(name), mine.file(name)
    if pool is None:
        raise mine.no_pool(name)
    if stored is None and pool.paused is Pause.CHANGED:
        raise StoreRefused(
            f"pool {name} is paused because its file was changed, and that file is on another machine",
            did="nothing was done",
            hint=f"look at it there, then nox alloc resume {name} there",
        )
    if stored is not None and stored.file.definition != pool.definition:
        # The numbers were edited in the file: the store has to know them.
        mine.pools.define(mine.owner, name, stored.file.definition, stored.digest)
    if not mine.pools.resume(mine.owner, name, pool.digest if stored is None else stored.digest):
        raise mine.no_pool(name)
    return PoolChange(mine.store, name, "resumed", notes=_elsewhere(mine, name))


def remove_pool(mine: UserPools, name: str, system: BatchSystem | None) -> PoolChange:
    """Remove a pool and its file, and cancel its pending allocations; those that run continue.

    Args:
        mine: the pools of the user.
        name: the name of the pool.
        system: the batch system of this machine; None: there is none, and nothing is cancelled.

    Raises:
        NothingMatched: there is no pool of that name, and no file.
        SettingsInvalid: its file cannot be removed.
        StoreError: the store cannot be written.
    """
    check_name(name)
    pool = mine.pool(name)
    has_file = mine.has_file(name)
    if pool is None and not has_file:
        raise mine.no_pool(name)
    notes: tuple[str, ...] = ()
    if not has_file:
        notes = (f"its file is not on this machine ({mine.path(name)}): remove it there",)
    with held(mine.pools, mine.owner, new_holder()):
        live = mine.pools.allocations(mine.owner, pool=name)
        try:
            found = _as_recorded(live) if system is None else _cancelled(system, live)
        except NoAnswer as error:
            mine.pools.pause(mine.owner, name, Pause.USER)
            why = f"not removed: the batch system does not answer ({error}); nox alloc remove {name} again"
            return PoolChange(mine.store, name, "paused", notes=(why,), exit=ExitCode.JOB_FAILED)
        mine.pools.remove(mine.owner, name)
        if has_file:
            pool_file.remove(mine.home, name)
    if found.left:
        numbers = " ".join(found.left)
        notes += (f"not cancelled, no batch system here lists them: scancel --state=PENDING {numbers}",)
    return PoolChange(mine.store, name, "removed", found.cancelled, found.running, notes)


class _Ends(NamedTuple):
    """Numbers of the batch jobs of a pool that is removed."""

    cancelled: tuple[str, ...]
    running: tuple[str, ...]
    left: tuple[str, ...]  # pending, by the store's record, and not listed here


def _cancelled(system: BatchSystem, live: Sequence[Allocation]) -> _Ends:
    """Cancel the allocations that the batch system lists as pending.

    Raises:
        NoAnswer: the batch system does not answer.
    """
    names = {one.name for one in live}
    answer = system.look(sorted(names))
    listed = [job for job in (*answer.by_name.values(), *answer.doubles) if job.name in names]
    pending = [job for job in listed if job.state is BatchState.PENDING]
    if pending:
        system.cancel_pending(pending)
    unlisted = _as_recorded([one for one in live if one.name not in answer.by_name])
    running = tuple(job.number for job in listed if job.state is BatchState.RUNNING)
    return _Ends(tuple(job.number for job in pending), (*running, *unlisted.running), unlisted.left)


def _as_recorded(live: Sequence[Allocation]) -> _Ends:
    """Sort allocations by their state in the store."""
    running = [one for one in live if one.state is AllocationState.RUNNING]
    pending = [one for one in live if one.state is AllocationState.PENDING]
    return _Ends((), _numbers(running), _numbers(pending))


def _numbers(allocations: Sequence[Allocation]) -> tuple[str, ...]:
    """Return the numbers of batch jobs; what is none is left out."""
    return tuple(one.number for one in allocations if NUMBER.fullmatch(one.number))


def _elsewhere(mine: UserPools, name: str) -> tuple[str, ...]:
    """Note that the file of a pool is on another machine."""
    return () if mine.has_file(name) else (f"its file is not on this machine ({mine.path(name)})",)
