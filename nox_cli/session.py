"""What a command is handed: settings, streams, the form of its output, and the store, opened on first use."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from nox_cli.fallback import Fallback
from workers.errors import StoreError, StoreUnreachable

if TYPE_CHECKING:
    from nox_cli.config.settings import Settings
    from workers.store.base import Store
    from workers.store.redis.store import RedisStore
    from workers.store.sqlite.store import SqliteStore

# What a session may have opened.
_STORES = ("store", "named_store", "local_store", "redis_store", "existing")


class Form(StrEnum):
    """How a command's result is written to stdout."""

    TABLE = "table"  # for people
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    IDS = "ids"
    EXTXYZ = "extxyz"
    MD = "md"
    SI = "si"


class Terminated(KeyboardInterrupt):
    """Raised where SIGTERM reaches a command, as KeyboardInterrupt is for Ctrl-C.

    Of another signal, as batch systems send before they kill, the only argument is its name.
    """


@dataclass(frozen=True, slots=True)
class Streams:
    """Where text comes from and goes to; tests hand over others."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO


@dataclass
class Session:
    """One call of nox.

    A command sets `form` before it returns.  While it works it keeps `interrupted` true: what Ctrl-C leaves
    behind, in words; `resume` is the command to go on with.
    """

    settings: Settings
    streams: Streams
    form: Form = Form.TABLE
    options: dict[str, object] = field(default_factory=dict)
    interrupted: str = "jobs go on"
    resume: str = ""
    fell_back: StoreUnreachable | None = None

    @cached_property
    def store(self) -> Store:
        """The store the settings name, opened now, for a command that ends soon.

        Where that is a Redis that cannot be reached, and the settings allow it, it is the local store;
        `fell_back` says why, and `settings` are from then on those for the local store.

        Raises:
            StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
        """
        try:
            return self.named_store
        except StoreUnreachable as error:
            if self.settings.fallback == Fallback.NONE:
                raise
            self.fell_back = error
        self.go_local()
        return self.local_store

    def go_local(self) -> None:
        """Mean the local store from now on.

        Raises:
            StoreRefused: the state directory cannot hold one.
        """
        from nox_cli.config.settings import local

        self.close()
        for name in _STORES:
            self.__dict__.pop(name, None)
        self.settings = local(self.settings)

    def has_local(self) -> bool:
        """Whether there is a local store beside the Redis that was used."""
        from nox_cli.config.settings import local
        from workers.store.opening import open_existing

        if self.settings.store.redis_url is None:
            return False
        found = open_existing(local(self.settings).store)
        if found is not None:
            found.close()
        return found is not None

    def held_here(self) -> int:
        """Count the jobs that the local store holds for the Redis that the settings name, up to a thousand.

        A store that cannot be read now holds none.
        """
        from nox_cli.config.settings import local
        from workers.job import JobState, Reason
        from workers.store.opening import open_existing
        from workers.store.values import Query

        if self.settings.store.redis_url is None:
            return 0
        held = Query(states=frozenset({JobState.HELD}), reason=Reason.MOVED, limit=1_000)
        try:
            found = open_existing(local(self.settings).store)
        except StoreError:
            return 0
        if found is None:
            return 0
        with closing(found), suppress(StoreError):
            return len(found.page(held).items)
        return 0

    @cached_property
    def named_store(self) -> Store:
        """The store the settings name, in place of which no other will do: a worker's.

        Raises:
            StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
        """
        from workers.store.opening import open_store

        return open_store(self.settings.store)

    @cached_property
    def local_store(self) -> SqliteStore:
        """The local store, even where the settings name a Redis.

        Raises:
            StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
        """
        from nox_cli.config.settings import local
        from workers.store.opening import open_local

        return open_local(local(self.settings).store)

    @cached_property
    def redis_store(self) -> RedisStore:
        """The Redis the settings name, as the kind it is.

        Raises:
            StoreUnreachable, StoreRefused: it cannot be used.
        """
        from workers.store.opening import open_redis

        return open_redis(self.settings.store)

    @cached_property
    def existing(self) -> Store | None:
        """The same store, only to be looked at: nothing is made or migrated; None: there is none yet.

        Raises:
            StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
        """
        from workers.store.opening import open_existing

        return open_existing(self.settings.store)

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads stdout."""
        return self.streams.stdout.isatty()

    @property
    def caveat(self) -> str:
        """What is missing in what was read of any store; empty: nothing is."""
        stores = (self.__dict__.get(name) for name in _STORES)
        return next((store.caveat for store in stores if store is not None and store.caveat), "")

    def close(self) -> None:
        """Let go of the store, if it was opened."""
        for name in _STORES:
            if self.__dict__.get(name) is not None:
                self.__dict__[name].close()
