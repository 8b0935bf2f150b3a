"""`nox events`: the change stream as NDJSON, to be taken up again where it was left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline.context import session
from workers.errors import StoreBusy, StoreUnreachable
from workers.store.values import Events, Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.session import Session
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Event

OLDEST = "0"
# How long one call waits for the next event, and how long a store that is away is left alone.
WAIT_S, AWAY_S = 1.0, 0.5
_AT_ONCE = 1_000
_AWAY, _BACK = "the store does not answer; reconnecting...", "the store answers again"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about the stream itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a job is, where changes are no longer kept; the stream goes on after `cursor`."""

    job: Job
    cursor: str


@dataclass(slots=True)
class Stream:
    """What happens in a store, from a cursor on."""

    call: Session
    cursor: str | None  # the place that has been reached; None: wherever the stream ends now
    follow: bool
    is_away: bool = False

    def tell(self) -> Iterator[Event | Snapshot | Remark]:
        """Read to the end of the stream, or for ever.

        Raises:
            UsageError: the cursor is not one of this store's.
            StoreError: the store cannot be read; one that is away is waited for while it is followed.
        """
        store = self.call.store
        while True:
            found = self._next(store)
            if self.is_away != (found is None):
                self.is_away = found is None
                yield Remark(_AWAY if self.is_away else _BACK)
            if found is None:
                time.sleep(AWAY_S)
            elif found.truncated:
                yield Remark("older changes are no longer kept: how every job is now comes first")
                yield from self._snapshot(store)
            else:
                yield from self._pass_on(found)
                if not (found.items or self.follow):
                    return

    def _next(self, store: Store) -> Events | None:
        """Read on; None: the store is away."""
        try:
            return store.events(self.cursor, limit=_AT_ONCE, wait_s=WAIT_S if self.follow else 0.0)
        except (StoreUnreachable, StoreBusy):
            if not self.follow:
                raise
            return None

    def _pass_on(self, found: Events) -> Iterator[Event]:
        for event in found.items:
            self._reach(event.cursor)
            yield event
        self._reach(found.cursor)

    def _snapshot(self, store: Store) -> Iterator[Snapshot]:
        """Tell how every job is; whatever changes meanwhile comes afterwards too."""
        fresh = store.events(None).cursor
        query = Query(sort=SortKey.NUMBER, descending=False, limit=_AT_ONCE)
        while True:
            page = store.page(query)
            yield from (Snapshot(job, fresh) for job in page.items)
            if not page.cursor:
                break
            query = Query(sort=SortKey.NUMBER, descending=False, limit=_AT_ONCE, cursor=page.cursor)
        self._reach(fresh)

    def _reach(self, cursor: str) -> None:
        self.cursor = cursor
        self.call.resume = f"nox events --since {cursor}{' --follow' if self.follow else ''}"


def run(call: Session, since: str, *, follow: bool) -> Stream:
    """Prepare to read the stream; it is read while it is shown."""
    return Stream(call, since or (None if follow else OLDEST), follow)


def command(
    ctx: typer.Context,
    since: Annotated[
        str,
        typer.Option(metavar="CURSOR", help="Print what happened after this cursor; 0: all that is stored."),
    ] = "",
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Keep printing new events; without --since, from now on.")
    ] = False,
) -> Stream:
    """Print what happened to the jobs of all users, one JSON object per line."""
    return run(session(ctx), since, follow=follow)
