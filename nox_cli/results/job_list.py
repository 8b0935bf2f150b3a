"""Lists of jobs: filtered, sorted, and read a page at a time."""

from __future__ import annotations

from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from nox_cli import times
from nox_cli.names import tags
from nox_cli.progress import SILENT
from nox_cli.results.attempts import ShownEnergies, last_outcome
from nox_cli.results.columns import JOB_FIELDS, column_names
from nox_cli.results.documents import outcome
from nox_cli.results.job_record import message, record
from nox_cli.selectors.finder import Finder
from nox_cli.selectors.reader import outlines_in, pages
from nox_cli.selectors.selection import outlined
from nox_cli.text import nearest
from nox_cli.values import states
from workers.errors import JobNotFound, NothingMatched, UsageError
from workers.job import FINAL, JobState
from workers.store.values import Query, SortKey, outline_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TextIO

    from nox_cli.results.json_objects import JobRecord
    from nox_cli.selectors.reader import Paged
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Outline

MAX_LISTED = 100_000
_PAGE = 500
_OUTCOMES = 50


class JobFilters(NamedTuple):
    """Filters, order, number and columns of jobs in a list, as a user writes them."""

    state: list[str] | None = None  # states, public or raw, with commas between them
    since: str = ""  # a duration before now, or a date or time
    name: str = ""  # a shell pattern
    tag: list[str] | None = None  # KEY=VALUE
    batch: str = ""
    all_users: bool = False
    limit: int = 50
    cursor: str = ""  # where an earlier list ended
    sort: str = "-created"  # created, number, ended or priority; a minus in front: descending
    columns: str = ""  # names, with commas between them; empty: the usual ones

    def check(self) -> None:
        """Check the words of all filters; this needs no store.

        Raises:
            UsageError: a filter is not valid.
        """
        self.query("")
        self.shown()

    def query(self, owner: str) -> Query:
        """Return the query of jobs of a user, or of all users if these are wanted.

        Raises:
            UsageError: a filter is not valid.
        """
        key = self.sort.removeprefix("-")
        if key not in set(SortKey):
            near = nearest(key, SortKey)
            hint = f"did you mean {near}?" if near else f"one of {', '.join(SortKey)}"
            raise UsageError(f'jobs cannot be sorted by "{key[:40]}"', hint=hint)
        return Query(
            owner=None if self.all_users else owner,
            states=states(self.state or []),
            batch=self.batch,
            name_glob=self.name,
            tags=tags(self.tag or []),
            since_ms=times.since_ms(self.since, times.now_ms()) if self.since else None,
            sort=SortKey(key),
            descending=key != self.sort,
            cursor=self.cursor,
        )

    def shown(self) -> tuple[str, ...]:
        """Return the names of the columns; empty: the usual ones.

        Raises:
            UsageError: there is no such column.
        """
        return column_names(self.columns, JOB_FIELDS)


