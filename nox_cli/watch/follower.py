"""Follows jobs until they are final: by the store's event stream, and by reading the jobs now and then.

`wait`, `watch`, `submit --wait`, `submit --watch` and `run` follow in the same way.  If the store is
unreachable for a while, the stream continues at its cursor: no change is missed or reported twice.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from nox_cli import times
from nox_cli.counts import by_public_state, counted
from nox_cli.exits import ExitCode
from nox_cli.selectors.reader import CHUNK, look_up, outlines_of
from nox_cli.watch.workforce import Absence
from workers.errors import Retry, StoreError
from workers.job import FINAL, JobState
from workers.store.values import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from nox_cli.watch.json_objects import ChangeRecord, WaitRecord
    from workers.job import Job, Reason
    from workers.store.base import Store
    from workers.store.values import Events, Outline, Point

# How long one read of the stream waits.
WAIT_S = 2.0
# Of many jobs changes are read at this interval: with each change, watchers would cost Redis more than
# workers do.  The last few are reported as soon as they change.
READ_EVERY_S = 0.25
_FEW = 20
# Events report every change; reading the jobs finds changes that a truncated stream no longer has.
LOOK_EVERY_S = 5.0
# Looks come so seldom that they take one part in this many of the time.
_LOOK_SHARE = 20
_PAGE = 1_000
# The time that a store may be unreachable before following ends with its error.
AWAY_LIMIT_S = 600.0
_AWAY_PAUSE_S = 0.25


class Change(NamedTuple):
    """A new state of a job; the stream continues at `cursor`."""

    cursor: str
    at_ms: int
    job_id: str
    number: int
    name: str
    state: JobState
    attempt: int
    reason: Reason | None

    def document(self) -> ChangeRecord:
        """Return it as `nox watch --json` writes it."""
        return {
            "cursor": self.cursor,
            "at": times.iso(self.at_ms),
            "job_id": self.job_id,
            "number": self.number,
            "name": self.name,
            "state": self.state.public,
            "raw_state": self.state,
            "reason": self.reason,
            "attempt": self.attempt,
        }


class Patience:
    """Limits the time for which a read of the store may fail: a read that is repeated has one of its own."""

    def __init__(self) -> None:
        self.since: float | None = None  # by the monotonic clock: the first failure; None: it succeeded

    def check(self, error: StoreError) -> None:
        """Note a failure.

        Raises:
            StoreError: the error, if it does not pass by itself or the read has failed for `AWAY_LIMIT_S`.
        """
        now = time.monotonic()
        self.since = now if self.since is None else self.since
        if error.retry is not Retry.LATER or now - self.since > AWAY_LIMIT_S:
            raise error

    def reset(self) -> None:
        """Note a success."""
        self.since = None


class Follower:
    """Keeps the states of some jobs up to date."""

    def __init__(self, store: Store, job_ids: Iterable[str]) -> None:
        self.store = store
        self.cursor = ""
        self.truncated = False  # events older than asked for were no longer kept
        self._patience = Patience()
        self.deadline: float | None = None  # by the monotonic clock: from then on no more is read
        self.is_whole = False  # every job was looked up
        self.at_rest: AbstractContextManager[object] = nullcontext()  # entered while the store is read
        self.tally: Counter[JobState] = Counter()
        self.states: dict[str, JobState] = {}
        self._job_ids = tuple(job_ids)
        self._names: dict[str, tuple[int, str]] = {}
        self._attempts: dict[str, int] = {}
        self._pending: dict[str, None] = {}
        self._unread: list[Event] = []
        self._look_at = 0.0
        self._read_at = -READ_EVERY_S

    @property
    def pending(self) -> tuple[str, ...]:
        """The jobs that are not final, in the order they were named."""
        return tuple(self._pending)

    @property
    def count(self) -> int:
        """The number of jobs that are followed."""
        return len(self._job_ids)

    @property
    def is_away(self) -> bool:
        """Whether the store did not answer when it was read last."""
        return self._patience.since is not None

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    @property
    def is_over(self) -> bool:
        """Whether every job is final and every change was returned."""
        return not self._pending and not self._unread

    def begin(self, since: str | None = None) -> Iterator[Job]:
        """Read every job as it is now; `changes` returns what happens from now on, or from `since` on.

        If the deadline passes meanwhile, the rest is not read.

        Raises:
            JobNotFound: one of them does not exist.
            UsageError: `since` is not a cursor of this store.
            StoreError: the store cannot be read.
        """
        first = self.store.events(since, limit=1)
        self.truncated = first.truncated
        goes_on = since is not None and not first.truncated
        self.cursor = since if since is not None and goes_on else self.store.events(None).cursor
        for place, job in enumerate(look_up(self.store, self._job_ids), 1):
            self._see(job)
            yield job
            if self.is_late and place < len(self._job_ids):
                return
        self._catch_up(is_repeated=goes_on)

    def join(self, jobs: Iterable[Outline]) -> None:
        """Begin with outlines that are read only now, in place of `begin`.

        If the deadline passes meanwhile, the rest is not read.  Raises the errors of reading them.
        """
        self.cursor = self.store.events(None).cursor
        for job in jobs:
            self._see(job)
            if self.is_late:
                break
        else:
            self._catch_up(is_repeated=False)
        self._job_ids = tuple(self.states)

    def _see(self, job: Job | Outline) -> None:
        self._names[job.id] = job.number, job.name
        self._note(job.id, job.state, job.attempt)

    def _catch_up(self, *, is_repeated: bool) -> None:
        """Read the events up to now: `is_repeated`: also those from before the jobs were read."""
        self.is_whole = True
        self._look_at = time.monotonic() + LOOK_EVERY_S
        events = self._until_now()
        self._unread = events if is_repeated else self._after_what_was_seen(events)

    def changes(self, wait_s: float = WAIT_S) -> list[Change]:
        """Wait up to `wait_s` for the next changes.

        While the store is unreachable there are none, and `is_away` is true.

        Raises:
            JobNotFound: a job that was followed is no longer there.
            StoreError: the store refuses, or was unreachable for `AWAY_LIMIT_S`.
        """
        unread, self._unread = self._unread, []
        try:
            found = [self._applied(event) for event in unread or self._read(wait_s)]
            if not found and time.monotonic() >= self._look_at:
                found = self._look()
        except StoreError as error:
            self._bear(error, wait_s)
            return []
        self._patience.reset()
        return found

    def look_up(self, job_ids: Iterable[str]) -> list[Job]:
        """Read some of the jobs, for their progress; none while the store is unreachable.

        Raises:
            StoreError: the store refuses.
        """
        try:
            with self.at_rest:
                return self.store.get_many(tuple(job_ids)[:CHUNK])
        except StoreError as error:
            self._bear(error, 0.0)
            return []

    def points(self, job_ids: Sequence[str]) -> Mapping[str, tuple[Point, ...]]:
        """Read the last steps of optimisations that run; none while the store is unreachable.

        Raises:
            StoreError: the store refuses.
        """
        try:
            with self.at_rest:
                return self.store.points(job_ids)
        except StoreError as error:
            self._bear(error, 0.0)
            return {}

    def _read(self, wait_s: float) -> list[Event]:
        """Read the next events of the jobs that are followed, and move the cursor."""
        return self._followed(self._page(wait_s))

    def _page(self, wait_s: float) -> Events:
        """Read the next events of all jobs, and move the cursor."""
        with self.at_rest:
            if len(self._pending) > _FEW:
                pause_s = max(0.0, min(wait_s, self._read_at + READ_EVERY_S - time.monotonic()))
                time.sleep(pause_s)
                wait_s -= pause_s
            found = self.store.events(self.cursor, limit=_PAGE, wait_s=wait_s)
        if len(found.items) < _PAGE:
            self._read_at = time.monotonic()
        self.cursor = found.cursor
        if found.truncated:
            self.truncated = True
            self._look_at = 0.0
        return found

    def _followed(self, found: Events) -> list[Event]:
        return [event for event in found.items if event.job_id in self._names]

    def _until_now(self) -> list[Event]:
        """Read all events up to now; if the store fails in between, none was read.

        A page that is not full is the last: where jobs start and end all the time, none would ever be empty.
        """
        start = self.cursor
        events: list[Event] = []
        try:
            while True:
                found = self._page(0.0)
                events += self._followed(found)
                if len(found.items) < _PAGE or self.is_late:
                    return events
        except StoreError:
            self.cursor = start
            raise

    def _after_what_was_seen(self, events: list[Event]) -> list[Event]:
        """Leave out events from before the jobs were read: up to the state they were read in."""
        seen: dict[str, int] = {}
        for index, event in enumerate(events):
            if event.job_id not in seen and self._knows(event.job_id, event.state, event.attempt):
                seen[event.job_id] = index
        return [event for index, event in enumerate(events) if index > seen.get(event.job_id, -1)]

    def _look(self) -> list[Change]:
        """Find changes without an event."""
        began = time.monotonic()
        with self.at_rest:
            other = {
                job.id: job
                for job in takewhile(lambda _: not self.is_late, look_up(self.store, self._pending))
                if not self._knows(job.id, job.state, job.attempt)
            }
        self._unread = self._until_now()
        for event in self._unread:
            other.pop(event.job_id, None)
        ended = time.monotonic()
        self._look_at = ended + max(LOOK_EVERY_S, _LOOK_SHARE * (ended - began))
        return [self.as_found(job) for job in other.values()]

    def _applied(self, event: Event) -> Change:
        return self._change(event, *self._names[event.job_id])

    def as_found(self, job: Job) -> Change:
        """Return the state of a job that was read as a change."""
        return self._change(Event.of(job, self.cursor), job.number, job.name)

    def _change(self, event: Event, number: int, name: str) -> Change:
        self._note(event.job_id, event.state, event.attempt)
        return Change(
            cursor=event.cursor,
            at_ms=event.at_ms,
            job_id=event.job_id,
            number=number,
            name=name,
            state=event.state,
            attempt=event.attempt,
            reason=event.reason,
        )

    def _knows(self, job_id: str, state: JobState, attempt: int) -> bool:
        return self.states.get(job_id) == state and self._attempts.get(job_id) == attempt

    def _note(self, job_id: str, state: JobState, attempt: int) -> None:
        before = self.states.get(job_id)
        if before is not None:
            self.tally[before] -= 1
        self.tally[state] += 1
        self.states[job_id] = state
        self._attempts[job_id] = attempt
        if state in FINAL:
            self._pending.pop(job_id, None)
        else:
            self._pending[job_id] = None

    def _bear(self, error: StoreError, wait_s: float) -> None:
        """Wait for a store that may become reachable again.

        Raises:
            StoreError: it will not, or it was unreachable for too long.
        """
        self._patience.check(error)
        with self.at_rest:
            time.sleep(min(_AWAY_PAUSE_S, wait_s))


class Notification(NamedTuple):
    """A person is notified once jobs have ended."""

    bell: bool = False  # ring the bell of the terminal
    command: Sequence[str] = ()  # run this, with values for its placeholders; empty: nothing


class Until(NamedTuple):
    """The end of a wait, if that is not when every job is final."""

    timeout_s: float | None = None  # after so long; 0: after one look
    first: bool = False  # once one is final; the verdict is over those that are
    fail_fast: bool = False  # once one failed or was cancelled
    hopeless: frozenset[str] = frozenset()  # once no other jobs are left: no worker will run these
    later: str = ""  # the command that waits for those


class WaitEnded(NamedTuple):
    """The result of a wait: job counts by state, exit code and duration."""

    tally: Mapping[JobState, int]
    exit: ExitCode
    waited_s: float
    is_whole: bool = True  # False: the time was up before every job was read


class Waiting:
    """Waits for jobs; `ended` is the result once `go` has finished."""

    def __init__(
        self, follower: Follower, until: Until, absence: Absence, *, began: float | None = None
    ) -> None:
        """Prepare to wait.

        Args:
            follower: the follower of the jobs; it begins with the wait.
            until: the end of the wait.
            absence: reports that no worker lives.
            began: the monotonic time from which the timeout counts; None: now.
        """
        self.follower = follower
        self._until = until
        self._has_begun = False
        self._absence = absence
        self._began = time.monotonic() if began is None else began
        if until.timeout_s:
            follower.deadline = self._began + until.timeout_s
        self.ended = self._ended(ExitCode.PENDING)
        self.summary = False  # write the counts at the end
        self.notification = Notification()

    def join(self, jobs: Iterable[Outline]) -> None:
        """Begin with outlines that are read only now; raises the errors of reading them."""
        self.follower.join(jobs)
        self._has_begun = True

    @property
    def exit(self) -> ExitCode:
        """The outcome of the jobs, or of the wait."""
        return self.ended.exit

    def document(self) -> WaitRecord:
        """Return the counts by state, once the wait is over."""
        return {
            "counts": by_public_state(self.ended.tally),
            "exit": int(self.exit),
            "waited_s": round(self.ended.waited_s, 3),
            "all_read": self.ended.is_whole,
        }

    def go(self) -> Iterator[str]:
        """Wait, and yield remarks for the user meanwhile; a wait that is over yields nothing.

        Raises:
            JobNotFound, StoreError: as `Follower`.
        """
        if self.ended.exit is not ExitCode.PENDING:
            return
        follower, until = self.follower, self._until
        if not self._has_begun:
            for _ in follower.begin():
                pass
        while not self._is_over():
            left = self._left_s()
            if left <= 0 or not follower.is_whole:
                self.ended = self._ended(ExitCode.WAIT_TIMED_OUT if follower.deadline else ExitCode.PENDING)
                return
            follower.changes(min(left, WAIT_S))
            yield from self._absence.remarks(follower.tally)
        pending = len(follower.pending) if until.hopeless else 0
        if pending:
            yield f"not waiting for {counted(pending, 'job')} that no worker will run; later: {until.later}"
        over = {state: count for state, count in follower.tally.items() if pending or state in FINAL}
        self.ended = self._ended(verdict(over))

    def _left_s(self) -> float:
        if self._until.timeout_s is None:
            return WAIT_S
        return self._began + self._until.timeout_s - time.monotonic()

    def _is_over(self) -> bool:
        follower, until = self.follower, self._until
        if follower.is_over or (until.hopeless and until.hopeless.issuperset(follower.pending)):
            return follower.is_whole
        tally = follower.tally
        if until.fail_fast and tally[JobState.FAILED] + tally[JobState.CANCELLED]:
            return True
        return until.first and any(tally[state] for state in FINAL)

    def _ended(self, code: ExitCode) -> WaitEnded:
        follower = self.follower
        return WaitEnded(dict(follower.tally), code, time.monotonic() - self._began, follower.is_whole)


def wait_for(
    store: Store,
    home: Path,
    jobs: Iterable[str | Outline],
    until: Until,
    began: float | None = None,
    owner: str | None = None,
) -> Waiting:
    """Read the jobs to wait for; `Waiting.go` waits.

    Args:
        store: the store of the jobs.
        home: the directory of the local store.
        jobs: outlines or ids of the jobs; once the time is up, no more of them are read.
        until: the end of the wait.
        began: the monotonic time from which the timeout counts; None: now.
        owner: the owner of the pools that are named where no worker lives; None: those of all.

    Raises:
        JobNotFound, StoreError: as `Follower`, and what reading `jobs` raises.
    """
    waiting = Waiting(Follower(store, ()), until, Absence(store, home, owner), began=began)
    waiting.join(outlines_of(store, jobs))
    return waiting


def verdict(tally: Mapping[JobState, int]) -> ExitCode:
    """Return the exit code that the states of all selected jobs mean together."""
    counts = {state: count for state, count in tally.items() if count}
    if JobState.FAILED in counts:
        return ExitCode.JOB_FAILED
    if counts.keys() - FINAL:
        return ExitCode.PENDING
    return ExitCode.JOB_CANCELLED if JobState.CANCELLED in counts else ExitCode.DONE
