"""Answers that stay valid for a moment: one question a second, however many requests need it.

`Readings` are those readings of the store that the tabs of a page repeat again and again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from nox_cli import times
from nox_cli.doctor.examination import finding_record
from nox_cli.doctor.jobs import check_running, check_waiting
from nox_cli.serve.guards.visibility import OwnedStore
from nox_cli.watch.courses import longest_running
from nox_cli.watch.outlook import workforce_record
from nox_cli.watch.survey import Survey
from nox_cli.watch.workforce import read_workforce

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nox_cli.doctor.json_objects import WorkforceFindings
    from nox_cli.watch.batch_progress import BatchProgress
    from nox_cli.watch.courses import Courses
    from workers.job import JobState
    from workers.store.base import Store

Question = TypeVar("Question")
Answer = TypeVar("Answer")
FRESH_S = 1.0
# Counts cost 0.3 ms, and a change is to be seen at once; a survey reads records once a second by itself.
_COUNTS_FRESH_S = 0.05
# The questions whose answers are kept.  What a survey of a large store keeps of it takes 2 MB.
_QUESTIONS = 32


class Recent(Generic[Answer]):
    """Asks at most once in a while; in between it returns the newest answer.  Safe for several threads."""

    def __init__(self, ask: Callable[[], Answer], fresh_s: float = FRESH_S) -> None:
        """Prepare to ask; an error of `ask` is passed on, and the next call asks again.

        Args:
            ask: returns an answer.
            fresh_s: how long it is valid, in seconds.
        """
        self._ask = ask
        self._fresh_s = fresh_s
        self._lock = Lock()
        self._until = 0.0
        self._answer: Answer
        self._error: Exception | None = None
        self._failed_at = 0.0

    def __call__(self) -> Answer:
        """Return the answer; other threads wait while one asks, and get its error if it fails."""
        came_at = time.monotonic()
        with self._lock:
            if self._error is not None and came_at < self._failed_at:
                raise self._error  # a store that is silent must not be waited for by one after the other
            if time.monotonic() >= self._until:
                self._answer = self._asked()
                self._until = time.monotonic() + self._fresh_s
            return self._answer

    def _asked(self) -> Answer:
        self._error = None
        try:
            return self._ask()
        except Exception as error:
            self._error, self._failed_at = error, time.monotonic()
            raise


class RecentOf(Generic[Question, Answer]):
    """Asks each of several questions as `Recent` does; the answers to those asked last are kept."""

    def __init__(self, prepare: Callable[[Question], Callable[[], Answer]], fresh_s: float = FRESH_S) -> None:
        """Prepare to ask; `prepare` returns what answers a question."""
        self._prepare = prepare
        self._fresh_s = fresh_s
        self._lock = Lock()
        self._recent: OrderedDict[Question, Recent[Answer]] = OrderedDict()

    def __call__(self, question: Question) -> Answer:
        """Return the answer; raises what asking raises."""
        with self._lock:
            if question not in self._recent:
                self._recent[question] = Recent(self._prepare(question), self._fresh_s)
            self._recent.move_to_end(question)
            if len(self._recent) > _QUESTIONS:
                self._recent.popitem(last=False)
            found = self._recent[question]
        return found()


class Readings:
    """Reads what many tabs show: one reading for all tabs of an owner; the owner None: for all owners."""

    def __init__(self, store: Callable[[], Store], home: Path) -> None:
        """Prepare to read; `home`: the directory of the local store."""
        self._store = store
        self._home = home
        self._progress = RecentOf(self._survey, _COUNTS_FRESH_S)
        self._workforce = RecentOf(self._examination)
        self._batches = RecentOf(self._list)
        self._running = RecentOf(self._look)

    def progress(self, owner: str | None, batch: str) -> BatchProgress:
        """Read the progress of all jobs, or of a batch.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._progress((owner, batch))

    def running(self, owner: str | None, batch: str, limit: int) -> Courses:
        """Read the jobs of all batches, or of one, that have run longest; raises as `progress`."""
        return self._running((owner, batch, limit))

    def workforce(self, owner: str | None, *, jobs: bool) -> WorkforceFindings:
        """Read the workers, and what `nox doctor` finds about the jobs that they run or should run.

        Args:
            owner: the owner of the jobs.
            jobs: name the jobs that run on each worker.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._workforce((owner, jobs))

    def batches(self, owner: str | None, limit: int) -> Mapping[str, Mapping[JobState, int]]:
        """Count the jobs of the newest batches by state; raises as `progress`."""
        return self._batches((owner, limit))

    def _survey(self, asked: tuple[str | None, str]) -> Callable[[], BatchProgress]:
        # It reads the ended jobs of all owners in one go, and leaves out those of others by itself.
        owner, batch = asked
        survey = Survey(self._store(), owner=owner, batch=batch)
        return lambda: survey.read(times.now_ms())

    def _examination(self, asked: tuple[str | None, bool]) -> Callable[[], WorkforceFindings]:
        owner, are_jobs_wanted = asked

        def read() -> WorkforceFindings:
            store = self._seen_by(owner)
            found = read_workforce(store, self._home, owner, is_room_wanted=are_jobs_wanted)
            checks = (*check_waiting(owner, store), *check_running(owner, store))
            return {**workforce_record(found), "findings": list(map(finding_record, checks))}

        return read

    def _list(self, asked: tuple[str | None, int]) -> Callable[[], Mapping[str, Mapping[JobState, int]]]:
        owner, limit = asked
        return lambda: self._store().batches(owner=owner, limit=limit)

    def _look(self, asked: tuple[str | None, str, int]) -> Callable[[], Courses]:
        owner, batch, limit = asked
        return lambda: longest_running(self._store(), owner=owner, batch=batch, limit=limit)

    def _seen_by(self, owner: str | None) -> Store:
        store = self._store()
        return store if owner is None else cast("Store", OwnedStore(store, owner))
