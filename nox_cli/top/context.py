"""The data that all views share: the store and its threads, the filters, and the progress of the jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from nox_cli import times
from nox_cli.top.calls import Calls
from nox_cli.watch.batch_progress import BatchProgress
from nox_cli.watch.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from nox_cli.config.settings import Settings
    from nox_cli.results.filters import Filters
    from workers.store.base import Store
    from workers.store.values import Query

T = TypeVar("T")


class Context:
    """The data that views share; its stores are called in threads."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        filters: Filters,
        *,
        look: Callable[[], None],
        draw: Callable[[], None],
    ) -> None:
        """Begin without any data.

        Args:
            store: the store of the jobs.
            settings: the owner of the jobs, and the places of files.
            filters: of the list of jobs.
            look: is called when the current row is another one: soon after, it is read.
            draw: is called when the current row was read, for the lines around the view.
        """
        self.store = store
        self.settings = settings
        self.filters = filters
        self.look = look
        self.draw = draw
        self.progress = BatchProgress({})
        self._calls = Calls()
        self._cursor = ""
        self._survey = self._surveyed()

    @property
    def owner(self) -> str | None:
        """The user whose jobs are shown; None: those of all users are."""
        return None if self.filters.options.all_users else self.settings.owner

    @property
    def used_s(self) -> float:
        """The processor time that calls of the store took so far."""
        return self._calls.used_s

    def query(self) -> Query:
        """Return the query of the list of jobs."""
        return self.filters.query(self.settings.owner)

    async def call(self, function: Callable[[], T]) -> T:
        """Call a function of the store in a thread; raises what it raises."""
        return await self._calls.run(function)

    async def refresh(self) -> bool:
        """Read the progress of the jobs if any has changed; returns whether one has.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self.call(self._refresh)

    def close(self) -> None:
        """End the threads."""
        self._calls.close()

    def expire(self) -> None:
        """Have the next refresh read everything again, of other jobs if the filters are others."""
        self._cursor, self._survey = "", self._surveyed()

    def _refresh(self) -> bool:
        cursor = self.store.events(None).cursor
        is_changed = cursor != self._cursor
        survey, before = self._survey, self.progress
        found = survey.read(times.now_ms())
        if survey is self._survey:  # else the filters are others since
            self._cursor, self.progress = cursor, found
        # No event reports a job that was removed.
        return is_changed or found.counts != before.counts

    def _surveyed(self) -> Survey:
        batch = self.filters.options.batch
        return Survey(self.store, owner=self.owner, batch=batch)