class Listing:
    """Jobs, read a page at a time; once they were read, the list continues at `cursor`."""

    def __init__(self, store: Store, query: Query, filters: JobFilters) -> None:
        self.store = store
        self.query = query
        self.limit = filters.limit
        self.columns = filters.shown()  # empty: the usual ones
        self.source: Paged = store
        self.raw = False  # CSV and TSV hold text unchanged
        self.progress = SILENT  # of a search
        self.cursor = ""
        self.energies = ShownEnergies(store)

    def counts(self) -> Mapping[JobState, int]:
        """Count all jobs of the batch that is listed; empty: no batch is.

        Raises:
            StoreError: the store cannot be read.
        """
        query = self.query
        return self.store.counts(owner=query.owner, batch=query.batch) if query.batch else {}

    def record(self, job: Job) -> JobRecord:
        """Return the record of a job that was read."""
        return record(job, self.energies.of(job))

    def outlines(self) -> Iterator[Outline]:
        """Read the outlines of all jobs of the list, the oldest first, whatever its order and limit.

        Raises:
            StoreError: the store cannot be read.
        """
        if self.source is self.store:
            return outlines_in(self.store, self.query)
        query = self.query._replace(sort=SortKey.NUMBER, descending=False, limit=_PAGE, cursor="")
        return (outline_of(job) for page in pages(self.source, query) for job in page)

    def total(self) -> int | None:
        """Count the jobs of the list by the counters of the store; None: these do not know.

        Raises:
            StoreError: the store cannot be read.
        """
        query = self.query
        is_searched = query.reason or query.name_glob or query.tags or query.since_ms is not None
        if is_searched or self.source is not self.store:
            return None
        states = query.states or frozenset(JobState)
        if query.sort is SortKey.ENDED:
            states &= FINAL
        counts = self.store.counts(owner=query.owner, batch=query.batch)
        return sum(count for state, count in counts.items() if state in states)

    def explained(self) -> Iterator[dict[str, Any]]:
        """Read the records of the jobs; those that failed have the message of their failure, and its hint.

        Raises:
            UsageError, StoreError: as `jobs`.
        """
        jobs = self.jobs()
        # Outcomes hold whole trajectories of energies.
        while chunk := list(islice(jobs, _OUTCOMES)):
            failed = [job.id for job in chunk if job.state is JobState.FAILED]
            shown = self.store.outcomes(failed) if failed else {}
            for job in chunk:
                written: dict[str, Any] = {**self.record(job)}
                if job.state is JobState.FAILED:
                    failure = last_outcome(self.store, job, outcome(shown.get(job.id))).failure
                    written["message"] = message(job, failure)
                    written["hint"] = failure.text("hint")
                yield written

    def jobs(self) -> Iterator[Job]:
        """Read the jobs.

        Raises:
            UsageError: the cursor is not one of this store's.
            StoreError: the store cannot be read.
        """
        left, query, looked = self.limit, self.query, 0
        while left > 0:
            page = self.source.page(query._replace(limit=min(left, _PAGE)))
            if page.items or not page.cursor:
                self.progress.clear()
            else:
                looked += page.looked
                self.progress(looked)
            yield from self.energies.read(page.items)
            self.cursor = page.cursor
            if not page.cursor:
                return
            left -= len(page.items)
            query = query._replace(cursor=page.cursor)


def list_jobs(
    store: Store, owner: str, filters: JobFilters, words: Sequence[str] = (), stdin: TextIO | None = None
) -> Listing:
    """Prepare a list; its jobs are read as `Listing.jobs` is iterated.

    Args:
        store: the store of the jobs.
        owner: the user whose jobs are listed, unless those of all are.
        filters: which jobs, in which order.
        words: selectors; only jobs that they name are listed.  None: all are.
        stdin: the source of ids for `-`.

    Raises:
        UsageError: a filter or a selector is not valid.
        JobNotFound: there is no job of a number, an id or a prefix.
        StoreError: the store cannot be read.
    """
    query = filters.query(owner)
    found = Listing(store, query, filters)
    if len(words) == 1 and words[0] != "-":
        group = Finder(store, owner, any_user=filters.all_users).find(words[0])
        if isinstance(group, Query) and (narrowed := _narrowed(query, group)):
            found.query = narrowed
            return found
    if words:
        from nox_cli.results.chosen_jobs import ChosenJobs

        source = stdin or StringIO()
        try:
            chosen = tuple(outlined(store, words, owner=owner, stdin=source, any_user=filters.all_users))
        except JobNotFound:
            raise
        except NothingMatched:
            chosen = ()
        found.source = ChosenJobs(store, chosen)
    return found


def _narrowed(query: Query, group: Query) -> Query | None:
    """Return the query of the jobs of a group that a query lists; None: one query cannot express it."""
    states = query.states & group.states if query.states and group.states else query.states | group.states
    tags = {**query.tags, **group.tags}
    is_contradictory = (
        (query.states and not states)
        or (query.batch and group.batch not in {"", query.batch})
        or (query.name_glob and group.name_glob)
        or any(tags[name] != value for name, value in query.tags.items())
    )
    if is_contradictory:
        return None
    return query._replace(
        states=states,
        reason=group.reason,
        batch=query.batch or group.batch,
        name_glob=query.name_glob or group.name_glob,
        tags=tags,
    )
