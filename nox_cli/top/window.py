"""Windows on lists of jobs of any length: only pages near the visible rows are read and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from workers.job import Job
    from workers.store.values import Page, Query

PAGE = 50
# Pages on either side of the visible ones whose jobs stay in memory.
_KEPT = 2


class Wanted(NamedTuple):
    """A page that has to be read for the visible rows."""

    place: int
    query: Query


class WindowRow(NamedTuple):
    """One visible row."""

    job: Job | None  # None: being read
    is_current: bool


class _Page:
    """A page of the list: where it begins, and its jobs while they are in memory."""

    __slots__ = ("cursor", "is_stale", "jobs", "size")

    def __init__(self, cursor: str) -> None:
        self.cursor = cursor
        self.jobs: tuple[Job, ...] | None = None
        self.size = 0
        self.is_stale = True


class JobWindow:
    """Keeps the visible rows and the current one of a list of jobs.

    It reads nothing itself: `wanted` names the next page to read, and `take` takes it.  Pages follow each
    other from one edge of the list, by the cursors of the store; `edge` moves to the other one by a list in
    the opposite order, so that the end of a million jobs is one page away.
    """

    def __init__(self, query: Query, height: int = 1, *, from_end: bool = False) -> None:
        """Begin at an edge of a list.

        Args:
            query: the list, in the order in which it is shown.
            height: the number of visible rows.
            from_end: begin at the last row.
        """
        self.query = query
        self.from_end = from_end
        self.height = height
        self.is_whole = False  # the other edge was read
        self.looked = 0  # jobs that a filter without an index has looked at without a match
        self._pages = [_Page("")]
        self._first = 0  # rows are counted from the edge where the list begins
        self._at = 0

    @property
    def known(self) -> int:
        """The number of rows that were read so far."""
        return sum(page.size for page in self._pages)

    @property
    def current(self) -> Job | None:
        """The job of the current row; None: there is none, or it is being read."""
        return next((row.job for row in self.rows() if row.is_current), None)

    @property
    def position(self) -> int:
        """The number of the current row from the edge where the list begins, from 1; 0: no row is known."""
        return min(self._at + 1, self.known)

    def rows(self) -> list[WindowRow]:
        """Return the visible rows, from top to bottom."""
        last = self._first + self.height
        found, start = [], 0
        for page in self._pages:
            end = start + page.size
            for index in range(max(start, self._first), min(end, last)):
                job = page.jobs[index - start] if page.jobs is not None else None
                found.append(WindowRow(job, index == self._at))
            start = end
            if start >= last:
                break
        return found[::-1] if self.from_end else found

    def move(self, rows: int) -> None:
        """Make another row the current one: a number of rows further down, or up if it is negative."""
        self._at = max(0, self._at + (-rows if self.from_end else rows))
        self._settle()

    def edge(self, *, is_end: bool) -> JobWindow:
        """Move to the first or the last row; returns the window to use from now on."""
        if is_end == self.from_end:
            self._at = 0
        elif self.is_whole:
            self._at = max(0, self.known - 1)
        else:
            return JobWindow(self.query, self.height, from_end=is_end)
        self._settle()
        return self

    def resize(self, height: int) -> None:
        """Change the number of visible rows."""
        self.height = max(1, height)
        self._settle()

    def expire(self) -> None:
        """Have pages read again before they are shown; until then the jobs in memory are shown."""
        for page in self._pages:
            page.is_stale = True

    def wanted(self) -> Wanted | None:
        """Name the next page to read; None: all visible rows are known."""
        last, start = max(self._first + self.height, self._at + 1), 0
        for place, page in enumerate(self._pages):
            if start >= last:
                return None
            # Of a search, pages without a match are read once: each looks at many jobs.
            is_visible = start + page.size > self._first if page.size else page.jobs is None or not place
            if page.is_stale and is_visible:
                query = self.query._replace(limit=PAGE, cursor=page.cursor)
                if self.from_end:
                    query = query._replace(descending=not query.descending)
                return Wanted(place, query)
            start += page.size
        return None

    def take(self, wanted: Wanted, found: Page) -> None:
        """Take a page that was read; one of a place that is gone by now is ignored."""
        place = wanted.place
        if place >= len(self._pages) or self._pages[place].cursor != wanted.query.cursor:
            return
        job_id, page = self._followed(place), self._pages[place]
        page.jobs, page.size, page.is_stale = found.items, len(found.items), False
        self.looked = 0 if found.items else self.looked + found.looked
        self._link(place, found.cursor)
        self._follow(place, job_id)
        self._settle()
        self._forget()

    def _link(self, place: int, cursor: str) -> None:
        """Note where the page after one begins; empty: the list ends."""
        if not cursor:
            del self._pages[place + 1 :]
        elif place + 1 == len(self._pages):
            self._pages.append(_Page(cursor))
        elif self._pages[place + 1].cursor != cursor:
            self._pages[place + 1].cursor = cursor
            self._pages[place + 1].is_stale = True
        self.is_whole = not cursor or self.is_whole

    def _followed(self, place: int) -> str:
        """Return the id of the current job if a page has it; the first row stays the first."""
        index, page = self._at - self._start(place), self._pages[place]
        is_there = page.jobs is not None and 0 <= index < page.size
        return page.jobs[index].id if self._at and is_there and page.jobs is not None else ""

    def _follow(self, place: int, job_id: str) -> None:
        """Keep a job the current one where its page has it at another row now."""
        for index, job in enumerate(self._pages[place].jobs or ()):
            if job.id == job_id:
                shift = self._start(place) + index - self._at
                self._at += shift
                self._first = max(0, self._first + shift) if self._first else 0

    def _start(self, place: int) -> int:
        return sum(page.size for page in self._pages[:place])

    def _settle(self) -> None:
        """Keep the current row within the list, and visible."""
        if self.is_whole:
            self._at = max(0, min(self._at, self.known - 1))
            self._first = max(0, min(self._first, self.known - self.height))
        self._first = max(0, min(self._first, self._at))
        self._first = max(self._first, self._at - self.height + 1)

    def _forget(self) -> None:
        """Drop the jobs of pages that are far from the visible rows; their sizes stay."""
        start, seen = 0, []
        for place, page in enumerate(self._pages):
            if start + page.size >= self._first and start <= self._first + self.height:
                seen.append(place)
            start += page.size
        low, high = (seen[0] - _KEPT, seen[-1] + _KEPT) if seen else (0, 0)
        for place, page in enumerate(self._pages):
            if page.jobs is not None and not low <= place <= high:
                page.jobs, page.is_stale = None, True
