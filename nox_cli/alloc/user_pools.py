"""The pools of a user: those of the store, and the files of this machine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nox_cli.alloc import pool_file
from nox_cli.alloc.batch_script import pool_script
from nox_cli.alloc.definition import check_name
from workers.errors import NothingMatched, NoxError, SettingsInvalid
from workers.machine import host
from workers.pools.autoscaler import OwnPool
from workers.store.pools import Pause

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nox_cli.alloc.pool_file import PoolFile, StoredFile
    from nox_cli.config.settings import Settings
    from workers.store.pools import Pool
    from workers.store.redis.store import RedisStore


class UserPools:
    """Finds pools of the user in the store, and their files on this machine."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self.store, self.pools, self.settings = store, store.pools, settings
        self.owner, self.home = settings.owner, settings.home

    @property  # asked each time: a Redis may lose its data while nox alloc run lives
    def identity(self) -> str:
        """The unique name of the store."""
        return self.store.identity()

    def pool(self, name: str) -> Pool | None:
        """Read a pool of the user; None: the store has none of that name."""
        return next((one for one in self.pools.pools(self.owner) if one.name == name), None)

    def path(self, name: str) -> Path:
        """Return the path of the file of a pool."""
        return pool_file.path_of(self.home, name)

    def file(self, name: str) -> StoredFile | None:
        """Read the file of a pool; None: it is not on this machine.

        Raises:
            SettingsInvalid: it cannot be used.
        """
        found = pool_file.read(self.home, name)
        return found if found is not None and self.is_own(found.file) else None

    def has_file(self, name: str) -> bool:
        """Whether a pool has its file on this machine, which may be one that cannot be used."""
        try:
            return self.file(name) is not None
        except SettingsInvalid:
            return True

    def is_own(self, file: PoolFile) -> bool:
        """Whether a file is of a pool of this user in this store."""
        return (file.store, file.owner) == (self.identity, self.owner)

    def is_orphan(self, file: PoolFile) -> bool:
        """Whether a file is of a pool of this user in a store at this address that has lost its data."""
        store = self.settings.store
        there = file.environment.get("REDIS_URL"), file.environment.get("NOX_PREFIX")
        return (file.owner, *there) == (self.owner, store.redis_url, store.prefix) and not self.is_own(file)

    def own_pools(self, names: Sequence[str], notes: list[str], *, is_trial: bool = False) -> list[OwnPool]:
        """Read the files of pools.

        A pool whose file cannot be used is paused, so that its jobs count for other pools.

        Args:
            names: the pools; none: all that have a file on this machine.
            notes: what keeps others from being used is added to these.
            is_trial: change nothing.

        Raises:
            UsageError: no pool can have such a name.
            NothingMatched: a pool has no file on this machine, or there is none at all.
            SettingsInvalid: the file of a pool that was named cannot be used.
        """
        found, is_any = [], False
        known = {one.name: one.paused for one in self.pools.pools(self.owner)}
        for name in names or pool_file.names(self.home):
            check_name(name)
            try:
                stored = self.file(name)
            except NoxError as error:
                if names:
                    raise
                is_any = True
                if known.get(name, Pause.CHANGED) is None:
                    notes.append(f"warning: {error.what}; pool {name} is paused")
                    if not is_trial:
                        self.pools.pause(self.owner, name, Pause.CHANGED, error.what)
                continue
            if stored is None and names:
                raise self.no_file(name)
            if stored is None:
                continue
            if name not in known:
                notes.append(
                    f"warning: the store has no pool {name}: nox alloc set {name} defines it again, "
                    f"nox alloc remove {name} removes its file"
                )
            found.append(_own(stored))
        if not found and not is_any:
            raise self._no_pools()
        return found

    def _no_pools(self) -> NothingMatched:
        """Return the error for a machine without a file of any pool of the store."""
        stored_files = map(partial(pool_file.read, self.home), pool_file.names(self.home))
        if lost := [one.file.pool for one in stored_files if one and self.is_orphan(one.file)]:
            return NothingMatched(
                f"the Redis at {self.store.where} has lost its data, and no longer has {' '.join(lost)}",
                did="nothing was done",
                hint=f"nox alloc set {lost[0]} defines it again; {self.path(lost[0])} has its options",
            )
        return NothingMatched(
            f"no pool of {self.owner} in {self.store.where} has its file on this machine",
            did="nothing was done",
            hint="define one: nox alloc set POOL --cores 8 --memory 16G --time 4h -- -p PARTITION",
        )

    def no_file(self, name: str) -> NothingMatched:
        """Return the error for a pool without a file on this machine."""
        if self.pool(name) is None:
            return self.no_pool(name)
        return NothingMatched(
            f"the file of pool {name} is not on this machine ({self.path(name)} on {host()})",
            did="nothing was done",
            hint=f"go to the machine where it was set, or nox alloc set {name} here",
        )

    def no_pool(self, name: str) -> NothingMatched:
        """Return the error for a pool that does not exist."""
        return NothingMatched(
            f"{self.owner} has no pool {name} in {self.store.where}",
            did="nothing was done",
            hint="nox alloc list shows all",
        )


def _own(stored: StoredFile) -> OwnPool:
    file = stored.file
    return OwnPool(
        name=file.pool,
        definition=file.definition,
        digest=stored.digest,
        words=file.words,
        script=lambda token: pool_script(file, token),
        log=file.log,
    )
