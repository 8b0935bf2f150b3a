"""The store and the settings of one client, and how jobs are named to it."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterable
from numbers import Integral  # numpy's integers, too
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from nox_cli.config.settings import Fallback, environment, load, reach
from workers.errors import NothingMatched, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nox_cli.config.settings import ReachedStore, Settings
    from workers.store.base import Store
    from workers.store.values import Outline


class NoxWarning(UserWarning):
    """Warns of something that the command line would write to stderr; Python's filters apply to it."""


@runtime_checkable
class HasJobs(Protocol):
    """A job, or several."""

    @property
    def job_ids(self) -> tuple[str, ...]:
        """Their ids."""


# A job or a batch, a number, an id or another selector of the command line, or several of them.
_One = HasJobs | int | str
Selected = _One | Iterable[_One | Iterable[_One]]


class Connection:
    """Holds settings, and opens their store at the first use.  Safe for several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reached: ReachedStore | None = None
        self._lock = threading.Lock()

    @property
    def store(self) -> Store:
        """The store; if Redis is unreachable and the settings allow it, the local one.

        Raises:
            StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
        """
        with self._lock:
            if self._reached is None:
                self._reached = reach(self._settings)
            return self._reached.store

    @property
    def settings(self) -> Settings:
        """The settings: those of the local store, if it replaced a Redis that is unreachable."""
        return self._settings if self._reached is None else self._reached.settings

    @property
    def home(self) -> Path:
        """The directory of the local store and the logs."""
        return self.settings.home

    @property
    def fell_back(self) -> bool:
        """Whether the local store replaced a Redis that is unreachable."""
        return self._reached is not None and self._reached.fell_back is not None

    def fallback_words(self) -> tuple[str, ...]:
        """Describe that the local store replaced Redis; empty: it did not."""
        error = None if self._reached is None else self._reached.fell_back
        return () if error is None else (f"{error.what}: the local store in {self.home} is used",)

    @property
    def awaits_move(self) -> bool:
        """Whether new jobs are held in the local store until `nox push`."""
        return self.fell_back and self.settings.fallback == Fallback.HOLD

    def outlines(self, selected: Selected | tuple[Selected, ...]) -> tuple[Outline, ...]:
        """Read the outlines of the jobs that are named.

        Raises:
            UsageError, NothingMatched, JobNotFound: they name no jobs.
            StoreError: the store cannot be read.
        """
        return self.found(named(selected))

    def found(self, words: Sequence[str]) -> tuple[Outline, ...]:
        """Read the outlines of the jobs that selectors name; raises as `outlines`."""
        from nox_cli.selectors.selection import outlined

        return tuple(outlined(self.store, words, owner=self.settings.owner, stdin=io.StringIO()))

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            if self._reached is not None:
                self._reached.store.close()


def connect(
    redis_url: str | None = None,
    home: str | Path | None = None,
    owner: str | None = None,
    *,
    local: bool = False,
) -> Connection:
    """Read the settings; the store is opened later.

    The arguments, and what it raises, are those of `nox_cli.api.Client`.
    """
    from nox_cli.argv import Call

    given = {"REDIS_URL": redis_url, "NOX_HOME": None if home is None else str(home), "NOX_USER": owner}
    environ = {**environment(), **{name: value for name, value in given.items() if value is not None}}
    return Connection(load(environ, Call("", (), local=local)))


def named(selected: Selected | tuple[Selected, ...]) -> list[str]:
    """Write the names of jobs as selectors of the command line.

    Raises:
        UsageError: something is no name of jobs; `-`, standard input, is none here.
        NothingMatched: there is none.
    """
    words = _words(selected)
    if not words:
        raise NothingMatched("no job is named", hint='nox.jobs("@last"), nox.jobs(42)')
    return words


def _words(selected: Selected | tuple[Selected, ...]) -> list[str]:
    if isinstance(selected, HasJobs):
        return list(selected.job_ids)
    if isinstance(selected, str | Integral) and not isinstance(selected, bool):
        if selected == "-":
            raise UsageError("there is no standard input here", hint="name jobs by their numbers or ids")
        return [str(selected)]
    if isinstance(selected, Iterable):
        return [word for one in selected for word in _words(one)]
    raise UsageError(f"a {type(selected).__name__} names no jobs", hint="a job, a batch, a number or an id")


def warn(lines: Iterable[str]) -> None:
    """Warn the caller of the API."""
    for line in lines:
        warnings.warn(line, NoxWarning, stacklevel=4)
