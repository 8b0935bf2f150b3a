"""Logs of engines: read from the store, from a file, or from one that still grows."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.results.artifacts import content_of
from nox_cli.results.attempts import attempts, named
from nox_cli.selectors.reader import look_up
from workers.errors import ArtifactNotFound, NothingMatched, StoreError, UsageError
from workers.job import JobState, Reason
from workers.machine import host
from workers.runtime.artifacts import ENGINE_LOG, live_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from workers.job import Job
    from workers.store.base import Store

# How often a growing log is looked at.
LOOK_EVERY_S = 0.25
_KEPT_BYTES = 64 * 1024**2


class LogPlace(NamedTuple):
    """The host that nox runs on, and its artifact store: where logs can be read."""

    host: str
    artifacts: Path

    @classmethod
    def here(cls, artifacts: Path) -> LogPlace:
        """Name the machine this runs on."""
        return cls(host(), artifacts)


class LogsOptions(NamedTuple):
    """The part of a log that is read, and its form."""

    follow: bool = False  # until the job has finished
    lines: int | None = None  # the last lines only
    attempt: int | None = None  # None: the newest
    raw: bool = False  # print the bytes unchanged


class Logs(NamedTuple):
    """The logs of some jobs, each read while it is written."""

    store: Store
    jobs: tuple[Job, ...]
    place: LogPlace
    options: LogsOptions

    def pieces(self, job: Job) -> Iterator[bytes]:
        """Read one job's log, piece by piece; to follow it means until the job has ended.

        Raises:
            NothingMatched: there is no log, or it is where it cannot be read.
            StoreError: the store cannot be read.
        """
        lines = self.options.lines
        if self.options.follow:
            return followed(self.store, job, self.place, lines=lines)
        log = log_of(self.store, job, self.place, attempt=self.options.attempt)
        return iter((log if lines is None else tail(log, lines),))


def read_logs(store: Store, job_ids: Sequence[str], place: LogPlace, options: LogsOptions) -> Logs:
    """Find the jobs whose logs are wanted; `Logs.pieces` reads the logs.

    Args:
        store: the store of the jobs.
        job_ids: the jobs.
        place: this machine.
        options: which part of the logs.

    Raises:
        UsageError: several logs are to be followed, or that of an earlier attempt.
        JobNotFound: one of the jobs does not exist.
        StoreError: the store cannot be read.
    """
    if options.follow and len(job_ids) > 1:
        raise UsageError(
            f"{len(job_ids)} logs cannot be followed at once", hint="name one job: nox logs 42 -f"
        )
    if options.follow and options.attempt is not None:
        raise UsageError("an earlier attempt prints nothing any more", hint="leave out -f or --attempt")
    return Logs(store, tuple(look_up(store, job_ids)), place, options)


def log_of(store: Store, job: Job, place: LogPlace, *, attempt: int | None = None) -> bytes:
    """Read the log of an attempt; None: of the newest.

    Raises:
        NothingMatched: the job has not started, or has no such attempt, or printed nothing.
        ArtifactNotFound: the log is where it cannot be read.
        StoreError: the store cannot be read.
    """
    if not job.attempt:
        raise NothingMatched(
            f"job {job.number} has not started", hint=f"nox logs {job.number} -f waits for it"
        )
    if attempt is not None:
        named(job, attempts(job, store.attempts(job.id)), attempt)
    if job.state is JobState.RUNNING and attempt in {None, job.attempt}:
        return _live(job, place)
    return _ended(store, job, place, attempt or job.attempt)


def followed(store: Store, job: Job, place: LogPlace, *, lines: int | None = None) -> Iterator[bytes]:
    """Read a job's log as it grows, until the job has ended.

    Args:
        store: where the job is.
        job: whose log.
        place: this machine.
        lines: begin with this many of the last lines; None: with all.

    Raises:
        ArtifactNotFound: the job runs where its log cannot be read.
        StoreError: the store cannot be read, or was unreachable for long.
    """
    from nox_cli.watch.follower import Follower, Patience

    follower, patience = Follower(store, [job.id]), Patience()
    for found in follower.begin():
        job = found
    read, attempt, is_known = 0, job.attempt, True
    while True:
        is_over = follower.is_over and is_known
        try:
            part = grown(store, job, place, read, is_over=is_over)
            patience.reset()
        except StoreError as error:  # at the end of the job: `follower` waits until it answers
            patience.check(error)
            part, is_over = b"", False
        yield tail(part, lines) if lines is not None and not read else part
        read += len(part)
        if is_over:
            return
        if follower.changes(LOOK_EVERY_S):
            is_known = False
        for found in () if is_known else follower.look_up([job.id]):
            job, is_known = found, True
        if job.attempt != attempt:
            read, attempt = 0, job.attempt


def grown(store: Store, job: Job, place: LogPlace, start: int, *, is_over: bool) -> bytes:
    """Read what the log of a job's newest attempt has beyond `start` bytes; nothing while the job waits.

    Args:
        store: where the job is.
        job: whose log.
        place: this machine.
        start: the number of bytes that were read before.
        is_over: the attempt has ended: its log is complete.

    Raises:
        ArtifactNotFound: the log is where it cannot be read.
        StoreError: the store cannot be read.
    """
    if is_over:
        with suppress(NothingMatched):
            return _ended(store, job, place, job.attempt)[start:]
    elif job.state is JobState.RUNNING:
        part = _grown(live_log(place.artifacts, job.id, job.attempt), start) or b""
        if not part and not start:
            _check_reachable(job, place)
        return part
    return b""


def tail(log: bytes, lines: int) -> bytes:
    """Cut a log down to its last lines."""
    if lines == 0:
        return b""
    end = len(log) - log.endswith(b"\n")
    for _ in range(lines):
        end = log.rfind(b"\n", 0, end)
        if end < 0:
            return log
    return log[end + 1 :]


def _ended(store: Store, job: Job, place: LogPlace, attempt: int) -> bytes:
    """Read the log of an attempt that has ended; if it was lost or released, what is left on this machine.

    Raises:
        NothingMatched: there is none.
        ArtifactNotFound: it is where it cannot be read.
    """
    try:
        made = store.artifact(job.id, ENGINE_LOG, attempt)
    except ArtifactNotFound:
        found = _grown(live_log(place.artifacts, job.id, attempt), 0)
        if found is not None:
            return found
    else:
        return b"".join(content_of(job, made))
    if not job.state.is_final or job.started_ms is None or attempt != job.attempt:
        raise ArtifactNotFound(f"the log of attempt {attempt} of job {job.number} was not kept here")
    if job.reason is not Reason.WORKER_LOST:
        raise NothingMatched(f"the engine of job {job.number} printed nothing")
    if job.host == place.host:
        raise NothingMatched(f"the engine of job {job.number} left no output when its worker was lost")
    raise ArtifactNotFound(
        f"the worker of job {job.number} was lost, and what its engine had printed is on {job.host}",
        hint=f"on {job.host}: nox logs {job.number}",
    )


def _live(job: Job, place: LogPlace) -> bytes:
    """Read the log of the attempt that runs.

    Raises:
        NothingMatched: nothing was printed.
        ArtifactNotFound: it is not on this machine.
    """
    found = _grown(live_log(place.artifacts, job.id, job.attempt), 0)
    if found is not None:
        return found
    _check_reachable(job, place)
    raise NothingMatched(f"the engine of job {job.number} has printed nothing so far")


def _check_reachable(job: Job, place: LogPlace) -> None:
    """Make sure that a running job's log would be on this machine.

    Raises:
        ArtifactNotFound: the job runs elsewhere.
    """
    if job.host and job.host != place.host:
        raise ArtifactNotFound(
            f"job {job.number} runs on {job.host}, and so does its log; it comes here when the job has ended",
            hint=f"on {job.host}: nox logs {job.number} -f",
        )


def _grown(path: Path, start: int) -> bytes | None:
    """Read what a file has beyond `start`; None: there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(_KEPT_BYTES)
    except OSError:
        return None
