"""The session: settings, streams, output form and stores of one call of nox."""

from __future__ import annotations

import os
import stat
from contextlib import closing, suppress
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TextIO, TypeVar, cast

from nox_cli.progress import SILENT, Progress
from workers.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nox_cli.config.settings import Settings
    from workers.errors import StoreUnreachable
    from workers.store.base import Store
    from workers.store.settings import StoreSettings

S = TypeVar("S", bound="Store | None")


class Form(StrEnum):
    """The form in which a command's result is written to stdout."""

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
    """Raised in a command by SIGTERM, as KeyboardInterrupt is by Ctrl-C.

    Its only argument is the name of another signal: batch systems send one before they kill.
    """


class Streams(NamedTuple):
    """The input and output of a call; tests pass their own."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO

    @property
    def can_ask(self) -> bool:
        """Whether a person can answer a question."""
        return self.stdin.isatty() and self.stderr.isatty()

    def agrees(self, question: str) -> bool:
        """Ask a question and return the answer: anything but yes means no."""
        from nox_cli.text import safe

        self.stderr.write(f"{safe(question)} [y/N] ")
        self.stderr.flush()
        return self.stdin.readline().strip().lower() in {"y", "yes"}


class Session:
    """One call of nox.

    A command sets `form` before it returns, and keeps `interrupted` up to date.
    """

    def __init__(self, settings: Settings, streams: Streams) -> None:
        self.settings = settings
        self.streams = streams
        self.form = Form.TABLE
        self.interrupted = "jobs go on"  # the state after Ctrl-C, for the message
        self.resume = ""  # the command that continues after Ctrl-C
        # Called once the result is shown: raises an interrupt, or the error that cut the work short.
        self.settle: Callable[[], None] | None = None
        self.fell_back: StoreUnreachable | None = None  # why `store` is not the one of the settings
        self._progress = SILENT
        self._opened: dict[object, Store | None] = {}

    @property
    def store(self) -> Store:
        """The store of the settings, for a command that ends soon.

        If it is a Redis that is unreachable, and the settings allow it, it is the local store: then
        `fell_back` is set, and `settings` are those for the local store.

        Raises:
            StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
        """
        from nox_cli.config.settings import reach
        from workers.store.opening import open_store

        if open_store not in self._opened:
            found = reach(self.settings)
            if found.fell_back is not None:
                self.close()
                self._opened.clear()
            self.settings, self.fell_back = found.settings, found.fell_back or self.fell_back
            self._opened[open_store] = found.store
        return cast("Store", self._opened[open_store])

    def open(self, opener: Callable[[StoreSettings], S], settings: Settings | None = None) -> S:
        """Open a store once; the session closes it.

        Args:
            opener: a function of `workers.store.opening`.
            settings: the settings for the first time; None: those of the session.

        Raises:
            StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
        """
        if opener not in self._opened:
            self._opened[opener] = opener((settings or self.settings).store)
        return cast("S", self._opened[opener])

    def go_local(self) -> None:
        """Use the local store from now on.

        Raises:
            StoreRefused: the state directory cannot hold one.
        """
        from nox_cli.config.settings import local

        self.close()
        self._opened.clear()
        self.settings = local(self.settings)

    def has_local(self) -> bool:
        """Whether there is a local store in addition to the Redis of the settings."""
        found = self._existing_local()
        if found is not None:
            found.close()
        return found is not None

    def count_local(self, *, only_held: bool) -> int:
        """Count the jobs of the local store, at most a thousand, if the settings name a Redis.

        A store that cannot be read counts as empty.

        Args:
            only_held: count the jobs that wait for `nox push` only.
        """
        from workers.job import JobState, Reason
        from workers.store.values import Query

        held = {"states": frozenset({JobState.HELD}), "reason": Reason.MOVED} if only_held else {}
        with suppress(StoreError):
            found = self._existing_local()
            if found is not None:
                with closing(found):
                    return len(found.page(Query(limit=1_000, **held)).items)  # type: ignore[arg-type]
        return 0

    def _existing_local(self) -> Store | None:
        """Open the local store, without making one, if the settings name a Redis."""
        from nox_cli.config.settings import local
        from workers.store.opening import open_existing

        return None if self.settings.store.redis_url is None else open_existing(local(self.settings).store)

    def progress(self, words: str = "", total: int = 0) -> Progress:
        """Make the line that counts on the terminal of stderr; a silent one where programs read the output.

        Args:
            words: what is counted, such as `cancelling`.
            total: the number at which it ends; 0: unknown.
        """
        is_read = self.form in {Form.JSON, Form.JSONL, Form.IDS}
        is_shown = self.settings.can_redraw and not is_read
        self._progress = Progress(self.streams.stderr if is_shown else None, words, total)
        return self._progress

    def clear_progress(self) -> None:
        """Remove the line that counts, if it is there: a message follows."""
        self._progress.clear()

    @property
    def is_terminal(self) -> bool:
        """Whether stdout is a terminal."""
        return self.streams.stdout.isatty()

    @property
    def is_file(self) -> bool:
        """Whether stdout is a file, and not one that stderr is written to as well."""
        with suppress(OSError, ValueError):
            found, notes = (os.fstat(stream.fileno()) for stream in self.streams[1:])
            return stat.S_ISREG(found.st_mode) and not os.path.samestat(found, notes)
        return False

    @property
    def caveat(self) -> str:
        """A warning that some data of a store could not be read; empty: there is none."""
        return next(
            (store.caveat for store in self._opened.values() if store is not None and store.caveat), ""
        )

    def close(self) -> None:
        """Close the stores that were opened."""
        for store in self._opened.values():
            if store is not None:
                store.close()
